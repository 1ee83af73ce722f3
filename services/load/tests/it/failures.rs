//! Servers that fail, each kind.

use crate::runs::{answer, closed, millis, open};
use crate::server::{Server, Then, hello, whole};
use load::answer::RunAnswer;
use serde_json::{Value, json};
use std::net::TcpListener;

fn only(answer: &RunAnswer, kind: &str) -> u64 {
    let kinds: Vec<_> = answer.failed.keys().collect();
    assert_eq!(kinds, [&kind], "{:?}", answer.failed);
    answer.failed[kind]
}

fn impatient(mut request: Value) -> Value {
    request["timeout_seconds"] = json!(0.3);
    request
}

#[test]
fn nobody_listens() {
    let free = TcpListener::bind("127.0.0.1:0").unwrap();
    let url = format!("http://{}/", free.local_addr().unwrap());
    drop(free);
    let open = answer(open(&url, 100.0, 1.0, 4));
    assert_eq!((open.sent, only(&open, "connect_refused")), (100, 100));
    assert!(open.sentence.starts_with("No request was answered"));
    // A closed loop rests after each failure, for longer and longer.
    let closed = answer(closed(&url, 1.0, 4));
    let failed = only(&closed, "connect_refused");
    assert!((4..200).contains(&failed), "{failed}");
}

#[test]
fn nobody_accepts() {
    let listener = rustix::net::socket(
        rustix::net::AddressFamily::INET,
        rustix::net::SocketType::STREAM,
        None,
    )
    .unwrap();
    let any = std::net::SocketAddr::from(([127, 0, 0, 1], 0));
    rustix::net::bind(&listener, &any).unwrap();
    rustix::net::listen(&listener, 0).unwrap();
    let bound = TcpListener::from(listener);
    let url = format!("http://{}/", bound.local_addr().unwrap());
    let answer = answer(impatient(open(&url, 50.0, 1.0, 20)));
    assert_eq!((answer.sent, answer.answered), (50, 0));
    // The kernel takes one or two into its queue; nobody answers these.
    let of = |kind| answer.failed.get(kind).copied().unwrap_or(0);
    assert!(of("connect_timeout") > 0, "{:?}", answer.failed);
    assert_eq!(
        of("connect_timeout") + of("timeout") + of("no_connection"),
        50,
        "{:?}",
        answer.failed
    );
}

#[test]
fn resets_before_an_answer_and_within_one() {
    let before = Server::start(|_, _| Then::Reset(Vec::new()));
    let answer_before = answer(open(&before.url(), 50.0, 1.0, 4));
    let kinds: Vec<_> = answer_before.failed.keys().copied().collect();
    assert!(
        kinds.iter().all(|kind| ["reset", "closed"].contains(kind)),
        "{kinds:?}"
    );
    assert_eq!(answer_before.failures(), 50);

    let within = Server::start(|_, _| {
        Then::Reset(b"HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\nhal".to_vec())
    });
    let answer_within = answer(open(&within.url(), 50.0, 1.0, 4));
    // A reset may overtake what was sent before it.
    assert_eq!(answer_within.failures(), 50);
    assert!(
        answer_within.failed.contains_key("broken"),
        "{:?}",
        answer_within.failed
    );
}

#[test]
fn closed_without_an_answer_and_within_one() {
    let before = Server::start(|_, _| Then::Last(Vec::new()));
    assert_eq!(
        only(&answer(open(&before.url(), 50.0, 1.0, 4)), "closed"),
        50
    );
    for half in [
        "HTTP/1.1 200",
        "HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\nhalf",
        "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nhel",
    ] {
        let within = Server::start(move |_, _| Then::Last(half.into()));
        let answer = answer(open(&within.url(), 50.0, 1.0, 4));
        assert_eq!(only(&answer, "broken"), 50, "{half:?}");
    }
}

#[test]
fn what_is_no_http_is_a_bad_answer() {
    let server = Server::start(|_, _| Then::Answer(b"220 smtp.example ESMTP\r\n".to_vec()));
    assert_eq!(
        only(&answer(open(&server.url(), 50.0, 1.0, 4)), "bad_answer"),
        50
    );
}

#[test]
fn a_server_that_never_answers_costs_a_connection_and_no_more() {
    let server = Server::start(|_, _| Then::Nothing);
    let answer = answer(impatient(open(&server.url(), 50.0, 1.0, 4)));
    assert_eq!((answer.sent, answer.answered), (50, 0));
    // Four at a time wait for an answer, and the others for one of these.
    let of = |kind| answer.failed.get(kind).copied().unwrap_or(0);
    assert!(of("timeout") > 0, "{:?}", answer.failed);
    assert_eq!(
        of("timeout") + of("no_connection"),
        50,
        "{:?}",
        answer.failed
    );
    assert!(server.most_open() <= 8, "a closed one may linger");
}

#[test]
fn an_error_status_is_an_answer() {
    let server = Server::start(|number, _| {
        if number % 2 == 0 {
            Then::Answer(b"HTTP/1.1 503 Busy\r\nContent-Length: 0\r\n\r\n".to_vec())
        } else {
            hello()
        }
    });
    let answer = answer(open(&server.url(), 100.0, 1.0, 4));
    assert_eq!((answer.answered, answer.failures()), (100, 0));
    assert_eq!((answer.by_status["200"], answer.by_status["503"]), (50, 50));
}

#[test]
fn failures_stand_in_the_timeline_where_they_came() {
    let server = Server::start(|_, since_start| {
        // The run begins soon after the server, and warms up for 0.2 s.
        if (millis(800)..millis(1100)).contains(&since_start) {
            Then::Last(Vec::new())
        } else {
            hello()
        }
    });
    let answer = answer(open(&server.url(), 100.0, 2.0, 4));
    assert!(answer.failures() > 0 && answer.answered > 100);
    let failed: Vec<u64> = answer.timeline.iter().map(|step| step.3).collect();
    assert_eq!(failed.iter().sum::<u64>(), answer.failures());
    let last = failed.iter().rposition(|count| *count > 0).unwrap();
    assert!(last < 18, "it has recovered: {failed:?}");
}

#[test]
fn an_answer_nobody_asked_for_ends_the_connection_and_no_run() {
    let server = Server::start(|_, _| {
        let mut twice = whole("", "hello");
        twice.extend(whole("", "again"));
        Then::Answer(twice)
    });
    let answer = answer(open(&server.url(), 50.0, 1.0, 4));
    assert_eq!(answer.answered, 50, "{:?}", answer.failed);
}

#[test]
fn there_are_never_more_connections_than_allowed() {
    let server = Server::start(|_, _| {
        std::thread::sleep(millis(100));
        hello()
    });
    for request in [
        open(&server.url(), 300.0, 1.0, 5),
        closed(&server.url(), 0.5, 5),
    ] {
        answer(request);
        assert!(server.most_open() <= 5, "{}", server.most_open());
    }
}
