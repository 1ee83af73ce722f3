//! The pages, and what a web has beside them.

use crate::served::Origin;
use std::io::Read as _;
use std::time::Duration;

#[test]
fn the_same_seed_makes_the_same_web_and_another_one_does_not() {
    let options = "--pages 20 --page-bytes 2000 --all-faults 0.5";
    let (one, same) = (Origin::start(options), Origin::start(options));
    let other = Origin::start(&format!("{options} --seed 2"));

    assert_eq!(one.faults(), same.faults());
    assert_ne!(one.faults(), other.faults());
    let healthy = (1..=20).find(|n| !one.faults().contains_key(&format!("/page/{n}")));
    let path = format!("/page/{}", healthy.unwrap());
    assert_eq!(one.get(&path).body, same.get(&path).body);
    assert_ne!(one.get(&path).body, other.get(&path).body);
}

#[test]
fn a_page_is_html_of_the_size_asked_for() {
    let origin = Origin::start("--pages 3 --page-bytes 5000");
    for page in 1..=3 {
        let seen = origin.get(&format!("/page/{page}"));
        assert_eq!(seen.status(), Some(200));
        assert_eq!(
            seen.header("content-type"),
            Some("text/html; charset=utf-8")
        );
        assert!(seen.is_whole(), "{seen:?}");
        assert_eq!(seen.body.len(), 5000);
        assert!(seen.text().contains(&format!("<h1>Page {page}</h1>")));
    }
}

#[test]
fn what_is_not_there_is_a_problem_with_404_and_what_cannot_be_done_with_405() {
    let origin = Origin::start("--pages 3");
    for path in [
        "/page/4",
        "/page/0",
        "/page/01",
        "/moved/1",
        "/private/11",
        "/nowhere",
    ] {
        let seen = origin.get(path);
        assert_eq!(seen.status(), Some(404), "{path}");
        assert_eq!(
            seen.header("content-type"),
            Some("application/problem+json")
        );
        assert!(seen.text().contains(path), "{seen:?}");
    }
    for (path, allowed) in [
        ("/page/1", "GET, HEAD"),
        ("/robots.txt", "GET, HEAD"),
        ("/stats", "GET, HEAD, DELETE"),
    ] {
        let seen = origin.ask("PUT", path, "");
        assert_eq!(seen.status(), Some(405), "{path}");
        assert_eq!(seen.header("allow"), Some(allowed), "{path}");
    }
}

#[test]
fn head_tells_the_length_and_sends_nothing() {
    let origin = Origin::start("--page-bytes 3000");
    let seen = origin.ask("HEAD", "/page/1", "");
    assert_eq!(seen.status(), Some(200));
    assert_eq!(seen.header("content-length"), Some("3000"));
    assert!(seen.body.is_empty());
    assert_eq!(origin.stats()["paths"]["/page/1"]["served"], 1);
}

#[test]
fn robots_and_sitemap_tell_what_there_is() {
    let origin = Origin::start("--pages 12");
    let at = format!("http://{}", origin.line.api);

    let robots = origin.get("/robots.txt").text();
    assert!(robots.contains("Disallow: /private/"), "{robots}");
    assert!(
        robots.contains(&format!("Sitemap: {at}/sitemap.xml")),
        "{robots}"
    );
    let sitemap = origin.get("/sitemap.xml").text();
    for page in 1..=12 {
        assert!(sitemap.contains(&format!("<loc>{at}/page/{page}</loc>")));
    }
    assert!(!sitemap.contains("/private/"));
    assert!(origin.get("/").text().contains("href=\"/page/12\""));
    assert_eq!(origin.get("/private/1").status(), Some(200));
}

#[test]
fn an_answer_takes_its_latency_and_robots_txt_none() {
    let origin = Origin::start("--latency 300ms");
    assert!(origin.get("/page/1").took >= Duration::from_millis(300));
    let least = origin
        .get("/robots.txt")
        .took
        .min(origin.get("/stats").took);
    assert!(least < Duration::from_millis(300), "{least:?}");
}

#[test]
fn pages_are_compressed_as_the_client_accepts_and_only_when_told_to() {
    let origin = Origin::start("--compress --redirect 0.5 --pages 20");
    let plain = Origin::start("--redirect 0.5 --pages 20");
    let faults = origin.faults();
    let pages = (1..=20).map(|page| match faults.get(&format!("/page/{page}")) {
        Some(_) => format!("/moved/{page}"),
        None => format!("/page/{page}"),
    });
    for path in pages {
        let page = plain.get(&path);
        for (accepted, coding) in [
            ("gzip", Some("gzip")),
            ("gzip, br", Some("br")),
            ("zstd", None),
        ] {
            let accept = format!("Accept-Encoding: {accepted}\r\n");
            // Made the first time, and as it was made the second.
            for _ in 0..2 {
                let seen = origin.ask("GET", &path, &accept);
                assert_eq!(seen.header("content-encoding"), coding, "{path}");
                assert_eq!(seen.header("vary"), Some("accept-encoding"));
                assert!(seen.is_whole());
                assert_eq!(decoded(coding, &seen.body), page.body, "{path}");
            }
            let uncompressed = plain.ask("GET", &path, &accept);
            assert_eq!(uncompressed.header("content-encoding"), None);
            assert_eq!(uncompressed.body, page.body);
        }
    }
}

fn decoded(coding: Option<&str>, body: &[u8]) -> Vec<u8> {
    let mut decoded = Vec::new();
    match coding {
        Some("gzip") => flate2::read::GzDecoder::new(body).read_to_end(&mut decoded),
        Some("br") => brotli::Decompressor::new(body, 4096).read_to_end(&mut decoded),
        _ => return body.to_vec(),
    }
    .unwrap();
    decoded
}
