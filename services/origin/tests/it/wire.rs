//! A client that sees what comes over the wire and nothing else.

use crate::served::DEADLINE;
use std::io::{ErrorKind, Read as _, Write as _};
use std::net::{SocketAddr, TcpStream};
use std::time::{Duration, Instant};

/// More than any page here; an endless body is left at this.
const MOST_BYTES: usize = 4 << 20;

/// How the connection ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum End {
    /// Closed.
    Closed,
    /// Reset.
    Reset,
    /// The client left, with more bytes than it wanted.
    TooMuch,
}

/// What was seen of an answer.
pub(crate) struct Seen {
    /// Status line and headers; empty when none came.
    pub(crate) head: String,
    /// All that came after it, as it came.
    pub(crate) body: Vec<u8>,
    pub(crate) end: End,
    /// From the request to the end.
    pub(crate) took: Duration,
    /// How many reads found something: a slow body needs many.
    pub(crate) reads: usize,
}

impl std::fmt::Debug for Seen {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let bytes = self.body.len();
        write!(f, "{:?} + {bytes} bytes, {:?}", self.head, self.end)
    }
}

impl Seen {
    pub(crate) fn status(&self) -> Option<u16> {
        self.head.split(' ').nth(1)?.parse().ok()
    }

    pub(crate) fn header(&self, name: &str) -> Option<&str> {
        let mut lines = self.head.lines().filter_map(|line| line.split_once(": "));
        lines.find_map(|(found, value)| found.eq_ignore_ascii_case(name).then_some(value))
    }

    /// Whether all came that its head promised.
    pub(crate) fn is_whole(&self) -> bool {
        let length = self.header("content-length");
        let length = length.and_then(|length| length.parse().ok());
        self.end == End::Closed && length == Some(self.body.len())
    }

    pub(crate) fn text(&self) -> String {
        String::from_utf8(self.body.clone()).unwrap()
    }
}

/// Connects, asks, and reads until the connection ends.
pub(crate) fn ask(to: SocketAddr, method: &str, path: &str, more: &str) -> Seen {
    let mut stream = TcpStream::connect(to).unwrap();
    stream.set_read_timeout(Some(DEADLINE)).unwrap();
    let head = format!("{method} {path} HTTP/1.1\r\nHost: {to}\r\nConnection: close\r\n{more}\r\n");
    let began = Instant::now();
    stream.write_all(head.as_bytes()).unwrap();
    let (mut all, mut reads) = (Vec::new(), 0);
    let mut part = vec![0; 64 << 10];
    let end = loop {
        if all.len() > MOST_BYTES {
            break End::TooMuch;
        }
        match stream.read(&mut part) {
            Ok(0) => break End::Closed,
            Ok(read) => {
                all.extend_from_slice(&part[..read]);
                reads += 1;
            }
            Err(error) if error.kind() == ErrorKind::ConnectionReset => break End::Reset,
            Err(error) => panic!("{path}: {error}"),
        }
    };
    let (head, body) = split(&all);
    Seen {
        head,
        body,
        end,
        took: began.elapsed(),
        reads,
    }
}

fn split(all: &[u8]) -> (String, Vec<u8>) {
    let Some(end) = all.windows(4).position(|window| window == b"\r\n\r\n") else {
        assert!(all.is_empty(), "half a head: {all:?}");
        return (String::new(), Vec::new());
    };
    let head = String::from_utf8(all[..end].to_vec()).unwrap();
    (head, all[end + 4..].to_vec())
}
