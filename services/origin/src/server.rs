//! The connections: accepted up to a bound, drained at the end.
//!
//! Not service-kit's server: a fault needs the socket itself (RST), and its layers
//! (request ids, spans, a list of what is under way) are three quarters of a
//! request's CPU time: 27 µs with them, 7.5 µs without.

use crate::body::Broken;
use crate::service::Origin;
use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper_util::rt::{TokioIo, TokioTimer};
use service_kit::shutdown::Shutdown;
use std::error::Error as _;
use std::net::{IpAddr, SocketAddr};
use std::sync::Arc;
use std::time::Duration;
use tokio::net::{TcpListener, TcpStream};
use tokio::task::JoinSet;

/// How long a connection may wait for a request: longer than clients keep idle
/// ones, so that it is they who close them, and none is closed under a request.
const IDLE_TIMEOUT: Duration = Duration::from_mins(2);

/// Files that are open beside connections: sockets that listen, the admin's
/// connections, the log, what the runtime needs.
pub const OTHER_FILES: u64 = 100;

/// Serves `origin` until `shutdown` begins, then drains for `drain` at most.
pub async fn serve(
    origin: Arc<Origin>,
    listener: TcpListener,
    most_connections: usize,
    drain: Duration,
    shutdown: Shutdown,
) {
    let mut http = http1::Builder::new();
    http.timer(TokioTimer::new())
        .header_read_timeout(IDLE_TIMEOUT);
    let mut connections = JoinSet::new();
    loop {
        let has_room = connections.len() < most_connections;
        tokio::select! {
            (stream, client) = accept(&listener), if has_room => {
                let connection = Connection { origin: origin.clone(), client: client.ip() };
                connections.spawn(connection.serve(stream, http.clone(), shutdown.clone()));
            }
            // Finished ones are taken out as they end, or the set would grow.
            Some(_) = connections.join_next() => {}
            cause = shutdown.begun() => {
                tracing::info!(cause = cause.name(), "draining");
                break;
            }
        }
    }
    // New connections are refused from now on, not left waiting in the backlog.
    drop(listener);
    let ended = async { while connections.join_next().await.is_some() {} };
    if tokio::time::timeout(drain, ended).await.is_err() {
        let connections = connections.len();
        tracing::warn!(connections, "drain deadline passed");
    }
}

async fn accept(listener: &TcpListener) -> (TcpStream, SocketAddr) {
    loop {
        match listener.accept().await {
            Ok(accepted) => return accepted,
            Err(error) => {
                // Mostly "too many open files": without a pause this would
                // burn the CPU until one is closed.
                tracing::warn!(%error, "cannot accept a connection, trying again in 0.1 s");
                tokio::time::sleep(Duration::from_millis(100)).await;
            }
        }
    }
}

struct Connection {
    origin: Arc<Origin>,
    client: IpAddr,
}

impl Connection {
    async fn serve(self, stream: TcpStream, http: http1::Builder, shutdown: Shutdown) {
        // Small answers must not wait for the peer's delayed acknowledgement.
        if let Err(error) = stream.set_nodelay(true) {
            tracing::debug!(%error, "cannot set TCP_NODELAY");
        }
        self.origin.connected();
        let service = service_fn(|request| Arc::clone(&self.origin).answer(request, self.client));
        let mut connection = http.serve_connection(TokioIo::new(stream), service);
        let ended = tokio::select! {
            ended = &mut connection => ended,
            _ = shutdown.begun() => {
                Pin::new(&mut connection).graceful_shutdown();
                (&mut connection).await
            }
        };
        if let Err(error) = ended {
            if is_reset(&error) {
                reset(connection.into_parts().io.into_inner());
            } else {
                tracing::debug!(%error, "connection ended early");
            }
        }
        self.origin.disconnected();
    }
}

fn is_reset(error: &hyper::Error) -> bool {
    let cause = error.source().and_then(|cause| cause.downcast_ref());
    cause == Some(&Broken::Reset)
}

/// Closes with RST: with no time to linger, the kernel throws away what is not
/// sent and tells the peer so.
fn reset(stream: TcpStream) {
    if let Err(error) = stream.set_zero_linger() {
        tracing::warn!(%error, "cannot reset a connection, closing it");
    }
    drop(stream);
}
