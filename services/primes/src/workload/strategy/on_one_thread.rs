//! `sequential` and `async`: one thread does it all. With `async` it takes
//! turns between tasks, which costs a little and gains CPU work nothing.

use super::super::{JobRun, Worker};
use super::{Crew, JobEnd};
use measure::report::WorkerAccount;
use service_kit::sampling::{Roster, WorkerClock};
use std::cell::RefCell;
use std::io;
use std::rc::Rc;
use tokio::runtime::Runtime;
use tokio::task::LocalSet;

/// `sequential`: the calling thread, one chunk after the other.
pub(super) struct Sequential {
    worker: OwnWorker,
}

impl Sequential {
    /// The calling thread.
    pub(super) fn new(roster: &Roster) -> Self {
        Self {
            worker: OwnWorker::new(roster),
        }
    }
}

/// The calling thread as a worker, made by the first job: what the thread did
/// until then was no work of the sample.
struct OwnWorker {
    roster: Roster,
    worker: Option<Worker>,
}

impl OwnWorker {
    fn new(roster: &Roster) -> Self {
        Self {
            roster: roster.clone(),
            worker: None,
        }
    }

    fn get(&mut self) -> &mut Worker {
        let clock = || WorkerClock::of_waiting_thread().watched_by(&self.roster);
        self.worker.get_or_insert_with(|| Worker::new(clock()))
    }
}

impl Crew for Sequential {
    fn run(&mut self, run: JobRun) -> io::Result<JobEnd> {
        let count = run.do_chunks(0..run.job.chunks(), self.worker.get());
        Ok(JobEnd {
            count,
            ended: run.ended(),
        })
    }

    fn accounts(mut self: Box<Self>, started: f64, ended: f64) -> Vec<WorkerAccount> {
        vec![self.worker.get().clock.account(started, ended)]
    }
}

/// `async`: tasks on the calling thread that yield after each chunk.
pub(super) struct Async {
    tasks: u64,
    runtime: Runtime,
    worker: Rc<RefCell<OwnWorker>>,
}

impl Async {
    /// `tasks` tasks on a runtime of one thread.
    pub(super) fn new(tasks: usize, roster: &Roster) -> io::Result<Self> {
        Ok(Self {
            tasks: tasks as u64,
            runtime: tokio::runtime::Builder::new_current_thread().build()?,
            worker: Rc::new(RefCell::new(OwnWorker::new(roster))),
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
                tasks.spawn_local(do_chunks(run.clone(), chunks, self.worker.clone()))
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
        vec![self.worker.borrow_mut().get().clock.account(started, ended)]
    }
}

async fn do_chunks(
    run: Rc<JobRun>,
    chunks: impl Iterator<Item = u64>,
    worker: Rc<RefCell<OwnWorker>>,
) -> u64 {
    let mut count = 0;
    for chunk in chunks.take_while(|_| !run.control().is_cancelled()) {
        count += run.do_chunk(chunk, worker.borrow_mut().get());
        tokio::task::yield_now().await;
    }
    count
}
