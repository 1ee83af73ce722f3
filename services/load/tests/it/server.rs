//! A server that does what it is told, a thread for each connection.

use std::io::{Read, Write};
use std::net::{IpAddr, Ipv4Addr, SocketAddr, TcpListener, TcpStream};
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

/// What becomes of a request.
pub(crate) enum Then {
    /// These bytes are sent, and the connection stays.
    Answer(Vec<u8>),
    /// These bytes are sent, and the connection is closed.
    Last(Vec<u8>),
    /// The connection is reset after these bytes.
    Reset(Vec<u8>),
    /// Nothing, until the client goes.
    Nothing,
}

/// A whole answer with this body, and these lines in its head.
pub(crate) fn whole(lines: &str, body: &str) -> Vec<u8> {
    format!(
        "HTTP/1.1 200 OK\r\nContent-Length: {}\r\n{lines}\r\n{body}",
        body.len()
    )
    .into_bytes()
}

/// The same with nothing special about it.
pub(crate) fn hello() -> Then {
    Then::Answer(whole("", "hello"))
}

/// A server; it ends, with all its connections, when it is dropped.
pub(crate) struct Server {
    pub(crate) address: SocketAddr,
    seen: Arc<Seen>,
    accepting: Option<JoinHandle<()>>,
}

#[derive(Default)]
struct Seen {
    over: AtomicBool,
    requests: AtomicUsize,
    connections: AtomicUsize,
    open: AtomicUsize,
    most_open: AtomicUsize,
    streams: Mutex<Vec<TcpStream>>,
}

/// What a server does about the request of this number, counted from 0 over all
/// connections, so long after it began.
type Do = dyn Fn(usize, Duration) -> Then + Send + Sync;

impl Server {
    /// On a free port of this machine.
    pub(crate) fn start(act: impl Fn(usize, Duration) -> Then + Send + Sync + 'static) -> Self {
        Self::at(SocketAddr::from((Ipv4Addr::LOCALHOST, 0)), act)
    }

    /// At this address.
    pub(crate) fn at(
        address: SocketAddr,
        act: impl Fn(usize, Duration) -> Then + Send + Sync + 'static,
    ) -> Self {
        let listener = TcpListener::bind(address).unwrap();
        let address = listener.local_addr().unwrap();
        let seen = Arc::new(Seen::default());
        let act: Arc<Do> = Arc::new(act);
        let of_thread = seen.clone();
        let accepting = std::thread::spawn(move || accept(&listener, &act, &of_thread));
        Self {
            address,
            seen,
            accepting: Some(accepting),
        }
    }

    pub(crate) fn url(&self) -> String {
        format!("http://{}/", self.address)
    }

    pub(crate) fn port(&self) -> u16 {
        self.address.port()
    }

    pub(crate) fn requests(&self) -> usize {
        self.seen.requests.load(Ordering::SeqCst)
    }

    pub(crate) fn connections(&self) -> usize {
        self.seen.connections.load(Ordering::SeqCst)
    }

    pub(crate) fn most_open(&self) -> usize {
        self.seen.most_open.load(Ordering::SeqCst)
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        self.seen.over.store(true, Ordering::SeqCst);
        // Wakes the thread that accepts.
        let ip = match self.address.ip() {
            ip if ip.is_unspecified() => IpAddr::V4(Ipv4Addr::LOCALHOST),
            ip => ip,
        };
        let _ = TcpStream::connect((ip, self.address.port()));
        self.accepting.take().unwrap().join().unwrap();
        for stream in self.seen.streams.lock().unwrap().drain(..) {
            let _ = stream.shutdown(std::net::Shutdown::Both);
        }
    }
}

fn accept(listener: &TcpListener, act: &Arc<Do>, seen: &Arc<Seen>) {
    let began = Instant::now();
    for stream in listener.incoming() {
        let Ok(stream) = stream else { continue };
        if seen.over.load(Ordering::SeqCst) {
            return;
        }
        seen.connections.fetch_add(1, Ordering::SeqCst);
        let open = seen.open.fetch_add(1, Ordering::SeqCst) + 1;
        seen.most_open.fetch_max(open, Ordering::SeqCst);
        seen.streams
            .lock()
            .unwrap()
            .push(stream.try_clone().unwrap());
        let (act, seen) = (act.clone(), seen.clone());
        std::thread::spawn(move || {
            // A client that goes away is none of this server's business.
            let _ = serve(stream, &act, &seen, began);
            seen.open.fetch_sub(1, Ordering::SeqCst);
        });
    }
}

fn serve(mut stream: TcpStream, act: &Arc<Do>, seen: &Seen, began: Instant) -> std::io::Result<()> {
    stream.set_nodelay(true)?;
    let (mut buffer, mut request) = ([0; 4096], Vec::new());
    loop {
        let count = stream.read(&mut buffer)?;
        if count == 0 {
            return Ok(());
        }
        request.extend_from_slice(&buffer[..count]);
        while let Some(end) = request.windows(4).position(|place| place == b"\r\n\r\n") {
            request.drain(..end + 4);
            let number = seen.requests.fetch_add(1, Ordering::SeqCst);
            match act(number, began.elapsed()) {
                Then::Answer(bytes) => stream.write_all(&bytes)?,
                Then::Last(bytes) => {
                    stream.write_all(&bytes)?;
                    return stream.shutdown(std::net::Shutdown::Both);
                }
                Then::Reset(bytes) => {
                    stream.write_all(&bytes)?;
                    rustix::net::sockopt::set_socket_linger(&stream, Some(Duration::ZERO))?;
                    // The list has another handle on it: this one does it.
                    let _ = rustix::net::shutdown(&stream, rustix::net::Shutdown::Both);
                    return Ok(());
                }
                Then::Nothing => while stream.read(&mut buffer)? > 0 {},
            }
        }
    }
}
