//! Requests that cannot be: each is refused with a problem that says why.

use crate::station::{Station, answer};
use cpu_budget::clock::monotonic_seconds;
use reqwest::Method;
use serde_json::{Value, json};

#[tokio::test]
async fn a_value_that_cannot_be_is_refused_with_its_field() {
    let station = Station::start();
    let shard =
        |index: u64, count: u64| json!({"limit": 100, "shard": {"index": index, "count": count}});
    for (body, field, says) in [
        (json!({}), "limit", "missing"),
        (
            json!({"limit": 0}),
            "limit",
            "limit must be from 1 to 1000000000000 (10^12)",
        ),
        (json!({"limit": -1}), "limit", "negative"),
        (json!({"limit": 1e30}), "limit", "from 1 to 1000000000000"),
        (
            json!({"limit": u64::MAX}),
            "limit",
            "from 1 to 1000000000000",
        ),
        (json!({"limit": 2.5}), "limit", "whole number"),
        (json!({"limit": "abc"}), "limit", "whole number"),
        (json!({"limit": null}), "limit", "whole number"),
        (json!({"limit": 5, "from": 5}), "limit", "above from 5"),
        (json!({"limit": 5, "from": -1}), "from", "negative"),
        (
            json!({"limit": 5, "workers": 0}),
            "workers",
            "from 1 to 1024",
        ),
        (
            json!({"limit": 5, "workers": 1e9}),
            "workers",
            "from 1 to 1024",
        ),
        (
            json!({"limit": 5, "workers": 1.5}),
            "workers",
            "from 1 to 1024",
        ),
        (
            json!({"limit": 5, "workers": "many"}),
            "workers",
            "\"auto\"",
        ),
        (
            json!({"limit": 5, "repeats": 0}),
            "repeats",
            "from 1 to 10000000",
        ),
        (
            json!({"limit": 5, "repeats": 1e30}),
            "repeats",
            "from 1 to 10000000",
        ),
        (shard(2, 2), "shard.index", "no shard 2 of 2"),
        (shard(0, 0), "shard.index", "no shard 0 of 0"),
        (shard(0, u64::MAX), "shard.count", "at most 65536"),
        (json!({"limit": 5, "shard": {"index": 0}}), "shard", "count"),
        (
            json!({"limit": 5, "start_at_seconds": "now"}),
            "start_at_seconds",
            "invalid type",
        ),
        (
            json!({"limit": 5, "start_at_seconds": 1e300}),
            "start_at_seconds",
            "at most 10 s ahead",
        ),
        (
            json!({"limit": 5, "start_at_seconds": monotonic_seconds() + 3600.0}),
            "start_at_seconds",
            "at most 10 s ahead",
        ),
        (
            json!({"limit": 5, "start_at_seconds": -5}),
            "start_at_seconds",
            "not negative",
        ),
    ] {
        let refused = station.refused(&body).await;

        assert_eq!(refused.status, 422, "{body}: {refused:?}");
        assert_eq!(refused.body["field"], field, "{body}: {refused:?}");
        assert!(refused.detail().contains(says), "{body}: {refused:?}");
    }
    // None of them was a run.
    let answer = station.run(json!({"limit": 1})).await;
    assert_eq!(answer["count"], 0);
    assert_eq!(answer["account"]["run_sequence"], 1);
}

#[tokio::test]
async fn an_unknown_name_is_refused_with_the_nearest_known_one() {
    let station = Station::start();
    for (body, field, nearest) in [
        (
            json!({"limit": 5, "strategy": "work-staling"}),
            "strategy",
            json!("work-stealing"),
        ),
        (
            json!({"limit": 5, "strategy": "Static_Threads"}),
            "strategy",
            json!("static-threads"),
        ),
        (
            json!({"limit": 5, "strategy": "fibers"}),
            "strategy",
            Value::Null,
        ),
        (
            json!({"limit": 5, "kernel": "trail"}),
            "kernel",
            json!("trial"),
        ),
        (
            json!({"limit": 5, "kernel": "seive"}),
            "kernel",
            json!("sieve"),
        ),
        (
            json!({"limit": 5, "strategie": "async"}),
            "strategie",
            json!("strategy"),
        ),
        (json!({"limit": 5, "colour": "red"}), "colour", Value::Null),
        (json!({"limit": 5, "strategy": 5}), "strategy", Value::Null),
        (json!({"limit": 5, "kernel": null}), "kernel", Value::Null),
        (
            json!({"limit": 5, "shard": {"indx": 0, "count": 1}}),
            "shard.indx",
            json!("index"),
        ),
    ] {
        let refused = station.refused(&body).await;

        assert_eq!(refused.status, 422, "{body}: {refused:?}");
        assert_eq!(refused.body["field"], field, "{body}: {refused:?}");
        assert_eq!(refused.body["nearest"], nearest, "{body}: {refused:?}");
        assert!(!refused.body["allowed"].as_array().unwrap().is_empty());
    }
}

#[tokio::test]
async fn what_is_no_json_object_is_refused() {
    let station = Station::start();
    for (text, status) in [
        ("", 400),
        ("limit=5", 400),
        ("{\"limit\": 5", 400),
        ("{\"limit\": 5} {}", 400),
        ("[]", 422),
        ("7", 422),
    ] {
        let request = station.request(Method::POST, "/run").body(text);

        let refused = answer(request.header("content-type", "application/json")).await;

        refused.assert_problem();
        assert_eq!(refused.status, status, "{text:?}: {refused:?}");
    }
}

#[tokio::test]
async fn another_content_type_path_or_method_is_refused() {
    let station = Station::start();

    let form = station.request(Method::POST, "/run").body("{\"limit\": 5}");
    let form = answer(form.header("content-type", "text/plain")).await;
    form.assert_problem();
    assert_eq!(form.status, 415);
    assert!(form.detail().contains("application/json"), "{form:?}");

    let elsewhere = station.get("/runs").await;
    elsewhere.assert_problem();
    assert_eq!(elsewhere.status, 404);
    assert!(elsewhere.detail().contains("/runs"), "{elsewhere:?}");

    let wrong = answer(station.request(Method::DELETE, "/run")).await;
    wrong.assert_problem();
    assert_eq!(wrong.status, 405);
    assert!(wrong.detail().contains("POST"), "{wrong:?}");
}
