//! Server-sent events: progress while the run goes on, then its result.

use crate::station::{Station, endless};
use cpu_budget::clock::monotonic_seconds;
use rustix::process::Signal;
use serde_json::{Value, json};

/// The events of a whole stream, in order: name and data.
fn events(stream: &str) -> Vec<(String, Value)> {
    let field = |event: &str, name: &str| {
        let value = event.lines().find_map(|line| line.strip_prefix(name));
        value.unwrap_or_default().trim().to_owned()
    };
    let blocks = stream.split("\n\n").filter(|block| block.contains("data:"));
    blocks
        .map(|event| {
            let data = serde_json::from_str(&field(event, "data:")).unwrap();
            (field(event, "event:"), data)
        })
        .collect()
}

async fn stream(request: reqwest::RequestBuilder) -> Vec<(String, Value)> {
    let request = request.header("accept", "text/event-stream");
    let response = request.send().await.unwrap();
    assert_eq!(response.status(), 200);
    assert_eq!(response.headers()["content-type"], "text/event-stream");
    events(&response.text().await.unwrap())
}

#[tokio::test]
async fn progress_events_come_before_exactly_one_result() {
    let station = Station::start();
    // A start that is a while off: time for some progress on any machine.
    let start_at = monotonic_seconds() + 1.2;
    let body = json!({"limit": 2e5, "start_at_seconds": start_at});

    let mut events = stream(station.post_run(&body)).await;

    let (last, result) = events.pop().unwrap();
    assert_eq!(last, "result");
    assert_eq!(result["count"], 17_984);
    assert!(result["account"]["started_seconds"].as_f64().unwrap() >= start_at);
    assert!(!events.is_empty());
    assert!(
        events.iter().all(|(name, _)| name == "progress"),
        "{events:?}"
    );
    let progress = events.iter().map(|(_, data)| data["progress"].as_f64());
    let progress: Vec<f64> = progress.map(Option::unwrap).collect();
    assert!(progress.is_sorted(), "{progress:?}");
    assert!(progress.iter().all(|done| (0.0..=1.0).contains(done)));
}

#[tokio::test]
async fn a_refused_request_is_answered_with_a_problem_and_no_stream() {
    let station = Station::start();
    let request = station.post_run(&json!({"limit": 0}));

    let refused = crate::station::answer(request.header("accept", "text/event-stream")).await;

    refused.assert_problem();
    assert_eq!(refused.status, 422);
}

#[tokio::test]
async fn the_end_of_the_service_ends_the_stream_with_a_problem() {
    let mut station = Station::start();
    let client = tokio::spawn(stream(station.post_run(&endless("work-stealing"))));
    station.busy().await;

    station.signal(Signal::TERM);

    let events = client.await.unwrap();
    let (name, problem) = events.last().unwrap();
    assert_eq!(
        (name.as_str(), &problem["status"]),
        ("problem", &json!(503))
    );
    assert!(events.iter().all(|(name, _)| name != "result"));
    assert_eq!(station.ended().await.code(), Some(0));
}
