//! The HTTP API: one part in a run per `POST /run`.

use super::Bench;
use super::api::{Asked, Description, RunAnswer, RunRequest};
use super::sample::{Sampled, Under};
use super::{openapi, sample, stage, whole};
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
    /// Does one run at a time.
    pub(super) station: Arc<Station>,
    /// With what runs are measured.
    pub(super) bench: Arc<Bench>,
}

/// The service's routes.
pub(super) fn router(shared: Shared) -> Router {
    Router::new()
        .route("/", get(describe))
        .route("/run", get(progress).post(run))
        .route("/openapi.json", get(openapi::document))
        .with_state(shared)
        .merge(service_kit::openapi::page())
}

/// What this service is.
#[utoipa::path(get, path = "/", responses((status = 200, body = Description)))]
pub(super) async fn describe(State(shared): State<Shared>) -> Json<Description> {
    let role = &shared.bench.role;
    Json(Description {
        service: env!("CARGO_PKG_NAME").into(),
        version: env!("CARGO_PKG_VERSION").into(),
        instance: shared.station.instance().into(),
        pipeline: role.declaration.name.clone(),
        stages: role.declaration.stages.clone(),
        stage: role.stage.as_ref().map(|(stage, _)| *stage),
        threads: shared.bench.threads(),
    })
}

/// How far the run is that goes on.
#[utoipa::path(get, path = "/run", responses((
    status = 200,
    description = "How far it is",
    body = ref("#/components/schemas/RunProgress"),
)))]
pub(super) async fn progress(State(shared): State<Shared>) -> Json<RunProgress> {
    Json(shared.station.progress())
}

/// Takes part in a run and accounts for it. A client that goes away ends that;
/// the source gives no more items then, and those given go on to the sink. With
/// `Accept: text/event-stream` the answer is `progress` events and then one
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
        (status = 409, description = "Another run goes on; `progress` says how far it is"),
        (status = 503, description = "The service was told to end, has no room for the workers, or Redis will not have the run"),
    )
)]
pub(super) async fn run(
    State(shared): State<Shared>,
    client: Client,
    Json(request): Json<RunRequest>,
) -> Result<Response, Problem> {
    let bench = shared.bench;
    let asked = request.asked(&bench.role, monotonic_seconds())?;
    let under = Arc::new(Under::new(asked.all_items()));
    let run = under.clone();
    let running = shared.station.start(under, move || {
        let sampled = take(&bench, &asked, &run);
        sampled.map_err(|error| sample::failure(&error))
    })?;
    running.answer(&client).await
}

fn take(bench: &Bench, asked: &Asked, under: &Arc<Under>) -> Sampled<RunAnswer> {
    match (&bench.role.stage, &bench.shared) {
        (Some((_, server)), Some(shared)) => stage::take_part(bench, asked, under, server, shared),
        (Some((_, server)), None) => stage::give(bench, asked, under, server),
        _ => whole::run(bench, asked, under),
    }
}
