//! The WebSocket's commands, its refusals and its manners.

use crate::running::{Running, Setup, eventually};
use crate::websocket::{Client, connect};
use queue::socket::Patience;
use serde_json::{Value, json};
use std::io::{Read as _, Write as _};
use std::net::TcpStream;
use std::time::{Duration, Instant};
use tungstenite::Message;

#[test]
fn the_courses_job_is_accepted_and_its_result_pushed() {
    let running = Running::start();
    let mut client = Client::of(&running);

    client.say_text(
        r#"{"command":"submit_job","task_type":"calcular_fibonacci","data":{"n":25},"ref":"mine"}"#,
    );

    let accepted = client.hear();
    assert_eq!(
        (&accepted["type"], &accepted["ref"]),
        (&json!("accepted"), &json!("mine"))
    );
    assert_eq!(accepted["session"], client.session);
    let result = client.until("result");
    assert_eq!(result["id"], accepted["id"]);
    assert_eq!(result["state"], "succeeded");
    assert_eq!(result["result"], json!({"n": 25, "value": 75025}));
}

#[test]
fn progress_is_pushed_to_the_one_that_asked() {
    let lease = Duration::from_millis(300);
    let running = Running::with(Setup {
        lease,
        ..Setup::default()
    });
    let (mut mine, mut other) = (Client::of(&running), Client::of(&running));

    let id = mine.submit("sum_squares", &json!({"n": 200_000_000}));

    let progress = mine.until("progress");
    assert_eq!(progress["id"], id);
    assert!((0.0..=1.0).contains(&progress["progress"].as_f64().unwrap()));
    assert_eq!(mine.until("state")["state"], "active");
    assert_eq!(mine.until("result")["state"], "succeeded");
    other.say(&json!({"command": "ping"}));
    assert_eq!(other.hear()["type"], "pong", "nothing else came");
}

#[test]
fn a_job_that_ends_at_once_is_told_too() {
    let running = Running::with(Setup {
        workers: 0,
        ..Setup::default()
    });
    let mut client = Client::of(&running);

    let id = client.submit("nonsense", &json!({}));

    let result = client.until("result");
    assert_eq!(
        (&result["id"], &result["state"]),
        (&json!(id), &json!("dead"))
    );
    assert!(result["error"].as_str().unwrap().contains("unknown type"));
}

#[test]
fn every_job_of_many_is_told_of() {
    let running = Running::start();
    let mut client = Client::of(&running);
    for number in 0..500 {
        client.say(&json!({"command": "submit_job", "task_type": "noop", "ref": number}));
    }

    let mut accepted: Vec<String> = Vec::new();
    let mut told: Vec<String> = Vec::new();
    while told.len() < 500 || accepted.len() < 500 {
        let said = client.hear();
        let id = said["id"].as_str().unwrap_or_default().to_owned();
        match said["type"].as_str().unwrap() {
            "accepted" => accepted.push(id),
            "result" => told.push(id),
            _ => {}
        }
    }

    accepted.sort();
    told.sort();
    assert_eq!(told, accepted);
}

#[test]
fn jobs_can_be_asked_after_cancelled_and_subscribed_to() {
    let running = Running::start();
    let (mut mine, mut other) = (Client::of(&running), Client::of(&running));
    let id = mine.submit("sleep", &json!({"seconds": 600}));
    other.say(&json!({"command": "subscribe", "ids": [id]}));
    assert_eq!(other.until("subscribed")["ids"], json!([id]));

    mine.say(&json!({"command": "status", "id": id, "ref": 1}));
    let status = mine.until("status");
    assert_eq!(
        (&status["job"]["id"], &status["ref"]),
        (&json!(id), &json!(1))
    );
    mine.say(&json!({"command": "status"}));
    let status = mine.until("queue_status");
    assert_eq!(
        (&status["jobs"], &status["session"]),
        (&json!(1), &json!(mine.session))
    );
    mine.say(&json!({"command": "cancel", "job_id": id}));
    assert!(mine.until("cancelled")["was"].is_string());

    for client in [&mut mine, &mut other] {
        let result = client.until("result");
        assert_eq!(
            (&result["id"], &result["state"]),
            (&json!(id), &json!("cancelled"))
        );
    }
    other.say(&json!({"command": "subscribe", "ids": [id]}));
    assert_eq!(
        other.until("result")["state"],
        "cancelled",
        "at once, since it has ended"
    );
    for command in ["status", "cancel"] {
        mine.say(&json!({"command": command, "id": "999999"}));
        assert_eq!(mine.until("error")["status"], 404);
    }
    mine.say(&json!({"command": "subscribe", "ids": [id, "999999"]}));
    assert_eq!(mine.until("error")["status"], 404);
}

#[test]
fn who_subscribes_to_all_hears_of_the_jobs_of_others() {
    let running = Running::start();
    let mut client = Client::of(&running);
    client.say(&json!({"command": "subscribe"}));
    assert_eq!(client.until("subscribed")["all"], true);

    let id = running.post("/jobs", &json!({"type": "noop"})).id();

    let mut states = Vec::new();
    while states.last() != Some(&json!("succeeded")) {
        let event = client.until("event")["event"].clone();
        assert_eq!((&event["id"], &event["type"]), (&json!(id), &json!("noop")));
        states.push(event["state"].clone());
    }
    assert_eq!(
        states,
        [json!("ready"), json!("active"), json!("succeeded")]
    );
    client.say(&json!({"command": "unsubscribe"}));
    client.until("unsubscribed");
    running.post("/jobs", &json!({"type": "noop"}));
    client.say(&json!({"command": "ping"}));
    assert_eq!(client.hear()["type"], "pong");
}

#[test]
fn what_cannot_be_done_is_answered_and_closes_no_door() {
    let running = Running::with(Setup {
        workers: 0,
        ..Setup::default()
    });
    let mut client = Client::of(&running);
    for (said, status, field) in [
        ("", 400, ""),
        ("{", 400, ""),
        ("null", 422, ""),
        ("{\"command\":\"sumbit_job\"}", 422, "command"),
        ("{\"command\":\"ping\",\"command\":\"ping\"}", 422, ""),
        ("{\"command\":\"cancel\",\"id\":\"x\"}", 422, "id"),
        (
            "{\"command\":\"submit_job\",\"task_type\":\"fibonacci\",\"data\":{\"n\":1000000000}}",
            422,
            "data",
        ),
        (
            "{\"command\":\"submit_job\",\"task_type\":\"noop\",\"priority\":11}",
            422,
            "priority",
        ),
    ] {
        client.say_text(said);

        let error = client.hear();
        assert_eq!(
            (&error["type"], &error["status"]),
            (&json!("error"), &json!(status)),
            "{said}: {error}"
        );
        assert!(error["detail"].is_string());
        if !field.is_empty() {
            assert_eq!(error["field"], field, "{error}");
        }
    }
    for size in [100_000, 10 << 20] {
        client.say_text(&"x".repeat(size));
        assert_eq!(client.until("error")["status"], 413);
    }
    client.socket.send(Message::binary(vec![1, 2, 3])).unwrap();
    assert_eq!(client.until("error")["status"], 415);
    client.say_text(&format!("{}{}", "[".repeat(40_000), "]".repeat(40_000)));
    assert_eq!(client.until("error")["status"], 422);
    client.is_open();
    assert_eq!(running.metric("queue_socket_clients", ""), 1);
    assert!(running.metric("queue_socket_commands_total", "refused") >= 12);
}

#[test]
fn a_broken_protocol_is_closed_with_a_reason() {
    let running = Running::with(Setup {
        workers: 0,
        ..Setup::default()
    });
    for (bytes, code) in [
        (&[0x81, 0x01, b'x'][..], 1002_u16),
        (&[0x83, 0x80, 0, 0, 0, 0], 1002),
        (&[0xC1, 0x80, 0, 0, 0, 0], 1002),
        (&[0x81, 0x82, 0, 0, 0, 0, 0xC3, 0x28], 1007),
    ] {
        let mut client = Client::of(&running);
        client.socket.get_mut().write_all(bytes).unwrap();

        let closed = client.next().unwrap_err();

        assert_eq!(closed.0, code, "{closed:?}");
        assert!(!closed.1.is_empty());
    }
}

#[test]
fn a_client_that_closes_is_answered() {
    let running = Running::with(Setup {
        workers: 0,
        ..Setup::default()
    });
    let mut client = Client::of(&running);

    client.socket.close(None).unwrap();

    assert_eq!(client.next().unwrap_err().0, 1000);
    eventually("it has left", || {
        (running.metric("queue_socket_clients", "") == 0).then_some(())
    });
}

#[test]
fn silent_clients_are_kept_while_they_answer_and_dead_ones_are_reaped() {
    let patience = Patience {
        silence: Duration::from_millis(100),
        pong: Duration::from_millis(700),
        ..Patience::default()
    };
    let running = Running::with(Setup {
        workers: 0,
        patience,
        ..Setup::default()
    });
    let mut alive = Client::of(&running);
    let dead = Client::of(&running);
    alive
        .socket
        .get_ref()
        .set_read_timeout(Some(Duration::from_millis(100)))
        .unwrap();

    // A client answers pings while it reads.
    let began = Instant::now();
    while began.elapsed() < Duration::from_secs(3) {
        let _ = alive.socket.read();
    }

    assert_eq!(running.metric("queue_socket_clients", ""), 1);
    assert_eq!(running.metric("queue_socket_ended_total", "gone"), 1);
    alive
        .socket
        .get_ref()
        .set_read_timeout(Some(crate::running::DEADLINE))
        .unwrap();
    alive.is_open();
    drop(dead);
}

#[test]
fn who_never_ends_a_message_is_shown_the_door() {
    let patience = Patience {
        silence: Duration::from_millis(50),
        message: Duration::from_millis(300),
        ..Patience::default()
    };
    let running = Running::with(Setup {
        workers: 0,
        patience,
        ..Setup::default()
    });
    let mut client = Client::of(&running);
    client
        .socket
        .get_mut()
        .write_all(&[0x81, 0xFE, 0x10, 0, 0, 0, 0, 0, b'{'])
        .unwrap();

    let closed = client.next().unwrap_err();

    assert_eq!(closed.0, 1008, "{closed:?}");
}

#[test]
fn a_slow_reader_is_bounded_and_then_cut_off() {
    let patience = Patience {
        reading: Duration::from_millis(500),
        ..Patience::default()
    };
    let running = Running::with(Setup {
        workers: 0,
        patience,
        ..Setup::default()
    });
    let mut client = Client::of(&running);
    let payload = "x".repeat(60_000);
    let id = client.submit("noop", &json!(payload));
    let ask = json!({"command": "status", "id": id});

    // Answers of 60 kB each that nobody reads: some fill the kernel's buffers,
    // and then the server waits before it reads more.
    eventually("the server has enough", || {
        client
            .socket
            .get_ref()
            .set_write_timeout(Some(Duration::from_millis(200)))
            .unwrap();
        let sent = (0..100).all(|_| client.socket.send(Message::text(ask.to_string())).is_ok());
        (!sent || running.metric("queue_socket_ended_total", "slow") > 0).then_some(())
    });

    eventually("it is cut off", || {
        (running.metric("queue_socket_ended_total", "slow") == 1).then_some(())
    });
}

#[test]
fn pages_of_other_origins_may_not() {
    let origins = vec!["https://example.org".to_owned()];
    let running = Running::with(Setup {
        workers: 0,
        origins,
        ..Setup::default()
    });
    for (origin, allowed) in [
        ("http://localhost:8100", true),
        ("https://example.org", true),
        ("https://evil.example", false),
        ("null", false),
    ] {
        for address in [running.socket, running.api] {
            let path = if address == running.api {
                "/socket"
            } else {
                "/"
            };
            let connected = connect(address, path, &[("origin", origin)]);

            let refused = connected.err().map(|refusal| refusal.status);
            assert_eq!(refused, (!allowed).then_some(403), "{origin}");
        }
    }
}

#[test]
fn only_a_handshake_is_a_handshake() {
    let running = Running::with(Setup {
        workers: 0,
        ..Setup::default()
    });
    let ask = |head: &str| {
        let mut stream = TcpStream::connect(running.socket).unwrap();
        stream
            .set_read_timeout(Some(crate::running::DEADLINE))
            .unwrap();
        stream
            .write_all(format!("{head}\r\nHost: x\r\n\r\n").as_bytes())
            .unwrap();
        let mut answer = [0; 12];
        stream.read_exact(&mut answer).unwrap();
        String::from_utf8_lossy(&answer[9..]).into_owned()
    };
    let upgrade = "Connection: keep-alive, Upgrade\r\nUpgrade: WebSocket";
    let key = "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==";
    let version = "Sec-WebSocket-Version: 13";
    for (head, status) in [
        (
            format!("GET / HTTP/1.1\r\n{upgrade}\r\n{key}\r\n{version}"),
            "101",
        ),
        ("GET / HTTP/1.1".to_owned(), "426"),
        (format!("GET / HTTP/1.1\r\n{upgrade}\r\n{key}"), "426"),
        (
            format!("GET / HTTP/1.1\r\n{upgrade}\r\n{key}\r\nSec-WebSocket-Version: 8"),
            "426",
        ),
        (format!("GET / HTTP/1.1\r\n{upgrade}\r\n{version}"), "400"),
        (
            format!("POST / HTTP/1.1\r\n{upgrade}\r\n{key}\r\n{version}"),
            "400",
        ),
        (
            format!("GET /x HTTP/1.1\r\n{upgrade}\r\n{key}\r\n{version}"),
            "404",
        ),
    ] {
        assert_eq!(ask(&head), status, "{head}");
    }
}

#[test]
fn there_are_no_more_clients_than_may_be() {
    let running = Running::with(Setup {
        workers: 0,
        clients: 3,
        ..Setup::default()
    });
    let mut clients: Vec<Client> = (0..3).map(|_| Client::of(&running)).collect();

    let refused = connect(running.socket, "/", &[]);

    assert_eq!(refused.err().map(|refusal| refusal.status), Some(503));
    clients.pop();
    eventually("there is a place again", || {
        connect(running.socket, "/", &[]).ok()
    });
}

#[test]
fn the_end_of_the_service_is_told() {
    let mut running = Running::with(Setup {
        workers: 0,
        ..Setup::default()
    });
    let mut client = Client::of(&running);
    client.is_open();

    running.end().unwrap();

    assert_eq!(client.next().unwrap_err().0, 1001);
}

/// As browsers do, with the page's own host.
#[test]
fn the_page_speaks_over_the_apis_own_port() {
    let running = Running::start();
    let origin = format!("http://{}", running.api);
    let mut client = connect(running.api, "/socket", &[("origin", &origin)])
        .ok()
        .unwrap();

    let id = client.submit("noop", &Value::Null);

    assert_eq!(client.until("result")["id"], id);
}
