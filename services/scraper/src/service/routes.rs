//! The HTTP API: one sample per `POST /run`.

use super::api::{Description, RunAnswer, RunProgress, RunRequest};
use super::openapi;
use super::sample::SampleFailed;
use super::station::{Refused, Running, Station};
use crate::crawl::{CrawlFailed, Mode};
use crate::parse::Kernel;
use axum::Router;
use axum::extract::State;
use axum::http::{HeaderMap, StatusCode, header};
use axum::response::sse::{Event, Sse};
use axum::response::{IntoResponse, Response};
use axum::routing::get;
use clap::ValueEnum;
use cpu_budget::clock::monotonic_seconds;
use futures_util::Stream;
use service_kit::problem::{Json, Problem};
use service_kit::server::RequestDeadline;
use service_kit::shutdown::Shutdown;
use std::convert::Infallible;
use std::sync::Arc;
use std::time::Duration;

/// How often a progress event is sent: seldom, since sending costs CPU that is
/// being measured.
const PROGRESS_INTERVAL: Duration = Duration::from_millis(500);

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
        .route("/openapi.json", get(openapi::document))
        .with_state(Shared { station, shutdown })
}

/// What this service can do.
#[utoipa::path(get, path = "/", responses((status = 200, body = Description)))]
pub(crate) async fn describe(State(shared): State<Shared>) -> Json<Description> {
    Json(Description {
        service: env!("CARGO_PKG_NAME").into(),
        version: env!("CARGO_PKG_VERSION").into(),
        instance: shared.station.instance().into(),
        kernels: Kernel::value_variants().to_vec(),
        strategies: Mode::value_variants().to_vec(),
    })
}

/// How far the run is that goes on.
#[utoipa::path(get, path = "/run", responses((status = 200, body = RunProgress)))]
pub(crate) async fn progress(State(shared): State<Shared>) -> Json<RunProgress> {
    Json(RunProgress {
        progress: shared.station.progress(),
    })
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
        (status = 400, description = "The body is not JSON"),
        (status = 408, description = "The body did not arrive in time"),
        (status = 409, description = "Another run goes on; `progress` says how far it is"),
        (status = 413, description = "The body is too large"),
        (status = 415, description = "The content type is not JSON"),
        (status = 422, description = "A field cannot be; `field` names it"),
        (status = 500, description = "A fault of the service; its log tells the cause"),
        (status = 503, description = "The service was told to end, has no room for the workers, or cannot store"),
    )
)]
pub(crate) async fn run(
    State(shared): State<Shared>,
    deadline: RequestDeadline,
    headers: HeaderMap,
    Json(request): Json<RunRequest>,
) -> Result<Response, Problem> {
    let bench = &shared.station.bench;
    let sample = request.sample(&bench.guard, bench.database.is_some(), monotonic_seconds())?;
    let mut running = shared.station.start(sample).map_err(refusal)?;
    deadline.lift();
    if wants_events(&headers) {
        return Ok(Sse::new(events(running, shared.shutdown)).into_response());
    }
    let answer = ended(&mut running, &shared.shutdown).await?;
    Ok(Json(answer).into_response())
}

fn wants_events(headers: &HeaderMap) -> bool {
    let accepted = headers.get(header::ACCEPT);
    let accepted = accepted.and_then(|value| value.to_str().ok()).unwrap_or("");
    accepted.contains("text/event-stream")
}

/// Waits for the run's end, or for the service's.
async fn ended(running: &mut Running, shutdown: &Shutdown) -> Result<RunAnswer, Problem> {
    tokio::select! {
        ended = &mut running.ended => match ended {
            Ok(Ok(taken)) => Ok(taken.into()),
            Ok(Err(error)) => Err(failure(&error)),
            Err(_) => Err(Problem::internal(anyhow::anyhow!("the run's thread panicked"))),
        },
        _ = shutdown.begun() => Err(Problem::new(
            StatusCode::SERVICE_UNAVAILABLE,
            "the service was told to end, so the run was cancelled",
        )),
    }
}

/// Progress events until the run ends, then its result.
fn events(running: Running, shutdown: Shutdown) -> impl Stream<Item = Result<Event, Infallible>> {
    futures_util::stream::unfold(Some(running), move |state| {
        let shutdown = shutdown.clone();
        async move {
            let mut running = state?;
            let (event, running) = tokio::select! {
                biased;
                answer = ended(&mut running, &shutdown) => (match answer {
                    Ok(answer) => Event::default().event("result").json_data(answer),
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

fn failure(error: &SampleFailed) -> Problem {
    tracing::error!(%error, "the sample could not be taken");
    let detail = match error {
        SampleFailed::Crawl(CrawlFailed::Threads(_)) => {
            "the workers could not be started: fewer may fit this container's limits of threads, \
             open files and memory"
                .to_owned()
        }
        SampleFailed::Crawl(CrawlFailed::Store(_)) | SampleFailed::Store(_) => {
            "the outcomes could not be stored; the service's log says why".to_owned()
        }
    };
    Problem::new(StatusCode::SERVICE_UNAVAILABLE, detail)
}

fn refusal(refused: Refused) -> Problem {
    match refused {
        Refused::Busy { progress } => {
            Problem::new(StatusCode::CONFLICT, refused.to_string()).with("progress", progress)
        }
        Refused::Failed(error) => Problem::internal(error),
    }
}
