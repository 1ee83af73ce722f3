//! The HTTP API of jobs.

use super::api::{ScrapeJob, ScrapeJobs, ScrapeResult, ScrapeResults};
use super::job::Job;
use super::{Jobs, Refused, ScrapeRequest};
use axum::Router;
use axum::extract::{Path, Query, State};
use axum::http::{StatusCode, header};
use axum::response::sse::{Event, Sse};
use axum::response::{IntoResponse, Response};
use axum::routing::get;
use futures_util::{Stream, stream};
use serde::Deserialize;
use service_kit::problem::{Json, Problem};
use service_kit::shutdown::Shutdown;
use std::convert::Infallible;
use std::sync::Arc;
use std::time::Duration;
use utoipa::IntoParams;

/// How often a progress event is sent.
const PROGRESS_INTERVAL: Duration = Duration::from_millis(500);

/// Results of a page, where no other number is asked for, and at most.
const RESULTS: u64 = 100;
const MOST_RESULTS: u64 = 1000;

/// The jobs' routes.
pub fn router(jobs: Arc<Jobs>) -> Router {
    Router::new()
        .route("/scrape", get(self::jobs).post(scrape))
        .route("/scrape/{id}", get(job).delete(cancel))
        .route("/scrape/{id}/events", get(events))
        .route("/scrape/{id}/results", get(results))
        .with_state(jobs)
}

/// Begins a job. Each host must be on the allow-list (`--allow`), whose names
/// may lead into one's own network; addresses are checked once they are known,
/// and so is every redirect.
#[utoipa::path(
    post,
    path = "/scrape",
    request_body = ScrapeRequest,
    responses(
        (status = 202, description = "The job was begun", body = ScrapeJob,
            headers(("location" = String, description = "Where to ask about it"))),
        (status = 409, description = "A measured run or another job goes on; `progress` says how far it is"),
        (status = 503, description = "The service was told to end"),
    )
)]
pub(super) async fn scrape(
    State(jobs): State<Arc<Jobs>>,
    Json(request): Json<ScrapeRequest>,
) -> Result<Response, Problem> {
    if jobs.shutdown.has_begun() {
        return Err(ending());
    }
    let plan = request.plan(&jobs.settings.guard, jobs.settings.database.is_some())?;
    let job = jobs.start(plan).map_err(refusal)?;
    let location = [(header::LOCATION, format!("/scrape/{}", job.id()))];
    Ok((StatusCode::ACCEPTED, location, Json(job.view())).into_response())
}

/// The jobs that are kept: the newest eight, or fewer where their results would
/// take more than 32 MiB.
#[utoipa::path(get, path = "/scrape", responses((status = 200, body = ScrapeJobs)))]
pub(super) async fn jobs(State(jobs): State<Arc<Jobs>>) -> Json<ScrapeJobs> {
    let jobs = jobs.all().iter().map(|job| job.view()).collect();
    Json(ScrapeJobs { jobs })
}

/// How a job is doing.
#[utoipa::path(
    get,
    path = "/scrape/{id}",
    params(("id" = String, Path, description = "The job")),
    responses(
        (status = 200, body = ScrapeJob),
        (status = 404, description = "No such job is kept"),
    )
)]
pub(super) async fn job(
    State(jobs): State<Arc<Jobs>>,
    Path(id): Path<String>,
) -> Result<Json<ScrapeJob>, Problem> {
    Ok(Json(find(&jobs, &id)?.view()))
}

/// Stops a job that goes on, keeping its results; forgets one that has ended.
#[utoipa::path(
    delete,
    path = "/scrape/{id}",
    params(("id" = String, Path, description = "The job")),
    responses(
        (status = 202, description = "It is being stopped", body = ScrapeJob),
        (status = 204, description = "It had ended and is forgotten"),
        (status = 404, description = "No such job is kept"),
    )
)]
pub(super) async fn cancel(
    State(jobs): State<Arc<Jobs>>,
    Path(id): Path<String>,
) -> Result<Response, Problem> {
    let job = find(&jobs, &id)?;
    if job.is_under_way() {
        job.control.cancel();
        return Ok((StatusCode::ACCEPTED, Json(job.view())).into_response());
    }
    jobs.forget(&id);
    Ok(StatusCode::NO_CONTENT.into_response())
}

/// `progress` events while a job goes on and one `end` event after, each with
/// how it is doing; a `problem` event when the service ends first.
#[utoipa::path(
    get,
    path = "/scrape/{id}/events",
    params(("id" = String, Path, description = "The job")),
    responses(
        (status = 200, description = "The events", body = String, content_type = "text/event-stream"),
        (status = 404, description = "No such job is kept"),
    )
)]
pub(super) async fn events(
    State(jobs): State<Arc<Jobs>>,
    Path(id): Path<String>,
) -> Result<Response, Problem> {
    let job = find(&jobs, &id)?;
    Ok(Sse::new(progress(job, jobs.shutdown.clone())).into_response())
}

/// How a client asks for a page of results.
#[derive(Debug, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub(super) struct PageQuery {
    /// Which page, from 1.
    #[param(default = 1, minimum = 1)]
    page: Option<u64>,
    /// How many results it holds.
    #[param(default = 100, minimum = 1, maximum = 1000)]
    per_page: Option<u64>,
}

/// A page of a job's results, also while it goes on.
#[utoipa::path(
    get,
    path = "/scrape/{id}/results",
    params(("id" = String, Path, description = "The job"), PageQuery),
    responses(
        (status = 200, body = ScrapeResults),
        (status = 400, description = "The query cannot be read"),
        (status = 404, description = "No such job is kept, or no such page is there yet"),
        (status = 422, description = "A field cannot be; `field` names it"),
    )
)]
pub(super) async fn results(
    State(jobs): State<Arc<Jobs>>,
    Path(id): Path<String>,
    Query(query): Query<PageQuery>,
) -> Result<Json<ScrapeResults>, Problem> {
    let job = find(&jobs, &id)?;
    let number = query.page.unwrap_or(1);
    let size = query.per_page.unwrap_or(RESULTS);
    if number == 0 {
        return Err(Problem::of_field("page", "pages are counted from 1"));
    }
    if !(1..=MOST_RESULTS).contains(&size) {
        let allowed = format!("per_page must be from 1 to {MOST_RESULTS}");
        return Err(Problem::of_field("per_page", allowed));
    }
    let kept = job.kept();
    let total = kept.len() as u64;
    let pages = total.div_ceil(size).max(1);
    if number > pages {
        let detail = format!("page {number} is not there: so far there are {pages}");
        return Err(Problem::new(StatusCode::NOT_FOUND, detail));
    }
    let rows = kept.some(((number - 1) * size) as usize, size as usize);
    Ok(Json(ScrapeResults {
        page: number,
        pages,
        total,
        results: rows.into_iter().map(ScrapeResult::from).collect(),
    }))
}

fn find(jobs: &Jobs, id: &str) -> Result<Arc<Job>, Problem> {
    jobs.find(id).ok_or_else(|| {
        let detail = "no such job is kept; GET /scrape lists those that are";
        Problem::new(StatusCode::NOT_FOUND, detail)
    })
}

/// Progress events until `job` ends, or the service.
fn progress(job: Arc<Job>, shutdown: Shutdown) -> impl Stream<Item = Result<Event, Infallible>> {
    let mut first = true;
    stream::unfold(Some(job), move |state| {
        let shutdown = shutdown.clone();
        let pause = if std::mem::take(&mut first) {
            Duration::ZERO
        } else {
            PROGRESS_INTERVAL
        };
        async move {
            let job = state?;
            let (name, left) = tokio::select! {
                biased;
                () = job.ended() => ("end", None),
                _ = shutdown.begun() => ("problem", None),
                () = tokio::time::sleep(pause) => ("progress", Some(job.clone())),
            };
            let event = Event::default().event(name);
            let event = match name {
                "problem" => event.json_data(ending()),
                _ => event.json_data(job.view()),
            };
            Some((Ok(event.expect("a job and a problem are JSON")), left))
        }
    })
}

fn refusal(refused: Refused) -> Problem {
    match refused {
        Refused::Busy(ref job) => {
            let progress = job.as_ref().map(|job| job.share());
            Problem::new(StatusCode::CONFLICT, refused.to_string()).with("progress", progress)
        }
        Refused::Failed(error) => Problem::internal(error),
    }
}

fn ending() -> Problem {
    Problem::new(
        StatusCode::SERVICE_UNAVAILABLE,
        "the service was told to end, and its job with it",
    )
}
