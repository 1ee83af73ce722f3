//! An HTTP client of one runtime: its connections live and die with it.
//!
//! Hyper's, and not reqwest's. That one cannot be made where no certificate
//! store is, as in a slim image, even for plain http; and its TLS would come
//! into the tests of every package that uses it.

use super::tls;
use crate::guard::GuardedResolver;
use bytes::Bytes;
use http_body_util::Empty;
use hyper::body::Incoming;
use hyper::{Request, Response, Uri};
use hyper_rustls::{HttpsConnector, HttpsConnectorBuilder};
use hyper_util::client::legacy::connect::HttpConnector;
use hyper_util::client::legacy::{Client as Pool, Error};
use hyper_util::rt::{TokioExecutor, TokioTimer};
use std::error::Error as StdError;
use std::future::Future;
use std::pin::Pin;
use std::sync::OnceLock;
use std::task::{Context, Poll};
use std::time::Duration;
use tower_service::Service;

/// How long a connection is kept that nobody uses.
const IDLE: Duration = Duration::from_secs(30);

/// The largest head of an answer, bytes.
const LARGEST_HEAD: usize = 64 * 1024;

type Body = Empty<Bytes>;

/// Connections to hosts, kept for the next request.
pub(super) struct Client {
    plain: Pool<InTime<HttpConnector<GuardedResolver>>, Body>,
    /// Made for the first https URL: reading the certificates takes milliseconds.
    secure: OnceLock<Pool<InTime<HttpsConnector<HttpConnector<GuardedResolver>>>, Body>>,
    tcp: HttpConnector<GuardedResolver>,
    connect_timeout: Duration,
}

/// Connecting took too long: name, connection and TLS together.
#[derive(Debug, thiserror::Error)]
#[error("no connection within {0:?}")]
pub(super) struct ConnectTimeout(Duration);

impl Client {
    /// A client for the runtime that it is used on.
    pub(super) fn new(resolver: GuardedResolver, connect_timeout: Duration) -> Self {
        let mut tcp = HttpConnector::new_with_resolver(resolver);
        tcp.enforce_http(false);
        tcp.set_nodelay(true);
        Self {
            plain: pool(InTime {
                inner: tcp.clone(),
                limit: connect_timeout,
            }),
            secure: OnceLock::new(),
            tcp,
            connect_timeout,
        }
    }

    /// Sends a request; ends with the head of its answer.
    pub(super) async fn send(&self, request: Request<Body>) -> Result<Response<Incoming>, Error> {
        if request.uri().scheme_str() == Some("https") {
            self.secure().request(request).await
        } else {
            self.plain.request(request).await
        }
    }

    fn secure(&self) -> &Pool<InTime<HttpsConnector<HttpConnector<GuardedResolver>>>, Body> {
        self.secure.get_or_init(|| {
            let https = HttpsConnectorBuilder::new()
                .with_tls_config(tls::config())
                .https_only()
                .enable_all_versions()
                .wrap_connector(self.tcp.clone());
            pool(InTime {
                inner: https,
                limit: self.connect_timeout,
            })
        })
    }
}

fn pool<C>(connector: C) -> Pool<C, Body>
where
    C: hyper_util::client::legacy::connect::Connect + Clone,
{
    Pool::builder(TokioExecutor::new())
        .pool_timer(TokioTimer::new())
        .pool_idle_timeout(IDLE)
        .timer(TokioTimer::new())
        .http1_max_buf_size(LARGEST_HEAD)
        .build(connector)
}

/// A connector with a deadline.
#[derive(Clone)]
struct InTime<C> {
    inner: C,
    limit: Duration,
}

impl<C> Service<Uri> for InTime<C>
where
    C: Service<Uri>,
    C::Error: Into<Box<dyn StdError + Send + Sync>>,
    C::Future: Send + 'static,
{
    type Response = C::Response;
    type Error = Box<dyn StdError + Send + Sync>;
    type Future = Pin<Box<dyn Future<Output = Result<C::Response, Self::Error>> + Send>>;

    fn poll_ready(&mut self, context: &mut Context<'_>) -> Poll<Result<(), Self::Error>> {
        self.inner.poll_ready(context).map_err(Into::into)
    }

    fn call(&mut self, uri: Uri) -> Self::Future {
        let (connecting, limit) = (self.inner.call(uri), self.limit);
        Box::pin(async move {
            match tokio::time::timeout(limit, connecting).await {
                Ok(connected) => connected.map_err(Into::into),
                Err(_) => Err(ConnectTimeout(limit).into()),
            }
        })
    }
}
