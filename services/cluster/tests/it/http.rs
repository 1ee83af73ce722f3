//! HTTP/1.1, as RFC 9112 has it and attackers try it.

use crate::served::Cluster;
use crate::wire::Wire;
use std::process::Command;

fn cluster() -> Cluster {
    Cluster::start("--workers 1 --work 0 --body-limit-bytes 1000 --request-timeout-seconds 1")
}

/// The statuses of all answers to these bytes, until the server closes: it is told
/// to, or does it by itself.
fn statuses(cluster: &Cluster, bytes: &[u8]) -> Vec<u16> {
    let mut wire = Wire::open(cluster.http()).unwrap();
    // A server may close before it has read all of it.
    let _ = wire.send(bytes);
    let _ = wire.send("GET /last HTTP/1.1\r\nHost: h\r\nConnection: close\r\n\r\n");
    let mut statuses = crate::wire::statuses(&wire.rest());
    // The one that was added, where it was answered.
    statuses.pop_if(|last| *last == 404);
    statuses
}

#[test]
fn pipelined_requests_are_answered_in_their_order() {
    let cluster = cluster();
    let mut wire = Wire::open(cluster.http()).unwrap();
    let request = |work| format!("GET /?work={work} HTTP/1.1\r\nHost: here\r\n\r\n");
    let requests: Vec<String> = (0..200).map(request).collect();
    wire.send(requests.concat()).unwrap();
    for work in 0_u64..200 {
        let result = wire.next(false).unwrap().json()["result"].as_u64();
        assert_eq!(result, Some(work * work.saturating_sub(1) / 2));
    }
}

#[test]
fn a_connection_is_kept_or_not_as_its_client_asks() {
    let cluster = cluster();
    let mut wire = Wire::open(cluster.http()).unwrap();
    for _ in 0..3 {
        assert!(!wire.ask("/").unwrap().is_last());
    }
    wire.send("GET / HTTP/1.1\r\nHost: here\r\nConnection: close\r\n\r\n")
        .unwrap();
    assert!(wire.next(false).unwrap().is_last());
    assert!(wire.is_closed());
    let mut wire = Wire::open(cluster.http()).unwrap();
    wire.send("GET / HTTP/1.0\r\n\r\n").unwrap();
    assert_eq!(wire.next(false).unwrap().status, 200);
    assert!(wire.is_closed());
}

#[test]
fn bodies_are_read_up_to_the_cap_and_the_connection_is_kept() {
    let cluster = cluster();
    let mut wire = Wire::open(cluster.http()).unwrap();
    wire.send(format!(
        "GET / HTTP/1.1\r\nHost: h\r\nContent-Length: 1000\r\n\r\n{}",
        "x".repeat(1000)
    ))
    .unwrap();
    let seen = wire.next(false).unwrap();
    assert!(seen.status == 200 && !seen.is_last(), "{seen:?}");
    wire.send("GET / HTTP/1.1\r\nHost: h\r\nContent-Length: 1001\r\n\r\n")
        .unwrap();
    let seen = wire.next(false).unwrap();
    assert!(seen.status == 413 && seen.is_last(), "{seen:?}");
    assert!(wire.is_closed());
}

#[test]
fn who_expects_100_continue_is_told_before_it_sends() {
    let cluster = cluster();
    let mut wire = Wire::open(cluster.http()).unwrap();
    let head = "GET / HTTP/1.1\r\nHost: h\r\nExpect: 100-continue\r\nContent-Length: ";
    wire.send(format!("{head}3\r\n\r\n")).unwrap();
    assert_eq!(wire.next(false).unwrap().status, 100);
    wire.send("abc").unwrap();
    assert_eq!(wire.next(false).unwrap().status, 200);
    // One that is too large is not asked for.
    wire.send(format!("{head}5000\r\n\r\n")).unwrap();
    assert_eq!(wire.next(false).unwrap().status, 413);
}

#[test]
fn chunked_bodies_are_read_and_end_their_connection() {
    let cluster = cluster();
    let mut wire = Wire::open(cluster.http()).unwrap();
    let head = "GET / HTTP/1.1\r\nHost: h\r\nTransfer-Encoding: chunked\r\n\r\n";
    wire.send(format!("{head}3\r\nabc\r\n0\r\n\r\n")).unwrap();
    let seen = wire.next(false).unwrap();
    assert!(seen.status == 200 && seen.is_last(), "{seen:?}");
    assert!(wire.is_closed());
    let large = format!("{head}3e9\r\n{}\r\n0\r\n\r\n", "x".repeat(1001));
    assert_eq!(statuses(&cluster, large.as_bytes()), [413]);
    let broken = format!("{head}zz\r\nabc\r\n0\r\n\r\n");
    assert_eq!(statuses(&cluster, broken.as_bytes()), [400]);
}

#[test]
fn a_body_that_does_not_come_in_time_is_answered_408() {
    let cluster = cluster();
    let mut wire = Wire::open(cluster.http()).unwrap();
    wire.send("GET / HTTP/1.1\r\nHost: h\r\nContent-Length: 5\r\n\r\nab")
        .unwrap();
    let seen = wire.next(false).unwrap();
    assert!(seen.status == 408 && seen.is_last(), "{seen:?}");
    assert!(wire.is_closed());
}

#[test]
fn a_head_that_is_too_large_is_answered_431() {
    let cluster = cluster();
    let long = format!(
        "GET / HTTP/1.1\r\nHost: h\r\nX: {}\r\n\r\n",
        "x".repeat(20_000)
    );
    assert_eq!(statuses(&cluster, long.as_bytes()), [431]);
    let endless = format!("GET /{}", "x".repeat(20_000));
    assert_eq!(statuses(&cluster, endless.as_bytes()), [431]);
    let many = format!(
        "GET / HTTP/1.1\r\nHost: h\r\n{}\r\n",
        "a: b\r\n".repeat(200)
    );
    assert_eq!(statuses(&cluster, many.as_bytes()), [431]);
    crate::served::eventually("they are counted", || {
        (cluster.metric("cluster_requests_total{status=\"431\"}") >= 3.0).then_some(())
    });
}

/// Each of these is read in one way by some servers and in another way by others.
/// What must never happen is that the part which one of them takes for a body is
/// answered as a request.
#[test]
fn no_second_request_is_smuggled() {
    let cluster = cluster();
    let hidden = "GET /hidden HTTP/1.1\r\nHost: h\r\n\r\n";
    let length = hidden.len();
    for (head, allowed) in [
        // Two lengths; the same twice is one.
        ("Content-Length: 0\r\nContent-Length: 44\r\n", &[400][..]),
        ("Content-Length: 44, 0\r\n", &[400]),
        ("Content-Length: +0\r\n", &[400]),
        ("Content-Length: 0x0\r\n", &[400]),
        ("Content-Length: -1\r\n", &[400]),
        ("Content-Length: 99999999999999999999999\r\n", &[400]),
        // Encodings that are none, or not the last.
        ("Transfer-Encoding: xchunked\r\n", &[400]),
        ("Transfer-Encoding: chunked, identity\r\n", &[400]),
        ("Transfer-Encoding: identity\r\n", &[400]),
        ("Transfer-Encoding : chunked\r\n", &[400]),
        // Folded lines.
        ("Transfer-Encoding:\r\n chunked\r\n", &[400]),
        ("X: a\r\n Content-Length: 44\r\n", &[400]),
        // Names and values that hold what they must not.
        ("Content-Length\0: 0\r\n", &[400]),
        ("X: a\rContent-Length: 44\r\n", &[400]),
        (" Content-Length: 44\r\n", &[400]),
    ] {
        let request = format!("GET / HTTP/1.1\r\nHost: h\r\n{head}\r\n{hidden}");
        let seen = statuses(&cluster, request.as_bytes());
        assert_eq!(seen, allowed, "{head:?}");
    }
    // Both: the encoding counts, and the connection ends behind it (RFC 9112, 6.1),
    // whichever came first.
    for both in [
        format!(
            "Content-Length: {}\r\nTransfer-Encoding: chunked\r\n",
            length + 5
        ),
        format!(
            "Transfer-Encoding: chunked\r\nContent-Length: {}\r\n",
            length + 5
        ),
    ] {
        let request = format!("GET / HTTP/1.1\r\nHost: h\r\n{both}\r\n0\r\n\r\n{hidden}");
        assert_eq!(statuses(&cluster, request.as_bytes()), [200], "{both:?}");
    }
    // What is a body stays one.
    let request = format!("GET / HTTP/1.1\r\nHost: h\r\nContent-Length: {length}\r\n\r\n{hidden}");
    assert_eq!(statuses(&cluster, request.as_bytes()), [200]);
}

#[test]
fn hosts_and_versions_are_what_they_must_be() {
    let cluster = cluster();
    for (request, status) in [
        ("GET / HTTP/1.1\r\n\r\n", 400),
        ("GET / HTTP/1.1\r\nHost: a\r\nHost: b\r\n\r\n", 400),
        ("GET / HTTP/2.0\r\nHost: a\r\n\r\n", 400),
        ("GET / HTTP/1.9\r\nHost: a\r\n\r\n", 400),
        ("GET  / HTTP/1.1\r\nHost: a\r\n\r\n", 400),
        ("GET / HTTP/1.1 \r\nHost: a\r\n\r\n", 400),
        ("G@T / HTTP/1.1\r\nHost: a\r\n\r\n", 400),
        ("GET http://here/?work=1 HTTP/1.1\r\nHost: a\r\n\r\n", 200),
        ("OPTIONS * HTTP/1.1\r\nHost: a\r\n\r\n", 404),
        ("CONNECT here:80 HTTP/1.1\r\nHost: a\r\n\r\n", 404),
        // Bare line feeds end lines too: RFC 9112, 2.2, allows that.
        ("GET / HTTP/1.1\nHost: a\n\n", 200),
    ] {
        let seen = statuses(&cluster, request.as_bytes());
        assert_eq!(seen, [status], "{request:?}");
    }
    let upgrade = "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n";
    assert!(
        statuses(&cluster, upgrade.as_bytes())
            .iter()
            .all(|&status| status == 400)
    );
}

#[test]
fn curl_is_served() {
    let cluster = cluster();
    let url = format!("http://{}/?work=5", cluster.http());
    let curl = |arguments: &[&str]| {
        let output = Command::new("curl")
            .args([
                "--silent",
                "--show-error",
                "--max-time",
                "30",
                "--noproxy",
                "*",
            ])
            .args(arguments)
            .arg(&url)
            .output();
        match output {
            Ok(output) => String::from_utf8(output.stdout).unwrap(),
            Err(error) => panic!("curl is needed for this test: {error}"),
        }
    };
    assert!(curl(&[]).contains("\"result\":10}"));
    assert!(curl(&["--head"]).starts_with("HTTP/1.1 200 OK"));
    assert!(curl(&["--http1.0"]).contains("\"result\":10}"));
    let expecting = ["-X", "GET", "-H", "Expect: 100-continue", "-d", "abc"];
    assert!(curl(&expecting).contains("\"result\":10}"));
    let chunked = ["-X", "GET", "-H", "Transfer-Encoding: chunked", "-d", "abc"];
    assert!(curl(&chunked).contains("\"result\":10}"));
    let code = ["-o", "/dev/null", "-w", "%{http_code}"];
    assert_eq!(curl(&[&code[..], &["-d", "abc"]].concat()), "405");
    let large = format!("X-Large: {}", "x".repeat(30_000));
    assert_eq!(curl(&[&code[..], &["-H", &large]].concat()), "431");
}
