//! An HTTP client of one runtime: its connections live and die with it.
//!
//! Hyper's, and not reqwest's. That one cannot be made where no certificate
//! store is, as in a slim image, even for plain http; and its TLS would come
//! into the tests of every package that uses it.

use super::connections::{Connections, Limits};
use super::tls;
use crate::guard::GuardedResolver;
use bytes::Bytes;
use http_body_util::Empty;
use hyper::body::Incoming;
use hyper::{Request, Response};
use hyper_rustls::{HttpsConnector, HttpsConnectorBuilder};
use hyper_util::client::legacy::Error;
use hyper_util::client::legacy::connect::HttpConnector;
use std::sync::OnceLock;
use std::time::Duration;

type Body = Empty<Bytes>;
type Plain = HttpConnector<GuardedResolver>;
type Secure = HttpsConnector<Plain>;

/// Connections to hosts, kept for the next request.
pub(super) struct Client {
    plain: Connections<Plain>,
    /// Made for the first https URL: reading the certificates takes milliseconds.
    secure: OnceLock<Connections<Secure>>,
    tcp: Plain,
    limits: Limits,
}

impl Client {
    /// A client for the runtime that it is used on. With more than `connections`
    /// of them open, those that are idle are closed.
    pub(super) fn new(
        resolver: GuardedResolver,
        connect_timeout: Duration,
        connections: usize,
    ) -> Self {
        let mut tcp = HttpConnector::new_with_resolver(resolver);
        tcp.enforce_http(false);
        tcp.set_nodelay(true);
        let limits = Limits {
            connect_timeout,
            most: connections,
        };
        Self {
            plain: Connections::new(tcp.clone(), limits),
            secure: OnceLock::new(),
            tcp,
            limits,
        }
    }

    /// Sends a request; ends with the head of its answer.
    pub(super) async fn send(&self, request: Request<Body>) -> Result<Response<Incoming>, Error> {
        if request.uri().scheme_str() == Some("https") {
            self.secure().pool().request(request).await
        } else {
            self.plain.pool().request(request).await
        }
    }

    fn secure(&self) -> &Connections<Secure> {
        self.secure.get_or_init(|| {
            let https = HttpsConnectorBuilder::new()
                .with_tls_config(tls::config())
                .https_only()
                .enable_all_versions()
                .wrap_connector(self.tcp.clone());
            Connections::new(https, self.limits)
        })
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;
    use crate::guard::Guard;
    use std::sync::Arc;
    use std::sync::atomic::{AtomicUsize, Ordering};
    use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
    use tokio::net::{TcpListener, TcpStream};

    /// A host that keeps its connections; `open` counts them.
    async fn host(open: Arc<AtomicUsize>) -> String {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let url = format!("http://{}/", listener.local_addr().unwrap());
        tokio::spawn(async move {
            loop {
                let (connection, _) = listener.accept().await.unwrap();
                let open = open.clone();
                tokio::spawn(async move {
                    open.fetch_add(1, Ordering::SeqCst);
                    answer_all(connection).await;
                    open.fetch_sub(1, Ordering::SeqCst);
                });
            }
        });
        url
    }

    async fn answer_all(mut connection: TcpStream) {
        let mut request = vec![0; 4096];
        while let Ok(1..) = connection.read(&mut request).await {
            let answer = b"HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n";
            connection.write_all(answer).await.unwrap();
        }
    }

    #[tokio::test]
    async fn idle_connections_are_bounded_over_all_hosts_and_used_again() {
        const MOST: usize = 8;
        let open = Arc::<AtomicUsize>::default();
        let resolver = GuardedResolver::new(Arc::new(Guard::unrestricted()), Duration::MAX);
        let client = Client::new(resolver, Duration::from_secs(30), MOST);
        let mut accepted = 0;

        for _ in 0..40 {
            let url = host(open.clone()).await;
            for _ in 0..3 {
                let request = Request::get(&url).body(Empty::new()).unwrap();
                let answer = client.send(request).await.unwrap();
                drop(answer);
                tokio::task::yield_now().await;
            }
            accepted += 1;
        }

        let settled = async {
            while open.load(Ordering::SeqCst) > MOST + 1 {
                tokio::time::sleep(Duration::from_millis(5)).await;
            }
        };
        let settled = tokio::time::timeout(Duration::from_secs(20), settled).await;
        assert!(
            settled.is_ok(),
            "{} of {accepted}",
            open.load(Ordering::SeqCst)
        );
        assert!(open.load(Ordering::SeqCst) > 0, "some are kept");
    }
}
