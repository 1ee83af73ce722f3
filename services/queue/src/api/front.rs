//! The queue as its clients meet it, over HTTP and over the WebSocket alike.

use super::refused::Refused;
use crate::job::{Cancelled, Job, JobId, JsonText, NewJob, State, Stats, Submitted};
use crate::queue::{Queue, QueueError};
use crate::spec::JobSpec;
use crate::work::{Kind, Task};
use axum::http::StatusCode;
use serde::Serialize;
use service_kit::problem::Problem;
use std::sync::Arc;
use std::time::{Duration, Instant};
use tokio::sync::Mutex;
use utoipa::ToSchema;

/// For so long the queue's figures count as read, whoever asks for them.
const STATS_LAST: Duration = Duration::from_millis(250);

/// The longest that a full queue's client is sent away.
const LONGEST_AWAY_SECONDS: f64 = 60.0;

/// The queue, and what is known of it.
pub struct Front {
    queue: Queue,
    stats: Mutex<Option<(Instant, Arc<Stats>)>>,
}

/// The job, if it can be. Of a type that workers know, the work must be such that
/// they can do it: what cannot be done is better refused than accepted and dead.
pub(super) fn checked(spec: &JobSpec) -> Result<NewJob, Refused> {
    let job = spec.checked()?;
    if Kind::named(&job.kind).is_some() {
        let read = Task::read(&job.kind, &job.payload);
        read.map_err(|reason| Problem::of_field("data", reason))?;
    }
    Ok(job)
}

/// What came of a job.
#[derive(Debug, Clone, PartialEq, Serialize, ToSchema)]
pub struct JobResult {
    /// Its id.
    pub id: JobId,
    /// Where it is; null: it is no longer kept.
    pub state: Option<State>,
    /// What its work gave; null unless it succeeded.
    #[schema(value_type = serde_json::Value)]
    pub result: Option<JsonText>,
    /// Why it is dead, or why its last try failed.
    pub error: Option<String>,
}

impl From<Job> for JobResult {
    fn from(job: Job) -> Self {
        Self {
            id: job.id,
            state: Some(job.state),
            result: job.result,
            error: job.error,
        }
    }
}

impl Front {
    /// For that queue.
    pub fn new(queue: Queue) -> Arc<Self> {
        let stats = Mutex::default();
        Arc::new(Self { queue, stats })
    }

    /// The queue itself.
    pub fn queue(&self) -> &Queue {
        &self.queue
    }

    /// Accepts a job: the store has it when this returns.
    ///
    /// # Errors
    /// When it cannot be, or not now.
    pub async fn submit_one(&self, spec: &JobSpec) -> Result<Submitted, Refused> {
        let accepted = self.submit(vec![checked(spec)?]).await?;
        accepted.first().copied().ok_or_else(|| {
            Problem::internal(anyhow::anyhow!(
                "the store accepted nothing and says nothing"
            ))
            .into()
        })
    }

    /// Accepts all of them or none.
    ///
    /// # Errors
    /// When one of them cannot be, or not now.
    pub async fn submit(&self, jobs: Vec<NewJob>) -> Result<Vec<Submitted>, Refused> {
        match self.queue.submit(jobs).await {
            Ok(accepted) => Ok(accepted),
            Err(QueueError::Full { depth, limit }) => {
                let mut refused = Refused::from(QueueError::Full { depth, limit });
                if let Some(seconds) = self.seconds_to_room(limit).await {
                    refused.retry_after_seconds = Some(seconds);
                }
                Err(refused)
            }
            Err(error) => Err(error.into()),
        }
    }

    /// How long workers take for a hundredth of the limit: whoever was refused
    /// finds some room after that, and not all come back at once for one place.
    async fn seconds_to_room(&self, limit: u64) -> Option<u32> {
        let finished = self.stats().await.ok()?.rates?.finished;
        let seconds = (limit as f64 / 100.0).max(1.0) / finished;
        seconds
            .is_finite()
            .then(|| seconds.clamp(1.0, LONGEST_AWAY_SECONDS).ceil() as u32)
    }

    /// A job.
    ///
    /// # Errors
    /// 404 when there is none of that id.
    pub async fn job(&self, id: JobId) -> Result<Job, Refused> {
        let job = self.queue.get(id).await?;
        Ok(job.ok_or_else(Self::no_such_job)?)
    }

    /// What came of a job, so far.
    ///
    /// # Errors
    /// When the store is away.
    pub async fn result(&self, id: JobId) -> Result<JobResult, QueueError> {
        let job = self.queue.get(id).await?;
        Ok(job.map_or_else(
            || JobResult {
                id,
                state: None,
                result: None,
                error: Some("it is no longer kept".into()),
            },
            JobResult::from,
        ))
    }

    /// Cancels a job; where it was.
    ///
    /// # Errors
    /// 409 when it has ended, 404 when there is none of that id.
    pub async fn cancel(&self, id: JobId) -> Result<State, Refused> {
        match self.queue.cancel(id).await? {
            Cancelled::Now { was } => Ok(was),
            Cancelled::Already(state) => {
                let detail = format!("the job is {} already", state.name());
                let problem = Problem::new(StatusCode::CONFLICT, detail);
                Err(problem.with("state", state).into())
            }
            Cancelled::Unknown => Err(Self::no_such_job().into()),
        }
    }

    /// What the queue holds and has done, a quarter of a second old at most: many
    /// watch, and each reading is work for Redis.
    ///
    /// # Errors
    /// When the store is away.
    pub async fn stats(&self) -> Result<Arc<Stats>, Refused> {
        // The lock is held while reading, so that those who come meanwhile share it.
        let mut stats = self.stats.lock().await;
        if let Some((read, stats)) = stats.as_ref()
            && read.elapsed() < STATS_LAST
        {
            return Ok(stats.clone());
        }
        let read = Arc::new(self.queue.stats().await?);
        *stats = Some((Instant::now(), read.clone()));
        Ok(read)
    }

    /// There is none of that id.
    pub(crate) fn no_such_job() -> Problem {
        let detail = "no such job is kept: it never was, or it ended long ago";
        Problem::new(StatusCode::NOT_FOUND, detail)
    }
}
