//! Connections: how many, and how they end.

use crate::served::{DEADLINE, Origin, eventually};
use rustix::process::Signal;
use std::io::{Read as _, Write as _};
use std::net::TcpStream;
use std::time::{Duration, Instant};

fn connect(origin: &Origin) -> TcpStream {
    let stream = TcpStream::connect(origin.line.api).unwrap();
    stream.set_read_timeout(Some(DEADLINE)).unwrap();
    stream
}

/// Asks for a page on a connection that stays open, and reads the answer's first byte.
fn ask(stream: &mut TcpStream) -> std::io::Result<usize> {
    stream.write_all(b"GET /page/1 HTTP/1.1\r\nHost: origin\r\n\r\n")?;
    stream.read(&mut [0; 1])
}

#[test]
fn more_connections_than_allowed_wait_until_one_ends() {
    let origin = Origin::start("--max-connections 2");
    let (mut one, mut two, mut three) = (connect(&origin), connect(&origin), connect(&origin));
    assert_eq!(ask(&mut one).unwrap(), 1);
    assert_eq!(ask(&mut two).unwrap(), 1);
    three
        .set_read_timeout(Some(Duration::from_millis(200)))
        .unwrap();
    assert!(ask(&mut three).is_err(), "there was room for a third");

    drop(one);

    three.set_read_timeout(Some(DEADLINE)).unwrap();
    assert_eq!(three.read(&mut [0; 1]).unwrap(), 1);
}

#[test]
fn a_low_limit_of_open_files_is_a_low_limit_of_connections_and_no_fault() {
    let program = assert_cmd::cargo::cargo_bin!("origin")
        .display()
        .to_string();
    // 100 files are kept back.
    let limited = format!("ulimit -n 103; exec {program} serve --port 0 --admin-port 0");
    let mut shell = std::process::Command::new("sh");
    shell.env_clear().args(["-c", &limited]);
    let origin = Origin::spawn(&mut shell);
    let mut clients: Vec<_> = (0..4).map(|_| connect(&origin)).collect();
    for client in &mut clients[..3] {
        assert_eq!(ask(client).unwrap(), 1);
    }
    clients[3]
        .set_read_timeout(Some(Duration::from_millis(200)))
        .unwrap();
    assert!(ask(&mut clients[3]).is_err(), "there was room for a fourth");
}

#[test]
fn a_request_under_way_is_answered_before_the_service_ends() {
    let mut origin = Origin::start("--latency 500ms --drain-seconds 30");
    let mut client = connect(&origin);
    client
        .write_all(b"GET /page/1 HTTP/1.1\r\nHost: origin\r\n\r\n")
        .unwrap();
    eventually("it is under way", || {
        (origin.json("/stats?paths=false")["in_flight"] == 1).then_some(())
    });

    origin.signal(Signal::TERM);

    let mut answer = Vec::new();
    client.read_to_end(&mut answer).unwrap();
    assert!(
        answer.starts_with(b"HTTP/1.1 200 "),
        "{} bytes",
        answer.len()
    );
    assert_eq!(origin.ended().code(), Some(0));
}

#[test]
fn what_takes_too_long_is_cut_off_at_the_end() {
    let mut origin = Origin::start("--latency 1m --drain-seconds 0.2");
    let mut client = connect(&origin);
    client
        .write_all(b"GET /page/1 HTTP/1.1\r\nHost: origin\r\n\r\n")
        .unwrap();
    eventually("it is under way", || {
        (origin.json("/stats?paths=false")["in_flight"] == 1).then_some(())
    });

    let asked = Instant::now();
    origin.signal(Signal::INT);

    assert_eq!(origin.ended().code(), Some(0));
    assert!(asked.elapsed() < Duration::from_secs(20));
    assert_eq!(client.read(&mut [0; 1]).unwrap_or(0), 0);
}
