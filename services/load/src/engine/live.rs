//! What others can see of the runs, while they go on and after.

use super::failure::Failure;
use super::tally::Tally;
use std::sync::atomic::{AtomicU64, Ordering::Relaxed};

/// Upper bounds of the latency buckets, in seconds.
pub const BUCKETS: [f64; 14] = [
    0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.2, 0.4, 0.8, 1.6, 3.2, 6.4,
];

/// Counts over all runs. They are handed on ten times a second: an atomic
/// addition for each request would cost more than it tells.
#[derive(Debug, Default)]
pub struct Live {
    failed: [AtomicU64; Failure::ALL.len()],
    /// The last is for what is longer than all bounds.
    latencies: [AtomicU64; BUCKETS.len() + 1],
    latency_nanos: AtomicU64,
}

/// What a thread has handed on of its tally.
#[derive(Debug, Default)]
pub struct Flushed {
    failed: [u64; Failure::ALL.len()],
    steps: usize,
}

impl Live {
    /// Adds what is new in a tally. A step under way is left for the next time.
    pub(super) fn flush(&self, tally: &Tally, flushed: &mut Flushed) {
        for (failure, before) in Failure::ALL.into_iter().zip(&mut flushed.failed) {
            let count = tally.failed_as(failure);
            self.failed[failure as usize].fetch_add(count - *before, Relaxed);
            *before = count;
        }
        let timeline = &tally.timeline;
        for step in flushed.steps..timeline.closed() {
            for (nanos, count) in timeline.latencies(step) {
                let seconds = *nanos as f64 / 1e9;
                let bucket = BUCKETS.partition_point(|bound| *bound < seconds);
                self.latencies[bucket].fetch_add(*count, Relaxed);
                self.latency_nanos.fetch_add(nanos * count, Relaxed);
            }
        }
        flushed.steps = timeline.closed();
    }

    /// Requests without an answer, by kind.
    pub fn failed(&self, failure: Failure) -> u64 {
        self.failed[failure as usize].load(Relaxed)
    }

    /// Answers by bucket, not summed up, and the seconds that all took together.
    pub fn latencies(&self) -> ([u64; BUCKETS.len() + 1], f64) {
        let nanos = self.latency_nanos.load(Relaxed);
        let counts = std::array::from_fn(|bucket| self.latencies[bucket].load(Relaxed));
        (counts, nanos as f64 / 1e9)
    }
}
