//! Every answer to `POST /run`, held against the OpenAPI document.

use crate::description::validator_of;
use crate::station::{Answer, DEADLINE, Station, answer, endless};
use reqwest::Method;
use rustix::process::Signal;
use serde_json::{Value, json};
use std::collections::BTreeSet;
use std::io::{Read as _, Write as _};
use std::net::TcpStream;

/// What the document says of `POST /run`, and which of it was seen.
struct Documented {
    document: Value,
    seen: BTreeSet<String>,
}

impl Documented {
    async fn of(station: &Station) -> Self {
        Self {
            document: station.get("/openapi.json").await.body,
            seen: BTreeSet::new(),
        }
    }

    fn responses(&self) -> &Value {
        &self.document["paths"]["/run"]["post"]["responses"]
    }

    /// Checks that `status` may be answered in this form and with this body.
    fn check(&mut self, status: u16, content_type: &str, body: &Value) {
        let response = &self.responses()[status.to_string()];
        let schema = &response["content"][content_type]["schema"];
        assert!(schema.is_object(), "{status} {content_type}: {response}");
        if let Err(error) = validator_of(&self.document, schema).validate(body) {
            panic!("{status}: {error}: {body}");
        }
        self.seen.insert(status.to_string());
    }

    fn problem(&mut self, status: u16, answer: &Answer) {
        assert_eq!(answer.status, status, "{answer:?}");
        answer.assert_problem();
        self.check(status, &answer.content_type, &answer.body);
    }
}

#[tokio::test]
async fn every_answer_to_a_run_is_in_the_openapi_document() {
    let mut station = Station::start_with(&["--body-limit-bytes", "1000"]);
    let mut documented = Documented::of(&station).await;

    let done = answer(station.post_run(&json!({"limit": 100}))).await;
    documented.check(done.status, &done.content_type, &done.body);
    let stream = station.post_run(&json!({"limit": 100}));
    let stream = stream.header("accept", "text/event-stream").send().await;
    let stream = stream.unwrap();
    let content_type = stream.headers()["content-type"].clone();
    let text = Value::String(stream.text().await.unwrap());
    documented.check(200, content_type.to_str().unwrap(), &text);

    let post = |content_type: &str, body: String| {
        let request = station.request(Method::POST, "/run").body(body);
        answer(request.header("content-type", content_type))
    };
    documented.problem(400, &post("application/json", "limit=5".into()).await);
    documented.problem(415, &post("text/plain", "5".into()).await);
    let large = " ".repeat(1001);
    documented.problem(413, &post("application/json", large).await);
    for body in [
        json!({}),
        json!([]),
        json!({"limit": 0}),
        json!({"limt": 5}),
        json!({"limit": 5, "strategy": 5}),
        json!({"limit": 5, "start_at_seconds": 1e300}),
    ] {
        documented.problem(422, &station.refused(&body).await);
    }

    let running = station.send_run(&endless("work-stealing"));
    station.busy().await;
    documented.problem(409, &station.refused(&json!({"limit": 5})).await);
    station.signal(Signal::TERM);
    documented.problem(503, &running.await.unwrap());
    station.ended().await;
    let impatient = Station::start_with(&["--request-timeout-seconds", "0.1"]);
    documented.problem(408, &without_its_body(&impatient));

    // A fault is nothing that a request can bring about.
    documented.seen.insert("500".into());
    let all = documented.responses().as_object().unwrap();
    assert_eq!(
        all.keys().cloned().collect::<BTreeSet<_>>(),
        documented.seen
    );
}

/// The answer to a run whose body never comes.
fn without_its_body(station: &Station) -> Answer {
    let mut connection = TcpStream::connect(station.line.api).unwrap();
    connection.set_read_timeout(Some(DEADLINE)).unwrap();
    let head = "POST /run HTTP/1.1\r\nHost: station\r\nConnection: close\r\n\
                Content-Type: application/json\r\nContent-Length: 100\r\n\r\n";
    connection.write_all(head.as_bytes()).unwrap();
    let mut text = String::new();
    connection.read_to_string(&mut text).unwrap();
    let (head, body) = text.split_once("\r\n\r\n").unwrap();
    let content_type = head
        .lines()
        .find_map(|line| line.strip_prefix("content-type: "));
    Answer {
        status: head.split(' ').nth(1).unwrap().parse().unwrap(),
        content_type: content_type.unwrap().to_owned(),
        body: serde_json::from_str(body).unwrap(),
    }
}
