//! The admin endpoints, idle and while a run takes every CPU.

use crate::station::{Station, endless};
use serde_json::{Value, json};
use std::time::Duration;

#[tokio::test]
async fn metrics_count_the_runs_that_were_done() {
    let station = Station::start();
    let duration = async |part: &str| {
        let name = format!("primes_run_duration_seconds_{part}");
        station.metric(&name).await
    };
    assert_eq!(duration("count").await, Some(0.0));

    station.run(json!({"limit": 1e4})).await;
    station
        .run(json!({"limit": 1e4, "strategy": "processes"}))
        .await;
    station.refused(&json!({"limit": 0})).await;

    let done = station.metric(r#"primes_runs_total{outcome="done"}"#);
    assert_eq!(done.await, Some(2.0));
    assert_eq!(duration("count").await, Some(2.0));
    assert!(duration("sum").await.unwrap() > 0.0);
    assert!(station.metric("cpu_budget_believed_cpus").await.unwrap() >= 1.0);
}

#[tokio::test]
async fn a_station_that_printed_its_addresses_is_ready_and_knows_its_budget() {
    let station = Station::start();

    assert_eq!(station.admin("/readyz").await, (200, "ready".into()));
    assert_eq!(station.admin("/healthz").await.0, 200);
    let (status, budget) = station.admin("/budget").await;
    let budget: Value = serde_json::from_str(&budget).unwrap();
    assert_eq!(status, 200);
    assert!(budget["workers"]["uses_whole_budget"].as_u64().unwrap() >= 1);
}

#[tokio::test]
async fn admin_answers_while_a_run_takes_every_cpu() {
    let station = Station::start();
    let cpus = std::thread::available_parallelism().unwrap().get();
    let mut body = endless("work-stealing");
    body["workers"] = json!((2 * cpus).min(1024));
    let run = station.send_run(&body);
    station.busy().await;

    for path in ["/metrics", "/readyz", "/healthz", "/budget"].repeat(3) {
        let answer = tokio::time::timeout(Duration::from_secs(1), station.admin(path)).await;

        let (status, text) = answer.unwrap_or_else(|_| panic!("{path} did not answer in time"));
        assert_eq!(status, 200, "{path}: {text}");
    }
    assert!(!run.is_finished());
    run.abort();
}
