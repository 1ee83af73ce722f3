//! Each fault, as a client meets it.

use crate::served::Origin;
use crate::wire::{End, Seen};
use std::time::Duration;

const MS: fn(u64) -> Duration = Duration::from_millis;

/// Which fault a first attempt at a page shows.
fn fault_of(seen: &Seen, page: &str) -> Option<&'static str> {
    let content_type = seen.header("content-type").unwrap_or_default();
    match (seen.status(), seen.end) {
        (None, End::Reset) => Some("reset"),
        (Some(200), End::Reset) if seen.body.len() < 1024 => Some("reset"),
        (Some(200), End::TooMuch) => Some("endless-body"),
        (Some(500), End::Closed) => Some("status-500"),
        (Some(503), End::Closed) => Some("status-503"),
        (Some(301 | 302 | 307 | 308), End::Closed) => {
            let to = seen.header("location").unwrap();
            assert!(to.ends_with(page.strip_prefix("/page").unwrap()), "{to}");
            Some(if to.starts_with("/moved/") {
                "redirect"
            } else {
                "redirect-loop"
            })
        }
        (Some(200), End::Closed) if content_type != "text/html; charset=utf-8" => {
            Some("wrong-charset")
        }
        (Some(200), End::Closed) => match std::str::from_utf8(&seen.body) {
            Err(_) => Some("wrong-charset"),
            Ok(_) if !seen.is_whole() || seen.reads > 50 => Some("slow-body"),
            Ok(html) => (!html.ends_with("</html>\n")).then_some("malformed"),
        },
        _ => panic!("{page}: {seen:?}"),
    }
}

fn pages(n: u64) -> impl Iterator<Item = String> {
    (1..=n).map(|page| format!("/page/{page}"))
}

#[test]
fn the_faults_that_it_names_are_those_on_the_wire_and_come_again_after_a_new_beginning() {
    let origin = Origin::start(
        "--pages 60 --page-bytes 1024 --all-faults 0.9 --slow-body-every 1ms --longest-body 200ms",
    );
    let named = origin.faults();
    let kinds: std::collections::BTreeSet<_> = named.values().cloned().collect();
    assert_eq!(kinds.len(), 9, "{named:?}");
    for _ in 0..2 {
        for page in pages(60) {
            let seen = origin.get(&page);
            // What has no end is cut here before the client has enough.
            let endless = seen.header("transfer-encoding").map(|_| "endless-body");
            let found = endless.or_else(|| fault_of(&seen, &page));
            assert_eq!(
                found,
                named.get(&page).map(String::as_str),
                "{page}: {seen:?}"
            );
        }
        origin.forget();
    }
}

#[test]
fn a_status_fails_as_often_as_told_and_then_the_page_comes() {
    for status in [500, 503] {
        let origin = Origin::start(&format!(
            "--status-{status} 1 --fault-times 2 --retry-after 7"
        ));
        for _ in 0..2 {
            for expected in [status, status, 200, 200] {
                let seen = origin.get("/page/1");
                assert_eq!(seen.status(), Some(expected));
                let retry_after = (expected == 503).then_some("7");
                assert_eq!(seen.header("retry-after"), retry_after);
            }
            origin.forget();
        }
        let always = Origin::start(&format!("--status-{status} 1 --fault-times 0"));
        assert!((0..5).all(|_| always.get("/page/1").status() == Some(status)));
    }
}

#[test]
fn a_reset_comes_before_the_answer_or_within_it_and_the_page_after_it() {
    let origin = Origin::start("--reset 1 --pages 20 --page-bytes 2048");
    let (mut before, mut within) = (0, 0);
    for page in pages(20) {
        let seen = origin.get(&page);
        assert_eq!(seen.end, End::Reset, "{page}: {seen:?}");
        match seen.status() {
            None => before += 1,
            status => {
                assert_eq!(status, Some(200));
                assert_eq!(seen.header("content-length"), Some("2048"));
                assert_eq!(seen.body.len(), 1024);
                within += 1;
            }
        }
        assert!(origin.get(&page).is_whole());
    }
    assert!(before > 0 && within > 0, "{before} before, {within} within");
    assert_eq!(origin.stats()["resets"], 20);
}

#[test]
fn a_slow_body_comes_byte_by_byte_and_is_cut_when_it_takes_too_long() {
    let whole = Origin::start("--slow-body 1 --page-bytes 1024 --slow-body-every 1ms");
    let seen = whole.get("/page/1");
    assert!(seen.is_whole(), "{seen:?}");
    // The first byte comes at once.
    assert!(seen.took >= MS(1023), "{:?}", seen.took);
    assert_eq!(whole.stats()["paths"]["/page/1"]["served"], 1);

    let cut = Origin::start("--slow-body 1 --slow-body-every 20ms --longest-body 200ms");
    let seen = cut.get("/page/1");
    assert_eq!(seen.end, End::Closed);
    assert!(!seen.body.is_empty() && seen.body.len() <= 10, "{seen:?}");
    assert_eq!(cut.stats()["paths"]["/page/1"]["served"], 0);
}

#[test]
fn an_endless_body_goes_on_until_the_client_leaves_or_its_time_is_over() {
    let origin = Origin::start("--endless-body 1");
    let seen = origin.get("/page/1");
    assert_eq!(seen.end, End::TooMuch);
    assert_eq!(seen.header("content-length"), None);

    let cut = Origin::start("--endless-body 1 --longest-body 50ms");
    let seen = cut.get("/page/1");
    assert_eq!(seen.end, End::Closed, "{seen:?}");
    // A chunked body that is whole ends so.
    assert!(!seen.body.ends_with(b"0\r\n\r\n"));
}

#[test]
fn the_charset_is_not_the_one_of_the_header() {
    let origin = Origin::start("--wrong-charset 1 --pages 10");
    for page in pages(10) {
        let seen = origin.get(&page);
        assert_eq!(fault_of(&seen, &page), Some("wrong-charset"), "{seen:?}");
        assert!(seen.is_whole());
    }
}

#[test]
fn a_redirect_leads_to_the_page_and_a_loop_nowhere() {
    let origin = Origin::start("--redirect 1 --pages 20 --page-bytes 2000");
    let mut statuses = std::collections::BTreeSet::new();
    for page in pages(20) {
        let seen = origin.get(&page);
        statuses.insert(seen.status().unwrap());
        let there = origin.get(seen.header("location").unwrap());
        assert_eq!((there.status(), there.body.len()), (Some(200), 2000));
    }
    assert_eq!(statuses, [301, 302, 307, 308].into());

    let around = Origin::start("--redirect-loop 1");
    let seen = around.get("/page/1");
    let there = around.get(seen.header("location").unwrap());
    assert_eq!(there.status(), Some(302));
    assert_eq!(there.header("location"), Some("/page/1"));
}

#[test]
fn malformed_html_arrives_whole() {
    let origin = Origin::start("--malformed 1");
    let seen = origin.get("/page/1");
    assert!(seen.is_whole());
    let html = seen.text();
    assert!(html.contains("<title>Page 1: ") && !html.contains("</html>"));
}
