//! What the service says of itself: true of what it takes and gives.

use crate::station::Station;
use serde_json::{Value, json};
use std::collections::BTreeSet;

/// A validator for the schema called `name` in the OpenAPI `document`.
fn validator(document: &Value, name: &str) -> jsonschema::Validator {
    let reference = json!({"$ref": format!("#/components/schemas/{name}")});
    validator_of(document, &reference)
}

/// A validator for a `schema` that stands in the OpenAPI `document`.
pub(crate) fn validator_of(document: &Value, schema: &Value) -> jsonschema::Validator {
    let schema = json!({
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "allOf": [schema],
        "components": document["components"],
    });
    // Fails when a reference leads nowhere.
    jsonschema::validator_for(&schema).unwrap()
}

#[tokio::test]
async fn every_kernel_and_strategy_that_is_named_is_accepted() {
    let station = Station::start();
    let described = station.get("/").await.body;
    assert_eq!(described["service"], "primes");
    assert_eq!(described["version"], env!("CARGO_PKG_VERSION"));
    assert_eq!(described["strategies"].as_array().unwrap().len(), 7);

    for kernel in described["kernels"].as_array().unwrap() {
        for strategy in described["strategies"].as_array().unwrap() {
            let body = json!({"limit": 100, "kernel": kernel, "strategy": strategy});
            assert_eq!(station.run(body).await["count"], 25, "{kernel} {strategy}");
        }
    }
}

#[tokio::test]
async fn every_path_and_method_in_the_openapi_document_is_served() {
    let station = Station::start();
    let document = station.get("/openapi.json").await.body;
    assert!(document["openapi"].as_str().unwrap().starts_with("3.1."));
    assert!(!document["info"]["title"].as_str().unwrap().is_empty());

    let paths = document["paths"].as_object().unwrap();
    assert!(["/", "/run"].iter().all(|&path| paths.contains_key(path)));
    for (path, operations) in paths {
        for (method, operation) in operations.as_object().unwrap() {
            let method = method.to_uppercase().parse().unwrap();
            let answer = crate::station::answer(station.request(method, path)).await;
            assert!(![404, 405].contains(&answer.status), "{path} {answer:?}");
            assert!(!operation["responses"].as_object().unwrap().is_empty());
        }
    }
}

#[tokio::test]
async fn answers_are_what_the_openapi_document_says() {
    let station = Station::start();
    let document = station.get("/openapi.json").await.body;
    let static_threads = json!({"limit": 1000, "strategy": "static-threads", "workers": 2});
    for (schema, answer) in [
        ("Description", station.get("/").await.body),
        ("RunProgress", station.get("/run").await.body),
        ("RunAnswer", station.run(json!({"limit": 1000})).await),
        ("RunAnswer", station.run(static_threads).await),
    ] {
        let validator = validator(&document, schema);
        if let Err(error) = validator.validate(&answer) {
            panic!("{schema}: {error} at {}", error.instance_path());
        }
        let broken = json!({"service": 1, "progress": "some", "count": "many"});
        assert!(!validator.is_valid(&broken), "{schema} takes anything");
    }
}

#[tokio::test]
async fn requests_are_taken_as_the_openapi_document_says() {
    let station = Station::start();
    let document = station.get("/openapi.json").await.body;
    let validator = validator(&document, "RunRequest");
    let all_fields = json!({
        "limit": 1000, "from": 10, "kernel": "trial", "strategy": "async", "workers": "auto",
        "repeats": 2, "shard": {"index": 1, "count": 2}, "start_at_seconds": 0.5,
    });
    for (body, status) in [
        (json!({"limit": 100}), 200),
        (json!({"limit": 100, "workers": 2}), 200),
        (all_fields.clone(), 200),
        (json!({}), 422),
        (json!({"limit": 0}), 422),
        (json!({"limit": 1e13}), 422),
        (json!({"limit": 2.5}), 422),
        (json!({"limit": 100, "workers": 0}), 422),
        (json!({"limit": 100, "workers": 1025}), 422),
        (json!({"limit": 100, "workers": "many"}), 422),
        (json!({"limit": 100, "repeats": 0}), 422),
        (json!({"limit": 100, "repeats": 1e9}), 422),
        (json!({"limit": 100, "strategy": "fibers"}), 422),
        (json!({"limit": 100, "strategie": "async"}), 422),
        (json!({"limit": 100, "start_at_seconds": -1}), 422),
    ] {
        let answer = crate::station::answer(station.post_run(&body)).await;
        assert_eq!(answer.status, status, "{body}");
        assert_eq!(validator.is_valid(&body), status == 200, "{body}");
    }

    let documented = &document["components"]["schemas"]["RunRequest"]["properties"];
    let documented: BTreeSet<_> = documented.as_object().unwrap().keys().collect();
    let refused = station.refused(&json!({"limit": 100, "colour": 1})).await;
    let taken: Vec<String> = serde_json::from_value(refused.body["allowed"].clone()).unwrap();
    assert_eq!(documented, taken.iter().collect::<BTreeSet<_>>());
    assert_eq!(documented, all_fields.as_object().unwrap().keys().collect());
    let start_at =
        &document["components"]["schemas"]["RunRequest"]["properties"]["start_at_seconds"];
    let says = start_at["description"].as_str().unwrap();
    assert!(says.contains("more than 10 s ahead is refused"), "{says}");
}
