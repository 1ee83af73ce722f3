#![allow(clippy::unwrap_used)]
use super::opened::BUFFERED_ROWS;
use super::*;
use crate::outcome::Outcome;
use std::time::{Duration, SystemTime};

fn outcome(number: usize) -> Outcome {
    Outcome {
        url: format!("http://origin/page/{number}").parse().unwrap(),
        status: Some(200),
        error: None,
        attempts: 1,
        page: None,
        bytes: 100,
        elapsed: Duration::ZERO,
        fetched_at: SystemTime::UNIX_EPOCH,
    }
}

fn target(choice: StoreChoice) -> Target {
    Target {
        choice,
        database: None,
        run: "a".parse().unwrap(),
        resume: false,
    }
}

#[test]
fn a_store_is_named_in_one_way() {
    for (text, choice) in [
        ("none", StoreChoice::None),
        ("postgres", StoreChoice::Postgres),
        (
            "ndjson:a:b.ndjson",
            StoreChoice::Ndjson("a:b.ndjson".into()),
        ),
    ] {
        assert_eq!(text.parse(), Ok(choice));
    }
    for (text, says) in [
        ("", "none, postgres or ndjson:FILE"),
        ("ndjson", "none, postgres or ndjson:FILE"),
        ("ndjson:", "none, postgres or ndjson:FILE"),
        ("sqlite:a.db", "none, postgres or ndjson:FILE"),
        ("postgres://user:swordfish@db/x", "--database-url"),
    ] {
        let refused = text.parse::<StoreChoice>().unwrap_err();

        assert!(refused.contains(says), "{text}: {refused}");
        assert!(!refused.contains("swordfish"));
    }
}

#[tokio::test]
async fn all_that_is_put_by_many_is_stored() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("pages.ndjson");
    let opened = open(target(StoreChoice::Ndjson(path.clone())))
        .await
        .unwrap();

    let putting = (0..5).map(|part| {
        let sender = opened.sender();
        tokio::spawn(async move {
            for number in 0..1000 {
                sender.put(outcome(part * 1000 + number)).await.unwrap();
            }
        })
    });
    futures_util::future::try_join_all(putting).await.unwrap();
    let sender = opened.sender();
    let stored = opened.finish(Duration::from_secs(30)).await;

    assert_eq!((stored.rows, stored.lost, stored.failed), (5000, 0, None));
    assert_eq!(std::fs::read_to_string(path).unwrap().lines().count(), 5000);
    assert!(sender.put(outcome(0)).await.is_err(), "it has ended");
}

#[tokio::test]
async fn a_store_that_cannot_be_written_to_says_so_to_who_puts() {
    let opened = open(target(StoreChoice::Ndjson("/dev/full".into())))
        .await
        .unwrap();
    let sender = opened.sender();

    let mut refused = Ok(());
    for number in 0..10 * BUFFERED_ROWS {
        refused = sender.put(outcome(number)).await;
        if refused.is_err() {
            break;
        }
    }
    let stored = opened.finish(Duration::from_secs(30)).await;

    assert!(refused.unwrap_err().0.contains("/dev/full"));
    assert_eq!(stored.rows, 0);
    assert!(stored.lost > 0);
    assert!(stored.failed.unwrap().0.contains("make room"));
}

#[tokio::test]
async fn what_cannot_be_opened_says_what_is_missing() {
    let none = Target {
        resume: true,
        ..target(StoreChoice::None)
    };
    for (target, says) in [
        (none, "no run to resume"),
        (target(StoreChoice::Postgres), "--database-url"),
        (target(StoreChoice::Ndjson("/".into())), "directory"),
    ] {
        let refused = open(target).await.unwrap_err();

        assert!(refused.0.contains(says), "{refused}");
    }
}
