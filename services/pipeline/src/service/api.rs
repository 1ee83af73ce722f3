//! The shapes of the HTTP API.

use super::Role;
use crate::config::{MOST_KEPT, run_id};
use crate::counts::StageFigures;
use crate::declaration::{Declaration, MOST_CAPACITY};
use crate::source::USUAL_CAP_BYTES;
use crate::stages::{Stage, transform::Cost};
use measure::report::ReplicaAccount;
use serde::{Deserialize, Serialize};
use service_kit::latency::LatencyFigures;
use service_kit::problem::Problem;
use service_kit::sampling::Start;
use service_kit::station::{Answer, requested_start};
use std::time::Duration;
use utoipa::ToSchema;

/// The most items of a run.
const MOST_ITEMS: u64 = 1_000_000_000;

/// The most microseconds of work, or of a wait, per item.
const MOST_MICROS: u64 = 60_000_000;

/// What `POST /run` is asked: to take part in a run, and account for it.
///
/// The same request goes to every station of a pipeline, its stages first: the
/// source gives the items, the others take part until the run's mark has come
/// to the sink. A station that is a whole pipeline does all of it.
#[derive(Debug, Clone, PartialEq, Deserialize, ToSchema)]
#[serde(
    deny_unknown_fields,
    expecting = "an object such as {\"run\": \"r1\", \"items\": 10000}"
)]
pub struct RunRequest {
    /// The run's id, 1 to 64 letters, digits, - or _, the same for all stations
    /// of a pipeline; a whole pipeline needs none.
    #[serde(default)]
    #[schema(example = "r1")]
    pub run: Option<String>,
    /// How many items the source makes.
    #[serde(default = "ten_thousand")]
    #[schema(default = 10_000, minimum = 1, maximum = 1_000_000_000)]
    pub items: u64,
    /// How often that many, one after the other in the same run.
    #[serde(default = "once")]
    #[schema(default = 1, minimum = 1, maximum = 10_000)]
    pub repeats: u32,
    /// Bytes of each item.
    #[serde(default = "thirty_two")]
    #[schema(default = 32, minimum = 0, maximum = 1_048_576)]
    pub bytes: usize,
    /// Items a second; null: as fast as they are taken.
    #[serde(default)]
    pub rate: Option<f64>,
    /// The capacity of every queue; null: as declared.
    #[serde(default)]
    #[schema(minimum = 1)]
    pub capacity: Option<u64>,
    /// CPU microseconds that `transform` spends on an item; null: as declared.
    #[serde(default)]
    pub transform_micros: Option<u64>,
    /// Microseconds that `lookup` waits for an item; null: as declared.
    #[serde(default)]
    pub lookup_micros: Option<u64>,
    /// Results of the first so many items are kept in Redis, where they were
    /// neither split nor joined.
    #[serde(default)]
    #[schema(default = 0, maximum = 1_000_000)]
    pub keep: u64,
    /// Start at this moment of the host's monotonic clock (seconds): the same for
    /// all stations of a pipeline. One that is past is at once; one more than
    /// 10 s ahead is refused. Null: a whole pipeline starts at a refill of its
    /// quota, the others at once.
    #[serde(default)]
    #[schema(minimum = 0)]
    pub start_at_seconds: Option<f64>,
}

/// What `POST /run` answers.
#[derive(Debug, Clone, Serialize, ToSchema)]
pub struct RunAnswer {
    /// What the workers and the kernel counted; its `answer`: how many of the
    /// run's items came to the sink, null where not each came once, and for
    /// stages other than the source.
    #[schema(value_type = Object)]
    pub account: ReplicaAccount,
    /// Always null: threads take items as they go.
    pub work_shares: Option<Vec<f64>>,
    /// What the run came to.
    pub figures: Figures,
}

/// What a run came to at this station.
#[derive(Debug, Clone, PartialEq, Default, Serialize, ToSchema)]
pub struct Figures {
    /// The run's id; null for a whole pipeline.
    pub run: Option<String>,
    /// The stages that this station is, in order: one, or all of a pipeline.
    pub stages: Vec<StageAccount>,
    /// From source to sink, of the items that came to this station's sink; null
    /// where it has none.
    pub latency: Option<LatencyFigures>,
    /// The run's end as the source knows it; null for other stages.
    pub outcome: Option<Outcome>,
}

/// A stage's part of a run, at this station.
#[derive(Debug, Clone, PartialEq, Serialize, ToSchema)]
pub struct StageAccount {
    /// Which.
    pub stage: Stage,
    /// Which of the account's workers are its own: the first one's index, and
    /// how many.
    pub workers: [usize; 2],
    /// What it did.
    pub figures: StageFigures,
    /// When the mark passed it, seconds of the host's monotonic clock; null in
    /// one process.
    pub done_seconds: Option<f64>,
    /// The queue before it over time.
    pub depth: Vec<DepthReading>,
}

/// A queue at one moment.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, ToSchema)]
pub struct DepthReading {
    /// Seconds of the host's monotonic clock.
    pub at_seconds: f64,
    /// Items in it, those that a consumer has taken too.
    pub items: u64,
    /// Those that a consumer has taken; in one process they are not in it.
    pub pending: u64,
}

/// Whether what came out is what went in.
#[derive(Debug, Clone, PartialEq, Serialize, ToSchema)]
pub struct Outcome {
    /// Items that the source gave.
    pub given: u64,
    /// Those of them that came to the sink.
    pub arrived: u64,
    /// Those among the dead letters.
    pub dead: u64,
    /// Items that came to the sink again; null where only the sums tell.
    pub doubled: Option<u64>,
    /// Whether each item came to an end exactly once.
    pub exact: bool,
    /// Items that came out at the sink, whatever they stand for.
    pub results: u64,
    /// A number that tells results apart, whatever their order.
    pub content: String,
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
    /// The pipeline's name.
    pub pipeline: String,
    /// Its stages, in order.
    pub stages: Vec<Stage>,
    /// Which of them this station is; null: all.
    pub stage: Option<Stage>,
    /// How many threads work here.
    pub threads: usize,
}

/// What is asked for, checked.
#[derive(Debug, Clone)]
pub(super) struct Asked {
    pub(super) run: Option<String>,
    pub(super) declaration: Declaration,
    pub(super) items: u64,
    pub(super) repeats: u32,
    pub(super) bytes: usize,
    pub(super) rate: Option<f64>,
    pub(super) keep: u64,
    pub(super) start: Start,
}

impl Answer for RunAnswer {
    fn account(&mut self) -> Option<&mut ReplicaAccount> {
        Some(&mut self.account)
    }
}

impl RunRequest {
    /// What is asked of a station of that `role`, at the moment `now` of the
    /// host's monotonic clock (seconds).
    pub(super) fn asked(self, role: &Role, now: f64) -> Result<Asked, Problem> {
        within("items", self.items, 1..=MOST_ITEMS)?;
        within("repeats", u64::from(self.repeats), 1..=10_000)?;
        within("bytes", self.bytes as u64, 0..=USUAL_CAP_BYTES as u64)?;
        within("keep", self.keep, 0..=MOST_KEPT)?;
        if let Some(rate) = self.rate
            && !(rate > 0.0 && rate <= 1e9)
        {
            let allowed = "rate must be items a second, above 0 and at most 1e9";
            return Err(Problem::of_field("rate", allowed));
        }
        let run = match (self.run, &role.stage) {
            (Some(run), _) => {
                let fits = run_id(&run);
                Some(fits.map_err(|allowed| Problem::of_field("run", format!("run {allowed}")))?)
            }
            (None, None) => None,
            (None, Some(_)) => {
                let detail =
                    "a stage needs the run's id, the same for all stations of the pipeline";
                return Err(Problem::of_field("run", detail));
            }
        };
        let mut declaration = role.declaration.clone();
        if let Some(capacity) = self.capacity {
            within("capacity", capacity, 1..=MOST_CAPACITY)?;
            declaration = declaration.with_capacity(capacity);
        }
        if let Some(micros) = self.transform_micros {
            within("transform_micros", micros, 0..=MOST_MICROS)?;
            declaration.work.transform = Cost::Micros(micros);
        }
        if let Some(micros) = self.lookup_micros {
            within("lookup_micros", micros, 0..=MOST_MICROS)?;
            declaration.work.lookup = Duration::from_micros(micros);
        }
        let start = match (self.start_at_seconds, &role.stage) {
            (None, Some(_)) => Start::At(now),
            (moment, _) => requested_start(moment, now)?,
        };
        Ok(Asked {
            run,
            declaration,
            items: self.items,
            repeats: self.repeats,
            bytes: self.bytes,
            rate: self.rate,
            keep: self.keep,
            start,
        })
    }
}

impl Asked {
    /// Items of the whole run.
    pub(super) fn all_items(&self) -> u64 {
        self.items.saturating_mul(u64::from(self.repeats))
    }
}

fn within(field: &str, value: u64, allowed: std::ops::RangeInclusive<u64>) -> Result<(), Problem> {
    if allowed.contains(&value) {
        return Ok(());
    }
    let (least, most) = (allowed.start(), allowed.end());
    Err(Problem::of_field(
        field,
        format!("{field} must be from {least} to {most}"),
    ))
}

fn ten_thousand() -> u64 {
    10_000
}

fn once() -> u32 {
    1
}

fn thirty_two() -> usize {
    32
}
