//! The HTTP API: one sample per `POST /run`.

use super::api::{Description, RunAnswer, RunRequest};
use super::openapi;
use super::sample::{Bench, SampleFailed};
use crate::crawl::{Control, CrawlFailed, Mode};
use crate::parse::Kernel;
use crate::progress::Progress;
use axum::Router;
use axum::extract::State;
use axum::http::StatusCode;
use axum::response::Response;
use axum::routing::get;
use clap::ValueEnum;
use cpu_budget::clock::monotonic_seconds;
use service_kit::problem::{Json, Problem};
use service_kit::station::{Client, RunProgress, Station, UnderWay};
use std::sync::Arc;

/// What handlers need.
#[derive(Clone)]
pub struct Shared {
    /// Does one run at a time.
    pub station: Arc<Station>,
    /// With what runs are measured.
    pub bench: Arc<Bench>,
    /// Where all runs are counted together.
    pub all: Arc<Progress>,
}

/// The service's routes.
pub fn router(shared: Shared) -> Router {
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
        strategies: Mode::value_variants().to_vec(),
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
        (status = 503, description = "The service was told to end, has no room for the workers, or cannot store"),
    )
)]
pub(crate) async fn run(
    State(shared): State<Shared>,
    client: Client,
    Json(request): Json<RunRequest>,
) -> Result<Response, Problem> {
    let bench = shared.bench;
    let sample = request.sample(&bench.guard, bench.database.is_some(), monotonic_seconds())?;
    let run = Arc::new(Run {
        control: Control::new(),
        progress: Arc::new(Progress::part_of(shared.all)),
        planned: sample.pages * u64::from(sample.repeats),
    });
    let running = shared.station.start(run.clone(), move || {
        let taken = sample.take(&bench, &run.control, &run.progress);
        taken.map(RunAnswer::from).map_err(|error| failure(&error))
    })?;
    running.answer(&client).await
}

/// A run that is under way.
struct Run {
    control: Arc<Control>,
    progress: Arc<Progress>,
    /// How many URLs it has in all.
    planned: u64,
}

impl UnderWay for Run {
    fn progress(&self) -> f64 {
        (self.progress.done() as f64 / self.planned.max(1) as f64).min(1.0)
    }

    fn cancel(&self) {
        self.control.cancel();
    }
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
