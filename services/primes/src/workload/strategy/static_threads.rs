//! `static-threads`: each thread is given one equal range beforehand, as in
//! Python's Pool.starmap, Node's worker_threads, Java's Thread and Go's
//! WaitGroup examples. Large numbers cost more, so the last range ends last.

use super::super::JobRun;
use super::scoped::OnNewThreads;
use super::{Crew, JobEnd};
use measure::report::WorkerAccount;
use service_kit::sampling::Roster;
use std::io;

/// Threads that live for one job.
pub(super) struct StaticThreads {
    workers: usize,
    threads: OnNewThreads,
}

impl StaticThreads {
    /// `workers` equal ranges.
    pub(super) fn new(workers: usize, roster: &Roster) -> Self {
        Self {
            workers,
            threads: OnNewThreads::new(workers, roster),
        }
    }
}

impl Crew for StaticThreads {
    fn run(&mut self, run: JobRun) -> io::Result<JobEnd> {
        let workers = self.workers as u64;
        self.threads.run(
            &run,
            |index, worker| run.do_chunks(run.job.equal_run(index, workers), worker),
            || {},
        )
    }

    fn accounts(self: Box<Self>, _started: f64, _ended: f64) -> Vec<WorkerAccount> {
        self.threads.into_accounts()
    }
}
