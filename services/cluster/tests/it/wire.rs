//! A client that sees what comes over the wire and nothing else.

use crate::served::DEADLINE;
use std::io::{self, Read as _, Write as _};
use std::net::{SocketAddr, TcpStream};

/// One answer.
#[derive(Clone, Default)]
pub(crate) struct Seen {
    pub(crate) status: u16,
    /// Status line and headers.
    pub(crate) head: String,
    pub(crate) body: Vec<u8>,
}

impl std::fmt::Debug for Seen {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(
            f,
            "{:?} + {:?}",
            self.head,
            String::from_utf8_lossy(&self.body)
        )
    }
}

impl Seen {
    pub(crate) fn header(&self, name: &str) -> Option<&str> {
        let mut lines = self.head.lines().filter_map(|line| line.split_once(": "));
        lines.find_map(|(found, value)| found.eq_ignore_ascii_case(name).then_some(value))
    }

    /// Whether its connection ends with it.
    pub(crate) fn is_last(&self) -> bool {
        self.header("connection") == Some("close")
    }

    pub(crate) fn text(&self) -> String {
        String::from_utf8(self.body.clone()).unwrap()
    }

    pub(crate) fn json(&self) -> serde_json::Value {
        serde_json::from_slice(&self.body).unwrap_or_else(|_| panic!("no JSON: {self:?}"))
    }
}

/// A connection, and what was read of it and is not looked at yet.
pub(crate) struct Wire {
    stream: TcpStream,
    read: Vec<u8>,
}

impl Wire {
    pub(crate) fn open(to: SocketAddr) -> io::Result<Self> {
        let stream = TcpStream::connect(to)?;
        stream.set_read_timeout(Some(DEADLINE))?;
        stream.set_nodelay(true)?;
        Ok(Self {
            stream,
            read: Vec::new(),
        })
    }

    pub(crate) fn send(&mut self, bytes: impl AsRef<[u8]>) -> io::Result<()> {
        self.stream.write_all(bytes.as_ref())
    }

    /// Sends a plain request.
    pub(crate) fn get(&mut self, path: &str) -> io::Result<()> {
        self.send(format!("GET {path} HTTP/1.1\r\nHost: here\r\n\r\n"))
    }

    /// The next answer; of one to HEAD there is no body, whatever its length says.
    pub(crate) fn next(&mut self, to_head: bool) -> io::Result<Seen> {
        let ends = self.read_until(|read| read.windows(4).position(|four| four == b"\r\n\r\n"))?;
        let head = String::from_utf8_lossy(&self.read[..ends]).into_owned();
        self.read.drain(..ends + 4);
        let status = head.split(' ').nth(1).and_then(|code| code.parse().ok());
        let mut seen = Seen {
            status: status.unwrap_or(0),
            head,
            body: Vec::new(),
        };
        let length = seen
            .header("content-length")
            .and_then(|text| text.parse().ok());
        let length: usize = length.unwrap_or(0);
        if !to_head && seen.status >= 200 {
            self.read_until(|read| (read.len() >= length).then_some(length))?;
            seen.body = self.read.drain(..length).collect();
        }
        Ok(seen)
    }

    /// An answer to `GET path`.
    pub(crate) fn ask(&mut self, path: &str) -> io::Result<Seen> {
        self.get(path)?;
        self.next(false)
    }

    /// Whether the other side has closed; nothing else may come.
    pub(crate) fn is_closed(&mut self) -> bool {
        match self.stream.read(&mut [0; 1]) {
            Ok(0) => true,
            Ok(_) => panic!("more than was asked for"),
            Err(error) => error.kind() == io::ErrorKind::ConnectionReset,
        }
    }

    /// All that comes until the connection ends.
    pub(crate) fn rest(mut self) -> Vec<u8> {
        let _ = self.stream.read_to_end(&mut self.read);
        self.read
    }

    pub(crate) fn stream(&self) -> &TcpStream {
        &self.stream
    }

    fn read_until(&mut self, found: impl Fn(&[u8]) -> Option<usize>) -> io::Result<usize> {
        let mut part = [0; 16 << 10];
        loop {
            if let Some(at) = found(&self.read) {
                return Ok(at);
            }
            match self.stream.read(&mut part)? {
                0 => return Err(io::ErrorKind::UnexpectedEof.into()),
                read => self.read.extend_from_slice(&part[..read]),
            }
        }
    }
}

/// The statuses of all answers in what came over a connection.
pub(crate) fn statuses(read: &[u8]) -> Vec<u16> {
    let text = String::from_utf8_lossy(read);
    let parts = text.split("HTTP/1.1 ").skip(1);
    // Elsewhere no three digits come after it.
    parts
        .filter_map(|part| part.get(..3)?.parse().ok())
        .collect()
}

/// Connects, asks, and reads the answer.
pub(crate) fn ask(to: SocketAddr, method: &str, path: &str, more: &str, body: &[u8]) -> Seen {
    let mut wire = Wire::open(to).unwrap();
    let length = body.len();
    let head = format!(
        "{method} {path} HTTP/1.1\r\nHost: {to}\r\nConnection: close\r\n{more}Content-Length: \
         {length}\r\n\r\n"
    );
    wire.send(head).unwrap();
    wire.send(body).unwrap();
    wire.next(method == "HEAD")
        .unwrap_or_else(|error| panic!("{method} {path}: {error}"))
}
