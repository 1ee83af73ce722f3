#![allow(clippy::unwrap_used)]
use super::*;
use crate::outcome::{ErrorKind, Page};
use serde_json::{Value, json};

fn outcome() -> Outcome {
    Outcome {
        url: "http://origin:8080/page/1".parse().unwrap(),
        status: Some(200),
        error: None,
        attempts: 2,
        page: Some(Page {
            title: Some("Page \"1\"".into()),
            links: 3,
            words: 400,
            hash: [0xab; 32],
        }),
        bytes: 5000,
        elapsed: Duration::from_millis(1500),
        fetched_at: SystemTime::UNIX_EPOCH + Duration::from_micros(1_764_000_000_123_456),
    }
}

fn line(outcome: Outcome) -> Value {
    let mut out = Vec::new();
    Row::from(outcome).write_line(&"a-run".parse().unwrap(), &mut out);
    assert_eq!(out.pop(), Some(b'\n'));
    assert!(!out.contains(&b'\n'));
    serde_json::from_slice(&out).unwrap()
}

#[test]
fn a_line_holds_every_column() {
    assert_eq!(
        line(outcome()),
        json!({
            "run": "a-run", "url": "http://origin:8080/page/1", "status": 200, "error": null,
            "attempts": 2, "title": "Page \"1\"", "links": 3, "words": 400, "bytes": 5000,
            "hash": "ab".repeat(32), "elapsed_seconds": 1.5,
            "fetched_at": "2025-11-24T16:00:00.123456Z",
        })
    );
}

#[test]
fn what_nobody_knows_is_null() {
    let failed = Outcome {
        status: None,
        error: Some(ErrorKind::Timeout),
        page: None,
        ..outcome()
    };

    let line = line(failed);

    assert_eq!(line["error"], "timeout");
    for column in ["status", "title", "links", "words", "hash"] {
        assert_eq!(line[column], Value::Null, "{column}");
    }
}

#[test]
fn a_title_is_made_storable() {
    for (title, kept) in [
        ("a\0b".to_owned(), "a\u{fffd}b".to_owned()),
        ("é".repeat(513), "é".repeat(512)),
        (
            format!("x{}", "é".repeat(600)),
            format!("x{}", "é".repeat(511)),
        ),
    ] {
        assert_eq!(storable(title), kept);
    }
}

#[test]
fn a_clock_that_is_far_off_makes_no_panic() {
    let centuries = Duration::from_secs(400_000_000_000);
    for (fetched_at, written) in [
        (
            SystemTime::UNIX_EPOCH - Duration::from_secs(1),
            "1970-01-01T00:00:00.000000Z",
        ),
        (
            SystemTime::UNIX_EPOCH + centuries,
            "9999-12-31T23:59:59.000000Z",
        ),
    ] {
        let outcome = Outcome {
            fetched_at,
            ..outcome()
        };
        assert_eq!(line(outcome)["fetched_at"], written);
    }
}
