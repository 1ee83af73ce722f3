//! What the log holds of a failed request: the cause, under the request's id.

use std::io::Write;
use std::sync::{Arc, Mutex};

use axum::Router;
use axum::routing::get;
use serde_json::Value;
use service_kit::problem::Problem;

use crate::running::Running;

#[derive(Clone, Default)]
struct Captured(Arc<Mutex<Vec<u8>>>);

impl Write for Captured {
    fn write(&mut self, bytes: &[u8]) -> std::io::Result<usize> {
        self.0.lock().unwrap().write(bytes)
    }
    fn flush(&mut self) -> std::io::Result<()> {
        Ok(())
    }
}

impl Captured {
    /// The line whose message is `message`.
    fn line(&self, message: &str) -> Value {
        let bytes = self.0.lock().unwrap().clone();
        let text = String::from_utf8(bytes).unwrap();
        text.lines()
            .map(|line| serde_json::from_str::<Value>(line).unwrap())
            .find(|line| line["message"] == message)
            .unwrap_or_else(|| panic!("{message:?} is not in {text}"))
    }
}

async fn fails() -> Result<(), Problem> {
    Err(anyhow::anyhow!("no such device")
        .context("cannot open /dev/x")
        .into())
}

async fn panics() -> &'static str {
    panic!("there is always one")
}

// One thread, so that the subscriber of this test sees all of its requests.
#[tokio::test(flavor = "current_thread")]
async fn causes_and_panics_are_found_by_request_id_and_route() {
    let captured = Captured::default();
    let sink = captured.clone();
    let subscriber = tracing_subscriber::fmt()
        .json()
        .flatten_event(true)
        .with_writer(move || sink.clone())
        .finish();
    let _guard = tracing::subscriber::set_default(subscriber);
    let router = Router::new()
        .route("/fails/{n}", get(fails))
        .route("/panics", get(panics));
    let server = Running::new(router).await;
    let client = reqwest::Client::new();

    for (path, id) in [("/fails/1", "request-a"), ("/panics", "request-b")] {
        let request = client.get(server.url(path)).header("x-request-id", id);
        assert_eq!(request.send().await.unwrap().status(), 500);
    }
    server.stop().await;

    let failure = captured.line("request failed");
    assert_eq!(failure["error"], "cannot open /dev/x: no such device");
    assert_eq!(failure["span"]["request_id"], "request-a");
    assert_eq!(failure["span"]["route"], "/fails/{n}");
    let panic = captured.line("handler panicked");
    assert_eq!(panic["panic"], "there is always one");
    assert_eq!(panic["span"]["request_id"], "request-b");
}
