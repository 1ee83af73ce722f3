//! A stage's part of a sample of a pipeline, and what the stages show.

use super::{BlockedBy, Interval, ReplicaAccount, TimeBudget, VerdictKind};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// What one stage counted in a sample, over all its replicas.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize, JsonSchema)]
pub struct StageSample {
    /// What it does: `transform`.
    pub stage: String,
    /// The station that it ran in.
    pub station: String,
    /// Whether that station holds other stages too: then the counters of its
    /// group are those of all of them, and a queue does not hold what a stage
    /// has taken from it.
    pub shares_process: bool,
    /// One account per replica, with the stage's own workers alone.
    pub replicas: Vec<ReplicaAccount>,
    /// Items that it was done with; of the source, those that it gave.
    pub items: u64,
    /// Items that it took over from consumers that had gone.
    pub claimed: u64,
    /// Seconds inside the stage's function, summed over its items; what a quota
    /// stopped it for is among them.
    pub service_seconds: f64,
    /// Seconds that its items were in the queue before it, summed; the source
    /// has no queue.
    pub queue_seconds: f64,
    /// Seconds from when its items were taken until they were given on, summed.
    pub stage_seconds: f64,
    /// The queue before it over time, read by one of its replicas.
    pub depth: Vec<Depth>,
}

/// A queue at one moment.
#[derive(Debug, Clone, Copy, PartialEq, Default, Serialize, Deserialize, JsonSchema)]
pub struct Depth {
    /// Seconds of the host's monotonic clock.
    pub at_seconds: f64,
    /// Items in it; over Redis those too that a consumer has taken and not yet
    /// moved on.
    pub items: u64,
    /// Those that a consumer has taken.
    pub pending: u64,
}

/// What the rounds of a pipeline show, medians over them.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize, JsonSchema)]
pub struct PipelineFigures {
    /// Items of the source that came to the sink, per second.
    pub items_per_second: Option<Interval>,
    /// The same by the model, from the costs that the baseline showed in the same
    /// round and this row's limits and replicas.
    pub predicted_items_per_second: Option<Interval>,
    /// What sets the pace, by what was measured: a stage, or `cpus` where all
    /// CPUs were in use; `null`: the figures do not tell.
    pub binding: Option<String>,
    /// By what kind of limit.
    pub kind: Option<VerdictKind>,
    /// What sets it by the model.
    pub predicted_binding: Option<String>,
    /// From how many replicas of that stage on another one binds, by the model.
    pub replicas_until_next: Option<usize>,
    /// What binds from then on: a stage, or `cpus`.
    pub next_binding: Option<String>,
    /// Items per second from then on.
    pub next_items_per_second: Option<f64>,
    /// CPU milliseconds of one item, in all stages and in what lies between them.
    pub cpu_ms_per_item: Option<f64>,
    /// The stages, in order.
    pub stages: Vec<StageFigures>,
}

/// What a stage shows, medians over the rounds.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize, JsonSchema)]
pub struct StageFigures {
    /// What it does.
    pub stage: String,
    /// The station that it ran in.
    pub station: String,
    /// How many replicas of that took part.
    pub replicas: usize,
    /// Threads of each.
    pub threads: usize,
    /// The quota of each replica, in CPUs; `null`: none, unknown, or one that it
    /// shares with other stages.
    pub quota_cpus: Option<f64>,
    /// Items that it was done with, per second of the sample.
    pub items_per_second: Option<f64>,
    /// CPU milliseconds that it spent on an item.
    pub cpu_ms_per_item: Option<f64>,
    /// Milliseconds that a thread of it waited for one, on no CPU: a lookup, or
    /// Redis.
    pub wait_ms_per_item: Option<f64>,
    /// Items per second that it could do by itself, by the model.
    pub capacity_per_second: Option<f64>,
    /// Share of its threads' time in which they had something to do: all but
    /// what they waited for input, for output and after the end.
    pub utilisation: Option<f64>,
    /// Where its threads' time went.
    pub time_budget: Option<TimeBudget>,
    /// What blocked time was spent on.
    pub blocked_by: Option<BlockedBy>,
    /// Seconds that an item was in the queue before it, on average.
    pub queue_seconds: Option<f64>,
    /// Seconds from when an item was taken until it was given on, on average.
    pub stage_seconds: Option<f64>,
    /// Items in the queue before it, on average over time.
    pub queue_items: Option<f64>,
    /// The most that were seen in it.
    pub queue_items_most: Option<f64>,
    /// Items that are in it on average by Little's law (L = λW), from how many
    /// came per second and how long each was in it.
    pub queue_items_by_law: Option<f64>,
    /// Items in the queue over the time of one sample, in tenths of it; an empty
    /// one has no readings.
    pub queue_items_over_time: Vec<f64>,
}
