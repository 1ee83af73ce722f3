//! Runs within the test's own process.

use load::answer::RunAnswer;
use load::engine::{Control, Live, Measured, Outside, run};
use load::request::RunRequest;
use load::target::{AllowList, Resolve, System};
use serde_json::{Value, json};
use std::sync::Arc;
use std::time::Duration;

/// What a run needs, with names looked up by `resolve`.
pub(crate) fn outside(allow: &[&str], resolve: Arc<dyn Resolve>, threads: usize) -> Outside {
    Outside {
        allow: AllowList::new(allow).unwrap(),
        resolve,
        cgroup: cpu_budget::Cgroup::of_this_process(),
        threads,
        live: Arc::new(Live::default()),
    }
}

/// The run that `request` asks for.
pub(crate) fn measured(request: Value, outside: &Outside) -> (RunAnswer, Measured) {
    let request: RunRequest = serde_json::from_value(request).unwrap();
    let now = cpu_budget::clock::monotonic_seconds();
    let plan = request.plan(&outside.allow, now).unwrap();
    let measured = run(&plan, outside, &Control::default()).unwrap();
    (RunAnswer::new(&plan, &measured), measured)
}

/// The same against this machine, on one thread.
pub(crate) fn answer(request: Value) -> RunAnswer {
    measured(request, &outside(&[], Arc::new(System), 1)).0
}

/// An open loop of constant arrivals.
pub(crate) fn open(url: &str, rate: f64, seconds: f64, connections: u64) -> Value {
    json!({
        "targets": [url], "rate": rate, "seconds": seconds, "connections": connections,
        "warm_up_seconds": 0.2,
    })
}

/// A closed loop.
pub(crate) fn closed(url: &str, seconds: f64, connections: u64) -> Value {
    json!({
        "targets": [url], "loop": "closed", "seconds": seconds, "connections": connections,
        "warm_up_seconds": 0.1,
    })
}

pub(crate) fn millis(millis: u64) -> Duration {
    Duration::from_millis(millis)
}

#[test]
fn each_request_of_the_schedule_is_sent_and_counted_once() {
    let server = crate::server::Server::start(|_, _| crate::server::hello());
    for threads in [1, 3] {
        let outside = outside(&[], Arc::new(System), threads);
        let before = server.requests();
        let (answer, _) = measured(open(&server.url(), 200.0, 1.0, 8), &outside);
        assert_eq!((answer.sent, answer.answered), (200, 200), "{threads}");
        assert_eq!(answer.by_status["200"], 200);
        // Those of the warm-up are sent and not counted, but for what a busy
        // machine was too late for.
        let sent = server.requests() - before;
        assert!((201..=240).contains(&sent), "{sent}");
        let steps: u64 = answer.timeline.iter().map(|step| step.1).sum();
        assert_eq!(steps, 200);
        let buckets: u64 = answer.histogram.iter().map(|bucket| bucket.1).sum();
        assert_eq!(buckets, 200);
        assert!(answer.histogram.len() <= 200);
    }
}

#[test]
fn a_closed_loop_has_one_request_at_a_time_on_each_connection() {
    let server = crate::server::Server::start(|_, _| {
        std::thread::sleep(millis(10));
        crate::server::hello()
    });
    let answer = answer(closed(&server.url(), 1.0, 4));
    assert_eq!(server.connections(), 4);
    assert_eq!(answer.failures(), 0);
    assert!(answer.answered <= 4 * 100, "{}", answer.answered);
    assert!(answer.answered >= 40, "{}", answer.answered);
    assert_eq!(answer.void, None);
    assert!(answer.latency.uncorrected.p50.unwrap() >= 0.0099);
}

#[test]
fn a_run_begins_to_measure_at_the_moment_it_is_told() {
    let server = crate::server::Server::start(|_, _| crate::server::hello());
    let mut request = open(&server.url(), 50.0, 0.5, 2);
    let start = cpu_budget::clock::monotonic_seconds() + 0.6;
    request["start_at_seconds"] = json!(start);
    assert_eq!(answer(request).answered, 25);
    assert!(cpu_budget::clock::monotonic_seconds() >= start + 0.48);
}

#[test]
fn bursts_leave_at_once() {
    let server = crate::server::Server::start(|_, _| {
        std::thread::sleep(millis(20));
        crate::server::hello()
    });
    let mut request = open(&server.url(), 40.0, 1.0, 30);
    request["arrivals"] = json!({"bursts": {"size": 20, "every_seconds": 0.5}});
    let answer = answer(request);
    assert_eq!(answer.sent, 40);
    let sent: Vec<u64> = answer.timeline.iter().map(|step| step.1).collect();
    assert_eq!((sent[0], sent[5]), (20, 20), "{sent:?}");
    // All of a burst were under way together.
    assert!(server.most_open() >= 20, "{}", server.most_open());
}
