//! `POST /run` as the runner meets it: what is refused, one at a time, its end.

use crate::programs::{Origin, Station, eventually};
use serde_json::{Value, json};

#[tokio::test]
async fn what_cannot_be_is_refused_with_its_field() {
    let origin = Origin::start("");
    let station = Station::start(&origin);
    for (sample, field) in [
        (json!({"pages": 0}), "pages"),
        (json!({"pages": 1_000_001}), "pages"),
        (json!({"workers": 0}), "workers"),
        (json!({"workers": 4097}), "workers"),
        (json!({"repeats": 0}), "repeats"),
        (json!({"strategy": "fork"}), "strategy"),
        (json!({"kernel": "medium"}), "kernel"),
        (json!({"store": "postgres"}), "store"),
        (json!({"store": "mysql"}), "store"),
        (json!({"start_at_seconds": -1.0}), "start_at_seconds"),
        (json!({"origin": "http://example.com"}), "origin"),
        (json!({"origin": "http://169.254.169.254"}), "origin"),
        (json!({"origin": "http://localhost:1"}), "origin"),
        (json!({"origin": "file:///etc/passwd"}), "origin"),
        (json!({"origin": "http://"}), "origin"),
        (
            json!({"origin": format!("{}/page/1", origin.url())}),
            "origin",
        ),
        (json!({"page": 5}), "page"),
    ] {
        let (status, problem) = station.run(&origin, &sample).await;

        assert_eq!(
            (status, &problem["field"]),
            (422, &Value::from(field)),
            "{sample} {problem}"
        );
    }
    assert_eq!(origin.stats()["requests"], 0);
}

#[tokio::test]
async fn a_second_run_is_refused_and_a_client_that_goes_cancels_its_own() {
    let origin = Origin::start("--latency 10s");
    let station = Station::start(&origin);
    let endless = json!({"pages": 1000, "workers": 2});
    let first = tokio::spawn(station.post_run(&origin, &endless).send());
    while station.get("/run").await["progress"].is_null() {
        tokio::task::yield_now().await;
    }

    let (status, problem) = station.run(&origin, &json!({"pages": 1})).await;
    assert_eq!(status, 409, "{problem}");
    assert!(problem["progress"].is_number(), "{problem}");

    first.abort();
    while !station.get("/run").await["progress"].is_null() {
        tokio::task::yield_now().await;
    }
    let metrics = station.metrics().await;
    assert!(
        metrics.contains("scraper_runs_total{outcome=\"cancelled\"} 1"),
        "{metrics}"
    );
    // Nothing of it is left at the other end either.
    eventually("requests under way have ended", || {
        (origin.stats()["in_flight"] == 0).then_some(())
    });
}

#[tokio::test]
async fn it_says_what_it_can_do() {
    let origin = Origin::start("");
    let described = Station::start(&origin).get("/").await;

    assert_eq!(described["service"], "scraper");
    assert_eq!(described["kernels"], json!(["none", "light", "heavy"]));
    assert_eq!(
        described["strategies"],
        json!(["sequential", "threads", "async"])
    );
}
