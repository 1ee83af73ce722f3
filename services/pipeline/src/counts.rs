//! What a stage has done, counted while it goes on.

use serde::{Deserialize, Serialize};
use std::sync::atomic::{AtomicU64, Ordering};
use utoipa::ToSchema;

/// A stage's counts in this process; nanoseconds for times.
#[derive(Debug, Default)]
pub struct Counts {
    taken: AtomicU64,
    given: AtomicU64,
    dead: AtomicU64,
    claimed: AtomicU64,
    refused: AtomicU64,
    service: AtomicU64,
    queued: AtomicU64,
    held: AtomicU64,
}

/// The same as figures.
#[derive(Debug, Clone, Copy, PartialEq, Default, Serialize, Deserialize, ToSchema)]
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
    /// Seconds inside the stage's function, summed over its items.
    pub service_seconds: f64,
    /// Seconds that its items were in the queue before it, summed.
    pub queue_seconds: f64,
    /// Seconds from when its items were taken until they were given on, summed.
    pub stage_seconds: f64,
}

impl Counts {
    /// Counts items that it was done with, and what became of them.
    pub fn moved(&self, taken: u64, given: u64) {
        add(&self.taken, taken);
        add(&self.given, given);
    }

    /// Counts dead letters.
    pub fn dead(&self, items: u64) {
        add(&self.dead, items);
    }

    /// Counts entries that were claimed.
    pub fn claimed(&self, entries: u64) {
        add(&self.claimed, entries);
    }

    /// Counts items that were not its own any more.
    pub fn refused(&self, items: u64) {
        add(&self.refused, items);
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

    /// What was counted so far.
    pub fn figures(&self) -> StageFigures {
        let seconds = |nanos: &AtomicU64| nanos.load(Ordering::Relaxed) as f64 / 1e9;
        let count = |count: &AtomicU64| count.load(Ordering::Relaxed);
        StageFigures {
            taken: count(&self.taken),
            given: count(&self.given),
            dead: count(&self.dead),
            claimed: count(&self.claimed),
            refused: count(&self.refused),
            service_seconds: seconds(&self.service),
            queue_seconds: seconds(&self.queued),
            stage_seconds: seconds(&self.held),
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
        }
    }
}

fn add(counter: &AtomicU64, more: u64) {
    // Nothing is read in step with it.
    counter.fetch_add(more, Ordering::Relaxed);
}
