//! Jobs: accepted, asked after, waited for, cancelled, listed; and those that died.

use super::body::Body;
use super::front::{Front, JobResult, checked};
use super::refused::Refused;
use super::{Api, path_id};
use crate::job::{Job, JobId, Listing, MOST_LISTED, Page, State, Stats, Submitted};
use crate::spec::{JobSpec, MOST_BATCH};
use axum::Json;
use axum::extract::{Path, Query, State as Shared};
use axum::http::{StatusCode, header};
use axum::response::{IntoResponse, Response};
use serde::{Deserialize, Serialize};
use service_kit::problem::{Problem, nearest};
use service_kit::server::RequestDeadline;
use std::time::Duration;
use utoipa::{IntoParams, ToSchema};

/// The longest that a result is waited for.
const LONGEST_WAIT: Duration = Duration::from_mins(1);

/// Many jobs at once.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct Batch {
    /// The jobs: all are accepted or none.
    #[schema(min_items = 1, max_items = 1000)]
    jobs: Vec<JobSpec>,
}

/// What became of a batch.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct BatchAccepted {
    /// In the order of the batch.
    jobs: Vec<Submitted>,
}

/// What became of a request to cancel a job.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct JobCancelled {
    /// The job.
    id: JobId,
    /// Where it is now: cancelled.
    state: State,
    /// Where it was.
    was: State,
}

/// The queue, and how many may wait in it.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct QueueStatus {
    #[serde(flatten)]
    stats: Stats,
    /// So many jobs may wait; more are refused with 429.
    depth_limit: u64,
}

/// Accepts a job. It is accepted once the store has it, and not before. Of a type
/// that no worker knows it is dead at once.
#[utoipa::path(
    post,
    path = "/jobs",
    request_body = JobSpec,
    responses(
        (status = 200, description = "It was accepted before, under the same idempotency_key", body = Submitted,
            headers(("location" = String, description = "Where to ask about it"))),
        (status = 202, description = "It is accepted", body = Submitted,
            headers(("location" = String, description = "Where to ask about it"))),
        (status = 409, description = "Its idempotency_key is that of another job; `id` says which"),
        (status = 429, description = "Too many jobs wait: Retry-After says when to come back"),
        (status = 503, description = "The store is away, or the service was told to end: Retry-After says when to come back"),
    )
)]
pub(super) async fn submit(
    Shared(api): Shared<Api>,
    Body(spec): Body<JobSpec>,
) -> Result<Response, Refused> {
    let accepted = api.front.submit_one(&spec).await?;
    Ok(job_accepted(accepted))
}

fn job_accepted(accepted: Submitted) -> Response {
    let status = if accepted.existing {
        StatusCode::OK
    } else {
        StatusCode::ACCEPTED
    };
    let location = [(header::LOCATION, format!("/jobs/{}", accepted.id))];
    (status, location, Json(accepted)).into_response()
}

/// Accepts many jobs at once: all of them or none.
#[utoipa::path(
    post,
    path = "/jobs/batch",
    request_body = Batch,
    responses(
        (status = 202, description = "All are accepted; those of a known idempotency_key were before", body = BatchAccepted),
        (status = 409, description = "An idempotency_key is that of another job; `index` says whose"),
        (status = 429, description = "Too many jobs wait: Retry-After says when to come back"),
        (status = 503, description = "The store is away, or the service was told to end: Retry-After says when to come back"),
    )
)]
pub(super) async fn submit_batch(
    Shared(api): Shared<Api>,
    Body(batch): Body<Batch>,
) -> Result<Response, Refused> {
    if batch.jobs.is_empty() || batch.jobs.len() > MOST_BATCH {
        let detail = format!("jobs must be 1 to {MOST_BATCH}");
        return Err(Problem::of_field("jobs", detail).into());
    }
    let mut jobs = Vec::with_capacity(batch.jobs.len());
    for (index, spec) in batch.jobs.iter().enumerate() {
        let job = checked(spec);
        jobs.push(job.map_err(|refused| refused.within("jobs", index))?);
    }
    let jobs = api.front.submit(jobs).await?;
    Ok((StatusCode::ACCEPTED, Json(BatchAccepted { jobs })).into_response())
}

/// A job, and what has become of it.
#[utoipa::path(
    get,
    path = "/jobs/{id}",
    params(("id" = JobId, Path, description = "The job")),
    responses(
        (status = 200, body = Job),
        (status = 404, description = "No such job is kept"),
        (status = 422, description = "That is no id"),
        (status = 503, description = "The store is away: Retry-After says when to come back"),
    )
)]
pub(super) async fn job(
    Shared(api): Shared<Api>,
    Path(id): Path<String>,
) -> Result<Json<Job>, Refused> {
    Ok(Json(api.front.job(path_id(&id)?).await?))
}

/// How long to wait.
#[derive(Debug, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub(crate) struct Wait {
    /// How long to wait for its end, such as 10s or 500ms, one minute at most; nothing: not at all.
    #[param(example = "10s")]
    wait: Option<String>,
}

/// What came of a job: at once when it has ended, else as soon as it does.
#[utoipa::path(
    get,
    path = "/jobs/{id}/result",
    params(("id" = JobId, Path, description = "The job"), Wait),
    responses(
        (status = 200, description = "It has ended; `state` says how", body = JobResult),
        (status = 202, description = "It has not ended yet: ask again", body = JobResult),
        (status = 400, description = "The query cannot be read"),
        (status = 404, description = "No such job is kept"),
        (status = 422, description = "That is no id, or no time to wait; `field` says which"),
        (status = 503, description = "The store is away: Retry-After says when to come back"),
    )
)]
pub(super) async fn result(
    Shared(api): Shared<Api>,
    Path(id): Path<String>,
    Query(query): Query<Wait>,
    deadline: RequestDeadline,
) -> Result<Response, Refused> {
    let id = path_id(&id)?;
    let within = query.wait.as_deref().map_or(Ok(Duration::ZERO), wait)?;
    deadline.lift();
    let job = tokio::select! {
        job = waited(&api.front, id, within) => job?,
        // Those who wait are told how far it is, and not cut off.
        _ = api.shutdown.begun() => api.front.job(id).await?,
    };
    let status = if job.state.is_final() {
        StatusCode::OK
    } else {
        StatusCode::ACCEPTED
    };
    Ok((status, Json(JobResult::from(job))).into_response())
}

async fn waited(front: &Front, id: JobId, within: Duration) -> Result<Job, Refused> {
    if within.is_zero() {
        return front.job(id).await;
    }
    let job = front.queue().wait(id, within).await?;
    Ok(job.ok_or_else(Front::no_such_job)?)
}

/// `10s`, `500ms`, or seconds alone.
fn wait(text: &str) -> Result<Duration, Problem> {
    let seconds = text.parse::<f64>().ok();
    let wait = match seconds {
        Some(seconds) => Duration::try_from_secs_f64(seconds).ok(),
        None => humantime::parse_duration(text).ok(),
    };
    wait.filter(|wait| *wait <= LONGEST_WAIT).ok_or_else(|| {
        let detail = "wait must be a time such as 10s or 500ms, one minute at most";
        Problem::of_field("wait", detail)
    })
}

/// Cancels a job that has not ended. Whatever a worker still does of it counts for nothing.
#[utoipa::path(
    delete,
    path = "/jobs/{id}",
    params(("id" = JobId, Path, description = "The job")),
    responses(
        (status = 200, description = "It is cancelled", body = JobCancelled),
        (status = 404, description = "No such job is kept"),
        (status = 409, description = "It has ended; `state` says how"),
        (status = 422, description = "That is no id"),
        (status = 503, description = "The store is away: Retry-After says when to come back"),
    )
)]
pub(super) async fn cancel(
    Shared(api): Shared<Api>,
    Path(id): Path<String>,
) -> Result<Json<JobCancelled>, Refused> {
    let id = path_id(&id)?;
    let was = api.front.cancel(id).await?;
    let state = State::Cancelled;
    Ok(Json(JobCancelled { id, state, was }))
}

/// Which jobs to list.
#[derive(Debug, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub(crate) struct Which {
    /// Only those in this state.
    #[param(example = "ready")]
    state: Option<String>,
    /// Only those of this type.
    #[serde(rename = "type")]
    kind: Option<String>,
    /// Go on after this: `next` of the page before.
    after: Option<String>,
    /// The most jobs of a page.
    #[param(minimum = 1, maximum = 1000, default = 100)]
    limit: Option<usize>,
}

impl Which {
    fn listing(self) -> Result<Listing, Problem> {
        let limit = self.limit.unwrap_or(Listing::default().limit);
        if !(1..=MOST_LISTED).contains(&limit) {
            let detail = format!("limit must be from 1 to {MOST_LISTED}");
            return Err(Problem::of_field("limit", detail));
        }
        let state = self.state.as_deref().map(named).transpose()?;
        Ok(Listing {
            state,
            kind: self.kind,
            after: self.after,
            limit,
        })
    }
}

fn named(name: &str) -> Result<State, Problem> {
    State::named(name).ok_or_else(|| {
        let names = State::ALL.map(State::name);
        let detail = format!("there is no state {name:?}: they are {}", names.join(", "));
        let problem = Problem::of_field("state", detail).with("allowed", names);
        match nearest(name, names) {
            Some(meant) => problem.with("nearest", meant),
            None => problem,
        }
    })
}

/// Jobs, a page at a time.
#[utoipa::path(
    get,
    path = "/jobs",
    params(Which),
    responses(
        (status = 200, body = Page),
        (status = 400, description = "The query cannot be read"),
        (status = 422, description = "A field cannot be; `field` names it"),
        (status = 503, description = "The store is away: Retry-After says when to come back"),
    )
)]
pub(super) async fn list(
    Shared(api): Shared<Api>,
    Query(which): Query<Which>,
) -> Result<Json<Page>, Refused> {
    Ok(Json(api.front.queue().list(which.listing()?).await?))
}

/// What waits, what is done and how fast, and by whom.
#[utoipa::path(
    get,
    path = "/queue",
    tag = "queue",
    responses(
        (status = 200, body = QueueStatus),
        (status = 503, description = "The store is away: Retry-After says when to come back"),
    )
)]
pub(super) async fn queue(Shared(api): Shared<Api>) -> Result<Json<QueueStatus>, Refused> {
    Ok(Json(QueueStatus {
        stats: api.front.stats().await?.as_ref().clone(),
        depth_limit: api.depth_limit,
    }))
}

/// Where to go on in the list of dead jobs.
#[derive(Debug, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub(crate) struct WhichDead {
    /// Only those of this type.
    #[serde(rename = "type")]
    kind: Option<String>,
    /// Go on after this: `next` of the page before.
    after: Option<String>,
    /// The most jobs of a page.
    #[param(minimum = 1, maximum = 1000, default = 100)]
    limit: Option<usize>,
}

/// Jobs that were given up, and why: the dead-letter list.
#[utoipa::path(
    get,
    path = "/dead",
    tag = "queue",
    params(WhichDead),
    responses(
        (status = 200, body = Page),
        (status = 400, description = "The query cannot be read"),
        (status = 422, description = "A field cannot be; `field` names it"),
        (status = 503, description = "The store is away: Retry-After says when to come back"),
    )
)]
pub(super) async fn dead(
    Shared(api): Shared<Api>,
    Query(which): Query<WhichDead>,
) -> Result<Json<Page>, Refused> {
    let which = Which {
        state: Some(State::Dead.name().into()),
        kind: which.kind,
        after: which.after,
        limit: which.limit,
    };
    Ok(Json(api.front.queue().list(which.listing()?).await?))
}

/// Which dead jobs: some, or all. One of both must be said.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(
    deny_unknown_fields,
    expecting = "an object such as {\"ids\": [\"17\"]} or {\"all\": true}"
)]
pub(crate) struct Chosen {
    /// These.
    #[serde(default)]
    #[schema(max_items = 1000)]
    ids: Vec<JobId>,
    /// All there are.
    #[serde(default)]
    all: bool,
}

impl Chosen {
    /// As the queue takes them: none named are all.
    fn ids(self) -> Result<Vec<JobId>, Problem> {
        match (self.ids.len(), self.all) {
            (0, true) => Ok(Vec::new()),
            (1..=MOST_BATCH, false) => Ok(self.ids),
            (_, true) => Err(Problem::of_field("all", "give ids or all, not both")),
            (_, false) => {
                let detail = format!("ids must be 1 to {MOST_BATCH}, or all must be true");
                Err(Problem::of_field("ids", detail))
            }
        }
    }
}

/// How many dead jobs got another chance.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct Retried {
    /// So many; those that are not dead are passed over.
    retried: u64,
}

/// How many dead jobs were thrown away.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct Dropped {
    /// So many; those that are not dead are passed over.
    dropped: u64,
}

/// Gives dead jobs another chance, with all their attempts.
#[utoipa::path(
    post,
    path = "/dead/retry",
    tag = "queue",
    request_body = Chosen,
    responses(
        (status = 200, body = Retried),
        (status = 503, description = "The store is away: Retry-After says when to come back"),
    )
)]
pub(super) async fn retry(
    Shared(api): Shared<Api>,
    Body(chosen): Body<Chosen>,
) -> Result<Json<Retried>, Refused> {
    let retried = api.front.queue().retry_dead(chosen.ids()?).await?;
    Ok(Json(Retried { retried }))
}

/// Throws dead jobs away.
#[utoipa::path(
    post,
    path = "/dead/drop",
    tag = "queue",
    request_body = Chosen,
    responses(
        (status = 200, body = Dropped),
        (status = 503, description = "The store is away: Retry-After says when to come back"),
    )
)]
pub(super) async fn drop_dead(
    Shared(api): Shared<Api>,
    Body(chosen): Body<Chosen>,
) -> Result<Json<Dropped>, Refused> {
    let dropped = api.front.queue().drop_dead(chosen.ids()?).await?;
    Ok(Json(Dropped { dropped }))
}
