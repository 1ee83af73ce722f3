//! The shapes of the station's API.

use measure::report::ReplicaAccount;
use serde::{Deserialize, Serialize};
use service_kit::latency::LatencyFigures;
use service_kit::problem::Problem;
use service_kit::sampling::Start;
use service_kit::station::{Answer, requested_start};
use std::collections::BTreeMap;
use std::time::Duration;
use utoipa::ToSchema;

/// The longest sample.
const LONGEST_SECONDS: f64 = 3600.0;

/// What `POST /run` is asked: to account for what this worker does for so long.
///
/// The jobs are whatever is in the queue: the same request goes to every worker,
/// and jobs are submitted meanwhile.
#[derive(Debug, Clone, PartialEq, Deserialize, ToSchema)]
#[serde(deny_unknown_fields, expecting = "an object such as {\"seconds\": 5}")]
pub struct RunRequest {
    /// How long, above 0 and at most 3600.
    #[schema(example = 5, exclusive_minimum = 0, maximum = 3600)]
    pub seconds: f64,
    /// Start at this moment of the host's monotonic clock (seconds): the same for
    /// all workers. One that is past is at once; one more than 10 s ahead is
    /// refused. Null: at once.
    #[serde(default)]
    #[schema(minimum = 0)]
    pub start_at_seconds: Option<f64>,
}

/// What is asked for, checked.
#[derive(Debug, Clone, Copy)]
pub(super) struct Asked {
    pub(super) lasts: Duration,
    pub(super) start: Start,
}

impl RunRequest {
    /// What is asked for, at the moment `now` of the host's monotonic clock (seconds).
    pub(super) fn asked(&self, now: f64) -> Result<Asked, Problem> {
        if !(self.seconds > 0.0 && self.seconds <= LONGEST_SECONDS) {
            let allowed = format!("seconds must be above 0 and at most {LONGEST_SECONDS}");
            return Err(Problem::of_field("seconds", allowed));
        }
        Ok(Asked {
            lasts: Duration::from_secs_f64(self.seconds),
            // Where the quota binds, threads that go on from job to job meet its
            // refill wherever it is: nothing is aligned.
            start: match self.start_at_seconds {
                None => Start::At(now),
                moment => requested_start(moment, now)?,
            },
        })
    }
}

/// What `POST /run` answers.
#[derive(Debug, Clone, Serialize, ToSchema)]
pub struct RunAnswer {
    /// What the threads for CPU jobs and the kernel counted; its `answer`: how many
    /// jobs this worker was done with.
    #[schema(value_type = Object)]
    pub account: ReplicaAccount,
    /// Always null: threads take jobs as they come.
    pub work_shares: Option<Vec<f64>>,
    /// What became of jobs.
    pub figures: Figures,
}

impl Answer for RunAnswer {
    fn account(&mut self) -> Option<&mut ReplicaAccount> {
        Some(&mut self.account)
    }
}

/// What became of the jobs of a sample at this worker.
#[derive(Debug, Clone, PartialEq, Default, Serialize, ToSchema)]
pub struct Figures {
    /// The worker's name in the queue.
    pub worker: String,
    /// Tries that ended, by type.
    pub tries: BTreeMap<String, Tries>,
    /// How long jobs that succeeded took, by priority.
    pub by_priority: BTreeMap<u8, Latencies>,
}

/// Tries that ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, ToSchema)]
pub struct Tries {
    /// Jobs that were done.
    pub succeeded: u64,
    /// Tries that failed and are followed by another.
    pub failed: u64,
    /// Jobs that were given up.
    pub dead: u64,
    /// Jobs that went back.
    pub given_back: u64,
    /// What was refused, for the job was another's, or nobody's, by then.
    pub refused: u64,
}

/// How long jobs took.
#[derive(Debug, Clone, PartialEq, Default, Serialize, ToSchema)]
pub struct Latencies {
    /// Ready until taken, by Redis' clock.
    pub wait: LatencyFigures,
    /// Worked on, by this machine's.
    pub service: LatencyFigures,
    /// Accepted until done.
    pub total: LatencyFigures,
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
    /// Its name in the queue.
    pub worker: String,
    /// How many threads work on CPU jobs here.
    pub threads: usize,
    /// How many I/O jobs go on at once here.
    pub io: usize,
}
