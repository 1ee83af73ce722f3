//! The station's routes.

use super::Bench;
use super::api::{Description, RunAnswer, RunRequest};
use super::{openapi, sample};
use axum::Router;
use axum::extract::State;
use axum::response::Response;
use axum::routing::get;
use cpu_budget::clock::monotonic_seconds;
use service_kit::problem::{Json, Problem};
use service_kit::station::{Client, RunProgress, Station};
use std::sync::Arc;

/// What handlers need.
#[derive(Clone)]
pub(super) struct Shared {
    station: Arc<Station>,
    bench: Arc<Bench>,
}

/// The station's routes.
pub(super) fn router(station: Arc<Station>, bench: Arc<Bench>) -> Router {
    Router::new()
        .route("/", get(describe))
        .route("/run", get(progress).post(run))
        .route("/openapi.json", get(openapi::document))
        .with_state(Shared { station, bench })
}

/// What this worker is.
#[utoipa::path(get, path = "/", responses((status = 200, body = Description)))]
pub(super) async fn describe(State(shared): State<Shared>) -> Json<Description> {
    let worker = &shared.bench.shared;
    Json(Description {
        service: env!("CARGO_PKG_NAME").into(),
        version: env!("CARGO_PKG_VERSION").into(),
        instance: shared.station.instance().into(),
        worker: worker.name.clone(),
        threads: worker.settings.threads,
        io: worker.settings.io,
    })
}

/// How far the sample is that goes on.
#[utoipa::path(get, path = "/run", responses((
    status = 200,
    description = "How far it is",
    body = ref("#/components/schemas/RunProgress"),
)))]
pub(super) async fn progress(State(shared): State<Shared>) -> Json<RunProgress> {
    Json(shared.station.progress())
}

/// Accounts for what this worker does for some seconds, whatever is in the queue.
/// With `Accept: text/event-stream` the answer is `progress` events and then one
/// `result` (or `problem`) event.
#[utoipa::path(
    post,
    path = "/run",
    request_body = RunRequest,
    responses(
        (status = 200, description = "The account, or events that end with it", content(
            (RunAnswer = "application/json"),
            (String = "text/event-stream"),
        )),
        (status = 409, description = "Another sample goes on; `progress` says how far it is"),
        (status = 503, description = "The worker was told to end, or a thread was in the middle of a long job"),
    )
)]
pub(super) async fn run(
    State(shared): State<Shared>,
    client: Client,
    Json(request): Json<RunRequest>,
) -> Result<Response, Problem> {
    let asked = request.asked(monotonic_seconds())?;
    let under = Arc::new(sample::Under::new(&asked));
    let (bench, run) = (shared.bench, under.clone());
    let running = shared
        .station
        .start(under, move || sample::take(&bench, &asked, &run))?;
    running.answer(&client).await
}
