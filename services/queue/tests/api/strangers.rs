//! What strangers send: nothing of it panics or is answered by a fault of the service.
//!
//! The seed is fixed, so that a failure comes again; what is sent is made of what
//! clients do send, bent in places.

use crate::running::{DEADLINE, Running, Setup};
use fastrand::Rng;
use serde_json::Value;
use std::io::{BufRead as _, BufReader, Read as _, Write as _};
use std::net::TcpStream;
use tungstenite::handshake::derive_accept_key;

const REQUESTS: usize = 60_000;
const FRAMES: usize = 40_000;
const SEED: u64 = 9;

/// What bodies and messages are made of.
const PIECES: [&str; 40] = [
    "{",
    "}",
    "[",
    "]",
    ":",
    ",",
    "\"type\"",
    "\"task_type\"",
    "\"data\"",
    "\"noop\"",
    "\"fibonacci\"",
    "\"sleep\"",
    "\"fail\"",
    "\"n\"",
    "30",
    "-1",
    "1e400",
    "0.5",
    "11",
    "1000000000",
    "null",
    "true",
    "\"priority\"",
    "\"delay_seconds\"",
    "\"attempts\"",
    "\"idempotency_key\"",
    "\"ids\"",
    "\"all\"",
    "\"jobs\"",
    "\"command\"",
    "\"submit_job\"",
    "\"status\"",
    "\"subscribe\"",
    "\"ref\"",
    "\"\\ud800\"",
    "\"\\u0000\"",
    "\"ä\"",
    " ",
    "\n",
    "99999999999999999999999999",
];

const WHOLE: [&str; 12] = [
    r#"{"type":"noop"}"#,
    r#"{"type":"fibonacci","data":{"n":1}}"#,
    r#"{"type":"noop","data":{"a":[1,2,{"b":null}]},"priority":9}"#,
    r#"{"type":"fail","data":{"times":1},"attempts":1}"#,
    r#"{"type":"nonsense"}"#,
    r#"{"jobs":[{"type":"noop"},{"type":"noop","idempotency_key":"k"}]}"#,
    r#"{"ids":["1","2"]}"#,
    r#"{"name":"a","duration":0.001}"#,
    r#"{"command":"submit_job","task_type":"noop","data":{},"ref":1}"#,
    r#"{"command":"status","id":"1"}"#,
    r#"{"command":"subscribe","ids":["1"]}"#,
    r#"{"command":"ping"}"#,
];

const PATHS: [&str; 16] = [
    "/jobs",
    "/jobs/batch",
    "/jobs/1",
    "/jobs/1/result",
    "/jobs/1/result?wait=1ms",
    "/queue",
    "/dead",
    "/dead/retry",
    "/dead/drop",
    "/tasks",
    "/tasks/",
    "/openapi.json",
    "/docs",
    "/",
    "/jobs?state=ready&limit=2",
    "/nothing",
];

const METHODS: [&str; 7] = ["GET", "POST", "DELETE", "PUT", "PATCH", "OPTIONS", "HEAD"];

/// A text that is nearly what it should be.
fn text(rng: &mut Rng) -> Vec<u8> {
    let mut text = match rng.u8(0..4) {
        0 => (0..rng.usize(0..30))
            .map(|_| PIECES[rng.usize(..PIECES.len())])
            .collect(),
        1 => {
            let levels = rng.usize(0..200);
            "[".repeat(levels) + &"]".repeat(levels)
        }
        _ => WHOLE[rng.usize(..WHOLE.len())].to_owned(),
    }
    .into_bytes();
    for _ in 0..rng.usize(0..4) {
        let at = rng.usize(..=text.len());
        match rng.u8(0..4) {
            0 if at < text.len() => text[at] = rng.u8(..),
            1 => text.truncate(at),
            2 => {
                let piece = PIECES[rng.usize(..PIECES.len())];
                text.splice(at..at, piece.bytes());
            }
            _ => {}
        }
    }
    text
}

/// A path that is nearly one that there is.
fn path(rng: &mut Rng) -> String {
    let mut path = PATHS[rng.usize(..PATHS.len())].to_owned();
    for _ in 0..rng.usize(0..3) {
        let more = [
            "%00",
            "%ff",
            "?",
            "&",
            "=",
            "/",
            "-1",
            "x",
            "wait=9e9",
            "state=",
            "limit=0",
            "after=%22",
        ];
        path.push_str(more[rng.usize(..more.len())]);
    }
    path
}

fn connected(address: std::net::SocketAddr) -> BufReader<TcpStream> {
    let stream = TcpStream::connect(address).unwrap();
    stream.set_read_timeout(Some(DEADLINE)).unwrap();
    BufReader::new(stream)
}

/// The status of the answer that comes, whose body is read to its end; `None`
/// when the connection was closed instead.
fn answered(stream: &mut BufReader<TcpStream>, is_head: bool) -> Option<(u16, bool)> {
    let (mut status, mut length, mut closes) = (0, 0, false);
    let mut line = String::new();
    loop {
        line.clear();
        if stream.read_line(&mut line).ok()? == 0 {
            return None;
        }
        let text = line.trim_end().to_ascii_lowercase();
        if let Some(rest) = text.strip_prefix("http/1.1 ") {
            status = rest[..3].parse().unwrap();
        } else if let Some(bytes) = text.strip_prefix("content-length: ") {
            length = bytes.parse().unwrap();
        } else if text == "connection: close" {
            closes = true;
        } else if text.is_empty() {
            break;
        }
    }
    if !is_head {
        let mut body = vec![0; length];
        stream.read_exact(&mut body).ok()?;
    }
    Some((status, closes))
}

/// Sends bent requests over connections that are kept; how they were answered, by status.
fn send_requests(address: std::net::SocketAddr, seed: u64, count: usize) -> Vec<u16> {
    let mut rng = Rng::with_seed(seed);
    let mut stream = connected(address);
    let mut statuses = Vec::with_capacity(count);
    for _ in 0..count {
        let method = METHODS[rng.usize(..METHODS.len()).min(rng.usize(..METHODS.len()))];
        let body = text(&mut rng);
        let kind = [
            "application/json",
            "text/plain",
            "application/problem+json",
            "\u{7f}",
        ];
        let kind = kind[rng.usize(..kind.len()).min(rng.usize(..kind.len()))];
        let head = format!(
            "{method} {} HTTP/1.1\r\nhost: x\r\ncontent-type: {kind}\r\ncontent-length: {}\r\n\r\n",
            path(&mut rng),
            body.len()
        );
        let request = [head.as_bytes(), &body].concat();
        let ask = |stream: &mut BufReader<TcpStream>| {
            stream.get_mut().write_all(&request).ok()?;
            answered(stream, method == "HEAD")
        };
        // A server may close a connection that it keeps, as after a body that
        // nobody read; a fresh one it answers.
        let answer = ask(&mut stream).or_else(|| {
            stream = connected(address);
            ask(&mut stream)
        });
        let (status, closes) = answer.unwrap_or((0, true));
        statuses.push(status);
        if closes {
            stream = connected(address);
        }
    }
    statuses
}

#[test]
fn no_request_makes_the_service_fail() {
    let running = Running::with(Setup {
        workers: 1,
        depth: 5_000,
        ..Setup::default()
    });
    let threads = [0, 1].map(|half| {
        let address = running.api;
        std::thread::spawn(move || send_requests(address, SEED + half, REQUESTS / 2))
    });

    let statuses: Vec<u16> = threads
        .into_iter()
        .flat_map(|t| t.join().unwrap())
        .collect();

    assert_eq!(statuses.len(), REQUESTS);
    let with =
        |within: std::ops::Range<u16>| statuses.iter().filter(|s| within.contains(s)).count();
    assert_eq!(with(500..600), 0, "faults of the service");
    // Not all of it is nonsense, and not all of it is sense.
    assert!(with(200..300) > REQUESTS / 100, "{}", with(200..300));
    assert!(with(400..500) > REQUESTS / 4, "{}", with(400..500));
    assert!(
        with(0..1) < REQUESTS / 10,
        "{} were not answered",
        with(0..1)
    );
    assert_eq!(running.get("/queue").status, 200);
}

/// A frame that is nearly one.
fn frame(rng: &mut Rng) -> Vec<u8> {
    let payload = match rng.u8(..) {
        0 => vec![b'x'; 100_000],
        1 => text(rng),
        // What is not UTF-8 ends the connection, and the test of all after it.
        _ => String::from_utf8_lossy(&text(rng))
            .into_owned()
            .into_bytes(),
    };
    let payload = payload.into_iter();
    let (opcode, payload): (u8, Vec<u8>) = match rng.u8(..) {
        0 => (0, payload.collect()),
        1..20 => (2, payload.collect()),
        20..30 => (9, payload.take(125).collect()),
        30..40 => (10, payload.take(125).collect()),
        _ => (1, payload.collect()),
    };
    let mut first = 0x80 | opcode;
    if rng.u8(..) == 0 {
        first ^= 1 << rng.u8(0..8);
    }
    let masked = if rng.u8(..) == 0 { 0 } else { 0x80 };
    let mut frame = vec![first];
    match payload.len() {
        length @ 0..126 => frame.push(masked | length as u8),
        length @ 126..65_536 => {
            frame.push(masked | 0x7E);
            frame.extend((length as u16).to_be_bytes());
        }
        length => {
            frame.push(masked | 0x7F);
            frame.extend((length as u64).to_be_bytes());
        }
    }
    let mask = [rng.u8(..), rng.u8(..), rng.u8(..), rng.u8(..)];
    if masked > 0 {
        frame.extend(mask);
    }
    frame.extend(
        payload
            .iter()
            .enumerate()
            .map(|(at, byte)| byte ^ mask[at % 4]),
    );
    frame
}

/// A connection after its handshake.
fn upgraded(address: std::net::SocketAddr) -> BufReader<TcpStream> {
    let key = "dGhlIHNhbXBsZSBub25jZQ==";
    let mut stream = connected(address);
    let head = format!(
        "GET / HTTP/1.1\r\nhost: x\r\nconnection: upgrade\r\nupgrade: websocket\r\n\
         sec-websocket-version: 13\r\nsec-websocket-key: {key}\r\n\r\n"
    );
    stream.get_mut().write_all(head.as_bytes()).unwrap();
    let mut accepted = false;
    let mut line = String::new();
    while line != "\r\n" {
        line.clear();
        stream.read_line(&mut line).unwrap();
        accepted |= line.contains(&derive_accept_key(key.as_bytes()));
    }
    assert!(accepted);
    stream
}

/// Sends bent frames; the statuses of the errors they were answered with, and how
/// often the connection was closed.
fn send_frames(address: std::net::SocketAddr, seed: u64, count: usize) -> (Vec<u64>, usize) {
    let mut rng = Rng::with_seed(seed);
    let (mut statuses, mut closed, mut sent) = (Vec::new(), 0, 0);
    while sent < count {
        let stream = upgraded(address);
        let mut writing = stream.get_ref().try_clone().unwrap();
        let reading = std::thread::spawn(move || told(&stream));
        // As many as the server takes before it closes, but no more than these.
        for _ in 0..500.min(count - sent) {
            if reading.is_finished() || writing.write_all(&frame(&mut rng)).is_err() {
                break;
            }
            sent += 1;
        }
        let _ = writing.write_all(&[0x88, 0x80, 0, 0, 0, 0]);
        let (told, was_closed) = reading.join().unwrap();
        statuses.extend(told);
        closed += usize::from(was_closed);
    }
    (statuses, closed)
}

/// What a server says until it closes: the statuses of its errors, and whether it
/// closed as the protocol wants it.
fn told(stream: &BufReader<TcpStream>) -> (Vec<u64>, bool) {
    let mut socket = tungstenite::WebSocket::from_raw_socket(
        stream.get_ref().try_clone().unwrap(),
        tungstenite::protocol::Role::Client,
        None,
    );
    let mut statuses = Vec::new();
    loop {
        match socket.read() {
            Ok(tungstenite::Message::Text(text)) => {
                let said: Value = serde_json::from_str(&text).expect("what is said is JSON");
                assert!(said["type"].is_string(), "{said}");
                statuses.extend(said["status"].as_u64());
            }
            Ok(tungstenite::Message::Close(_)) => return (statuses, true),
            Ok(_) => {}
            Err(_) => return (statuses, false),
        }
    }
}

#[test]
fn no_frame_makes_the_service_fail() {
    let running = Running::with(Setup {
        workers: 1,
        depth: 5_000,
        ..Setup::default()
    });

    let (statuses, closed) = send_frames(running.socket, SEED, FRAMES);

    assert!(statuses.len() > FRAMES / 20, "{} errors", statuses.len());
    let faults = statuses
        .iter()
        .filter(|status| (500..600).contains(*status))
        .count();
    assert_eq!(faults, 0, "faults of the service");
    assert!(
        closed > 10,
        "{closed} connections were closed by the protocol"
    );
    let mut client = crate::websocket::Client::of(&running);
    client.is_open();
}
