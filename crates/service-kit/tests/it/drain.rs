//! Shutdown: what is under way may finish, until the deadline; what is left is named.

use std::convert::Infallible;
use std::sync::Arc;
use std::time::{Duration, Instant};

use axum::Router;
use axum::body::Body;
use axum::routing::get;
use service_kit::server::{RequestDeadline, ServeLimits};
use service_kit::shutdown::Cause;
use tokio::net::TcpStream;
use tokio::sync::Notify;
use tokio_stream::StreamExt as _;

use crate::running::{DEADLINE, Running, soon};

/// A route that says when it has begun and ends when it is told to.
struct Gate {
    entered: Notify,
    open: Notify,
}

fn gated() -> (Router, Arc<Gate>) {
    let gate = Arc::new(Gate {
        entered: Notify::new(),
        open: Notify::new(),
    });
    let inside = Arc::clone(&gate);
    let handler = move |deadline: RequestDeadline| async move {
        deadline.lift();
        inside.entered.notify_one();
        inside.open.notified().await;
        "finished"
    };
    (Router::new().route("/gate", get(handler)), gate)
}

fn draining_for(drain_timeout: Duration) -> ServeLimits {
    ServeLimits {
        drain_timeout,
        ..ServeLimits::default()
    }
}

#[tokio::test]
async fn a_request_under_way_finishes_and_new_connections_are_refused() {
    let (router, gate) = gated();
    let server = Running::with(router, draining_for(DEADLINE)).await;
    let address = server.address;
    let request = tokio::spawn(reqwest::get(server.url("/gate")));
    soon(gate.entered.notified()).await;

    server.shutdown.begin(Cause::Terminate);
    soon(async {
        while TcpStream::connect(address).await.is_ok() {
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
    })
    .await;
    gate.open.notify_one();

    let answer = soon(request).await.unwrap().unwrap();
    assert_eq!(answer.text().await.unwrap(), "finished");
    let report = server.ended().await;
    assert_eq!(report.cause, Cause::Terminate);
    assert_eq!(report.left, []);
    assert_eq!(report.connections_left, 0);
}

#[tokio::test]
async fn a_stuck_request_is_cut_off_at_the_deadline_and_named() {
    let (router, gate) = gated();
    let server = Running::with(router, draining_for(Duration::from_millis(300))).await;
    let client = reqwest::Client::new();
    let request = client
        .get(server.url("/gate"))
        .header("x-request-id", "stuck-1");
    let request = tokio::spawn(request.send());
    soon(gate.entered.notified()).await;

    let report = server.stop().await;

    assert!(report.seconds >= 0.3, "{report:?}");
    assert_eq!(report.connections_left, 1);
    assert_eq!(report.left.len(), 1);
    assert_eq!(report.left[0].path, "/gate");
    assert_eq!(report.left[0].request_id, "stuck-1");
    assert!(soon(request).await.unwrap().is_err());
}

#[tokio::test]
async fn an_answer_that_is_still_streaming_is_under_way() {
    let events = || async {
        let first = tokio_stream::iter([Ok::<_, Infallible>("data: 1\n\n")]);
        Body::from_stream(first.chain(tokio_stream::pending()))
    };
    let router = Router::new().route("/events", get(events));
    let server = Running::with(router, draining_for(Duration::from_millis(300))).await;
    let mut answer = reqwest::get(server.url("/events")).await.unwrap();
    assert_eq!(soon(answer.chunk()).await.unwrap().unwrap(), "data: 1\n\n");

    let report = server.stop().await;

    assert_eq!(report.left.len(), 1, "{report:?}");
    assert_eq!(report.left[0].path, "/events");
}

#[tokio::test]
async fn idle_connections_do_not_hold_the_drain() {
    let router = Router::new().route("/", get(|| async { "hello" }));
    let server = Running::with(router, draining_for(DEADLINE)).await;
    let client = reqwest::Client::new();
    let answer = client.get(server.url("/")).send().await.unwrap();
    assert_eq!(answer.text().await.unwrap(), "hello");
    let silent = TcpStream::connect(server.address).await.unwrap();
    let started = Instant::now();

    let report = server.stop().await;

    assert_eq!(report.connections_left, 0);
    assert!(started.elapsed() < DEADLINE / 2, "{report:?}");
    drop((client, silent));
}

#[tokio::test]
async fn a_client_that_goes_away_cancels_its_request() {
    struct Cancelled(Arc<Notify>);
    impl Drop for Cancelled {
        fn drop(&mut self) {
            self.0.notify_one();
        }
    }
    let (entered, cancelled) = (Arc::new(Notify::new()), Arc::new(Notify::new()));
    let handler = {
        let (entered, cancelled) = (Arc::clone(&entered), Arc::clone(&cancelled));
        move || async move {
            let _guard = Cancelled(cancelled);
            entered.notify_one();
            std::future::pending::<()>().await;
        }
    };
    let server = Running::new(Router::new().route("/", get(handler))).await;
    let request = tokio::spawn(reqwest::get(server.url("/")));
    soon(entered.notified()).await;

    request.abort();

    soon(cancelled.notified()).await;
    let report = server.stop().await;
    assert_eq!(report.left, []);
}
