//! The other end's account.

use crate::served::{DEADLINE, Origin, eventually};
use serde_json::{Value, json};
use std::io::{Read as _, Write as _};
use std::net::TcpStream;

#[test]
fn every_request_is_counted_by_path_and_status() {
    let origin = Origin::start("--pages 5 --status-500 1 --fault-times 1");
    origin.get("/robots.txt");
    for path in [
        "/page/1", "/page/1", "/page/1", "/page/2", "/", "/nowhere", "/page/6",
    ] {
        origin.get(path);
    }
    let path = |attempts: u64, served: u64| json!({"attempts": attempts, "served": served});
    let mut stats = origin.stats();
    assert_eq!(
        stats["paths"].take(),
        json!({
            "/": path(1, 1), "/page/1": path(3, 2), "/page/2": path(1, 0), "/page/6": path(1, 0),
            "/nowhere": path(1, 0), "/robots.txt": path(1, 1), "/stats": path(1, 1),
        })
    );
    assert_eq!(
        stats,
        json!({
            "requests": 7, "in_flight": 0, "highest_in_flight": 1, "connections": 9, "resets": 0,
            "by_status": {"200": 3, "404": 2, "500": 2}, "paths": null,
        })
    );
}

#[test]
fn paths_can_be_left_out() {
    let origin = Origin::start("");
    origin.get("/page/1");
    let stats = origin.json("/stats?paths=false");
    assert_eq!(stats["requests"], 1);
    assert_eq!(stats.get("paths"), None);
}

/// Sends requests whose answers take their time, and waits until all are there.
fn send_slow_requests(origin: &Origin, many: u64) -> Vec<TcpStream> {
    let clients = (0..many).map(|n| {
        let mut client = TcpStream::connect(origin.line.api).unwrap();
        client.set_read_timeout(Some(DEADLINE)).unwrap();
        let head = format!("GET /page/{} HTTP/1.1\r\nHost: origin\r\n\r\n", 1 + n);
        client.write_all(head.as_bytes()).unwrap();
        client
    });
    let clients = clients.collect();
    in_flight(origin, many);
    clients
}

fn in_flight(origin: &Origin, expected: u64) -> Value {
    eventually("that many requests are in flight", || {
        let stats = origin.json("/stats?paths=false");
        (stats["in_flight"] == expected).then_some(stats)
    })
}

#[test]
fn the_highest_concurrency_stays_known_after_the_clients_have_left() {
    let origin = Origin::start("--latency 1m");
    let clients = send_slow_requests(&origin, 30);
    drop(clients);
    let stats = in_flight(&origin, 0);
    assert_eq!(stats["requests"], 30);
    assert_eq!(stats["highest_in_flight"], 30);
    assert_eq!(stats["by_status"], json!({}));
    assert_eq!(
        origin.metric("origin_requests_total{outcome=\"abandoned\"}") as u64,
        30
    );
    assert_eq!(origin.metric("http_requests_in_flight") as u64, 0);
}

#[test]
fn a_client_that_leaves_a_body_without_an_end_is_noticed() {
    for options in [
        // The second byte is a minute away.
        "--slow-body 1 --slow-body-every 1m",
        "--endless-body 1",
    ] {
        let origin = Origin::start(options);
        let mut clients = send_slow_requests(&origin, 3);
        for client in &mut clients {
            assert!(client.read(&mut [0; 500]).unwrap() > 0);
        }
        drop(clients);
        let stats = in_flight(&origin, 0);
        assert_eq!(stats["by_status"], json!({"200": 3}));
        assert_eq!(
            origin.stats()["paths"]["/page/1"],
            json!({"attempts": 1, "served": 0})
        );
        assert_eq!(
            origin.metric("origin_requests_total{outcome=\"abandoned\"}") as u64,
            3
        );
    }
}

#[test]
fn requests_under_way_are_not_in_an_account_that_begins_anew() {
    let origin = Origin::start("--latency 1m");
    let clients = send_slow_requests(&origin, 3);
    origin.forget();
    drop(clients);
    eventually("the clients are gone", || {
        (origin.metric("http_requests_in_flight") as u64 == 0).then_some(())
    });
    let stats = origin.json("/stats?paths=false");
    assert_eq!(stats["requests"], 0);
    assert_eq!(stats["in_flight"], 0);
    assert_eq!(stats["highest_in_flight"], 0);
}

#[test]
fn many_clients_at_once_are_counted_to_the_last() {
    let origin = Origin::start("--pages 10 --reset 0.5 --fault-times 1");
    let resets = origin.faults().len() as u64;
    assert!(resets > 0);
    std::thread::scope(|scope| {
        for _ in 0..8 {
            scope.spawn(|| {
                for n in 0..50 {
                    origin.get(&format!("/page/{}", 1 + n % 10));
                }
            });
        }
    });
    let stats = origin.stats();
    assert_eq!(stats["requests"], 400);
    assert_eq!(stats["resets"], resets);
    let paths = stats["paths"].as_object().unwrap();
    let sum = |what: &str| -> u64 {
        let pages = paths.iter().filter(|(path, _)| path.starts_with("/page/"));
        pages.map(|(_, path)| path[what].as_u64().unwrap()).sum()
    };
    assert_eq!(sum("attempts"), 400);
    assert_eq!(sum("served"), 400 - resets);
    assert!(stats["highest_in_flight"].as_u64().unwrap() <= 8);
}
