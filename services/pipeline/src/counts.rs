//! What a stage has done, counted while it goes on.

use crate::metrics::Metrics;
use crate::stages::Stage;
use prometheus::{Counter, IntCounter};
use serde::Serialize;
use utoipa::ToSchema;

/// A stage's counts in this process, over all runs.
#[derive(Debug, Clone)]
pub struct Counts {
    taken: IntCounter,
    given: IntCounter,
    dead: IntCounter,
    claimed: IntCounter,
    refused: IntCounter,
    service: Counter,
    queued: Counter,
    held: Counter,
    starved: Counter,
    blocked: Counter,
}

/// The same as figures, of one run.
#[derive(Debug, Clone, Copy, PartialEq, Default, Serialize, ToSchema)]
pub struct StageFigures {
    /// Items it took from its queue and was done with; of the source, 0.
    pub taken: u64,
    /// Items it gave on; of the sink, 0.
    pub given: u64,
    /// Items that went to the dead letters.
    pub dead: u64,
    /// Entries it took over from consumers that had gone.
    pub claimed: u64,
    /// Items whose entry another consumer had taken over meanwhile, so that
    /// what became of them here was thrown away.
    pub refused: u64,
    /// Seconds inside the stage's function, summed over its items; over Redis
    /// the sink's are its steps there.
    pub service_seconds: f64,
    /// Seconds that its items were in the queue before it, summed.
    pub queue_seconds: f64,
    /// Seconds from when its items were taken until they were given on, summed.
    pub stage_seconds: f64,
    /// Seconds that its threads waited for an empty queue.
    pub input_wait_seconds: f64,
    /// Seconds that its threads waited for a full queue.
    pub output_wait_seconds: f64,
}

impl Counts {
    pub(crate) fn of(metrics: &Metrics, stage: Stage) -> Self {
        let stage = [stage.name()];
        Self {
            taken: metrics.taken.with_label_values(&stage),
            given: metrics.given.with_label_values(&stage),
            dead: metrics.dead.with_label_values(&stage),
            claimed: metrics.claimed.with_label_values(&stage),
            refused: metrics.refused.with_label_values(&stage),
            service: metrics.service.with_label_values(&stage),
            queued: metrics.queued.with_label_values(&stage),
            held: metrics.held.with_label_values(&stage),
            starved: metrics.starved.with_label_values(&stage),
            blocked: metrics.blocked.with_label_values(&stage),
        }
    }

    /// Counts items that it was done with, and what became of them.
    pub fn moved(&self, taken: u64, given: u64) {
        self.taken.inc_by(taken);
        self.given.inc_by(given);
    }

    /// Counts dead letters.
    pub fn dead(&self, items: u64) {
        self.dead.inc_by(items);
    }

    /// Counts entries that were claimed.
    pub fn claimed(&self, entries: u64) {
        self.claimed.inc_by(entries);
    }

    /// Counts items that were not its own any more.
    pub fn refused(&self, items: u64) {
        self.refused.inc_by(items);
    }

    /// Adds nanoseconds inside the stage's function.
    pub fn served(&self, nanos: u64) {
        add(&self.service, nanos);
    }

    /// Adds nanoseconds in the queue.
    pub fn queued(&self, nanos: u64) {
        add(&self.queued, nanos);
    }

    /// Adds nanoseconds in the stage.
    pub fn held(&self, nanos: u64) {
        add(&self.held, nanos);
    }

    /// Adds nanoseconds of waiting for an empty queue.
    pub fn starved(&self, nanos: u64) {
        add(&self.starved, nanos);
    }

    /// Adds nanoseconds of waiting for a full queue.
    pub fn blocked(&self, nanos: u64) {
        add(&self.blocked, nanos);
    }

    /// What was counted so far.
    pub fn figures(&self) -> StageFigures {
        StageFigures {
            taken: self.taken.get(),
            given: self.given.get(),
            dead: self.dead.get(),
            claimed: self.claimed.get(),
            refused: self.refused.get(),
            service_seconds: self.service.get(),
            queue_seconds: self.queued.get(),
            stage_seconds: self.held.get(),
            input_wait_seconds: self.starved.get(),
            output_wait_seconds: self.blocked.get(),
        }
    }
}

impl StageFigures {
    /// What came since `earlier`.
    #[must_use]
    pub fn since(&self, earlier: &Self) -> Self {
        Self {
            taken: self.taken - earlier.taken,
            given: self.given - earlier.given,
            dead: self.dead - earlier.dead,
            claimed: self.claimed - earlier.claimed,
            refused: self.refused - earlier.refused,
            service_seconds: self.service_seconds - earlier.service_seconds,
            queue_seconds: self.queue_seconds - earlier.queue_seconds,
            stage_seconds: self.stage_seconds - earlier.stage_seconds,
            input_wait_seconds: self.input_wait_seconds - earlier.input_wait_seconds,
            output_wait_seconds: self.output_wait_seconds - earlier.output_wait_seconds,
        }
    }
}

fn add(seconds: &Counter, nanos: u64) {
    seconds.inc_by(nanos as f64 / 1e9);
}
