//! `sequential` and `async`: one thread does it all. With `async` it takes
//! turns between tasks, which costs a little and gains CPU work nothing.

use super::super::JobRun;
use super::{Crew, JobEnd};
use measure::report::WorkerAccount;
use service_kit::sampling::WorkerClock;
use std::cell::RefCell;
use std::io;
use std::rc::Rc;
use tokio::runtime::Runtime;
use tokio::task::LocalSet;

/// `sequential`: the calling thread, one chunk after the other.
pub(super) struct Sequential {
    clock: WorkerClock,
}

impl Sequential {
    /// The calling thread.
    pub(super) fn new() -> Self {
        Self {
            clock: WorkerClock::of_waiting_thread(),
        }
    }
}

impl Crew for Sequential {
    fn run(&mut self, run: JobRun) -> io::Result<JobEnd> {
        let count = run.do_chunks(0..run.job.chunks(), &mut self.clock);
        Ok(JobEnd {
            count,
            ended: run.ended(),
        })
    }

    fn accounts(self: Box<Self>, started: f64, ended: f64) -> Vec<WorkerAccount> {
        vec![self.clock.account(started, ended)]
    }
}

/// `async`: tasks on the calling thread that yield after each chunk.
pub(super) struct Async {
    tasks: u64,
    runtime: Runtime,
    clock: Rc<RefCell<WorkerClock>>,
}

impl Async {
    /// `tasks` tasks on a runtime of one thread.
    pub(super) fn new(tasks: usize) -> io::Result<Self> {
        Ok(Self {
            tasks: tasks as u64,
            runtime: tokio::runtime::Builder::new_current_thread().build()?,
            clock: Rc::new(RefCell::new(WorkerClock::of_waiting_thread())),
        })
    }
}

impl Crew for Async {
    fn run(&mut self, run: JobRun) -> io::Result<JobEnd> {
        let run = Rc::new(run);
        let tasks = LocalSet::new();
        let handles: Vec<_> = (0..self.tasks)
            .map(|first| {
                let chunks = (first..run.job.chunks()).step_by(self.tasks as usize);
                tasks.spawn_local(do_chunks(run.clone(), chunks, self.clock.clone()))
            })
            .collect();
        let count = tasks.block_on(&self.runtime, async {
            let mut count = 0;
            for handle in handles {
                count += handle.await.map_err(io::Error::other)?;
            }
            io::Result::Ok(count)
        })?;
        Ok(JobEnd {
            count,
            ended: run.ended(),
        })
    }

    fn accounts(self: Box<Self>, started: f64, ended: f64) -> Vec<WorkerAccount> {
        vec![self.clock.borrow().account(started, ended)]
    }
}

async fn do_chunks(
    run: Rc<JobRun>,
    chunks: impl Iterator<Item = u64>,
    clock: Rc<RefCell<WorkerClock>>,
) -> u64 {
    let mut count = 0;
    for chunk in chunks.take_while(|_| !run.control().is_cancelled()) {
        count += run.do_chunk(chunk, &mut clock.borrow_mut());
        tokio::task::yield_now().await;
    }
    count
}
