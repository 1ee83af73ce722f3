//! Every answer about jobs, held against the OpenAPI document.

use super::*;
use std::collections::BTreeSet;

/// What the document says of jobs, and which of it was seen.
struct Documented {
    document: Value,
    seen: BTreeSet<(&'static str, &'static str, u16)>,
}

impl Documented {
    /// Checks that `answer` is one that `method` at `path` may give.
    fn check(&mut self, method: &'static str, path: &'static str, answer: &Answer) {
        let response =
            &self.document["paths"][path][method]["responses"][answer.status.to_string()];
        assert!(response.is_object(), "{method} {path}: {answer:?}");
        self.seen.insert((method, path, answer.status));
        let content_type = if answer.status >= 400 {
            "application/problem+json"
        } else {
            "application/json"
        };
        match response["content"].get(content_type) {
            None => assert_eq!(answer.body, Value::Null, "{method} {path}"),
            Some(content) => {
                let schema = json!({
                    "$schema": "https://json-schema.org/draft/2020-12/schema",
                    "allOf": [content["schema"]],
                    "components": self.document["components"],
                });
                let validator = jsonschema::validator_for(&schema).unwrap();
                if let Err(error) = validator.validate(&answer.body) {
                    panic!(
                        "{method} {path} {}: {error}: {}",
                        answer.status, answer.body
                    );
                }
            }
        }
    }

    /// What is described of jobs and was not seen.
    fn unseen(&self) -> Vec<String> {
        let paths = self.document["paths"].as_object().unwrap();
        let mut unseen = Vec::new();
        for (path, methods) in paths.iter().filter(|(path, _)| path.starts_with("/scrape")) {
            for (method, operation) in methods.as_object().unwrap() {
                for status in operation["responses"].as_object().unwrap().keys() {
                    let is_it = |seen: &&(&str, &str, u16)| {
                        seen.0 == method && seen.1 == path && seen.2.to_string() == *status
                    };
                    if !self.seen.iter().any(|seen| is_it(&seen)) {
                        unseen.push(format!("{method} {path} {status}"));
                    }
                }
            }
        }
        unseen
    }
}

const JOBS: &str = "/scrape";
const JOB: &str = "/scrape/{id}";
const EVENTS: &str = "/scrape/{id}/events";
const RESULTS: &str = "/scrape/{id}/results";

#[tokio::test]
async fn every_answer_about_jobs_is_in_the_openapi_document() {
    let origin = Origin::start("--pages 100000 --latency 20ms");
    let station = Station::start_with(&origin, "--body-limit-bytes 1000");
    let mut documented = Documented {
        document: station.get("/openapi.json").await,
        seen: BTreeSet::new(),
    };

    let first = post(&station, &endless(&origin)).await;
    let path = first.location.clone().unwrap();
    documented.check("post", JOBS, &first);
    documented.check("post", JOBS, &post(&station, &endless(&origin)).await);
    until(&station, &path, |job| job["done"].as_u64() > Some(2)).await;
    documented.check("get", JOBS, &get(&station, JOBS).await);
    documented.check("get", JOB, &get(&station, &path).await);
    let page = |query: &str| format!("{path}/results?{query}");
    for query in ["", "page=1&per_page=2", "page=99999", "page=0", "page=x"] {
        documented.check("get", RESULTS, &get(&station, &page(query)).await);
    }
    documented.check("delete", JOB, &delete(&station, &path).await);
    ended(&station, &path).await;
    documented.check("get", JOB, &get(&station, &path).await);
    let events = request(&station, Method::GET, &format!("{path}/events"));
    assert_eq!(events.send().await.unwrap().status(), 200);
    documented.seen.insert(("get", EVENTS, 200));
    documented.check("delete", JOB, &delete(&station, &path).await);

    documented.check("get", JOB, &get(&station, &path).await);
    documented.check("delete", JOB, &delete(&station, &path).await);
    documented.check(
        "get",
        EVENTS,
        &get(&station, &format!("{path}/events")).await,
    );
    documented.check("get", RESULTS, &get(&station, &page("")).await);
    let raw = |content_type: &str, body: String| {
        let request = request(&station, Method::POST, JOBS).body(body);
        answer(request.header("content-type", content_type))
    };
    documented.check("post", JOBS, &raw("application/json", "urls".into()).await);
    documented.check("post", JOBS, &raw("text/plain", "urls".into()).await);
    documented.check(
        "post",
        JOBS,
        &raw("application/json", " ".repeat(1001)).await,
    );
    for body in [
        json!({}),
        json!({"mode": "asinc"}),
        json!({"urls": ["ftp://a"]}),
    ] {
        documented.check("post", JOBS, &post(&station, &body).await);
    }

    // What no request brings about, and what the service's layers answer, which
    // have their own tests.
    for status in [408, 500, 503] {
        documented.seen.insert(("post", JOBS, status));
    }
    assert_eq!(documented.unseen(), [""; 0]);
}
