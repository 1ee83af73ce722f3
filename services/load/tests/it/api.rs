//! The service as its clients meet it, and the command line.

use crate::programs::{DEADLINE, Service, ended, eventually, load, signal};
use crate::runs::{millis, open};
use crate::server::{Server, hello};
use reqwest::{Client, Response};
use rustix::process::Signal;
use serde_json::{Value, json};
use std::process::Stdio;

fn client() -> Client {
    Client::builder()
        .no_proxy()
        .timeout(DEADLINE)
        .build()
        .unwrap()
}

impl Service {
    async fn post(&self, path: &str, body: &Value) -> Response {
        let url = format!("http://{}{path}", self.line.api);
        client().post(url).json(body).send().await.unwrap()
    }

    async fn get(&self, path: &str) -> Value {
        let url = format!("http://{}{path}", self.line.api);
        client()
            .get(url)
            .send()
            .await
            .unwrap()
            .json()
            .await
            .unwrap()
    }

    async fn metrics(&self) -> String {
        let url = format!("http://{}/metrics", self.line.admin);
        client()
            .get(url)
            .send()
            .await
            .unwrap()
            .text()
            .await
            .unwrap()
    }

    async fn until_busy(&self, busy: bool) {
        eventually("a run begins or ends", async || {
            let progress = &self.get("/run").await["progress"];
            (progress.is_null() != busy).then_some(())
        })
        .await;
    }
}

#[tokio::test]
async fn a_run_is_answered_as_the_contract_has_it() {
    let (server, service) = (Server::start(|_, _| hello()), Service::start("contract"));
    let response = service
        .post("/run", &open(&server.url(), 100.0, 1.0, 4))
        .await;
    assert_eq!(response.status(), 200);
    let answer: Value = response.json().await.unwrap();
    assert_eq!(
        (&answer["sent"], &answer["answered"]),
        (&json!(100), &json!(100))
    );
    assert_eq!(answer["failed"], json!({}));
    for pointer in [
        "/latency/corrected/p99_9",
        "/latency/uncorrected/mean",
        "/own/cpu_seconds",
        "/own/schedule_slip/p99",
        "/requests_per_second",
        "/timeline/0/0",
        "/histogram/0/1",
    ] {
        assert!(
            answer.pointer(pointer).unwrap().is_number(),
            "{pointer}: {answer}"
        );
    }
    let scrape = service.metrics().await;
    assert!(
        scrape.contains("load_latency_seconds_count 100"),
        "{scrape}"
    );
}

#[tokio::test]
async fn wrong_fields_are_named() {
    let service = Service::start("wrong");
    let url = "http://127.0.0.1:1/";
    for (body, field) in [
        (json!({"targets": [], "rate": 1}), "targets"),
        (
            json!({"targets": ["http://example.com/"], "rate": 1}),
            "targets",
        ),
        (
            json!({"targets": ["https://localhost/"], "rate": 1}),
            "targets",
        ),
        (json!({"targets": [url]}), "rate"),
        (json!({"targets": [url], "rate": 0}), "rate"),
        (json!({"targets": [url], "rate": 1e9}), "rate"),
        (
            json!({"targets": [url], "rate": 1, "loop": "closed"}),
            "rate",
        ),
        (json!({"targets": [url], "rate": 1, "loop": "half"}), "loop"),
        (
            json!({"targets": [url], "rate": 1, "seconds": 601}),
            "seconds",
        ),
        (
            json!({"targets": [url], "rate": 1, "warm_up_seconds": -1}),
            "warm_up_seconds",
        ),
        (
            json!({"targets": [url], "rate": 1, "connections": 0}),
            "connections",
        ),
        (
            json!({"targets": [url], "rate": 1, "connections": 10_001}),
            "connections",
        ),
        (
            json!({"targets": [url], "rate": 1, "timeout_seconds": 0}),
            "timeout_seconds",
        ),
        (
            json!({"targets": [url], "rate": 1, "start_at_seconds": 1e12}),
            "start_at_seconds",
        ),
        (
            json!({"targets": [url], "rate": 1, "work": u64::MAX}),
            "work",
        ),
        (
            json!({"targets": [url], "rate": 1, "arrivals": "often"}),
            "arrivals",
        ),
        (
            json!({"targets": [url], "rate": 1, "arrivals": {"bursts": {"size": 0, "every_seconds": 1}}}),
            "arrivals.bursts.size",
        ),
        (
            json!({"targets": [url], "rate": 1, "arrivals": {"bursts": {"size": 5, "every_seconds": 1}}}),
            "rate",
        ),
        (json!({"targets": [url], "rate": 1, "ratio": 1}), "ratio"),
    ] {
        let response = service.post("/run", &body).await;
        assert_eq!(response.status(), 422, "{body}");
        let problem: Value = response.json().await.unwrap();
        assert_eq!(problem["field"], field, "{body}: {problem}");
    }
    let search = service
        .post("/search", &json!({"targets": [url], "p99_seconds": 0}))
        .await;
    assert_eq!(search.status(), 422);
}

#[tokio::test]
async fn there_is_one_run_at_a_time_and_a_client_that_goes_ends_it() {
    let (server, service) = (Server::start(|_, _| hello()), Service::start("one"));
    let long = open(&server.url(), 10.0, 300.0, 1);
    let first = tokio::spawn({
        let (url, long) = (format!("http://{}/run", service.line.api), long.clone());
        async move { client().post(url).json(&long).send().await }
    });
    service.until_busy(true).await;

    for (path, body) in [
        ("/run", long),
        (
            "/search",
            json!({"targets": [server.url()], "p99_seconds": 1}),
        ),
    ] {
        let refused = service.post(path, &body).await;
        assert_eq!(refused.status(), 409, "{path}");
        let problem: Value = refused.json().await.unwrap();
        assert!(problem["progress"].is_number(), "{problem}");
    }
    first.abort();

    service.until_busy(false).await;
    eventually("it is counted", async || {
        let scrape = service.metrics().await;
        scrape
            .contains("load_runs_total{outcome=\"cancelled\"} 1")
            .then_some(())
    })
    .await;
}

#[tokio::test]
async fn progress_can_be_followed_as_events() {
    let (server, service) = (Server::start(|_, _| hello()), Service::start("events"));
    let request = client()
        .post(format!("http://{}/run", service.line.api))
        .header("accept", "text/event-stream")
        .json(&open(&server.url(), 20.0, 2.0, 1));
    let text = request.send().await.unwrap().text().await.unwrap();
    assert!(text.contains("event: progress\n"), "{text}");
    let (_, result) = text.split_once("event: result\ndata: ").unwrap();
    let answer: Value = serde_json::from_str(result.lines().next().unwrap()).unwrap();
    assert_eq!(answer["sent"], 40);
}

#[tokio::test]
async fn a_target_without_an_address_is_said_to_have_none() {
    let mut service = load();
    service
        .args([
            "run",
            "--rate",
            "1",
            "--seconds",
            "1",
            "--allow",
            "nowhere.invalid",
        ])
        .arg("http://nowhere.invalid/");
    let output = service.output().unwrap();
    assert_eq!(output.status.code(), Some(1));
    let said = String::from_utf8(output.stderr).unwrap();
    assert!(said.contains("nowhere.invalid"), "{said}");
}

#[tokio::test]
async fn a_search_finds_a_rate_and_says_its_steps() {
    let (server, service) = (
        Server::start(|_, _| {
            std::thread::sleep(millis(5));
            hello()
        }),
        Service::start("search"),
    );
    let body = json!({
        "targets": [server.url()], "p99_seconds": 2, "seconds": 0.5, "connections": 4,
        "from": 20, "to": 40, "confirmations": 1,
    });
    let answer: Value = service.post("/search", &body).await.json().await.unwrap();
    let steps = answer["steps"].as_array().unwrap();
    assert!(!steps.is_empty() && steps[0]["rate"] == 20.0, "{answer}");
    if !answer["rate"].is_null() {
        let last = steps.last().unwrap();
        assert_eq!(answer["confirmed"], 1, "{answer}");
        assert_eq!(
            (&last["confirms"], &last["rate"]),
            (&json!(true), &answer["rate"])
        );
    }
    assert!(
        answer["sentence"].is_string() && answer["bracket"].is_array(),
        "{answer}"
    );
}

#[test]
fn a_run_prints_both_percentiles_and_a_verdict() {
    let server = Server::start(|_, _| hello());
    let output = ended(&format!(
        "run {} --rate 50 --seconds 1 --warm-up 0",
        server.url()
    ));
    assert_eq!(output.status.code(), Some(0));
    let said = String::from_utf8(output.stdout).unwrap();
    for part in [
        "from the schedule",
        "from sending",
        "p99.9",
        "Statuses: 200 50",
    ] {
        assert!(said.contains(part), "{part}: {said}");
    }
    assert!(
        said.lines().last().unwrap().starts_with(['✓', '✗']),
        "{said}"
    );
}

#[test]
fn bad_input_is_named_in_one_line() {
    for (arguments, says) in [
        ("run http://localhost/", "--rate"),
        ("run http://example.com/ --rate 1", "LOAD_ALLOW"),
        ("run localhost --rate 1", "http://"),
        ("run http://localhost/ --rate 0", "rate must be from"),
        ("run http://localhost/ --rate 1 --closed", "--closed"),
        (
            "run http://localhost/ --rate 1 --seconds 1e9",
            "seconds must be from",
        ),
        (
            "run http://localhost/ --rate 1 --connections 0",
            "1 to 10000",
        ),
        ("run http://localhost/ --rate 1 --arrivals often", "poisson"),
        ("run http://localhost/ --burst 5", "50/100ms"),
        ("run http://localhost/ --rate 1 --allow *", "--allow"),
        ("search http://localhost/", "--p99"),
        (
            "search http://localhost/ --p99 50ms --confirmations 11",
            "confirmations must be from",
        ),
        ("search http://localhost/ --p99 soon", "--p99"),
        ("serve --allow a:b:c", "--allow"),
        ("serve --threads 0", "--threads"),
    ] {
        let output = ended(arguments);
        assert_eq!(output.status.code(), Some(64), "{arguments}: {output:?}");
        let line = String::from_utf8(output.stderr).unwrap();
        assert_eq!(line.lines().count(), 1, "{line}");
        assert!(line.contains(says), "{arguments}: {line}");
    }
}

#[test]
fn an_interrupted_run_says_what_was_measured() {
    let server = Server::start(|_, _| hello());
    let child = load()
        .args([
            "run",
            &server.url(),
            "--rate",
            "100",
            "--seconds",
            "300",
            "--json",
        ])
        .stdout(Stdio::piped())
        .spawn()
        .unwrap();
    while server.requests() < 200 {
        std::thread::sleep(millis(20));
    }
    signal(&child, Signal::INT);
    let output = child.wait_with_output().unwrap();
    assert_eq!(output.status.code(), Some(0));
    let answer: Value = serde_json::from_slice(&output.stdout).unwrap();
    assert!(answer["answered"].as_u64().unwrap() > 50, "{answer}");
    assert!(answer["seconds"].as_f64().unwrap() < 290.0);
}

/// Stopped for 0.7 s of 3: a fifth of the schedule is noticed late, by up to that.
#[test]
fn a_generator_that_was_stopped_says_that_its_figures_are_void() {
    let server = Server::start(|_, _| hello());
    let child = load()
        .args([
            "run",
            &server.url(),
            "--rate",
            "200",
            "--seconds",
            "3",
            "--json",
        ])
        .stdout(Stdio::piped())
        .spawn()
        .unwrap();
    while server.requests() < 300 {
        std::thread::sleep(millis(10));
    }
    signal(&child, Signal::STOP);
    std::thread::sleep(millis(700));
    signal(&child, Signal::CONT);
    let output = child.wait_with_output().unwrap();
    let answer: Value = serde_json::from_slice(&output.stdout).unwrap();
    let void = answer["void"].as_str().unwrap();
    assert!(void.contains("the schedule slipped by"), "{void}");
    assert!(answer["own"]["schedule_slip"]["p99"].as_f64().unwrap() > 0.3);
    assert_eq!(answer["answered"], 600, "and no request was lost");
}

#[test]
fn its_health_can_be_asked_for() {
    let service = Service::start("health");
    let port = service.line.admin.port();
    assert_eq!(
        ended(&format!("healthcheck --admin-port {port}"))
            .status
            .code(),
        Some(0)
    );
}
