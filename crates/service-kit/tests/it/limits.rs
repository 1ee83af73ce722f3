//! Limits of the server: body size, time, silent and half-sent requests.

use std::time::Duration;

use axum::Router;
use axum::body::Bytes;
use axum::routing::{get, post};
use service_kit::problem::Problem;
use service_kit::server::{RequestDeadline, ServeLimits};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;

use crate::running::{Running, soon};

fn short_limits() -> ServeLimits {
    ServeLimits {
        body_bytes: 1000,
        request_timeout: Duration::from_millis(300),
        header_timeout: Duration::from_millis(300),
        drain_timeout: Duration::from_secs(5),
    }
}

fn echo() -> Router {
    Router::new().route("/echo", post(|body: Bytes| async move { body }))
}

async fn read_all(stream: &mut TcpStream) -> String {
    let mut answer = String::new();
    soon(stream.read_to_string(&mut answer)).await.unwrap();
    answer
}

#[tokio::test]
async fn a_body_up_to_the_limit_passes_and_a_larger_one_is_413() {
    let server = Running::with(echo(), short_limits()).await;
    let client = reqwest::Client::new();

    for (bytes, status) in [(1000, 200), (1001, 413)] {
        let answer = client
            .post(server.url("/echo"))
            .body(vec![b'x'; bytes])
            .send()
            .await
            .unwrap();

        assert_eq!(answer.status(), status, "{bytes}");
        if status == 413 {
            let problem: Problem = answer.json().await.unwrap();
            assert!(problem.detail.unwrap().contains("1000"));
        }
    }
    server.stop().await;
}

#[tokio::test]
async fn a_body_without_a_declared_length_is_limited_too() {
    let server = Running::with(echo(), short_limits()).await;
    let mut stream = TcpStream::connect(server.address).await.unwrap();
    let chunk = "x".repeat(600);
    let request = format!(
        "POST /echo HTTP/1.1\r\nHost: a\r\nConnection: close\r\nTransfer-Encoding: chunked\r\n\r\n\
         258\r\n{chunk}\r\n258\r\n{chunk}\r\n0\r\n\r\n"
    );

    stream.write_all(request.as_bytes()).await.unwrap();

    let answer = read_all(&mut stream).await;
    assert!(answer.starts_with("HTTP/1.1 413 "), "{answer}");
    assert!(answer.contains("application/problem+json"), "{answer}");
    server.stop().await;
}

#[tokio::test]
async fn the_limit_may_be_above_axums_own_of_2_mb() {
    let limits = ServeLimits {
        body_bytes: 4 << 20,
        ..ServeLimits::default()
    };
    let server = Running::with(echo(), limits).await;

    let answer = reqwest::Client::new()
        .post(server.url("/echo"))
        .body(vec![b'x'; 3 << 20])
        .send()
        .await
        .unwrap();

    assert_eq!(answer.status(), 200);
    assert_eq!(answer.bytes().await.unwrap().len(), 3 << 20);
    server.stop().await;
}

#[tokio::test]
async fn a_handler_that_takes_too_long_is_503_unless_it_lifts_the_deadline() {
    async fn slow() -> &'static str {
        tokio::time::sleep(Duration::from_millis(900)).await;
        "done"
    }
    let router = Router::new().route("/slow", get(slow)).route(
        "/long-run",
        get(|deadline: RequestDeadline| async move {
            deadline.lift();
            slow().await
        }),
    );
    let server = Running::with(router, short_limits()).await;

    let late = reqwest::get(server.url("/slow")).await.unwrap();
    let exempt = reqwest::get(server.url("/long-run")).await.unwrap();

    assert_eq!(late.status(), 503);
    let problem: Problem = late.json().await.unwrap();
    assert!(problem.detail.unwrap().contains("0.3 s"));
    assert_eq!(exempt.text().await.unwrap(), "done");
    server.stop().await;
}

#[tokio::test]
async fn a_body_that_does_not_arrive_is_408() {
    let router = Router::new().route(
        "/run",
        post(|deadline: RequestDeadline, body: Bytes| async move {
            // Too late to matter: the body is read before this line.
            deadline.lift();
            body
        }),
    );
    let server = Running::with(router, short_limits()).await;
    let mut stream = TcpStream::connect(server.address).await.unwrap();

    stream
        .write_all(
            b"POST /run HTTP/1.1\r\nHost: a\r\nConnection: close\r\nContent-Length: 10\r\n\r\nhalf",
        )
        .await
        .unwrap();

    let answer = read_all(&mut stream).await;
    assert!(answer.starts_with("HTTP/1.1 408 "), "{answer}");
    assert!(answer.contains("application/problem+json"), "{answer}");
    server.stop().await;
}

#[tokio::test]
async fn connections_that_say_nothing_or_half_a_head_are_closed() {
    let server = Running::with(echo(), short_limits()).await;

    for said in ["", "GET /echo HT"] {
        let mut stream = TcpStream::connect(server.address).await.unwrap();
        stream.write_all(said.as_bytes()).await.unwrap();

        // It ends, by a close or a reset; an open connection would never end.
        let mut rest = Vec::new();
        let _ = soon(stream.read_to_end(&mut rest)).await;
    }
    server.stop().await;
}

#[tokio::test]
async fn an_answer_of_known_length_is_sent_with_it() {
    let server = Running::with(echo(), ServeLimits::default()).await;

    let answer = reqwest::Client::new()
        .post(server.url("/echo"))
        .body("hello")
        .send()
        .await
        .unwrap();

    assert_eq!(answer.headers()["content-length"], "5");
    assert!(!answer.headers().contains_key("transfer-encoding"));
    server.stop().await;
}
