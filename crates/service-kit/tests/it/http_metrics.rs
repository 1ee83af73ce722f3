//! What a server's registry says of its requests.

use std::collections::BTreeMap;
use std::sync::Arc;

use axum::Router;
use axum::routing::get;
use reqwest::Method;
use service_kit::server::RequestDeadline;
use tokio::sync::Notify;

use crate::running::{Running, soon};

impl Running {
    /// The samples of the registry, by their names with labels.
    fn samples(&self) -> BTreeMap<String, f64> {
        let text = prometheus::TextEncoder::new().encode_to_string(&self.registry.gather());
        text.unwrap()
            .lines()
            .filter(|line| !line.starts_with('#'))
            .map(|line| {
                let (name, value) = line.rsplit_once(' ').unwrap();
                (name.to_owned(), value.parse().unwrap())
            })
            .collect()
    }

    async fn send(&self, method: &str, path: &str) -> u16 {
        let method = Method::from_bytes(method.as_bytes()).unwrap();
        let request = reqwest::Client::new().request(method, self.url(path));
        soon(request.send()).await.unwrap().status().as_u16()
    }
}

async fn panics() {
    panic!("as a test wants it");
}

#[tokio::test]
async fn requests_are_counted_by_pattern_and_not_by_path() {
    let router = Router::new()
        .route("/jobs/{id}", get(|| async { "job" }))
        .route("/panics", get(panics));
    let server = Running::new(router).await;
    for id in 0..5 {
        assert_eq!(server.send("GET", &format!("/jobs/{id}")).await, 200);
        assert_eq!(server.send("GET", &format!("/guess/{id}")).await, 404);
    }
    assert_eq!(server.send("POST", "/jobs/1").await, 405);
    assert_eq!(server.send("BREW", "/jobs/1").await, 405);
    assert_eq!(server.send("GET", "/panics").await, 500);

    let samples = server.samples();
    let counted: Vec<_> = samples
        .iter()
        .filter(|(name, _)| name.starts_with("http_requests_total"))
        .map(|(name, value)| (name.as_str(), *value as u64))
        .collect();
    let named = |method: &str, route: &str, status: u16| {
        format!("http_requests_total{{method=\"{method}\",route=\"{route}\",status=\"{status}\"}}")
    };
    let expected = [
        (named("GET", "/jobs/{id}", 200), 5),
        (named("GET", "/panics", 500), 1),
        (named("GET", "unmatched", 404), 5),
        (named("POST", "/jobs/{id}", 405), 1),
        (named("other", "/jobs/{id}", 405), 1),
    ];
    let expected: Vec<_> = expected
        .iter()
        .map(|(name, n)| (name.as_str(), *n))
        .collect();
    assert_eq!(counted, expected);
    let jobs = "http_request_duration_seconds_count{method=\"GET\",route=\"/jobs/{id}\"}";
    assert_eq!(samples[jobs] as u64, 5);
    server.stop().await;
}

#[tokio::test]
async fn a_request_is_in_flight_until_its_answer_is_out_or_its_client_gone() {
    let (entered, open) = (Arc::new(Notify::new()), Arc::new(Notify::new()));
    let inside = (entered.clone(), open.clone());
    let handler = move |deadline: RequestDeadline| async move {
        deadline.lift();
        inside.0.notify_one();
        inside.1.notified().await;
    };
    let server = Running::new(Router::new().route("/gate", get(handler))).await;
    let in_flight = || server.samples()["http_requests_in_flight"] as i64;

    let answered = tokio::spawn(reqwest::get(server.url("/gate")));
    soon(entered.notified()).await;
    assert_eq!(in_flight(), 1);
    open.notify_one();
    assert_eq!(soon(answered).await.unwrap().unwrap().status(), 200);
    soon(async {
        while in_flight() > 0 {
            tokio::task::yield_now().await;
        }
    })
    .await;

    let gone = tokio::spawn(reqwest::get(server.url("/gate")));
    soon(entered.notified()).await;
    assert_eq!(in_flight(), 1);
    gone.abort();
    soon(async {
        while in_flight() > 0 {
            tokio::time::sleep(std::time::Duration::from_millis(5)).await;
        }
    })
    .await;
    let answers = "http_requests_total{method=\"GET\",route=\"/gate\",status=\"200\"}";
    assert_eq!(
        server.samples()[answers] as u64,
        1,
        "one that is gone has no answer"
    );
    server.stop().await;
}
