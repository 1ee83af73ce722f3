//! Attempts to have the service fetch what only it can reach. Those that the
//! URL alone gives away are refused with the request; the others are seen on
//! the way, and become outcomes of the kind `refused`.

use super::*;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpListener;

/// Each is refused though its host is on the list under another name or port.
fn attempts(port: u16) -> Vec<String> {
    [
        "http://localhost:PORT/",
        "http://LOCALHOST.:PORT/",
        "http://127.0.0.1:9/",
        "http://127.0.0.2:PORT/",
        "http://127.0.0.1.nip.example:PORT/",
        "http://0.0.0.0:PORT/",
        "http://[::1]:PORT/",
        "http://[::ffff:127.0.0.1]:PORT/",
        "http://[::127.0.0.1]:PORT/",
        "http://[64:ff9b::127.0.0.1]:PORT/",
        "http://[2002:7f00:1::]:PORT/",
        "http://169.254.169.254/latest/meta-data/",
        "http://2852039166/latest/meta-data/",
        "http://0251.0376.0251.0376/",
        "http://[fd00:ec2::254]/",
        "http://10.0.0.1/",
        "http://192.168.0.1/",
        "http://172.17.0.1/",
        "http://127.0.0.1:PORT@169.254.169.254/",
        "http://169.254.169.254#@127.0.0.1:PORT/",
        "http://169.254.169.254\\@127.0.0.1:PORT/",
        "https://127.0.0.1/",
        "file:///etc/passwd",
        "ftp://127.0.0.1:PORT/",
        "gopher://127.0.0.1:PORT/_FLUSHALL",
        "data:text/html,hello",
        "//127.0.0.1:PORT/",
    ]
    .iter()
    .map(|url| url.replace("PORT", &port.to_string()))
    .collect()
}

/// A site that sends everybody on to `location`; `robots`: who asks for its
/// robots.txt too, else it has none.
async fn sends_on_to(listener: TcpListener, location: String, robots: bool) {
    loop {
        let (mut connection, _) = listener.accept().await.unwrap();
        let location = location.clone();
        tokio::spawn(async move {
            let mut request = vec![0; 4096];
            let read = connection.read(&mut request).await.unwrap_or(0);
            let for_robots = request[..read].starts_with(b"GET /robots.txt");
            let status = if for_robots && !robots {
                "404 Not Found\r\n".into()
            } else {
                format!("302 Found\r\nLocation: {location}\r\n")
            };
            let answer = format!("HTTP/1.1 {status}Content-Length: 0\r\nConnection: close\r\n\r\n");
            let _ = connection.write_all(answer.as_bytes()).await;
        });
    }
}

#[tokio::test]
async fn no_url_that_is_not_on_the_list_is_taken() {
    let origin = Origin::start("");
    let station = Station::start(&origin);
    for url in attempts(origin.port()) {
        for body in [json!({"urls": [origin.url(), url]}), json!({"origin": url})] {
            let refused = post(&station, &body).await;

            assert_eq!(refused.status, 422, "{url}: {refused:?}");
            let field = refused.body["field"].as_str().unwrap();
            assert!(["urls[1]", "origin"].contains(&field), "{refused:?}");
        }
    }
    assert_eq!(origin.stats()["requests"], 0);
    assert_eq!(get(&station, "/scrape").await.body, json!({"jobs": []}));
}

#[tokio::test]
async fn no_redirect_leads_where_no_url_may() {
    let inside = Origin::start("");
    for location in attempts(inside.port()) {
        for robots in [false, true] {
            let site = TcpListener::bind("127.0.0.1:0").await.unwrap();
            let address = site.local_addr().unwrap();
            let serving = tokio::spawn(sends_on_to(site, location.clone(), robots));
            let station = Station::start_allowing(&address.to_string());

            let body = json!({"urls": [format!("http://{address}/")]});
            let path = begun(&station, &body).await;
            ended(&station, &path).await;

            let results = get(&station, &format!("{path}/results")).await.body;
            let error = results["results"][0]["error"].as_str();
            assert!(
                matches!(error, Some("refused" | "bad_redirect")),
                "{location} {robots}: {results}"
            );
            // The answer that there was is told, though it led nowhere.
            let status = if robots { Value::Null } else { 302.into() };
            assert_eq!(results["results"][0]["status"], status, "{location}");
            serving.abort();
        }
    }
    let stats = inside.stats();
    assert_eq!(stats["requests"], 0, "somebody was let through");
    assert_eq!(stats["connections"], 1, "that which asks for this");
}

#[tokio::test]
async fn a_name_that_a_star_covers_may_not_lead_inside() {
    let inside = Origin::start("");
    let station = Station::start_allowing("*");
    // Known to every machine as itself.
    let body = json!({"urls": [format!("http://localhost:{}/page/1", inside.port())]});

    let path = begun(&station, &body).await;
    let job = ended(&station, &path).await;

    assert_eq!(job["failed"], json!({"refused": 1}), "{job}");
    assert_eq!(inside.stats()["requests"], 0);
}

#[tokio::test]
async fn a_name_that_is_listed_in_full_may_lead_inside() {
    let inside = Origin::start("");
    let station = Station::start_allowing(&format!("localhost:{}", inside.port()));
    let body = json!({"urls": [format!("http://localhost:{}/page/1", inside.port())]});

    let path = begun(&station, &body).await;
    let job = ended(&station, &path).await;

    assert_eq!(job["pages"], 1, "{job}");
}
