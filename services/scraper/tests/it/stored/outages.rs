//! PostgreSQL goes away in the middle of a run.

use super::*;
use crate::programs::{Running, eventually};
use rustix::process::Signal;
use serde_json::Value;
use std::time::{Duration, Instant};

/// More than the store's buffer holds.
const PAGES: u32 = 6000;

fn start(cluster: &Cluster, origin: &Origin) -> Running {
    let options = format!("--pages {PAGES} --concurrency 64 --mode async --parse none");
    Running::start(&mut run_into(cluster, origin, &options))
}

fn requests(origin: &Origin) -> u64 {
    origin.stats()["requests"].as_u64().unwrap()
}

async fn until_some_are_stored(cluster: &Cluster) {
    while stored(cluster).await.0.len() < 100 {
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
}

/// Waits until no more pages are asked for: back-pressure has reached the fetching.
async fn until_fetching_waits(origin: &Origin) {
    let mut last = (requests(origin), Instant::now());
    while last.1.elapsed() < Duration::from_millis(500) {
        tokio::time::sleep(Duration::from_millis(50)).await;
        let now = requests(origin);
        if now != last.0 {
            last = (now, Instant::now());
        }
    }
    assert!(last.0 < u64::from(PAGES), "the buffer has a bound");
}

async fn assert_all_stored_once(cluster: &Cluster, origin: &Origin, running: Running) {
    let (status, stdout, stderr) = running.ended();
    assert!(status.success(), "{stderr}");
    let summary: Value = serde_json::from_str(&stdout).unwrap();
    assert_eq!(
        (&summary["stored"], &summary["lost"]),
        (&PAGES.into(), &0.into())
    );
    assert_eq!(stored(cluster).await.0, pages(PAGES));
    let attempts = origin.attempts();
    assert_eq!(attempts.len(), PAGES as usize);
    assert!(
        attempts.values().all(|times| *times == 1),
        "none fetched again"
    );
}

#[tokio::test]
async fn a_restart_of_postgresql_costs_a_run_no_page() {
    let Some(mut cluster) = Cluster::start().await else {
        return;
    };
    let origin = Origin::start("--pages 10000 --latency 20ms");
    let running = start(&cluster, &origin);
    until_some_are_stored(&cluster).await;

    cluster.crash();
    until_fetching_waits(&origin).await;
    cluster.run().await;

    assert_all_stored_once(&cluster, &origin, running).await;
}

#[tokio::test]
async fn ten_seconds_without_postgresql_cost_a_run_no_page() {
    let Some(cluster) = Cluster::start().await else {
        return;
    };
    let origin = Origin::start("--pages 10000 --latency 20ms");
    let running = start(&cluster, &origin);
    until_some_are_stored(&cluster).await;

    cluster.pause();
    let paused = Instant::now();
    until_fetching_waits(&origin).await;
    tokio::time::sleep(Duration::from_secs(10).saturating_sub(paused.elapsed())).await;
    cluster.resume();

    assert_all_stored_once(&cluster, &origin, running).await;
}

/// A run whose pages have all been fetched, while PostgreSQL is stopped.
async fn waits_for_the_store_alone(cluster: &Cluster, origin: &Origin, drain: f64) -> Running {
    let options = format!("--pages 500 --concurrency 64 --parse none --drain-seconds {drain}");
    let running = Running::start(&mut run_into(cluster, origin, &options));
    until_some_are_stored(cluster).await;
    cluster.pause();
    eventually("all pages are fetched", || {
        (requests(origin) == 500 && origin.stats()["in_flight"] == 0).then_some(())
    });
    // And it has come to the end of the fetching.
    tokio::time::sleep(Duration::from_millis(500)).await;
    running
}

#[tokio::test]
async fn a_signal_while_the_rest_is_stored_shortens_the_wait_for_the_store() {
    let Some(cluster) = Cluster::start().await else {
        return;
    };
    let origin = Origin::start("--pages 500 --latency 100ms");
    let running = waits_for_the_store_alone(&cluster, &origin, 0.5).await;

    running.signal(Signal::TERM);

    // It would wait for a minute.
    let asked = Instant::now();
    let (status, stdout, stderr) = running.ended();
    assert!(asked.elapsed() < Duration::from_secs(30));
    assert_eq!(status.code(), Some(143), "{stderr}");
    assert!(stderr.contains("fetched and not stored"), "{stderr}");
    let summary: Value = serde_json::from_str(&stdout).unwrap();
    let (stored, lost) = (summary["stored"].as_u64(), summary["lost"].as_u64());
    assert_eq!(stored.unwrap() + lost.unwrap(), 500);
    assert!(lost > Some(0));
}

#[tokio::test]
async fn a_signal_after_which_all_is_stored_changes_nothing() {
    let Some(cluster) = Cluster::start().await else {
        return;
    };
    let origin = Origin::start("--pages 500 --latency 100ms");
    let running = waits_for_the_store_alone(&cluster, &origin, 50.0).await;

    running.signal(Signal::TERM);
    tokio::time::sleep(Duration::from_millis(300)).await;
    cluster.resume();

    let (status, _, stderr) = running.ended();
    assert_eq!(status.code(), Some(0), "{stderr}");
    assert_eq!(stored(&cluster).await.0, pages(500));
}
