//! The requests that the course's programs send.

use super::Api;
use super::body::{AnyJson, Body};
use super::front::{JobResult, checked};
use super::refused::Refused;
use crate::job::{JobId, JsonText};
use crate::queue::Queue;
use crate::spec::JobSpec;
use crate::work::Kind;
use axum::Json;
use axum::extract::State as Shared;
use axum::http::StatusCode;
use axum::response::{IntoResponse, Response};
use futures_util::future::try_join_all;
use serde::{Deserialize, Serialize};
use serde_json::value::RawValue;
use service_kit::problem::Problem;
use service_kit::server::RequestDeadline;
use std::collections::BTreeMap;
use std::time::Duration;
use utoipa::ToSchema;

/// How many sums `GET /heavy-computation` has done at once.
const SUMS: usize = 4;

/// Of the squares of the numbers below this.
const SUMMED_BELOW: u64 = 10_000_000;

/// How long it waits for them.
const HEAVY_WAIT: Duration = Duration::from_mins(1);

/// The longest name of a task.
const MOST_NAME_CHARACTERS: usize = 256;

/// A task was accepted.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct TaskQueued {
    /// Always `queued`.
    #[schema(example = "queued")]
    status: &'static str,
    /// The job that it has become.
    id: JobId,
}

/// Accepts any JSON as a task. An object whose `type` or `task_type` names a type
/// of job is such a job, with its `data`; anything else is a job `noop` that
/// carries it.
#[utoipa::path(
    post,
    path = "/tasks",
    request_body = serde_json::Value,
    responses(
        (status = 202, description = "It is accepted", body = TaskQueued),
        (status = 429, description = "Too many jobs wait: Retry-After says when to come back"),
        (status = 503, description = "The store is away, or the service was told to end: Retry-After says when to come back"),
    )
)]
pub(super) async fn queue_task(
    Shared(api): Shared<Api>,
    AnyJson(text): AnyJson,
) -> Result<Response, Refused> {
    let accepted = api.front.submit_one(&task(text)?).await?;
    let queued = TaskQueued {
        status: "queued",
        id: accepted.id,
    };
    Ok((StatusCode::ACCEPTED, Json(queued)).into_response())
}

fn task(text: String) -> Result<JobSpec, Problem> {
    if let Some(job) = known(&text) {
        return Ok(job);
    }
    let mut job = JobSpec::of("noop");
    // It was checked that it is JSON.
    job.data = Some(RawValue::from_string(text).map_err(Problem::internal)?);
    Ok(job)
}

/// The job that an object says it is.
fn known(text: &str) -> Option<JobSpec> {
    let mut fields: BTreeMap<String, Box<RawValue>> = serde_json::from_str(text).ok()?;
    let kind = fields
        .remove("type")
        .or_else(|| fields.remove("task_type"))?;
    let kind: String = serde_json::from_str(kind.get()).ok()?;
    let mut job = JobSpec::of(Kind::named(&kind).map(|_| &kind)?);
    job.data = fields.remove("data");
    Some(job)
}

/// A task that takes a time.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(
    deny_unknown_fields,
    expecting = "an object such as {\"name\": \"report\", \"duration\": 2}"
)]
pub(crate) struct Task {
    /// What it is called.
    #[schema(max_length = 256, example = "report")]
    name: String,
    /// How long it takes, seconds.
    #[schema(minimum = 0, example = 2)]
    duration: f64,
}

/// A task was accepted.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct TaskMessage {
    /// That it was.
    #[schema(example = "Task report queued")]
    message: String,
    /// The job that it has become.
    id: JobId,
}

/// Accepts a task that takes `duration` seconds: a job `sleep`.
#[utoipa::path(
    post,
    path = "/tasks/",
    request_body = Task,
    responses(
        (status = 202, description = "It is accepted", body = TaskMessage),
        (status = 429, description = "Too many jobs wait: Retry-After says when to come back"),
        (status = 503, description = "The store is away, or the service was told to end: Retry-After says when to come back"),
    )
)]
pub(super) async fn queue_sleep(
    Shared(api): Shared<Api>,
    Body(task): Body<Task>,
) -> Result<Response, Refused> {
    if task.name.is_empty() || task.name.chars().count() > MOST_NAME_CHARACTERS {
        let detail = format!("name must have 1 to {MOST_NAME_CHARACTERS} characters");
        return Err(Problem::of_field("name", detail).into());
    }
    let mut job = JobSpec::of("sleep");
    job.data = Some(data(&serde_json::json!({"seconds": task.duration})));
    let accepted = api.front.submit_one(&job).await.map_err(|mut refused| {
        // The client knows it by another name.
        if refused.problem.members.contains_key("field") {
            refused.problem = refused.problem.with("field", "duration");
        }
        refused
    })?;
    let queued = TaskMessage {
        message: format!("Task {} queued", task.name),
        id: accepted.id,
    };
    Ok((StatusCode::ACCEPTED, Json(queued)).into_response())
}

/// The sums.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct Sums {
    /// Beyond 64 bits, as plain numbers of JSON.
    #[schema(value_type = Vec<f64>, example = json!([3.333_332_833_333_35e20]))]
    results: Vec<Box<RawValue>>,
}

/// What is being summed.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct Summing {
    /// The jobs: their results are at `/jobs/{id}/result`.
    jobs: Vec<JobId>,
}

/// Sums the squares of the numbers below 10^7, four times, by the workers in
/// parallel; this service only waits and answers others meanwhile. A client that
/// goes away cancels the sums.
#[utoipa::path(
    get,
    path = "/heavy-computation",
    responses(
        (status = 200, body = Sums),
        (status = 202, description = "They take longer than a minute: ask for each", body = Summing),
        (status = 429, description = "Too many jobs wait: Retry-After says when to come back"),
        (status = 503, description = "The store is away, the service was told to end, or a sum was given up: Retry-After says when to come back"),
    )
)]
pub(super) async fn heavy_computation(
    Shared(api): Shared<Api>,
    deadline: RequestDeadline,
) -> Result<Response, Refused> {
    deadline.lift();
    let mut job = JobSpec::of("sum_squares");
    job.data = Some(data(&serde_json::json!({"n": SUMMED_BELOW})));
    let accepted = api.front.submit(vec![checked(&job)?; SUMS]).await?;
    let ids: Vec<JobId> = accepted.iter().map(|job| job.id).collect();
    let queue = api.front.queue();
    let mut abandoned = Abandoned::new(queue, &ids);
    let waiting = try_join_all(ids.iter().map(|id| queue.wait(*id, HEAVY_WAIT)));
    let jobs = tokio::select! {
        jobs = waiting => jobs?,
        _ = api.shutdown.begun() => return Err(Refused::ending()),
    };
    abandoned.keep();
    let results: Vec<JobResult> = jobs.into_iter().flatten().map(JobResult::from).collect();
    if results
        .iter()
        .any(|result| result.state.is_some_and(|state| !state.is_final()))
    {
        return Ok((StatusCode::ACCEPTED, Json(Summing { jobs: ids })).into_response());
    }
    let sums: Option<Vec<_>> = results.iter().map(|r| sum(r.result.as_ref()?)).collect();
    match sums {
        Some(results) if results.len() == SUMS => Ok(Json(Sums { results }).into_response()),
        _ => {
            let detail = "a sum was cancelled or given up; /dead says why";
            Err(Refused::for_now(StatusCode::SERVICE_UNAVAILABLE, detail, 1))
        }
    }
}

/// The digits of a sum, all of them.
fn sum(result: &JsonText) -> Option<Box<RawValue>> {
    let mut fields: BTreeMap<&str, Box<RawValue>> = serde_json::from_str(result.get()).ok()?;
    fields.remove("sum")
}

fn data(value: &serde_json::Value) -> Box<RawValue> {
    serde_json::value::to_raw_value(value).expect("a value is JSON")
}

/// Jobs that nobody waits for any longer when this is dropped.
struct Abandoned {
    queue: Queue,
    ids: Vec<JobId>,
}

impl Abandoned {
    fn new(queue: &Queue, ids: &[JobId]) -> Self {
        Self {
            queue: queue.clone(),
            ids: ids.into(),
        }
    }

    /// They stay.
    fn keep(&mut self) {
        self.ids.clear();
    }
}

impl Drop for Abandoned {
    fn drop(&mut self) {
        let (queue, ids) = (self.queue.clone(), std::mem::take(&mut self.ids));
        if ids.is_empty() {
            return;
        }
        tokio::spawn(async move {
            for id in ids {
                // One that has ended, or that the store cannot be told of, stays.
                let _ = queue.cancel(id).await;
            }
        });
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]

    use super::*;

    fn of(text: &str) -> (String, String) {
        let job = task(text.into()).unwrap();
        let data = job.data.map_or("none".into(), |data| data.get().to_owned());
        (job.kind, data)
    }

    #[test]
    fn a_task_that_names_a_type_is_such_a_job_and_all_others_are_carried() {
        for (text, kind, data) in [
            (
                r#"{"task_type": "calcular_fibonacci", "data": {"n": 35}}"#,
                "calcular_fibonacci",
                r#"{"n": 35}"#,
            ),
            (r#"{"type": "noop"}"#, "noop", "none"),
            (
                r#"{"type": "email", "to": "a"}"#,
                "noop",
                r#"{"type": "email", "to": "a"}"#,
            ),
            (r#"{"type": 5}"#, "noop", r#"{"type": 5}"#),
            ("17", "noop", "17"),
            ("[1, 2]", "noop", "[1, 2]"),
            ("null", "noop", "null"),
        ] {
            assert_eq!(of(text), (kind.into(), data.into()), "{text}");
        }
    }

    #[test]
    fn a_sum_keeps_all_its_digits() {
        let result = JsonText::parse(r#"{"n":10000000,"sum":333333283333335000000}"#.into());

        let results = vec![sum(&result.unwrap()).unwrap()];

        let text = serde_json::to_string(&Sums { results }).unwrap();
        assert_eq!(text, r#"{"results":[333333283333335000000]}"#);
    }
}
