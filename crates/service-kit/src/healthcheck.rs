//! The `healthcheck` command: one small HTTP request and an exit code.

use std::io::{self, Read, Write};
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr, TcpStream};
use std::process::ExitCode;
use std::time::{Duration, Instant};

/// A healthy service answers within 250 ms even when throttled; this leaves room for a busy host.
const TIMEOUT: Duration = Duration::from_secs(3);

/// More than the head and body of any `/readyz` answer.
const LONGEST_ANSWER_BYTES: usize = 4096;

/// Asks `/readyz` of the service whose admin endpoints listen on `admin`: exit code 0 when it is ready, else 1.
///
/// What it found is one line on stderr unless all is well. It uses a plain
/// socket and no runtime: a container runs this again and again, and its CPU
/// time counts against the quota under study.
pub fn healthcheck(admin: SocketAddr) -> ExitCode {
    match readiness_of(admin, TIMEOUT) {
        Ok(200) => ExitCode::SUCCESS,
        Ok(status) => {
            eprintln!("not ready: http://{admin}/readyz answered {status}");
            ExitCode::FAILURE
        }
        Err(error) => {
            eprintln!("no answer from http://{admin}/readyz: {error}");
            ExitCode::FAILURE
        }
    }
}

/// The status that `/readyz` answers with, all of it within `timeout`.
fn readiness_of(admin: SocketAddr, timeout: Duration) -> io::Result<u16> {
    let deadline = Instant::now() + timeout;
    let mut stream = TcpStream::connect_timeout(&reachable(admin), timeout)?;
    stream.set_write_timeout(Some(left_until(deadline)?))?;
    stream
        .write_all(b"GET /readyz HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n")
        .map_err(in_time)?;
    let mut answer = Vec::new();
    let mut part = [0; 512];
    loop {
        if let Some(status) = status_of(&answer) {
            return Ok(status);
        }
        // The deadline is for the whole: a peer that sends a byte a second must not hold us.
        stream.set_read_timeout(Some(left_until(deadline)?))?;
        let read = stream.read(&mut part).map_err(in_time)?;
        answer.extend_from_slice(&part[..read]);
        if read == 0 || answer.len() > LONGEST_ANSWER_BYTES {
            let error = io::Error::new(io::ErrorKind::InvalidData, "that is not an HTTP answer");
            return status_of(&answer).ok_or(error);
        }
    }
}

/// The loopback address for one that means "all interfaces" and cannot be connected to everywhere.
fn reachable(address: SocketAddr) -> SocketAddr {
    let host = match address.ip() {
        IpAddr::V4(ip) if ip.is_unspecified() => IpAddr::V4(Ipv4Addr::LOCALHOST),
        IpAddr::V6(ip) if ip.is_unspecified() => IpAddr::V6(Ipv6Addr::LOCALHOST),
        ip => ip,
    };
    SocketAddr::new(host, address.port())
}

fn left_until(deadline: Instant) -> io::Result<Duration> {
    match deadline.saturating_duration_since(Instant::now()) {
        Duration::ZERO => Err(io::ErrorKind::TimedOut.into()),
        left => Ok(left),
    }
}

/// A socket's time-out comes as "Resource temporarily unavailable", which says nothing.
fn in_time(error: io::Error) -> io::Error {
    match error.kind() {
        io::ErrorKind::WouldBlock | io::ErrorKind::TimedOut => io::ErrorKind::TimedOut.into(),
        _ => error,
    }
}

/// The status of an HTTP answer whose first line is complete.
fn status_of(answer: &[u8]) -> Option<u16> {
    let end = answer.iter().position(|&byte| byte == b'\n')?;
    let line = std::str::from_utf8(&answer[..end]).ok()?;
    let mut words = line.split_ascii_whitespace();
    words.next()?.strip_prefix("HTTP/1.")?;
    words.next()?.parse().ok()
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]

    use std::net::TcpListener;

    use super::*;

    const SHORT: Duration = Duration::from_millis(300);

    /// A peer that accepts one connection, reads the request and does `then`.
    fn peer(then: impl FnOnce(TcpStream) + Send + 'static) -> SocketAddr {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let address = listener.local_addr().unwrap();
        std::thread::spawn(move || {
            let mut stream = listener.accept().unwrap().0;
            let mut request = Vec::new();
            while !request.ends_with(b"\r\n\r\n") {
                let mut byte = [0];
                stream.read_exact(&mut byte).unwrap();
                request.extend(byte);
            }
            then(stream);
        });
        address
    }

    #[test]
    fn reads_the_status() {
        let address = peer(|mut stream| {
            stream.write_all(b"HTTP/1.1 503 Serv").unwrap();
            stream.write_all(b"ice Unavailable\r\n\r\n").unwrap();
        });

        assert_eq!(readiness_of(address, TIMEOUT).unwrap(), 503);
    }

    #[test]
    fn a_peer_that_says_nothing_does_not_hold_it() {
        let address = peer(|stream| {
            std::thread::sleep(Duration::from_secs(20));
            drop(stream);
        });
        let started = Instant::now();

        let error = readiness_of(address, SHORT).unwrap_err();

        assert_eq!(error.to_string(), "timed out");
        assert!(started.elapsed() < Duration::from_secs(10));
    }

    #[test]
    fn a_peer_that_trickles_does_not_hold_it_either() {
        let address = peer(|mut stream| {
            while stream.write_all(b"x").is_ok() {
                std::thread::sleep(Duration::from_millis(50));
            }
        });
        let started = Instant::now();

        assert!(readiness_of(address, SHORT).is_err());

        assert!(started.elapsed() < Duration::from_secs(10));
    }

    #[test]
    fn what_is_not_http_is_an_error() {
        let address = peer(|mut stream| {
            stream.write_all(b"+PONG\r\n").unwrap();
        });

        let error = readiness_of(address, TIMEOUT).unwrap_err();

        assert_eq!(error.kind(), io::ErrorKind::InvalidData);
    }

    #[test]
    fn all_interfaces_are_reached_over_loopback() {
        let reached = |address: &str| reachable(address.parse().unwrap()).to_string();
        assert_eq!(reached("0.0.0.0:9000"), "127.0.0.1:9000");
        assert_eq!(reached("[::]:9000"), "[::1]:9000");
        assert_eq!(reached("10.1.2.3:9000"), "10.1.2.3:9000");
    }
}
