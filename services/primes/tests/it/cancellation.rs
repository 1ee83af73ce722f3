//! A client that goes away cancels its run, and nothing of it is left.

#[cfg(target_os = "linux")]
use crate::processes::has_processes;
use crate::station::{Station, endless};
#[cfg(target_os = "linux")]
use rustix::process::{Signal, getpgid, kill_process};
use serde_json::{Value, json};

/// Starts `request`, waits until its run goes on, and hangs up.
async fn hang_up(station: &Station, request: reqwest::RequestBuilder) {
    let client = tokio::spawn(async move { request.send().await.unwrap().text().await });
    station.busy().await;
    client.abort();
    assert!(client.await.unwrap_err().is_cancelled());
}

async fn assert_cancelled(station: &Station, times: f64) {
    station.idle().await;
    let cancelled = station
        .metric(r#"primes_runs_total{outcome="cancelled"}"#)
        .await;
    assert_eq!(cancelled, Some(times));
    let next = station.run(json!({"limit": 100})).await;
    assert_eq!(next["count"], 25);
}

#[tokio::test]
async fn a_client_that_goes_away_cancels_its_run() {
    let station = Station::start();
    let described: Value = station.get("/").await.body;
    let mut times = 0.0;
    for strategy in described["strategies"].as_array().unwrap() {
        let request = station.post_run(&endless(strategy.as_str().unwrap()));

        hang_up(&station, request).await;

        times += 1.0;
        assert_cancelled(&station, times).await;
    }
    let done = station.metric(r#"primes_runs_total{outcome="done"}"#).await;
    assert_eq!(done, Some(times));
}

#[tokio::test]
async fn a_client_that_stops_listening_to_events_cancels_its_run() {
    let station = Station::start();
    let request = station.post_run(&endless("work-stealing"));

    hang_up(&station, request.header("accept", "text/event-stream")).await;

    assert_cancelled(&station, 1.0).await;
}

#[cfg(target_os = "linux")]
#[tokio::test]
async fn a_cancelled_run_leaves_no_child_process() {
    let station = Station::start();
    let client = station.send_run(&endless("processes"));
    has_processes(&station.name, 3).await;

    client.abort();

    has_processes(&station.name, 1).await;
    assert_cancelled(&station, 1.0).await;
}

#[cfg(target_os = "linux")]
#[tokio::test]
async fn a_child_process_that_is_killed_fails_the_run_and_not_the_service() {
    let station = Station::start();
    let client = station.send_run(&endless("processes"));
    let processes = has_processes(&station.name, 3).await;

    for child in station.children_of(&processes) {
        let _ = kill_process(child, Signal::KILL);
    }

    let answer = client.await.unwrap();
    answer.assert_problem();
    assert_eq!(answer.status, 503);
    assert!(answer.detail().contains("killed"), "{answer:?}");
    has_processes(&station.name, 1).await;
    let failed = station.metric(r#"primes_runs_total{outcome="failed"}"#);
    assert_eq!(failed.await, Some(1.0));
    station.run(json!({"limit": 100})).await;
}

/// A terminal signals the whole foreground group. A child that died of Ctrl-C
/// before its parent knew of it would look like a fault.
#[cfg(target_os = "linux")]
#[tokio::test]
async fn child_processes_are_out_of_the_terminals_reach() {
    let station = Station::start();
    let client = station.send_run(&endless("processes"));
    let processes = has_processes(&station.name, 3).await;

    for child in station.children_of(&processes) {
        assert_eq!(getpgid(Some(child)).unwrap(), child);
    }
    client.abort();
}
