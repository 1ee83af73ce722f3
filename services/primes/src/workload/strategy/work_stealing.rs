//! `work-stealing`: rayon halves the chunks again and again, and a thread that
//! runs out takes over a half from another, as Java's parallel streams do.

use super::super::{JobRun, Worker};
use super::{Crew, JobEnd};
use measure::report::WorkerAccount;
use rayon::iter::{IntoParallelIterator, ParallelIterator};
use rayon::{ThreadPool, ThreadPoolBuilder};
use service_kit::sampling::{Roster, WorkerClock};
use std::cell::RefCell;
use std::io;

thread_local! {
    /// Each pool thread's worker; made by the pool's first broadcast.
    static WORKER: RefCell<Option<Worker>> = const { RefCell::new(None) };
}

/// A rayon pool, kept until its threads have given their accounts.
pub(super) struct WorkStealing {
    pool: ThreadPool,
}

impl WorkStealing {
    /// A pool of `workers` threads, each ready when this returns.
    pub(super) fn new(workers: usize, roster: &Roster) -> io::Result<Self> {
        let pool = ThreadPoolBuilder::new()
            .num_threads(workers)
            .thread_name(|index| format!("worker-{index}"))
            .build()
            .map_err(io::Error::other)?;
        let clock = || WorkerClock::of_waiting_thread().watched_by(roster);
        pool.broadcast(|_| WORKER.set(Some(Worker::new(clock()))));
        Ok(Self { pool })
    }
}

impl Crew for WorkStealing {
    fn run(&mut self, run: JobRun) -> io::Result<JobEnd> {
        let count = self.pool.install(|| {
            (0..run.job.chunks())
                .into_par_iter()
                .take_any_while(|_| !run.control().is_cancelled())
                .map(|chunk| as_own_worker(|worker| run.do_chunk(chunk, worker)))
                .sum()
        });
        Ok(JobEnd {
            count,
            ended: run.ended(),
        })
    }

    fn accounts(self: Box<Self>, started: f64, ended: f64) -> Vec<WorkerAccount> {
        self.pool
            .broadcast(|_| as_own_worker(|worker| worker.clock.account(started, ended)))
    }
}

fn as_own_worker<T>(work: impl FnOnce(&mut Worker) -> T) -> T {
    WORKER.with_borrow_mut(|worker| {
        let worker = worker.as_mut().expect("the pool's first broadcast made it");
        work(worker)
    })
}
