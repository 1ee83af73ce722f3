//! The HTTP API: one run per `POST /run`, one search per `POST /search`.

use super::openapi;
use crate::answer::RunAnswer;
use crate::engine::{self, Control, Outside, RunFailed};
use crate::request::{RunRequest, Wrong};
use crate::search::{SearchAnswer, SearchRequest};
use crate::steps;
use axum::Router;
use axum::extract::State;
use axum::http::StatusCode;
use axum::response::Response;
use axum::routing::{get, post};
use cpu_budget::clock::monotonic_seconds;
use measure::report::ReplicaAccount;
use serde::Serialize;
use service_kit::problem::{Json, Problem};
use service_kit::station::{Answer, Client, RunProgress, Station, UnderWay};
use std::sync::Arc;
use utoipa::ToSchema;

/// What `GET /` answers.
#[derive(Debug, Clone, Serialize, ToSchema)]
pub struct Description {
    /// The service.
    pub service: String,
    /// Its version.
    pub version: String,
    /// The process that answers: a new one after every restart.
    pub instance: String,
    /// How requests can follow each other.
    pub loops: Vec<String>,
    /// How an open loop can spread them.
    pub arrivals: Vec<String>,
    /// Threads that send.
    pub threads: usize,
}

/// What handlers need.
#[derive(Clone)]
pub struct Shared {
    /// Does one run at a time.
    pub station: Arc<Station>,
    /// What runs need of the world around them.
    pub outside: Outside,
}

/// The service's routes.
pub fn router(shared: Shared) -> Router {
    Router::new()
        .route("/", get(describe))
        .route("/run", get(progress).post(run))
        .route("/search", post(search))
        .route("/openapi.json", get(openapi::document))
        .with_state(shared)
        .merge(service_kit::openapi::page())
}

/// What this service can do.
#[utoipa::path(get, path = "/", responses((status = 200, body = Description)))]
pub(crate) async fn describe(State(shared): State<Shared>) -> Json<Description> {
    let words = |words: &[&str]| words.iter().copied().map(str::to_owned).collect();
    Json(Description {
        service: env!("CARGO_PKG_NAME").into(),
        version: env!("CARGO_PKG_VERSION").into(),
        instance: shared.station.instance().into(),
        loops: words(&["open", "closed"]),
        arrivals: words(&["constant", "poisson", "bursts"]),
        threads: shared.outside.threads,
    })
}

/// How far the run is that goes on, or the step of a search.
#[utoipa::path(get, path = "/run", responses((
    status = 200,
    description = "How far it is",
    body = ref("#/components/schemas/RunProgress"),
)))]
pub(crate) async fn progress(State(shared): State<Shared>) -> Json<RunProgress> {
    Json(shared.station.progress())
}

/// Does one run. A client that goes away cancels it. With
/// `Accept: text/event-stream` the answer is `progress` events and then one
/// `result` (or `problem`) event.
#[utoipa::path(
    post,
    path = "/run",
    request_body = RunRequest,
    responses(
        (status = 200, description = "The run, or events that end with it", content(
            (RunAnswer = "application/json"),
            (String = "text/event-stream"),
        )),
        (status = 409, description = "Another run goes on; `progress` says how far it is"),
        (status = 503, description = "The service was told to end, a target cannot be found, or there is no room for a thread or a file"),
    )
)]
pub(crate) async fn run(
    State(shared): State<Shared>,
    client: Client,
    Json(request): Json<RunRequest>,
) -> Result<Response, Problem> {
    let outside = shared.outside;
    let plan = request.plan(&outside.allow, monotonic_seconds());
    let plan = plan.map_err(wrong)?;
    let control = Arc::new(Control::default());
    let running = shared.station.start(control.clone(), move || {
        let measured = engine::run(&plan, &outside, &control);
        let measured = measured.map_err(|error| failure(&error))?;
        Ok(RunAnswer::new(&plan, &measured))
    })?;
    running.answer(&client).await
}

/// Searches for the highest rate that keeps the p99 under a target. Otherwise
/// as `POST /run`.
#[utoipa::path(
    post,
    path = "/search",
    request_body = SearchRequest,
    responses(
        (status = 200, description = "The rate, or events that end with it", content(
            (SearchAnswer = "application/json"),
            (String = "text/event-stream"),
        )),
        (status = 409, description = "Another run goes on; `progress` says how far it is"),
        (status = 503, description = "The service was told to end, a target cannot be found, or there is no room for a thread or a file"),
    )
)]
pub(crate) async fn search(
    State(shared): State<Shared>,
    client: Client,
    Json(request): Json<SearchRequest>,
) -> Result<Response, Problem> {
    let outside = shared.outside;
    let search = request.search(&outside.allow).map_err(wrong)?;
    let control = Arc::new(Control::default());
    let running = shared.station.start(control.clone(), move || {
        let answer = steps::search(&search, &outside, &control, |_| {});
        answer.map_err(|error| failure(&error))
    })?;
    running.answer(&client).await
}

impl UnderWay for Control {
    fn progress(&self) -> f64 {
        self.progress()
    }

    fn cancel(&self) {
        self.cancel();
    }
}

/// It measures others: its own account is no replica's.
impl Answer for RunAnswer {
    fn account(&mut self) -> Option<&mut ReplicaAccount> {
        None
    }
}

impl Answer for SearchAnswer {
    fn account(&mut self) -> Option<&mut ReplicaAccount> {
        None
    }
}

fn wrong(wrong: Wrong) -> Problem {
    Problem::of_field(wrong.field, wrong.detail)
}

fn failure(error: &RunFailed) -> Problem {
    tracing::error!(%error, "the run could not be done");
    Problem::new(StatusCode::SERVICE_UNAVAILABLE, error.to_string())
}
