//! `queue serve`: what accepts jobs.

use crate::config::ServeConfig;
use crate::metrics::Depths;
use crate::queue::{Limits, Queue};
use crate::store::redis::Server;
use axum::Router;
use service_kit::address::AddressLine;
use service_kit::admin::{self, Readiness, Service};
use service_kit::server;
use service_kit::shutdown::{Cause, Shutdown};

const SERVICE: Service = Service {
    name: env!("CARGO_PKG_NAME"),
    version: env!("CARGO_PKG_VERSION"),
};

/// Serves until it is told to end.
///
/// # Errors
/// When an address is taken, or Redis will never take this service.
pub async fn serve(config: ServeConfig, at: Server) -> anyhow::Result<()> {
    let shutdown = Shutdown::on_signals()?;
    let readiness = Readiness::new(&shutdown);
    let registry = prometheus::Registry::new();
    let limits = Limits {
        depth: config.max_depth,
    };
    let queue = Queue::over_redis(at, limits)?;
    queue.report_to(Depths::registered(&registry)?);
    let listeners = config.serve.addresses.bind().await?;
    let line = AddressLine {
        api: listeners.api.local_addr()?,
        admin: admin::start(
            SERVICE,
            listeners.admin,
            registry.clone(),
            readiness.clone(),
        )?,
        http: None,
    };
    line.announce()?;
    let connecting = tokio::spawn({
        let (queue, shutdown) = (queue.clone(), shutdown.clone());
        async move {
            let connected = queue.connected().await;
            match &connected {
                Ok(()) => readiness.ready(),
                Err(_) => shutdown.begin(Cause::Request),
            }
            connected
        }
    });
    let limits = config.serve.limits();
    server::serve(Router::new(), listeners.api, limits, &registry, shutdown).await?;
    queue.close();
    if connecting.is_finished() {
        connecting.await??;
    }
    Ok(())
}
