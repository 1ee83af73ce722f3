//! A server under test on a port of its own.

use std::net::SocketAddr;

use axum::Router;
use prometheus::Registry;
use service_kit::server::{DrainReport, ServeLimits, serve};
use service_kit::shutdown::{Cause, Shutdown};
use tokio::net::TcpListener;
use tokio::task::JoinHandle;

pub(crate) use serving::DEADLINE;

/// `future`'s outcome; a hang is a failure and not a stuck test run.
pub(crate) async fn soon<F: Future>(future: F) -> F::Output {
    tokio::time::timeout(DEADLINE, future)
        .await
        .expect("it ends within the deadline")
}

/// A router served by the kit until [`Running::stop`].
pub(crate) struct Running {
    pub(crate) address: SocketAddr,
    pub(crate) registry: Registry,
    pub(crate) shutdown: Shutdown,
    server: JoinHandle<anyhow::Result<DrainReport>>,
}

impl Running {
    pub(crate) async fn with(router: Router, limits: ServeLimits) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let shutdown = Shutdown::new();
        let registry = Registry::new();
        let server = {
            let (registry, shutdown) = (registry.clone(), shutdown.clone());
            tokio::spawn(async move { serve(router, listener, limits, &registry, shutdown).await })
        };
        Self {
            address,
            registry,
            shutdown,
            server,
        }
    }

    pub(crate) async fn new(router: Router) -> Self {
        Self::with(router, ServeLimits::default()).await
    }

    pub(crate) fn url(&self, path: &str) -> String {
        format!("http://{}{path}", self.address)
    }

    pub(crate) async fn stop(self) -> DrainReport {
        self.shutdown.begin(Cause::Request);
        self.ended().await
    }

    pub(crate) async fn ended(self) -> DrainReport {
        soon(self.server).await.unwrap().unwrap()
    }
}
