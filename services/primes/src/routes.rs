//! The HTTP API: one sample per `POST /run`.

use crate::api::{Description, RunAnswer, RunRequest};
use crate::openapi;
use crate::workload::{Control, Kernel, Strategy};
use axum::Router;
use axum::extract::State;
use axum::http::StatusCode;
use axum::response::Response;
use axum::routing::get;
use clap::ValueEnum;
use cpu_budget::Cgroup;
use cpu_budget::clock::monotonic_seconds;
use service_kit::problem::{Json, Problem};
use service_kit::sampling::WorkerTime;
use service_kit::station::{Client, RunProgress, Station};
use std::io;
use std::sync::Arc;

/// What handlers need.
#[derive(Clone)]
pub(crate) struct Shared {
    /// Does one run at a time.
    pub(crate) station: Arc<Station>,
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
        .route("/openapi.json", get(openapi::document))
        .with_state(shared)
        .merge(service_kit::openapi::page())
}

/// What this service can do.
#[utoipa::path(get, path = "/", responses((status = 200, body = Description)))]
pub(crate) async fn describe(State(shared): State<Shared>) -> Json<Description> {
    Json(Description {
        service: env!("CARGO_PKG_NAME").into(),
        version: env!("CARGO_PKG_VERSION").into(),
        instance: shared.station.instance().into(),
        kernels: Kernel::value_variants().to_vec(),
        strategies: Strategy::value_variants().to_vec(),
    })
}

/// How far the run is that goes on.
#[utoipa::path(get, path = "/run", responses((
    status = 200,
    description = "How far it is",
    body = ref("#/components/schemas/RunProgress"),
)))]
pub(crate) async fn progress(State(shared): State<Shared>) -> Json<RunProgress> {
    Json(shared.station.progress())
}

/// Takes one sample. A client that goes away cancels it. With
/// `Accept: text/event-stream` the answer is `progress` events and then one
/// `result` (or `problem`) event.
#[utoipa::path(
    post,
    path = "/run",
    request_body = RunRequest,
    responses(
        (status = 200, description = "The sample, or events that end with it", content(
            (RunAnswer = "application/json"),
            (String = "text/event-stream"),
        )),
        (status = 409, description = "Another run goes on; `progress` says how far it is"),
        (status = 503, description = "The service was told to end, or has no room for the workers"),
    )
)]
pub(crate) async fn run(
    State(shared): State<Shared>,
    client: Client,
    Json(request): Json<RunRequest>,
) -> Result<Response, Problem> {
    let Shared {
        station,
        cgroup,
        time,
    } = shared;
    let sample = request.sample(&cgroup.budget(), monotonic_seconds())?;
    let control = Arc::new(Control::default());
    let running = station.start(control.clone(), move || {
        let taken = sample.take(&cgroup, &control, &time);
        taken.map(RunAnswer::from).map_err(|error| failure(&error))
    })?;
    running.answer(&client).await
}

fn failure(error: &io::Error) -> Problem {
    tracing::error!(%error, "the workers could not be had");
    Problem::new(
        StatusCode::SERVICE_UNAVAILABLE,
        "the workers could not be started, or were killed: fewer may fit this \
         container's limits of threads, processes and memory",
    )
}
