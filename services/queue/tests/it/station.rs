//! A worker as a station of the lab.

use crate::programs::{Worker, all_ended, noop, store, submit};
use serde_json::json;
use serving::RedisServer;

#[test]
fn a_sample_accounts_for_what_the_worker_did() {
    let Some(redis) = RedisServer::start(&[]) else {
        return;
    };
    let mut store = store(&redis, "sample");
    let worker = Worker::start(&redis, "sample", "--threads 2");
    worker.ready();
    let jobs = vec![queue::job::NewJob::new("sum_squares", &json!({"n": 2_000_000})); 200];
    submit(&mut store, &jobs);
    submit(&mut store, &vec![noop(); 5]);

    let (status, answer) = worker.sample(&json!({"seconds": 2}));

    assert_eq!(status, 200, "{answer}");
    let account = &answer["account"];
    let workers = account["workers"].as_array().unwrap();
    assert_eq!(workers.len(), 2);
    let done = answer["figures"]["tries"]["sum_squares"]["succeeded"]
        .as_u64()
        .unwrap();
    assert!(done > 0, "{answer}");
    let items: u64 = workers
        .iter()
        .map(|worker| worker["items"].as_u64().unwrap())
        .sum();
    // What was begun before or ended after is in one and not in the other.
    assert!(
        items.abs_diff(account["answer"].as_u64().unwrap()) <= 10,
        "{answer}"
    );
    let latencies = &answer["figures"]["by_priority"]["5"];
    assert_eq!(latencies["wait"]["items"], latencies["total"]["items"]);
    let wait = latencies["wait"]["p50_seconds"].as_f64().unwrap();
    let total = latencies["total"]["p50_seconds"].as_f64().unwrap();
    assert!(wait <= total, "{answer}");
}

#[test]
fn what_prometheus_sees_is_what_is_documented() {
    let Some(redis) = RedisServer::start(&[]) else {
        return;
    };
    let mut store = store(&redis, "metrics");
    let worker = Worker::start(&redis, "metrics", "");
    submit(&mut store, &[noop()]);
    all_ended(&mut store);
    worker.sample(&json!({"seconds": 0.1}));
    let (_, scrape) = worker.admin("/metrics");

    let served = metrics_doc::served(&scrape);
    let mut documented = metrics_doc::section("Every service");
    documented.extend(metrics_doc::section("Every station"));
    documented.extend(metrics_doc::section("queue: workers"));
    // Each machine tells what it knows: what is absent must be one of these.
    documented.retain(|name, _| {
        let may_be_absent = name.starts_with("cpu_budget_") || name == "worker_time_seconds_total";
        served.contains_key(name) || !may_be_absent
    });
    let differences = metrics_doc::differences(&documented, &served);
    assert!(differences.is_empty(), "{differences:#?}");
    for line in [
        "queue_tries_total{outcome=\"succeeded\",type=\"noop\"} 1",
        "queue_job_latency_seconds_count{priority=\"5\"} 1",
        "queue_worker_runs_total{outcome=\"done\"} 1",
    ] {
        assert!(
            scrape.lines().any(|served| served == line),
            "{line}: {scrape}"
        );
    }
}

#[test]
fn what_cannot_be_sampled_is_refused() {
    let Some(redis) = RedisServer::start(&[]) else {
        return;
    };
    let worker = Worker::start(&redis, "refusals", "");
    for request in [
        json!({"seconds": 0}),
        json!({"seconds": 1e9}),
        json!({"seconds": 1, "start_at_seconds": -1}),
        json!({"seconds": 1, "more": 1}),
        json!({}),
    ] {
        let (status, answer) = worker.sample(&request);
        assert_eq!(status, 422, "{request}: {answer}");
    }
}
