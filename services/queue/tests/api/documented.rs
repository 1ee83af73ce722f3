//! Answers held against the OpenAPI document.

use crate::running::{Answer, Running, Setup};
use reqwest::Method;
use serde_json::{Value, json};
use std::collections::BTreeSet;

/// Checks that the document has such an answer to that request.
fn check(document: &Value, method: &str, path: &str, answer: &Answer) {
    let response = &document["paths"][path][method]["responses"][answer.status.to_string()];
    assert!(response.is_object(), "{method} {path}: {answer:?}");
    let media_type = answer.header("content-type").unwrap();
    let Some(content) = response["content"].get(media_type) else {
        panic!("{method} {path}: {media_type} is not described: {answer:?}")
    };
    let schema = json!({
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "allOf": [content["schema"]],
        "components": document["components"],
    });
    let validator = jsonschema::validator_for(&schema).unwrap();
    if let Err(error) = validator.validate(&answer.body) {
        panic!(
            "{method} {path} {}: {error}: {}",
            answer.status, answer.body
        );
    }
}

#[test]
#[expect(clippy::too_many_lines, reason = "a table of requests")]
fn every_answer_is_in_the_openapi_document() {
    let running = Running::with(Setup {
        depth: 10,
        ..Setup::default()
    });
    let document = running.get("/openapi.json").body;
    let job = |kind: &str, data: Value| json!({"type": kind, "data": data});
    let noop = || job("noop", json!({}));
    let keyed = |n: u64| json!({"type": "noop", "data": n, "idempotency_key": "k"});
    let asleep = running
        .post("/jobs", &job("sleep", json!({"seconds": 600})))
        .id();
    let done = running
        .post("/jobs", &job("fibonacci", json!({"n": 3})))
        .id();
    running.get(&format!("/jobs/{done}/result?wait=60s"));
    let of = |id: &str, more: &str| format!("/jobs/{id}{more}");
    let requests = [
        ("post", "/jobs", "/jobs".to_owned(), Some(keyed(1))),
        ("post", "/jobs", "/jobs".into(), Some(keyed(1))),
        ("post", "/jobs", "/jobs".into(), Some(keyed(2))),
        (
            "post",
            "/jobs",
            "/jobs".into(),
            Some(json!({"type": "noop", "priority": 11})),
        ),
        (
            "post",
            "/jobs",
            "/jobs".into(),
            Some(job("nonsense", json!({}))),
        ),
        (
            "post",
            "/jobs/batch",
            "/jobs/batch".into(),
            Some(json!({"jobs": [noop(), noop()]})),
        ),
        (
            "post",
            "/jobs/batch",
            "/jobs/batch".into(),
            Some(json!({"jobs": vec![noop(); 11]})),
        ),
        ("get", "/jobs", "/jobs?limit=3".into(), None),
        ("get", "/jobs", "/jobs?limit=x".into(), None),
        ("get", "/jobs", "/jobs?state=x".into(), None),
        ("get", "/jobs/{id}", of(&done, ""), None),
        ("get", "/jobs/{id}", of("999999", ""), None),
        ("get", "/jobs/{id}", of("x", ""), None),
        ("get", "/jobs/{id}/result", of(&done, "/result"), None),
        ("get", "/jobs/{id}/result", of(&asleep, "/result"), None),
        (
            "get",
            "/jobs/{id}/result",
            of(&asleep, "/result?wait=x"),
            None,
        ),
        ("get", "/jobs/{id}/result", of(&asleep, "/result?x=1"), None),
        ("get", "/jobs/{id}/result", of("999999", "/result"), None),
        ("delete", "/jobs/{id}", of(&asleep, ""), None),
        ("delete", "/jobs/{id}", of(&asleep, ""), None),
        ("delete", "/jobs/{id}", of("999999", ""), None),
        ("delete", "/jobs/{id}", of("x", ""), None),
        ("get", "/queue", "/queue".into(), None),
        ("get", "/dead", "/dead".into(), None),
        ("get", "/dead", "/dead?limit=0".into(), None),
        (
            "post",
            "/dead/retry",
            "/dead/retry".into(),
            Some(json!({"ids": [done]})),
        ),
        ("post", "/dead/retry", "/dead/retry".into(), Some(json!({}))),
        (
            "post",
            "/dead/drop",
            "/dead/drop".into(),
            Some(json!({"all": true})),
        ),
        (
            "post",
            "/tasks",
            "/tasks".into(),
            Some(json!([1, {"a": null}])),
        ),
        (
            "post",
            "/tasks/",
            "/tasks/".into(),
            Some(json!({"name": "a", "duration": 0})),
        ),
        (
            "post",
            "/tasks/",
            "/tasks/".into(),
            Some(json!({"name": "a"})),
        ),
        (
            "get",
            "/heavy-computation",
            "/heavy-computation".into(),
            None,
        ),
        ("get", "/events", "/events?id=x".into(), None),
    ];
    let mut seen = BTreeSet::new();
    for (method, template, path, body) in requests {
        let verb = Method::from_bytes(method.to_uppercase().as_bytes()).unwrap();
        let request = running.request(verb, &path);
        let answer = running.answer(match body {
            Some(body) => request.json(&body),
            None => request,
        });
        check(&document, method, template, &answer);
        seen.insert((template, method));
    }
    for (path, methods) in document["paths"].as_object().unwrap() {
        for method in methods.as_object().unwrap().keys() {
            assert!(
                seen.contains(&(path.as_str(), method.as_str())),
                "{method} {path}"
            );
        }
    }
}
