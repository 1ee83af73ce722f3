//! The bytes of a connection: Redis' protocol, version 2, answers read as they come.
//!
//! The crate's own connection takes answers apart with a parser that can stop in
//! the middle of one. A thread that waits for its answer never does, and reading a
//! batch of entries so was half of all that a stage spent on a hop.

use redis::{Cmd, ConnectionAddr, ConnectionInfo, ErrorKind, RedisError, RedisResult, Value};
use std::io::{self, BufRead, BufReader, Read, Write};
use std::net::{TcpStream, ToSocketAddrs as _};
use std::os::unix::net::UnixStream;
use std::time::Duration;

/// Bytes that are read at once: a batch of small items comes in one piece.
const READ_BYTES: usize = 128 * 1024;

/// The longest string that Redis holds.
const LONGEST_STRING: usize = 512 * 1024 * 1024;

/// The most room that is made before the parts of an array have come.
const ROOM_AHEAD: usize = 4096;

/// How deep answers are nested at most; ours are a stream of entries of fields.
const DEEPEST: usize = 8;

/// How long things may take.
#[derive(Debug, Clone, Copy)]
pub(super) struct Patience {
    /// To be connected.
    pub(super) connect: Duration,
    /// To send, and until something of an answer comes.
    pub(super) answer: Duration,
}

/// A connection.
pub(super) struct Wire {
    answers: Answers<Stream>,
}

enum Stream {
    Tcp(TcpStream),
    Unix(UnixStream),
}

impl Wire {
    /// Connects, with the password and to the database that `info` names.
    pub(super) fn open(info: &ConnectionInfo, patience: Patience) -> RedisResult<Self> {
        let stream = connect(info.addr(), patience)?;
        let mut wire = Self {
            answers: Answers::of(stream),
        };
        let settings = info.redis_settings();
        if let Some(password) = settings.password() {
            let mut auth = redis::cmd("AUTH");
            auth.arg(settings.username()).arg(password);
            wire.ask(&auth).map_err(refused)?;
        }
        if settings.db() != 0 {
            let mut select = redis::cmd("SELECT");
            select.arg(settings.db());
            wire.ask(&select)?;
        }
        Ok(wire)
    }

    /// Sends what is packed already.
    pub(super) fn send(&mut self, packed: &[u8]) -> RedisResult<()> {
        Ok(self.answers.from.get_mut().write_all(packed)?)
    }

    /// The next answer, which may be an error of Redis' own.
    pub(super) fn answer(&mut self) -> RedisResult<Value> {
        self.answers.next()
    }

    fn ask(&mut self, command: &Cmd) -> RedisResult<()> {
        self.send(&command.get_packed_command())?;
        match self.answer()? {
            Value::ServerError(error) => Err(error.into()),
            _ => Ok(()),
        }
    }
}

fn connect(address: &ConnectionAddr, patience: Patience) -> RedisResult<Stream> {
    let wait = Some(patience.answer);
    match address {
        ConnectionAddr::Tcp(host, port) => {
            let stream = connect_tcp(host, *port, patience.connect)?;
            stream.set_nodelay(true)?;
            stream.set_read_timeout(wait)?;
            stream.set_write_timeout(wait)?;
            Ok(Stream::Tcp(stream))
        }
        ConnectionAddr::Unix(path) => {
            let stream = UnixStream::connect(path)?;
            stream.set_read_timeout(wait)?;
            stream.set_write_timeout(wait)?;
            Ok(Stream::Unix(stream))
        }
        _ => Err((
            ErrorKind::InvalidClientConfig,
            "only redis:// and unix:// can be used",
        )
            .into()),
    }
}

/// Tries each address that the name has.
fn connect_tcp(host: &str, port: u16, within: Duration) -> io::Result<TcpStream> {
    let mut last = None;
    for address in (host, port).to_socket_addrs()? {
        match TcpStream::connect_timeout(&address, within) {
            Ok(stream) => return Ok(stream),
            Err(error) => last = Some(error),
        }
    }
    Err(last.unwrap_or_else(|| io::Error::other("the name has no address")))
}

/// A password that Redis does not take, or that it asks for none.
fn refused(error: RedisError) -> RedisError {
    if error.is_io_error() {
        return error;
    }
    let said = error.to_string();
    (
        ErrorKind::AuthenticationFailed,
        "it takes no such password",
        said,
    )
        .into()
}

impl Read for Stream {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        match self {
            Self::Tcp(stream) => stream.read(buffer),
            Self::Unix(stream) => stream.read(buffer),
        }
    }
}

impl Write for Stream {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        match self {
            Self::Tcp(stream) => stream.write(bytes),
            Self::Unix(stream) => stream.write(bytes),
        }
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

/// Answers, one after the other.
struct Answers<R> {
    from: BufReader<R>,
    /// The line that is read.
    line: Vec<u8>,
}

impl<R: Read> Answers<R> {
    fn of(from: R) -> Self {
        Self {
            from: BufReader::with_capacity(READ_BYTES, from),
            line: Vec::new(),
        }
    }

    fn next(&mut self) -> RedisResult<Value> {
        self.nested(DEEPEST)
    }

    fn nested(&mut self, deeper: usize) -> RedisResult<Value> {
        self.read_line()?;
        let Some((kind, rest)) = self.line.split_first() else {
            return Err(not_redis("an empty line"));
        };
        match kind {
            b'+' if rest == b"OK" => Ok(Value::Okay),
            b'+' => Ok(Value::SimpleString(String::from_utf8_lossy(rest).into())),
            b':' => number(rest).map(Value::Int),
            b'$' => {
                let length = length(rest, LONGEST_STRING)?;
                length.map_or(Ok(Value::Nil), |length| self.string(length))
            }
            b'*' => {
                let length = length(rest, usize::MAX)?;
                length.map_or(Ok(Value::Nil), |length| self.array(length, deeper))
            }
            // Rare, and its codes are the crate's to know.
            b'-' => {
                self.line.extend_from_slice(b"\r\n");
                redis::parse_redis_value(&self.line)
            }
            _ => Err(not_redis("an answer of no known kind")),
        }
    }

    fn string(&mut self, length: usize) -> RedisResult<Value> {
        let mut bytes = vec![0; length];
        self.from.read_exact(&mut bytes)?;
        let mut end = [0; 2];
        self.from.read_exact(&mut end)?;
        if end != *b"\r\n" {
            return Err(not_redis("a string of another length than it says"));
        }
        Ok(Value::BulkString(bytes))
    }

    fn array(&mut self, length: usize, deeper: usize) -> RedisResult<Value> {
        let deeper = deeper.checked_sub(1);
        let deeper = deeper.ok_or_else(|| not_redis("an answer that is nested too deep"))?;
        let mut values = Vec::with_capacity(length.min(ROOM_AHEAD));
        for _ in 0..length {
            values.push(self.nested(deeper)?);
        }
        Ok(Value::Array(values))
    }

    /// Reads a line, without its end.
    fn read_line(&mut self) -> RedisResult<()> {
        self.line.clear();
        self.from.read_until(b'\n', &mut self.line)?;
        if self.line.pop() != Some(b'\n') {
            return Err(io::Error::from(io::ErrorKind::UnexpectedEof).into());
        }
        match self.line.pop() {
            Some(b'\r') => Ok(()),
            _ => Err(not_redis("a line without its end")),
        }
    }
}

fn number(digits: &[u8]) -> RedisResult<i64> {
    let text = std::str::from_utf8(digits).ok();
    let number = text.and_then(|text| text.parse().ok());
    number.ok_or_else(|| not_redis("a number that is none"))
}

/// A length; `None` where there is nothing that could have one.
fn length(digits: &[u8], most: usize) -> RedisResult<Option<usize>> {
    match number(digits)? {
        -1 => Ok(None),
        length => match usize::try_from(length) {
            Ok(length) if length <= most => Ok(Some(length)),
            _ => Err(not_redis("a length that cannot be")),
        },
    }
}

fn not_redis(what: &'static str) -> RedisError {
    (
        ErrorKind::Parse,
        "this is no Redis: it answers",
        what.to_owned(),
    )
        .into()
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;
    use proptest::prelude::*;

    /// Gives a few bytes at a time, as a network may.
    struct Slow<'b>(&'b [u8], usize);

    impl Read for Slow<'_> {
        fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
            let most = self.1.min(buffer.len());
            (&mut self.0).take(most as u64).read(buffer)
        }
    }

    fn read(bytes: &[u8]) -> RedisResult<Value> {
        Answers::of(bytes).next()
    }

    fn any_value() -> impl Strategy<Value = Value> {
        let leaf = prop_oneof![
            any::<i64>().prop_map(Value::Int),
            any::<Vec<u8>>().prop_map(Value::BulkString),
            "[A-Z]{3,9}".prop_map(Value::SimpleString),
            Just(Value::Okay),
            Just(Value::Nil),
        ];
        leaf.prop_recursive(4, 64, 8, |inner| {
            proptest::collection::vec(inner, 0..8).prop_map(Value::Array)
        })
    }

    fn written(value: &Value, to: &mut Vec<u8>) {
        match value {
            Value::Int(number) => to.extend(format!(":{number}\r\n").bytes()),
            Value::BulkString(bytes) => {
                to.extend(format!("${}\r\n", bytes.len()).bytes());
                to.extend(bytes);
                to.extend(b"\r\n");
            }
            Value::SimpleString(text) => to.extend(format!("+{text}\r\n").bytes()),
            Value::Okay => to.extend(b"+OK\r\n"),
            Value::Nil => to.extend(b"$-1\r\n"),
            Value::Array(values) => {
                to.extend(format!("*{}\r\n", values.len()).bytes());
                for value in values {
                    written(value, to);
                }
            }
            value => panic!("{value:?} is not of this protocol"),
        }
    }

    proptest! {
        #[test]
        fn what_redis_writes_is_read_however_it_is_cut(
            values in proptest::collection::vec(any_value(), 1..4),
            piece in 1..40_usize,
        ) {
            let mut bytes = Vec::new();
            for value in &values {
                written(value, &mut bytes);
            }
            let mut answers = Answers::of(Slow(&bytes, piece));
            for value in values {
                prop_assert_eq!(answers.next().unwrap(), value);
            }
            prop_assert!(answers.next().unwrap_err().is_io_error(), "no more");
        }

        #[test]
        fn no_bytes_make_it_panic(bytes: Vec<u8>) {
            let _ = read(&bytes);
        }
    }

    #[test]
    fn errors_keep_their_codes() {
        let answer = read(b"-WRONGPASS invalid username\r\n").unwrap();
        let Value::ServerError(error) = answer else {
            panic!("{answer:?}")
        };
        assert_eq!(RedisError::from(error).code(), Some("WRONGPASS"));
        assert_eq!(read(b"*-1\r\n").unwrap(), Value::Nil);
    }

    #[test]
    fn what_is_no_redis_is_said_to_be_none() {
        let deep = b"*1\r\n".repeat(100);
        for bytes in [
            b"HTTP/1.1 400 Bad Request\r\n".as_slice(),
            b"\r\n",
            b"$3\r\nabcd\r\n",
            b"$-2\r\n",
            b"$99999999999\r\n",
            b":one\r\n",
            b"+OK\n",
            &deep,
        ] {
            let error = read(bytes).unwrap_err();
            assert_eq!(
                error.kind(),
                ErrorKind::Parse,
                "{:?}",
                String::from_utf8_lossy(bytes)
            );
        }
    }
}
