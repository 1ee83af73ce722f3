//! The lab's sample: where each thread's time went, and what came of it.

use crate::programs::{Origin, Station};
use serde_json::{Value, json};

/// Shares of all workers' time.
#[derive(Debug)]
struct Shares {
    running: f64,
    waited: f64,
    io: f64,
    input: f64,
    output: f64,
    unaccounted: f64,
    workers: usize,
}

fn shares(answer: &Value) -> Shares {
    let account = &answer["account"];
    let number = |value: &Value| value.as_f64().unwrap_or_else(|| panic!("{answer}"));
    let wall = number(&account["ended_seconds"]) - number(&account["started_seconds"]);
    let workers = account["workers"].as_array().unwrap();
    let all = wall * workers.len() as f64;
    let sum = |pick: &dyn Fn(&Value) -> f64| workers.iter().map(pick).sum::<f64>() / all;
    let running = sum(&|worker| number(&worker["on_cpu_seconds"]));
    let waited = sum(&|worker| number(&worker["waited_seconds"]));
    let blocked = |cause: &str| sum(&|worker| number(&worker["blocked_on"][cause]));
    let causes = ["start", "tail", "io", "input", "output", "lock", "idle"];
    let accounted = running + waited + causes.iter().map(|cause| blocked(cause)).sum::<f64>();
    Shares {
        running,
        waited,
        io: blocked("io"),
        input: blocked("input"),
        output: blocked("output"),
        unaccounted: 1.0 - accounted,
        workers: workers.len(),
    }
}

#[tokio::test]
async fn who_waits_for_pages_is_blocked_on_io_and_nothing_is_left_unaccounted() {
    let origin = Origin::start("--latency 100ms");
    let station = Station::start(&origin);
    for (sample, workers) in [
        (
            json!({"strategy": "sequential", "workers": 1, "pages": 10, "kernel": "none"}),
            1,
        ),
        (
            json!({"strategy": "async", "workers": 4, "pages": 40, "kernel": "none"}),
            1,
        ),
        (
            json!({"strategy": "threads", "workers": 4, "pages": 40, "kernel": "none"}),
            4,
        ),
    ] {
        let (status, answer) = station.run(&origin, &sample).await;

        assert_eq!(status, 200, "{answer}");
        assert_eq!(answer["account"]["answer"], sample["pages"]);
        let shares = shares(&answer);
        assert_eq!(shares.workers, workers, "{sample}");
        // Others on this machine's CPUs may make it wait for one, too.
        let off_cpus = 1.0 - shares.waited;
        assert!(shares.io > 0.9 * off_cpus, "{sample}: {shares:?}");
        assert!(shares.io > 0.2, "{sample}: {shares:?}");
        assert!(shares.unaccounted.abs() < 0.02, "{sample}: {shares:?}");
    }
}

#[tokio::test]
async fn heavy_parsing_runs_on_threads_of_its_own_which_are_accounted_for() {
    let origin = Origin::start("--page-bytes 16384");
    let station = Station::start(&origin);
    let sample = json!({"workers": 16, "pages": 60, "kernel": "heavy"});

    let (_, answer) = station.run(&origin, &sample).await;

    let workers = answer["account"]["workers"].as_array().unwrap();
    assert!(workers.len() > 1, "{answer}");
    let ran = |worker: &Value| worker["on_cpu_seconds"].as_f64().unwrap();
    let parsing: f64 = workers[1..].iter().map(ran).sum();
    assert!(parsing > 5.0 * ran(&workers[0]), "{answer}");
    let shares = shares(&answer);
    assert!(shares.running + shares.waited > 0.2, "{shares:?}");
    assert!(shares.unaccounted.abs() < 0.02, "{shares:?}");

    // More pages come than can be parsed: that is no waiting for the network.
    assert!(shares.io < shares.running + shares.waited, "{shares:?}");
}

/// Who parses has no pages since the network brings none: not the thread that
/// fetches is the limit.
#[tokio::test]
async fn who_parses_waits_for_the_network_where_that_is_what_keeps_the_pages() {
    let slow = Origin::start("--latency 100ms --page-bytes 1024");
    let station = Station::start(&slow);
    let sample = json!({"workers": 2, "pages": 10, "kernel": "heavy"});

    let shares = self::shares(&station.run(&slow, &sample).await.1);

    assert!(shares.workers > 1, "{shares:?}");
    assert!(shares.io > 0.5, "{shares:?}");
    assert!(shares.input + shares.output < 0.2, "{shares:?}");
    assert!(shares.unaccounted.abs() < 0.02, "{shares:?}");
}

/// With one page at once and hardly any latency, whoever fetches waits for
/// whoever parses.
#[tokio::test]
async fn who_fetches_waits_for_parsing_where_no_page_is_under_way() {
    let origin = Origin::start("--page-bytes 65536");
    let station = Station::start(&origin);
    let sample = json!({"strategy": "async", "workers": 1, "pages": 20, "kernel": "heavy"});

    let shares = self::shares(&station.run(&origin, &sample).await.1);

    assert!(shares.output > shares.io, "{shares:?}");
    assert!(shares.output > 0.1, "{shares:?}");
}

#[tokio::test]
async fn the_figures_are_those_of_all_repeats_and_the_answer_that_of_one() {
    let origin = Origin::start("--pages 50 --status-500 0.1 --redirect-loop 0.1");
    let station = Station::start(&origin);
    let faults = origin.faults();
    let count = |kind: &str| faults.values().filter(|fault| *fault == kind).count() as u64;

    let sample = json!({"pages": 50, "workers": 8, "repeats": 3, "store": "ndjson"});
    let (status, answer) = station.run(&origin, &sample).await;

    assert_eq!(status, 200, "{answer}");
    assert_eq!(answer["account"]["answer"], 50 - count("redirect-loop"));
    let figures = &answer["figures"];
    assert_eq!(figures["pages"], 150 - 3 * count("redirect-loop"));
    assert_eq!(figures["stored"], 150);
    assert_eq!(figures["failed_pages"], 3 * count("redirect-loop"));
    assert!(figures["requests"].as_u64() >= Some(150 + count("status-500")));
    assert!(figures["highest_in_flight"].as_u64() <= Some(8));
    assert!(figures["memory_peak_bytes"].as_u64() > Some(1_000_000));
    assert!(origin.stats()["highest_in_flight"].as_u64() <= Some(8));
    assert_eq!(answer["account"]["run_sequence"], 1);
    let next = station.run(&origin, &json!({"pages": 5})).await.1;
    assert_eq!(next["account"]["run_sequence"], 2);
    assert_eq!(
        next["account"]["instance"],
        station.get("/").await["instance"]
    );
}
