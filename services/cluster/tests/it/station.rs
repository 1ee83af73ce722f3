//! The station's API.

use crate::load::Load;
use crate::served::{Cluster, eventually, signal};
use rustix::process::Signal;
use serde_json::{Value, json};

fn number(value: &Value) -> f64 {
    value
        .as_f64()
        .unwrap_or_else(|| panic!("no number: {value}"))
}

/// A sample under load.
fn sample(cluster: &Cluster, request: &Value) -> Value {
    let load = Load::start(cluster.http(), 4, "/", 20);
    let (status, answer) = cluster.api("POST", "/run", request);
    let tally = load.stop();
    assert_eq!(status, 200, "{answer}");
    assert!(tally.lost.is_empty(), "{:?}", tally.lost);
    answer
}

#[test]
fn a_sample_is_of_the_family_that_was_asked_for() {
    let cluster = Cluster::start("--workers 1 --work 1e5");
    for (workers, threads, strategy) in [
        (2, 1, "inherit"),
        (2, 1, "reuseport"),
        (1, 3, "inherit"),
        (2, 2, "reuseport"),
    ] {
        let request = json!({
            "workers": workers, "threads": threads, "strategy": strategy, "kernel": "loop",
            "seconds": 0.5, "repeats": 1,
        });
        let answer = sample(&cluster, &request);
        let family = cluster.family();
        assert_eq!(family["workers"].as_array().unwrap().len(), workers);
        assert_eq!(family["threads"], threads);
        assert_eq!(family["strategy"], strategy);

        let account = &answer["account"];
        let seconds = number(&account["ended_seconds"]) - number(&account["started_seconds"]);
        assert!((0.5..20.0).contains(&seconds), "{seconds}");
        let accounts = account["workers"].as_array().unwrap();
        assert_eq!(accounts.len(), workers * threads);
        let items: f64 = accounts.iter().map(|worker| number(&worker["items"])).sum();
        let figures = &answer["figures"];
        assert!(items > 0.0);
        assert!((items - number(&figures["requests"])).abs() < 1e-9);
        assert!(number(&figures["connections"]) > 0.0);
        assert_eq!(figures["restarts"], 0);
        assert_eq!(figures["refused"], 0);
        let fairness = number(&figures["fairness"]);
        assert!(
            (1.0 / workers as f64 - 1e-9..=1.0 + 1e-9).contains(&fairness),
            "{fairness}"
        );
        for worker in accounts {
            // All of a thread's time is one of these.
            let blocked = &worker["blocked_on"];
            let sum = number(&worker["on_cpu_seconds"])
                + number(&worker["waited_seconds"])
                + number(&blocked["idle"])
                + number(&blocked["start"]);
            assert!((sum - seconds).abs() < 1e-6, "{worker}");
        }
        let on_cpu = accounts
            .iter()
            .map(|worker| number(&worker["on_cpu_seconds"]));
        assert!(on_cpu.sum::<f64>() > 0.0);
    }
}

#[test]
fn a_sample_starts_when_it_is_told_and_says_how_far_it_is() {
    let cluster = Cluster::start("--workers 1");
    let now = cpu_budget::clock::monotonic_seconds();
    let request = json!({"workers": 1, "seconds": 2, "start_at_seconds": now + 1.0});
    std::thread::scope(|scope| {
        let run = scope.spawn(|| cluster.api("POST", "/run", &request));
        eventually("it is half done", || {
            let (_, answer) = cluster.api("GET", "/run", &Value::Null);
            (answer["progress"].as_f64()? > 0.3).then_some(())
        });
        // A second one is refused meanwhile.
        let (status, problem) = cluster.api("POST", "/run", &json!({}));
        assert_eq!(status, 409, "{problem}");
        assert!(problem["progress"].is_number());
        let (status, answer) = run.join().unwrap();
        assert_eq!(status, 200, "{answer}");
        let started = number(&answer["account"]["started_seconds"]);
        assert!(started >= now + 1.0, "{started}");
        assert_eq!(answer["account"]["run_sequence"], 1);
    });
    assert_eq!(
        cluster.api("GET", "/run", &Value::Null).1["progress"],
        Value::Null
    );
}

#[test]
fn who_hangs_up_cancels() {
    let cluster = Cluster::start("--workers 1");
    let mut wire = crate::wire::Wire::open(cluster.line.api).unwrap();
    let body = json!({"workers": 1, "seconds": 600}).to_string();
    let length = body.len();
    let head = "POST /run HTTP/1.1\r\nHost: h\r\nContent-Type: application/json\r\nContent-Length:";
    wire.send(format!("{head} {length}\r\n\r\n{body}")).unwrap();
    let progress = || cluster.api("GET", "/run", &Value::Null).1["progress"].clone();
    eventually("it goes on", || progress().is_number().then_some(()));
    drop(wire);
    eventually("it is cancelled", || progress().is_null().then_some(()));
    let (status, _) = cluster.api("POST", "/run", &json!({"workers": 1, "seconds": 0.1}));
    assert_eq!(status, 200);
}

#[test]
fn a_worker_that_dies_in_a_sample_is_counted_and_left_out() {
    let cluster = Cluster::start("--workers 2 --work 1e5");
    let load = Load::start(cluster.http(), 4, "/", 20);
    std::thread::scope(|scope| {
        let request = json!({"workers": 2, "seconds": 2});
        let answer = scope.spawn({
            let cluster = &cluster;
            move || cluster.api("POST", "/run", &request)
        });
        eventually("it goes on", || {
            let (_, answer) = cluster.api("GET", "/run", &Value::Null);
            (answer["progress"].as_f64()? > 0.1).then_some(())
        });
        signal(cluster.workers()[0], Signal::KILL);
        let (status, answer) = answer.join().unwrap();
        assert_eq!(status, 200, "{answer}");
        assert_eq!(answer["figures"]["restarts"], 1);
        let accounts = answer["account"]["workers"].as_array().unwrap();
        assert_eq!(accounts.len(), 2);
        // The one that took its place began late.
        let late = accounts
            .iter()
            .filter(|worker| number(&worker["blocked_on"]["start"]) > 0.0);
        assert_eq!(late.count(), 1, "{answer}");
    });
    load.stop();
}

#[test]
fn what_cannot_be_is_refused() {
    let cluster = Cluster::start("--workers 1");
    for (request, field) in [
        (json!({"workers": 0}), "workers"),
        (json!({"workers": "many"}), "workers"),
        (json!({"threads": 1000}), "threads"),
        (json!({"workers": 200, "threads": 200}), "threads"),
        (json!({"seconds": 0}), "seconds"),
        (json!({"strategy": "fork"}), "strategy"),
        (json!({"kernel": "sleep"}), "kernel"),
    ] {
        let (status, problem) = cluster.api("POST", "/run", &request);
        assert_eq!(status, 422, "{request}: {problem}");
        assert_eq!(problem["field"], field, "{request}: {problem}");
    }
    assert_eq!(cluster.workers().len(), 1);
}

#[test]
fn it_describes_itself() {
    let cluster = Cluster::start("--workers 1");
    let (_, description) = cluster.api("GET", "/", &Value::Null);
    assert_eq!(description["service"], "cluster");
    assert_eq!(description["kernels"], json!(["loop"]));
    assert_eq!(description["strategies"], json!(["inherit", "reuseport"]));
    let (status, document) = cluster.api("GET", "/openapi.json", &Value::Null);
    assert_eq!(status, 200);
    for path in ["/", "/run", "/workers", "/workers/{pid}"] {
        assert!(document["paths"][path].is_object(), "{path}");
    }
    // What it answers is what it says it answers.
    let mut schema = document["components"]["schemas"]["RunAnswer"].clone();
    schema["components"] = document["components"].clone();
    let validator = jsonschema::validator_for(&schema).unwrap();
    let (_, answer) = cluster.api("POST", "/run", &json!({"workers": 1, "seconds": 0.1}));
    let errors: Vec<String> = validator
        .iter_errors(&answer)
        .map(|error| error.to_string())
        .collect();
    assert!(errors.is_empty(), "{errors:?}");
}
