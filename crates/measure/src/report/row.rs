//! A row of the table: one station, strategy and worker count, over all rounds.

use super::{PipelineFigures, Round};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;

/// One station doing the job one way with one worker count.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize, JsonSchema)]
pub struct Row {
    /// The station's name.
    pub station: String,
    /// How the work was shared out.
    pub strategy: String,
    /// What computed it.
    pub kernel: String,
    /// Workers asked for, of one replica.
    pub workers: usize,
    /// What these are.
    #[serde(default)]
    pub workers_are: WorkersAre,
    /// OS threads (or child processes) that did the work, over all replicas;
    /// `null` until a sample has told.
    pub threads: Option<usize>,
    /// The row that speedups and predictions are taken from.
    pub baseline: bool,
    /// Why there is no figure, or none of the later rounds.
    pub not_run: Option<String>,
    /// The share of the job's CPU work that the strategy's own fixed schedule
    /// gives each worker, from the kernel's operation count; `null` where
    /// workers take work as they go.
    pub work_shares: Option<Vec<f64>>,
    /// Wall seconds of one job, one figure per round; empty, as all that is told
    /// of a job's wall is `null`, where the sample's time was fixed beforehand.
    pub samples: Vec<f64>,
    /// Wall seconds of one job.
    pub wall_seconds: Option<Interval>,
    /// Wall seconds of one job, predicted from the baseline's CPU seconds in
    /// the same round and this row's limits, not from this row's own figures.
    pub predicted_wall_seconds: Option<Interval>,
    /// Baseline wall ÷ wall, paired within rounds.
    pub speedup: Option<Interval>,
    /// Speedup ÷ workers (over all replicas).
    pub efficiency: Option<f64>,
    /// CPU seconds the station's groups used for one job.
    pub cpu_seconds: Option<f64>,
    /// CPU seconds of one job used outside the workers (runtime, coordinator).
    pub cpu_seconds_outside_workers: Option<f64>,
    /// CPU seconds ÷ wall: the CPUs in use on average.
    pub cpus_used: Option<f64>,
    /// The CPUs it could have used: min(sum of quotas, allowed CPUs).
    pub granted_cpus: Option<f64>,
    /// The quota model's wall for the CPU used ÷ the measured wall, median over
    /// rounds; `null` where no quota binds.
    pub quota_fidelity: Option<f64>,
    /// Where the workers' time went.
    pub time_budget: Option<TimeBudget>,
    /// What blocked time was spent on.
    pub blocked_by: Option<BlockedBy>,
    /// What bound the work.
    pub verdict: Option<Verdict>,
    /// What the lab's own figures come to, medians over the rounds, by name;
    /// a name that is absent is unknown, and labs without any have none.
    #[serde(default)]
    pub figures: BTreeMap<String, f64>,
    /// Where its samples are of a pipeline, what its stages show, and which of
    /// them sets the pace; `null` elsewhere.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub pipeline: Option<PipelineFigures>,
    /// The rounds in which the load that the sample is taken under was not what
    /// it should have been, twice: they have no sample.
    #[serde(default)]
    pub void: Vec<Void>,
    /// Rounds (from 0) whose sample lies far from the others.
    pub outliers: Vec<u32>,
    /// Each sample's raw account.
    pub rounds: Vec<Round>,
}

impl Row {
    /// The row's name within a report: `station/strategy/kernel/workers`.
    pub fn key(&self) -> String {
        format!(
            "{}/{}/{}/{}",
            self.station, self.strategy, self.kernel, self.workers
        )
    }

    /// The share of the job that its samples did, where they are scaled.
    pub fn scaled_from(&self) -> Option<f64> {
        let scaled = self.rounds.iter().find(|round| round.is_scaled());
        scaled.map(|round| round.share)
    }

    /// How many whole rounds it has, where it was lost after them: its figures
    /// are of these alone.
    pub fn lost_after(&self) -> Option<usize> {
        (self.not_run.is_some() && !self.rounds.is_empty()).then_some(self.rounds.len())
    }
}

/// What a row's workers are.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum WorkersAre {
    /// Workers of a strategy, whatever does their work.
    #[default]
    Workers,
    /// Threads of one process.
    Threads,
}

impl WorkersAre {
    /// One of them.
    pub fn one(self) -> &'static str {
        match self {
            Self::Workers => "worker",
            Self::Threads => "thread",
        }
    }

    /// Several.
    pub fn many(self) -> &'static str {
        match self {
            Self::Workers => "workers",
            Self::Threads => "threads",
        }
    }
}

/// A round in which a row has no sample, through no fault of its station.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Void {
    /// Which round of the run, from 0.
    pub round: u32,
    /// What was wrong with the load, in words.
    pub why: String,
}

/// A median and the range around it.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct Interval {
    /// The median.
    pub median: f64,
    /// The interval's lower end.
    pub low: f64,
    /// The interval's upper end.
    pub high: f64,
    /// How surely the interval holds the true median, 0 to 1: for the range of
    /// `n` samples 1 − 2·(1/2)ⁿ.
    pub coverage: f64,
}

/// Shares of the workers' time over the row's wall; they sum to 1.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct TimeBudget {
    /// On a CPU.
    pub running: f64,
    /// Ready to run, kept off by the quota.
    pub throttled: f64,
    /// Ready to run, no CPU free.
    pub runnable: f64,
    /// Not ready: waiting for something else.
    pub blocked: f64,
    /// On a CPU by the guest's clock, but the hypervisor had taken it away;
    /// `null` where it cannot be told from running.
    pub stolen: Option<f64>,
}

/// Shares of the workers' time that blocked time went to; they sum to
/// [`TimeBudget::blocked`].
#[derive(Debug, Clone, Copy, PartialEq, Default, Serialize, Deserialize, JsonSchema)]
pub struct BlockedBy {
    /// Started later than the job.
    pub start: f64,
    /// Ended before the job.
    pub tail: f64,
    /// Waiting for a disk, a network or a timer.
    pub io: f64,
    /// Waiting for work: an empty queue.
    pub input: f64,
    /// Waiting to hand work on: a full queue.
    pub output: f64,
    /// Waiting for a lock.
    pub lock: f64,
    /// Waiting for a request.
    pub idle: f64,
    /// Not accounted for by the workers; negative when they accounted for
    /// more than there was.
    pub unaccounted: f64,
}

/// What bound a row's work, with the evidence.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct Verdict {
    /// What bound it.
    pub kind: VerdictKind,
    /// What happened, in plain words.
    pub text: String,
    /// The figures that prove it.
    pub evidence: String,
    /// What to try next and what that should gain; empty where nothing is to be said.
    pub next: String,
    /// What else the figures show.
    pub also: Vec<Also>,
}

/// Something beside the verdict that the figures show.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct Also {
    /// `overhead`, `shared-core`, `unaccounted`, `quota-fidelity`, `odd-round`, …
    pub kind: String,
    /// In plain words with figures.
    pub text: String,
}

/// What bound a row's work.
#[derive(
    Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize, JsonSchema,
)]
#[serde(rename_all = "kebab-case")]
pub enum VerdictKind {
    /// Something else had the CPU.
    Host,
    /// A limit above this container that it cannot read.
    HiddenLimit,
    /// Fits the quota on average, not in every period.
    Bursts,
    /// The CPU quota.
    Quota,
    /// More threads than CPUs: they took turns.
    Oversubscribed,
    /// All CPU granted did work.
    Cpu,
    /// Fewer workers than CPUs granted.
    Workers,
    /// Workers ended at different times.
    Imbalance,
    /// Waiting for a disk, a network or a timer.
    Waiting,
    /// Waiting for work from upstream.
    Starved,
    /// Waiting for downstream to take work.
    Backpressure,
    /// Waiting for locks.
    Contention,
    /// Starting the workers.
    Startup,
    /// No requests.
    Idle,
    /// The figures do not carry a verdict.
    Unclear,
}

impl VerdictKind {
    /// Its name as in a report.
    pub fn name(self) -> &'static str {
        match self {
            Self::Host => "host",
            Self::HiddenLimit => "hidden-limit",
            Self::Bursts => "bursts",
            Self::Quota => "quota",
            Self::Oversubscribed => "oversubscribed",
            Self::Cpu => "cpu",
            Self::Workers => "workers",
            Self::Imbalance => "imbalance",
            Self::Waiting => "waiting",
            Self::Starved => "starved",
            Self::Backpressure => "backpressure",
            Self::Contention => "contention",
            Self::Startup => "startup",
            Self::Idle => "idle",
            Self::Unclear => "unclear",
        }
    }
}

impl std::fmt::Display for VerdictKind {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(self.name())
    }
}
