//! `work-stealing`: rayon halves the chunks again and again, and a thread that
//! runs out takes over a half from another, as Java's parallel streams do.

use super::super::JobRun;
use super::{Crew, JobEnd};
use measure::report::WorkerAccount;
use rayon::iter::{IntoParallelIterator, ParallelIterator};
use rayon::{ThreadPool, ThreadPoolBuilder};
use service_kit::sampling::WorkerClock;
use std::cell::RefCell;
use std::io;

thread_local! {
    /// Each pool thread's clock; made by the pool's first broadcast.
    static CLOCK: RefCell<Option<WorkerClock>> = const { RefCell::new(None) };
}

/// A rayon pool, kept until its threads have given their accounts.
pub(super) struct WorkStealing {
    pool: ThreadPool,
}

impl WorkStealing {
    /// A pool of `workers` threads, each ready when this returns.
    pub(super) fn new(workers: usize) -> io::Result<Self> {
        let pool = ThreadPoolBuilder::new()
            .num_threads(workers)
            .thread_name(|index| format!("worker-{index}"))
            .build()
            .map_err(io::Error::other)?;
        pool.broadcast(|_| CLOCK.set(Some(WorkerClock::of_waiting_thread())));
        Ok(Self { pool })
    }
}

impl Crew for WorkStealing {
    fn run(&mut self, run: JobRun) -> io::Result<JobEnd> {
        let count = self.pool.install(|| {
            (0..run.job.chunks())
                .into_par_iter()
                .take_any_while(|_| !run.control().is_cancelled())
                .map(|chunk| on_own_clock(|clock| run.do_chunk(chunk, clock)))
                .sum()
        });
        Ok(JobEnd {
            count,
            ended: run.ended(),
        })
    }

    fn accounts(self: Box<Self>, started: f64, ended: f64) -> Vec<WorkerAccount> {
        self.pool
            .broadcast(|_| on_own_clock(|clock| clock.account(started, ended)))
    }
}

fn on_own_clock<T>(work: impl FnOnce(&mut WorkerClock) -> T) -> T {
    CLOCK.with_borrow_mut(|clock| {
        let clock = clock.as_mut().expect("the pool's first broadcast made it");
        work(clock)
    })
}
