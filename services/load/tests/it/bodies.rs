//! Answers in every form.

use crate::runs::{answer, closed, open};
use crate::server::{Server, Then, whole};
use serde_json::json;

#[test]
fn a_connection_that_the_server_closes_after_each_answer_is_no_failure() {
    for bytes in [
        whole("Connection: close\r\n", "hello"),
        b"HTTP/1.0 200 OK\r\nContent-Length: 2\r\n\r\nhi".to_vec(),
        b"HTTP/1.1 200 OK\r\n\r\nuntil the end".to_vec(),
    ] {
        let text = String::from_utf8_lossy(&bytes).into_owned();
        let server = Server::start(move |_, _| Then::Last(bytes.clone()));
        let open = answer(open(&server.url(), 100.0, 1.0, 8));
        assert_eq!((open.answered, open.failures()), (100, 0), "{text}");
        let closed = answer(closed(&server.url(), 0.5, 3));
        assert_eq!(closed.failures(), 0, "{text}: {:?}", closed.failed);
        // Not one for each tick of the event loop.
        assert!(closed.answered > 3 * 50, "{text}: {}", closed.answered);
    }
}

#[test]
fn chunked_bodies_are_read_to_their_end() {
    let server = Server::start(|_, _| {
        let chunk = format!("2000\r\n{}\r\n", "x".repeat(0x2000));
        let body = chunk.repeat(20);
        let answer =
            format!("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n{body}0\r\n\r\n");
        Then::Answer(answer.into_bytes())
    });
    let answer = answer(open(&server.url(), 50.0, 1.0, 2));
    assert_eq!((answer.answered, answer.failures()), (50, 0));
    assert_eq!(server.connections(), 2, "they were kept");
}

#[test]
fn large_bodies_are_read_and_thrown_away() {
    let body = "x".repeat(1 << 20);
    let server = Server::start(move |_, _| Then::Answer(whole("", &body)));
    let answer = answer(open(&server.url(), 20.0, 1.0, 4));
    assert_eq!((answer.answered, answer.failures()), (20, 0));
}

#[test]
fn who_answered_is_counted_when_it_is_asked_for() {
    let server = Server::start(|number, _| {
        let body = format!(
            r#"{{"message":"Hello World","worker":{},"result":1}}"#,
            number % 2
        );
        Then::Answer(whole("x-replica: one\r\n", &body))
    });
    let mut request = open(&server.url(), 100.0, 1.0, 4);
    request["identify"] = json!(true);
    let identified = answer(request.clone());
    assert_eq!(identified.by_replica["one"], 100);
    assert_eq!(identified.by_worker["0"] + identified.by_worker["1"], 100);

    request["identify"] = json!(false);
    assert!(answer(request).by_worker.is_empty());
}
