//! Jobs that cannot be: each is refused with a problem that names the field.

use super::*;

#[tokio::test]
async fn a_value_that_cannot_be_is_refused_with_its_field() {
    let origin = Origin::start("");
    let station = Station::start(&origin);
    let url = origin.url();
    let many: Vec<_> = (0..=10_000).map(|page| format!("{url}/{page}")).collect();
    for (body, field, says) in [
        (json!({}), "urls", "give urls, or an origin"),
        (json!({"urls": []}), "urls", "1 to 10000"),
        (json!({"urls": many}), "urls", "command line"),
        (json!({"urls": url}), "urls", "sequence"),
        (json!({"urls": [url, 5]}), "urls[1]", "string"),
        (json!({"urls": [url, "nonsense"]}), "urls[1]", "no URL"),
        (json!({"urls": [url], "origin": url}), "urls", "not both"),
        (json!({"urls": [url], "pages": 5}), "pages", "origin"),
        (json!({"origin": url, "pages": 0}), "pages", "1 to 10000"),
        (
            json!({"origin": url, "pages": 10_001}),
            "pages",
            "1 to 10000",
        ),
        (
            json!({"origin": format!("{url}/page")}),
            "origin",
            "host alone",
        ),
        (
            json!({"origin": url, "concurrency": 0}),
            "concurrency",
            "1 to 4096",
        ),
        (
            json!({"origin": url, "concurrency": 4097}),
            "concurrency",
            "1 to 4096",
        ),
        (json!({"origin": url, "mode": "asynk"}), "mode", "asynk"),
        (json!({"origin": url, "parse": "hard"}), "parse", "hard"),
        (
            json!({"origin": url, "store": "postgres"}),
            "store",
            "SCRAPER_DATABASE_URL",
        ),
        (json!({"origin": url, "store": "ndjson"}), "store", "ndjson"),
        (json!({"origin": url, "stoer": "none"}), "stoer", "stoer"),
    ] {
        let refused = post(&station, &body).await;

        assert_eq!(refused.status, 422, "{refused:?}");
        assert_eq!(refused.body["field"], field, "{refused:?}");
        let detail = refused.body["detail"].as_str().unwrap();
        assert!(detail.contains(says), "{refused:?}");
    }
    assert_eq!(get(&station, "/scrape").await.body, json!({"jobs": []}));
    assert_eq!(origin.stats()["requests"], 0);
}

#[tokio::test]
async fn what_is_not_kept_is_not_found() {
    let origin = Origin::start("");
    let station = Station::start(&origin);
    let body = json!({"origin": origin.url(), "pages": 3});
    let path = begun(&station, &body).await;
    ended(&station, &path).await;
    for (asked, status) in [
        ("/scrape/nothing".into(), 404),
        ("/scrape/nothing/events".into(), 404),
        ("/scrape/nothing/results".into(), 404),
        (format!("{path}/results?page=2"), 404),
        (format!("{path}/results?page=0"), 422),
        (format!("{path}/results?page={}", u64::MAX), 404),
        (
            format!("{path}/results?page={}&per_page=1000", u64::MAX),
            404,
        ),
        (format!("{path}/results?per_page=0"), 422),
        (format!("{path}/results?per_page=1001"), 422),
        (format!("{path}/results?page=x"), 400),
        (format!("{path}/results?seite=1"), 400),
    ] {
        let refused = get(&station, &asked).await;

        assert_eq!(refused.status, status, "{asked}: {refused:?}");
        assert!(refused.body["detail"].is_string(), "{asked}: {refused:?}");
    }
    assert_eq!(delete(&station, "/scrape/nothing").await.status, 404);
}

#[tokio::test]
async fn as_many_urls_as_the_description_promises_are_taken() {
    let origin = Origin::start("--latency 10s");
    let station = Station::start(&origin);
    let url = |page| {
        let mut url = format!("{}/page/{page}?", origin.url());
        url += &"x".repeat(100 - url.len());
        url
    };
    let urls: Vec<_> = (0..10_000).map(url).collect();

    let job = post(&station, &json!({"urls": urls})).await;

    assert_eq!(
        (job.status, &job.body["urls"]),
        (202, &json!(10_000)),
        "{job:?}"
    );
    delete(&station, &job.location.unwrap()).await;
    let longer: Vec<_> = urls.iter().map(|url| format!("{url}xxxxxxxx")).collect();
    let refused = post(&station, &json!({"urls": longer})).await;
    assert_eq!(refused.status, 413, "{refused:?}");
}
