//! The connections of a client: how they are made, and how many are kept.

use bytes::Bytes;
use http_body_util::Empty;
use hyper::Uri;
use hyper::rt::{Read, ReadBufCursor, Write};
use hyper_util::client::legacy::Client;
use hyper_util::client::legacy::connect::{Connect, Connected, Connection};
use hyper_util::rt::{TokioExecutor, TokioTimer};
use std::error::Error as StdError;
use std::io::{self, IoSlice};
use std::pin::Pin;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::task::{Context, Poll};
use std::time::Duration;
use tower_service::Service;

/// How long a connection is kept that nobody uses.
const IDLE: Duration = Duration::from_secs(30);

/// The largest head of an answer, bytes; as much of a body is read ahead.
const LARGEST_HEAD: usize = 64 * 1024;

/// What a server may send ahead over HTTP/2, for each page and in all.
const STREAM_AHEAD: u32 = 256 * 1024;
const CONNECTION_AHEAD: u32 = 1024 * 1024;

pub(super) type Pool<C> = Client<Limited<C>, Empty<Bytes>>;

/// Which limits connections have.
#[derive(Debug, Clone, Copy)]
pub(super) struct Limits {
    /// For a connection: name, TCP and TLS together.
    pub connect_timeout: Duration,
    /// With more of them open, those that are idle are closed.
    pub most: usize,
}

/// Connecting took too long: name, connection and TLS together.
#[derive(Debug, thiserror::Error)]
#[error("no connection within {0:?}")]
pub(super) struct ConnectTimeout(Duration);

/// Connections to hosts, kept for the next request.
///
/// hyper's pool bounds how many are idle for each host, and not in all: a list
/// of a thousand hosts would leave thousands open. With too many open a pool is
/// left for a new one. What is under way in the old one goes on; what is idle
/// in it is closed.
pub(super) struct Connections<C> {
    connector: C,
    limits: Limits,
    current: Mutex<(Pool<C>, Open)>,
}

/// How many connections of a pool are open.
type Open = Arc<AtomicUsize>;

impl<C> Connections<C>
where
    C: Clone,
    Limited<C>: Connect + Clone + Send + Sync + 'static,
{
    /// Made by `connector`.
    pub(super) fn new(connector: C, limits: Limits) -> Self {
        let current = Mutex::new(pool(connector.clone(), limits));
        Self {
            connector,
            limits,
            current,
        }
    }

    /// Those that the next request may use.
    pub(super) fn pool(&self) -> Pool<C> {
        let mut current = self.current.lock().unwrap_or_else(PoisonError::into_inner);
        if current.1.load(Ordering::Relaxed) > self.limits.most {
            *current = pool(self.connector.clone(), self.limits);
        }
        current.0.clone()
    }
}

fn pool<C>(connector: C, limits: Limits) -> (Pool<C>, Open)
where
    Limited<C>: Connect + Clone,
{
    let open = Open::default();
    let connector = Limited {
        inner: connector,
        within: limits.connect_timeout,
        open: open.clone(),
    };
    let pool = Client::builder(TokioExecutor::new())
        .pool_timer(TokioTimer::new())
        .pool_idle_timeout(IDLE)
        .timer(TokioTimer::new())
        .http1_max_buf_size(LARGEST_HEAD)
        .http2_initial_stream_window_size(STREAM_AHEAD)
        .http2_initial_connection_window_size(CONNECTION_AHEAD)
        .build(connector);
    (pool, open)
}

/// A connector with a deadline, whose connections are counted.
#[derive(Debug, Clone)]
pub(super) struct Limited<C> {
    inner: C,
    within: Duration,
    open: Open,
}

impl<C> Service<Uri> for Limited<C>
where
    C: Service<Uri>,
    C::Error: Into<Box<dyn StdError + Send + Sync>>,
    C::Future: Send + 'static,
{
    type Response = Counted<C::Response>;
    type Error = Box<dyn StdError + Send + Sync>;
    type Future = Pin<Box<dyn Future<Output = Result<Self::Response, Self::Error>> + Send>>;

    fn poll_ready(&mut self, context: &mut Context<'_>) -> Poll<Result<(), Self::Error>> {
        self.inner.poll_ready(context).map_err(Into::into)
    }

    fn call(&mut self, uri: Uri) -> Self::Future {
        let (connecting, within) = (self.inner.call(uri), self.within);
        let open = self.open.clone();
        Box::pin(async move {
            match tokio::time::timeout(within, connecting).await {
                Ok(Ok(connection)) => Ok(Counted::new(connection, open)),
                Ok(Err(error)) => Err(error.into()),
                Err(_) => Err(ConnectTimeout(within).into()),
            }
        })
    }
}

/// A connection that counts as open until it is dropped.
#[derive(Debug)]
pub(super) struct Counted<T> {
    inner: T,
    open: Open,
}

impl<T> Counted<T> {
    fn new(inner: T, open: Open) -> Self {
        open.fetch_add(1, Ordering::Relaxed);
        Self { inner, open }
    }
}

impl<T> Drop for Counted<T> {
    fn drop(&mut self) {
        self.open.fetch_sub(1, Ordering::Relaxed);
    }
}

impl<T: Connection> Connection for Counted<T> {
    fn connected(&self) -> Connected {
        self.inner.connected()
    }
}

impl<T: Read + Unpin> Read for Counted<T> {
    fn poll_read(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        buffer: ReadBufCursor<'_>,
    ) -> Poll<io::Result<()>> {
        Pin::new(&mut self.inner).poll_read(context, buffer)
    }
}

impl<T: Write + Unpin> Write for Counted<T> {
    fn poll_write(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        buffer: &[u8],
    ) -> Poll<io::Result<usize>> {
        Pin::new(&mut self.inner).poll_write(context, buffer)
    }

    fn poll_flush(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.inner).poll_flush(context)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.inner).poll_shutdown(context)
    }

    fn is_write_vectored(&self) -> bool {
        self.inner.is_write_vectored()
    }

    fn poll_write_vectored(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        buffers: &[IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        Pin::new(&mut self.inner).poll_write_vectored(context, buffers)
    }
}
