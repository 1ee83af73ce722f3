//! The HTTP API: one run per `POST /run`, one search per `POST /search`.

use super::openapi;
use super::station::{Done, Job, Refused, Running, Station};
use crate::answer::RunAnswer;
use crate::engine::RunFailed;
use crate::request::{RunRequest, Wrong};
use crate::search::{SearchAnswer, SearchRequest};
use axum::Router;
use axum::extract::State;
use axum::http::{HeaderMap, StatusCode, header};
use axum::response::sse::{Event, Sse};
use axum::response::{IntoResponse, Response};
use axum::routing::{get, post};
use cpu_budget::clock::monotonic_seconds;
use futures_util::Stream;
use serde::Serialize;
use service_kit::problem::{Json, Problem};
use service_kit::server::RequestDeadline;
use service_kit::shutdown::Shutdown;
use std::convert::Infallible;
use std::sync::Arc;
use std::time::Duration;
use utoipa::ToSchema;

/// How often a progress event is sent: seldom, since sending costs CPU that is
/// being measured.
const PROGRESS_INTERVAL: Duration = Duration::from_millis(500);

/// What `GET /run` answers, and each `progress` event says.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, ToSchema)]
pub struct RunProgress {
    /// How much of the run, or of a search's step, is done, 0 to 1; null when
    /// none goes on here.
    pub progress: Option<f64>,
}

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
pub(crate) struct Shared {
    station: Arc<Station>,
    shutdown: Shutdown,
}

/// The service's routes.
pub fn router(station: Arc<Station>, shutdown: Shutdown) -> Router {
    Router::new()
        .route("/", get(describe))
        .route("/run", get(progress).post(run))
        .route("/search", post(search))
        .route("/openapi.json", get(openapi::document))
        .with_state(Shared { station, shutdown })
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
        threads: shared.station.outside.threads,
    })
}

/// How far the run is that goes on.
#[utoipa::path(get, path = "/run", responses((status = 200, body = RunProgress)))]
pub(crate) async fn progress(State(shared): State<Shared>) -> Json<RunProgress> {
    Json(RunProgress {
        progress: shared.station.progress(),
    })
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
        (status = 400, description = "The body is not JSON"),
        (status = 408, description = "The body did not arrive in time"),
        (status = 409, description = "Another run goes on; `progress` says how far it is"),
        (status = 413, description = "The body is too large"),
        (status = 415, description = "The content type is not JSON"),
        (status = 422, description = "A field cannot be; `field` names it"),
        (status = 500, description = "A fault of the service; its log tells the cause"),
        (status = 503, description = "The service was told to end, a target cannot be found, or there is no room for a thread or a file"),
    )
)]
pub(crate) async fn run(
    State(shared): State<Shared>,
    deadline: RequestDeadline,
    headers: HeaderMap,
    Json(request): Json<RunRequest>,
) -> Result<Response, Problem> {
    let allow = &shared.station.outside.allow;
    let plan = request.plan(allow, monotonic_seconds()).map_err(wrong)?;
    deadline.lift();
    answer(shared, Job::Run(plan), &headers).await
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
        (status = 400, description = "The body is not JSON"),
        (status = 408, description = "The body did not arrive in time"),
        (status = 409, description = "Another run goes on; `progress` says how far it is"),
        (status = 413, description = "The body is too large"),
        (status = 415, description = "The content type is not JSON"),
        (status = 422, description = "A field cannot be; `field` names it"),
        (status = 500, description = "A fault of the service; its log tells the cause"),
        (status = 503, description = "The service was told to end, a target cannot be found, or there is no room for a thread or a file"),
    )
)]
pub(crate) async fn search(
    State(shared): State<Shared>,
    deadline: RequestDeadline,
    headers: HeaderMap,
    Json(request): Json<SearchRequest>,
) -> Result<Response, Problem> {
    let search = request.search(&shared.station.outside.allow);
    let search = search.map_err(wrong)?;
    deadline.lift();
    answer(shared, Job::Search(search), &headers).await
}

async fn answer(shared: Shared, job: Job, headers: &HeaderMap) -> Result<Response, Problem> {
    let mut running = shared.station.start(job).map_err(refusal)?;
    if wants_events(headers) {
        return Ok(Sse::new(events(running, shared.shutdown)).into_response());
    }
    let done = ended(&mut running, &shared.shutdown).await?;
    Ok(Json(done).into_response())
}

fn wants_events(headers: &HeaderMap) -> bool {
    let accepted = headers.get(header::ACCEPT);
    let accepted = accepted.and_then(|value| value.to_str().ok()).unwrap_or("");
    accepted.contains("text/event-stream")
}

/// Waits for the job's end, or for the service's.
async fn ended(running: &mut Running, shutdown: &Shutdown) -> Result<Done, Problem> {
    tokio::select! {
        ended = &mut running.ended => match ended {
            Ok(Ok(done)) => Ok(done),
            Ok(Err(error)) => Err(failure(&error)),
            Err(_) => Err(Problem::internal(anyhow::anyhow!("the run's thread panicked"))),
        },
        _ = shutdown.begun() => Err(Problem::new(
            StatusCode::SERVICE_UNAVAILABLE,
            "the service was told to end, so the run was cancelled",
        )),
    }
}

/// Progress events until the job ends, then its result.
fn events(running: Running, shutdown: Shutdown) -> impl Stream<Item = Result<Event, Infallible>> {
    futures_util::stream::unfold(Some(running), move |state| {
        let shutdown = shutdown.clone();
        async move {
            let mut running = state?;
            let (event, running) = tokio::select! {
                ended = ended(&mut running, &shutdown) => (match ended {
                    Ok(done) => Event::default().event("result").json_data(done),
                    Err(problem) => Event::default().event("problem").json_data(problem),
                }, None),
                () = tokio::time::sleep(PROGRESS_INTERVAL) => {
                    let progress = RunProgress { progress: Some(running.progress()) };
                    (Event::default().event("progress").json_data(progress), Some(running))
                }
            };
            Some((
                Ok(event.expect("answers, problems and progress are JSON")),
                running,
            ))
        }
    })
}

fn wrong(wrong: Wrong) -> Problem {
    Problem::new(StatusCode::UNPROCESSABLE_ENTITY, wrong.detail).with("field", wrong.field)
}

fn failure(error: &RunFailed) -> Problem {
    tracing::error!(%error, "the run could not be done");
    Problem::new(StatusCode::SERVICE_UNAVAILABLE, error.to_string())
}

fn refusal(refused: Refused) -> Problem {
    match refused {
        Refused::Busy { progress } => {
            Problem::new(StatusCode::CONFLICT, refused.to_string()).with("progress", progress)
        }
        Refused::Failed(error) => Problem::internal(error),
    }
}
