//! Requests that are none: a corpus, mutated.

use crate::served::{Cluster, DEADLINE};
use crate::wire::{Wire, statuses};
use std::io::Read as _;
use std::net::{Shutdown, SocketAddr};
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

/// What mutants are made of: requests of every kind, and what attacks look like.
const CORPUS: [&str; 14] = [
    "GET / HTTP/1.1\r\nHost: h\r\n\r\n",
    "GET /?work=10 HTTP/1.1\r\nHost: h\r\nConnection: keep-alive\r\n\r\n",
    "HEAD /info HTTP/1.1\r\nHost: h\r\n\r\n",
    "POST / HTTP/1.1\r\nHost: h\r\nContent-Length: 5\r\n\r\nhello",
    "GET / HTTP/1.1\r\nHost: h\r\nTransfer-Encoding: chunked\r\n\r\n5;a=b\r\nhello\r\n0\r\nT: v\r\n\r\n",
    "GET / HTTP/1.1\r\nHost: h\r\nContent-Length: 4\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
    "PUT /a%20b?x=%ff HTTP/1.1\r\nHost: h\r\nExpect: 100-continue\r\nContent-Length: 3\r\n\r\nabc",
    "GET http://h:80/ HTTP/1.1\r\nHost: h:80\r\nAccept: */*\r\n\r\n",
    "OPTIONS * HTTP/1.1\r\nHost: h\r\n\r\n",
    "CONNECT h:443 HTTP/1.1\r\nHost: h\r\n\r\n",
    "GET / HTTP/1.0\r\n\r\n",
    "GET / HTTP/1.1\r\nHost: h\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n\r\n",
    "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n",
    "GET / HTTP/1.1\r\nHost: h\r\nX: a\r\n b\r\nCookie: \u{e9}\r\n\r\n",
];

/// Ends each mutant: what is half a head becomes a whole one, and a server that
/// takes it for a request of its own closes behind it.
const LAST: &[u8] = b"\r\n\r\nGET /?work=3 HTTP/1.1\r\nHost: h\r\nConnection: close\r\n\r\n";

/// How long a client waits before it says that nothing more comes from it.
const PATIENCE: Duration = Duration::from_millis(50);

/// Bytes that mean something to a parser.
const SPECIAL: [&[u8]; 18] = [
    b"\r\n",
    b"\n",
    b"\r",
    b"\0",
    b" ",
    b"\t",
    b":",
    b"%",
    b"\xff",
    b"\x7f",
    b"?",
    b"&work=",
    b"Content-Length: ",
    b"Transfer-Encoding: chunked\r\n",
    b"HTTP/1.1",
    b"99999999999999999999",
    b"-1",
    b"chunked, chunked",
];

/// A request from the corpus, changed in one to four places.
fn mutant(random: &mut fastrand::Rng) -> Vec<u8> {
    let mut bytes = CORPUS[random.usize(..CORPUS.len())].as_bytes().to_vec();
    for _ in 0..random.usize(1..5) {
        let at = random.usize(..=bytes.len());
        match random.u8(..6) {
            0 if at < bytes.len() => bytes[at] = random.u8(..),
            1 => drop(bytes.splice(at..at, SPECIAL[random.usize(..SPECIAL.len())].to_vec())),
            2 => bytes.truncate(at),
            3 => {
                let end = (at + random.usize(..20)).min(bytes.len());
                bytes.drain(at..end);
            }
            4 => {
                let end = (at + random.usize(..40)).min(bytes.len());
                let part = bytes[at..end].to_vec();
                bytes.splice(at..at, part);
            }
            _ => bytes.extend_from_slice(CORPUS[random.usize(..CORPUS.len())].as_bytes()),
        }
    }
    bytes
}

/// All that comes back. A client that gets nothing more closes for writing, as a
/// server may wait for the rest of a body.
fn answers(to: SocketAddr, request: &[u8]) -> Vec<u8> {
    let mut wire = Wire::open(to).unwrap();
    // A server may close before it has read all of it.
    let _ = wire.send(request);
    let _ = wire.stream().set_read_timeout(Some(PATIENCE));
    let mut read = Vec::new();
    let mut stream = wire.stream();
    if stream.read_to_end(&mut read).is_err() {
        let _ = stream.shutdown(Shutdown::Write);
        let _ = stream.set_read_timeout(Some(DEADLINE));
        let _ = stream.read_to_end(&mut read);
    }
    read
}

#[test]
fn a_hundred_thousand_broken_requests_do_no_harm() {
    const MUTANTS: u64 = 100_000;
    const CLIENTS: u64 = 8;
    let cluster =
        Cluster::start("--workers 2 --work 0 --max-work 1000 --request-timeout-seconds 5");
    let before = cluster.workers();
    let (answered, refused) = (AtomicU64::new(0), AtomicU64::new(0));
    std::thread::scope(|scope| {
        for client in 0..CLIENTS {
            let (cluster, answered, refused) = (&cluster, &answered, &refused);
            scope.spawn(move || {
                // The seed stands here: what fails once fails again.
                let mut random = fastrand::Rng::with_seed(client);
                for _ in 0..MUTANTS / CLIENTS {
                    let mut request = mutant(&mut random);
                    request.extend_from_slice(LAST);
                    for status in statuses(&answers(cluster.http(), &request)) {
                        let shown = String::from_utf8_lossy(&request);
                        assert!((100..500).contains(&status), "{status} to {shown:?}");
                        let count = if status < 400 { answered } else { refused };
                        count.fetch_add(1, Ordering::Relaxed);
                    }
                }
            });
        }
    });
    // Mutants of both kinds, or nothing was tried.
    assert!(answered.into_inner() > MUTANTS / 20);
    assert!(refused.into_inner() > MUTANTS / 20);
    assert_eq!(cluster.workers(), before, "a worker died of it");
    assert!(!cluster.log().contains("panicked"), "{}", cluster.log());
    assert_eq!(cluster.get("/").status, 200);
}
