//! `POST /scrape` and what is asked about a job, over HTTP.

mod attempts;
mod documented;
mod refusals;
mod results;
mod stopping;
mod stored;

use crate::programs::{DEADLINE, Origin, Station};
use reqwest::{Method, RequestBuilder};
use serde_json::{Value, json};

/// An HTTP answer.
#[derive(Debug)]
struct Answer {
    status: u16,
    location: Option<String>,
    body: Value,
}

fn request(station: &Station, method: Method, path: &str) -> RequestBuilder {
    let client = reqwest::Client::builder().no_proxy().timeout(DEADLINE);
    client.build().unwrap().request(method, station.url(path))
}

/// Sends `request`; a body that is there must be JSON.
async fn answer(request: RequestBuilder) -> Answer {
    let response = request.send().await.unwrap();
    let status = response.status().as_u16();
    let location = response.headers().get("location");
    let location = location.map(|path| path.to_str().unwrap().to_owned());
    let text = response.text().await.unwrap();
    let body = if text.is_empty() {
        Value::Null
    } else {
        serde_json::from_str(&text).unwrap_or_else(|error| panic!("{error}: {text}"))
    };
    Answer {
        status,
        location,
        body,
    }
}

async fn get(station: &Station, path: &str) -> Answer {
    answer(request(station, Method::GET, path)).await
}

async fn post(station: &Station, body: &Value) -> Answer {
    answer(request(station, Method::POST, "/scrape").json(body)).await
}

async fn delete(station: &Station, path: &str) -> Answer {
    answer(request(station, Method::DELETE, path)).await
}

/// Begins a job that must be begun; where to ask about it.
async fn begun(station: &Station, body: &Value) -> String {
    let begun = post(station, body).await;
    assert_eq!(begun.status, 202, "{body}: {begun:?}");
    let path = begun.location.unwrap();
    assert_eq!(
        path,
        format!("/scrape/{}", begun.body["id"].as_str().unwrap())
    );
    path
}

/// What a job is like when it does not go on any more.
async fn ended(station: &Station, path: &str) -> Value {
    until(station, path, |job| job["state"] != "running").await
}

/// What a job is like once `holds`.
async fn until(station: &Station, path: &str, holds: impl Fn(&Value) -> bool) -> Value {
    let waited = async {
        loop {
            let job = get(station, path).await.body;
            if holds(&job) {
                return job;
            }
            tokio::time::sleep(std::time::Duration::from_millis(10)).await;
        }
    };
    let waited = tokio::time::timeout(DEADLINE, waited).await;
    waited.unwrap_or_else(|_| panic!("not in time: {path}"))
}

/// A job of many pages that does not end by itself in time.
fn endless(origin: &Origin) -> Value {
    json!({"origin": origin.url(), "pages": 10_000, "mode": "async", "concurrency": 2})
}
