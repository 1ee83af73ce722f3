//! Connections: accepted until shutdown begins, then drained.

use std::time::Duration;

use axum::Router;
use hyper::server::conn::http1;
use hyper_util::rt::{TokioIo, TokioTimer};
use hyper_util::service::TowerToHyperService;
use tokio::net::{TcpListener, TcpStream};
use tokio::task::JoinSet;

use crate::shutdown::Shutdown;

/// The connections of one server.
pub(crate) struct Connections {
    tasks: JoinSet<()>,
}

impl Connections {
    /// Serves `router` on every connection until shutdown begins; those still open then are returned.
    ///
    /// `axum::serve` is not used because it sets no deadline for a request's
    /// head: a client that connects and says nothing would hold its socket
    /// for ever.
    pub(crate) async fn accept_until(
        shutdown: &Shutdown,
        listener: TcpListener,
        router: &Router,
        header_timeout: Duration,
    ) -> Self {
        let mut http = http1::Builder::new();
        http.timer(TokioTimer::new())
            .header_read_timeout(header_timeout);
        let mut tasks = JoinSet::new();
        loop {
            tokio::select! {
                stream = accept(&listener) => {
                    tasks.spawn(serve_one(stream, router.clone(), http.clone(), shutdown.clone()));
                }
                // Finished ones are taken out as they end, or the set would grow.
                Some(_) = tasks.join_next() => {}
                // The listener is dropped here: new connections are refused
                // from now on, not left waiting in the backlog.
                _ = shutdown.begun() => return Self { tasks },
            }
        }
    }

    /// Waits until all have ended, for `timeout` at most.
    pub(crate) async fn end_within(&mut self, timeout: Duration) {
        let all_ended = async { while self.tasks.join_next().await.is_some() {} };
        // Whether it was in time shows in what `cut_off` returns.
        let _ = tokio::time::timeout(timeout, all_ended).await;
    }

    /// Closes those still open and says how many that were.
    pub(crate) fn cut_off(self) -> usize {
        // Dropping the set stops its tasks. Nothing waits for that: a handler
        // that never yields would make it wait for ever.
        self.tasks.len()
    }
}

async fn accept(listener: &TcpListener) -> TcpStream {
    loop {
        match listener.accept().await {
            Ok((stream, _)) => return stream,
            Err(error) => {
                // Mostly "too many open files": without a pause this would
                // burn the CPU until one is closed.
                tracing::warn!(%error, "cannot accept a connection, trying again in 0.1 s");
                tokio::time::sleep(Duration::from_millis(100)).await;
            }
        }
    }
}

async fn serve_one(stream: TcpStream, router: Router, http: http1::Builder, shutdown: Shutdown) {
    // Small answers must not wait for the peer's delayed acknowledgement.
    if let Err(error) = stream.set_nodelay(true) {
        tracing::debug!(%error, "cannot set TCP_NODELAY");
    }
    let service = TowerToHyperService::new(router);
    let mut connection = std::pin::pin!(
        http.serve_connection(TokioIo::new(stream), service)
            .with_upgrades()
    );
    let ended = tokio::select! {
        ended = connection.as_mut() => ended,
        _ = shutdown.begun() => {
            connection.as_mut().graceful_shutdown();
            connection.await
        }
    };
    if let Err(error) = ended {
        tracing::debug!(%error, "connection ended early");
    }
}
