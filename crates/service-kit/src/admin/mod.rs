//! The admin endpoints, on a thread of their own so that they answer while work saturates the CPU.

mod budget;
mod metrics;
mod readiness;
mod service;

use std::net::{SocketAddr, TcpListener};
use std::sync::{Arc, mpsc};
use std::time::Duration;

use anyhow::Context as _;
use axum::extract::State as Shared;
use axum::http::{StatusCode, header};
use axum::response::{IntoResponse, Response};
use axum::routing::get;
use axum::{Json, Router};
use cpu_budget::Cgroup;
use prometheus::{Registry, TextEncoder};
use tokio::runtime::Runtime;

use crate::problem::Problem;
use crate::server::Connections;
use crate::shutdown::Shutdown;

pub use budget::{BudgetReport, MemoryReport, QuotaReport, UsageReport, WorkersReport};
pub use metrics::BudgetCollector;
pub use readiness::{Readiness, State};
pub use service::Service;

/// Longer than any scrape interval, so that Prometheus keeps its connection.
const IDLE_TIMEOUT: Duration = Duration::from_mins(2);

/// Serves the admin endpoints on `listener` until the process ends, through a drain too; returns where.
///
/// | path | answer |
/// |---|---|
/// | `/metrics` | everything in `registry`, to which the `cpu_budget_*` figures and `service_info` are added, in Prometheus' text format |
/// | `/healthz` | 200 while the process answers at all |
/// | `/readyz` | the state's name; 200 when [`State::Ready`], else 503 |
/// | `/budget` | a [`BudgetReport`] |
///
/// # Errors
/// When `registry` has these figures already, or thread or socket cannot be set up.
pub fn start(
    service: Service,
    listener: TcpListener,
    registry: Registry,
    readiness: Readiness,
) -> anyhow::Result<SocketAddr> {
    let cgroup = Cgroup::of_this_process();
    let collector = BudgetCollector::new(cgroup.clone())?;
    registry
        .register(Box::new(collector))
        .context("the registry has cpu_budget figures already")?;
    service
        .register(&registry)
        .context("the registry has a service_info already")?;
    let address = listener.local_addr()?;
    listener.set_nonblocking(true)?;
    let router = router(Admin {
        registry,
        readiness,
        cgroup,
    });
    let (tell, told) = mpsc::sync_channel(1);
    // The runtime is made on its own thread: when the thread cannot be had, a
    // runtime would be dropped here, within another one, which panics.
    std::thread::Builder::new()
        .name("admin".into())
        .spawn(move || {
            let runtime = tokio::runtime::Builder::new_current_thread()
                .enable_all()
                .build();
            match runtime {
                Ok(runtime) => {
                    let _ = tell.send(Ok(()));
                    serve(&runtime, listener, &router);
                }
                Err(error) => {
                    let _ = tell.send(Err(error));
                }
            }
        })
        .context("cannot start the admin thread")?;
    told.recv()
        .context("the admin thread ended")?
        .context("cannot start the admin runtime")?;
    Ok(address)
}

fn serve(runtime: &Runtime, listener: TcpListener, router: &Router) {
    let until_the_process_ends = Shutdown::new();
    runtime.block_on(async {
        match tokio::net::TcpListener::from_std(listener) {
            Ok(listener) => {
                Connections::accept_until(&until_the_process_ends, listener, router, IDLE_TIMEOUT)
                    .await;
            }
            Err(error) => tracing::error!(%error, "the admin endpoints cannot listen"),
        }
    });
}

struct Admin {
    registry: Registry,
    readiness: Readiness,
    cgroup: Cgroup,
}

fn router(admin: Admin) -> Router {
    Router::new()
        .route("/metrics", get(metrics))
        .route("/healthz", get(|| async { "alive" }))
        .route("/readyz", get(readyz))
        .route("/budget", get(budget_report))
        .with_state(Arc::new(admin))
}

async fn metrics(Shared(admin): Shared<Arc<Admin>>) -> Result<Response, Problem> {
    let encoder = TextEncoder::new();
    let text = encoder
        .encode_to_string(&admin.registry.gather())
        .map_err(Problem::internal)?;
    Ok(([(header::CONTENT_TYPE, prometheus::TEXT_FORMAT)], text).into_response())
}

async fn readyz(Shared(admin): Shared<Arc<Admin>>) -> (StatusCode, &'static str) {
    let state = admin.readiness.state();
    let status = match state {
        State::Ready => StatusCode::OK,
        State::Starting | State::Draining => StatusCode::SERVICE_UNAVAILABLE,
    };
    (status, state.name())
}

async fn budget_report(Shared(admin): Shared<Arc<Admin>>) -> Json<BudgetReport> {
    Json(BudgetReport::read(&admin.cgroup))
}
