//! A job from its beginning to its end.

use super::*;
use std::collections::BTreeSet;

#[tokio::test]
async fn every_page_of_an_origin_has_its_result_in_every_mode() {
    let origin = Origin::start("--pages 250");
    let station = Station::start(&origin);
    for (mode, concurrency) in [("sequential", 1), ("threads", 8), ("async", 32)] {
        let body = json!({
            "origin": origin.url(), "pages": 250, "mode": mode, "concurrency": concurrency,
        });

        let path = begun(&station, &body).await;
        let job = ended(&station, &path).await;

        assert_eq!(job["state"], "done", "{job}");
        assert_eq!(job["error"], Value::Null);
        assert_eq!(job["seconds_left"], Value::Null);
        for count in ["urls", "done", "pages", "stored"] {
            assert_eq!(job[count], 250, "{count}: {job}");
        }
        let mut urls = BTreeSet::new();
        for page in 1..=3 {
            let results = get(&station, &format!("{path}/results?page={page}"))
                .await
                .body;
            assert_eq!(results["page"], page);
            assert_eq!(results["pages"], 3);
            assert_eq!(results["total"], 250);
            for result in results["results"].as_array().unwrap() {
                assert_eq!(result["status"], 200, "{result}");
                assert!(
                    result["title"].is_string() && result["hash"].is_string(),
                    "{result}"
                );
                urls.insert(result["url"].as_str().unwrap().to_owned());
            }
        }
        let asked: BTreeSet<_> = (1..=250)
            .map(|page| format!("{}/page/{page}", origin.url()))
            .collect();
        assert_eq!(urls, asked);
        let last = get(&station, &format!("{path}/results?page=3")).await.body;
        assert_eq!(last["results"].as_array().unwrap().len(), 50);
    }
}

#[tokio::test]
async fn a_list_is_fetched_once_each_and_what_is_no_page_is_a_result_too() {
    let origin = Origin::start("--pages 10");
    let station = Station::start(&origin);
    let url = |path: &str| format!("{}{path}", origin.url());
    let body = json!({"parse": "none", "urls": [
        url("/page/1"), url("/page/2#part"), url("/page/2"), url("/page/99"), url("/private/1"),
    ]});

    let path = begun(&station, &body).await;
    let job = ended(&station, &path).await;

    assert_eq!(
        (&job["state"], &job["urls"]),
        (&json!("done"), &json!(4)),
        "{job}"
    );
    assert_eq!(job["failed"], json!({"status": 1, "robots": 1}));
    let results = get(&station, &format!("{path}/results")).await.body;
    let error = |path: &str| {
        let results = results["results"].as_array().unwrap();
        let result = results.iter().find(|result| result["url"] == url(path));
        result.unwrap()["error"].clone()
    };
    assert_eq!(error("/page/1"), Value::Null);
    assert_eq!(error("/page/99"), "status");
    assert_eq!(error("/private/1"), "robots");
}

#[tokio::test]
async fn events_tell_of_progress_and_then_of_the_end() {
    let origin = Origin::start("--pages 40 --latency 60ms");
    let station = Station::start(&origin);
    let body = json!({"origin": origin.url(), "pages": 40, "concurrency": 2});
    let path = begun(&station, &body).await;

    let stream = request(&station, Method::GET, &format!("{path}/events"));
    let stream = stream.send().await.unwrap();
    assert_eq!(stream.headers()["content-type"], "text/event-stream");
    let events = events(&stream.text().await.unwrap());

    let (last, job) = events.last().unwrap();
    assert_eq!((last.as_str(), &job["state"]), ("end", &json!("done")));
    assert_eq!(job["done"], 40);
    let progress = &events[..events.len() - 1];
    assert!(!progress.is_empty());
    for (name, job) in progress {
        assert_eq!(
            (name.as_str(), &job["state"]),
            ("progress", &json!("running"))
        );
    }
    let done: Vec<_> = events.iter().map(|(_, job)| job["done"].as_u64()).collect();
    assert!(done.is_sorted(), "{done:?}");
}

#[tokio::test]
async fn the_newest_jobs_are_kept_and_no_others() {
    let origin = Origin::start("--pages 10");
    let station = Station::start(&origin);
    let mut paths = Vec::new();
    for _ in 0..10 {
        let body = json!({"origin": origin.url(), "pages": 1});
        let path = begun(&station, &body).await;
        ended(&station, &path).await;
        paths.push(path);
    }

    let kept = get(&station, "/scrape").await.body;

    let kept = kept["jobs"].as_array().unwrap();
    let kept: Vec<_> = kept
        .iter()
        .map(|job| format!("/scrape/{}", job["id"].as_str().unwrap()))
        .collect();
    assert_eq!(kept, paths[2..]);
    assert_eq!(get(&station, &paths[1]).await.status, 404);
    assert_eq!(get(&station, &paths[2]).await.status, 200);
}

/// The events of a whole stream: name and data.
fn events(stream: &str) -> Vec<(String, Value)> {
    let field = |event: &str, name: &str| {
        let value = event.lines().find_map(|line| line.strip_prefix(name));
        value.unwrap_or_default().trim().to_owned()
    };
    let blocks = stream.split("\n\n").filter(|block| block.contains("data:"));
    let event = |event: &str| {
        let data = serde_json::from_str(&field(event, "data:")).unwrap();
        (field(event, "event:"), data)
    };
    blocks.map(event).collect()
}
