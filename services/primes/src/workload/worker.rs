//! A worker: its clock, and what its kernel keeps between chunks.

use super::{Counter, Job, Kernel};
use service_kit::sampling::WorkerClock;

/// A thread (or child process) that counts chunks; made, used and dropped on
/// that thread, as its clock must be.
#[derive(Debug)]
pub struct Worker {
    /// Where the thread's time goes.
    pub clock: WorkerClock,
    counter: Option<(Kernel, u64, Counter)>,
}

impl Worker {
    /// A worker with this clock, which has nothing prepared yet.
    pub fn new(clock: WorkerClock) -> Self {
        Self {
            clock,
            counter: None,
        }
    }

    /// The counter for a job's chunks: prepared for the first one, and kept for
    /// the others and for the job's next doing.
    pub(super) fn counter(&mut self, job: &Job) -> &mut Counter {
        let (kernel, limit) = (job.kernel(), job.numbers().end);
        self.counter
            .take_if(|(of_kernel, below, _)| (*of_kernel, *below) != (kernel, limit));
        let prepare = || (kernel, limit, Counter::new(kernel, limit));
        &mut self.counter.get_or_insert_with(prepare).2
    }
}
