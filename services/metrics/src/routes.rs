//! The HTTP API: `/metrics`, where the course has it.

use crate::monitor::Monitor;
use axum::Router;
use axum::extract::State;
use axum::http::header;
use axum::response::{IntoResponse, Response};
use axum::routing::get;
use serde::Serialize;
use service_kit::problem::{Json, Problem};
use std::path::PathBuf;
use std::sync::Arc;

/// What this service is, and what it sees: the place to look when a figure is
/// missing.
#[derive(Debug, Serialize)]
struct Description {
    service: &'static str,
    version: &'static str,
    /// Where its figures are.
    metrics: &'static str,
    /// Where it reads the host's processes and CPUs.
    proc: PathBuf,
    /// CPUs of the host that are online; `null`: that file cannot be read.
    cpus_online: Option<usize>,
    /// Where it reads the containers' groups.
    cgroup: PathBuf,
    /// `v1` or `v2`; `null`: there are no groups.
    cgroup_version: Option<String>,
    /// The containers that are there now.
    containers: usize,
}

/// The service's routes.
pub fn router(monitor: Arc<Monitor>) -> Router {
    Router::new()
        .route("/", get(describe))
        .route("/metrics", get(metrics))
        .with_state(monitor)
}

async fn describe(State(monitor): State<Arc<Monitor>>) -> Result<Json<Description>, Problem> {
    blocking(move || {
        let host = monitor.host();
        let reading = host.read();
        Json(Description {
            service: env!("CARGO_PKG_NAME"),
            version: env!("CARGO_PKG_VERSION"),
            metrics: "/metrics",
            proc: host.places().proc.clone(),
            cpus_online: reading.cpus.map(|cpus| cpus.per_cpu.len()),
            cgroup: host.places().cgroup.clone(),
            cgroup_version: host.tree().version().map(|version| version.to_string()),
            containers: reading.containers.len(),
        })
    })
    .await
}

async fn metrics(State(monitor): State<Arc<Monitor>>) -> Result<Response, Problem> {
    let text = blocking(move || monitor.scrape()).await?;
    let text = text.map_err(Problem::internal)?;
    Ok(([(header::CONTENT_TYPE, prometheus::TEXT_FORMAT)], text).into_response())
}

/// Reads files on a thread that may wait for them.
async fn blocking<T: Send + 'static>(
    read: impl FnOnce() -> T + Send + 'static,
) -> Result<T, Problem> {
    let read = tokio::task::spawn_blocking(read);
    read.await.map_err(Problem::internal)
}
