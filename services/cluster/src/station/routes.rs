//! The HTTP API: samples, and the workers.

use super::api::{Description, Kernel, RunAnswer, RunRequest};
use super::openapi;
use super::sample::Control;
use crate::master::{Handle, Info};
use crate::shape::Strategy;
use axum::Router;
use axum::extract::{Path, State};
use axum::http::StatusCode;
use axum::response::Response;
use axum::routing::{delete, get};
use clap::ValueEnum;
use cpu_budget::Cgroup;
use cpu_budget::clock::monotonic_seconds;
use service_kit::problem::{Json, Problem};
use service_kit::sampling::WorkerTime;
use service_kit::station::{Client, RunProgress, Station};
use std::sync::Arc;

/// What handlers need.
#[derive(Clone)]
pub(crate) struct Shared {
    /// Does one run at a time.
    pub(crate) station: Arc<Station>,
    /// The way to the master.
    pub(crate) master: Handle,
    /// Where the kernel's counters are.
    pub(crate) cgroup: Cgroup,
    /// Where the workers' time can be seen meanwhile.
    pub(crate) time: WorkerTime,
}

/// The service's routes.
pub(crate) fn router(shared: Shared) -> Router {
    Router::new()
        .route("/", get(describe))
        .route("/run", get(progress).post(run))
        .route("/workers", get(workers))
        .route("/workers/{pid}", delete(kill))
        .route("/openapi.json", get(openapi::document))
        .with_state(shared)
        .merge(service_kit::openapi::page())
}

/// What this service can do.
#[cfg_attr(test, utoipa::path(get, path = "/", responses((status = 200, body = Description))))]
pub(crate) async fn describe(State(shared): State<Shared>) -> Json<Description> {
    Json(Description {
        service: env!("CARGO_PKG_NAME").into(),
        version: env!("CARGO_PKG_VERSION").into(),
        instance: shared.station.instance().into(),
        kernels: vec![Kernel::Loop],
        strategies: Strategy::value_variants().to_vec(),
    })
}

/// How far the run is that goes on.
#[cfg_attr(test, utoipa::path(get, path = "/run", responses((
    status = 200,
    description = "How far it is",
    body = ref("#/components/schemas/RunProgress"),
))))]
pub(crate) async fn progress(State(shared): State<Shared>) -> Json<RunProgress> {
    Json(shared.station.progress())
}

/// Takes one sample of the family, which is replaced first if it is to be
/// another one. A client that goes away cancels it. With
/// `Accept: text/event-stream` the answer is `progress` events and then one
/// `result` (or `problem`) event.
#[cfg_attr(test, utoipa::path(
    post,
    path = "/run",
    request_body = RunRequest,
    responses(
        (status = 200, description = "The sample, or events that end with it", content(
            (RunAnswer = "application/json"),
            (String = "text/event-stream"),
        )),
        (status = 409, description = "Another run goes on; `progress` says how far it is"),
        (status = 503, description = "The service was told to end, or the workers cannot be had"),
    )
))]
pub(crate) async fn run(
    State(shared): State<Shared>,
    client: Client,
    Json(request): Json<RunRequest>,
) -> Result<Response, Problem> {
    let Shared {
        station,
        master,
        cgroup,
        time,
    } = shared;
    let sample = request.sample(&cgroup.budget(), monotonic_seconds())?;
    let control = Arc::new(Control::default());
    let running = station.start(control.clone(), move || -> Result<RunAnswer, Problem> {
        sample.take(&master, &cgroup, &time, &control)
    })?;
    running.answer(&client).await
}

/// The family: processes, ages, restarts, requests served. The workers answer the
/// same at `/info` of the port that they serve, with counts that may be 0.1 s
/// old; here each worker is asked for its own first.
#[cfg_attr(test, utoipa::path(get, path = "/workers", responses((status = 200, body = Info))))]
pub(crate) async fn workers(State(shared): State<Shared>) -> Json<Info> {
    shared.master.count().await;
    Json(shared.master.view.lock().info())
}

/// Kills a worker (SIGKILL), which the master then replaces: a fault on purpose.
/// Only the master's own workers can be killed.
#[cfg_attr(test, utoipa::path(
    delete,
    path = "/workers/{pid}",
    params(("pid" = u32, Path, description = "The worker's process")),
    responses(
        (status = 204, description = "It is killed"),
        (status = 404, description = "No worker has this process number"),
    )
))]
pub(crate) async fn kill(
    State(shared): State<Shared>,
    Path(pid): Path<String>,
) -> Result<StatusCode, Problem> {
    let killed = match pid.parse() {
        Ok(pid) => shared.master.kill(pid).await,
        Err(_) => false,
    };
    if killed {
        return Ok(StatusCode::NO_CONTENT);
    }
    let detail = format!("no worker is process {pid}; GET /workers says which there are");
    Err(Problem::new(StatusCode::NOT_FOUND, detail))
}
