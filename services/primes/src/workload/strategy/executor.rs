//! `executor`: a pool of fixed size takes chunks from one queue, as Java's
//! ExecutorService does. The threads outlive the job.

use super::super::{JobRun, Worker};
use super::{Crew, JobEnd};
use crossbeam_channel::{Receiver, Sender, bounded};
use measure::report::WorkerAccount;
use service_kit::sampling::{Roster, WorkerClock};
use std::io;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::thread::JoinHandle;

/// How many chunks may lie in the queue: a job of 10^12 numbers has 10^8.
const QUEUE_LENGTH: usize = 1024;

/// What a thread of the pool is asked.
enum Task {
    /// Count one chunk. The sender is never sent on: when the last chunk drops
    /// the last of them, the batch is done.
    Chunk(Arc<Batch>, u64, Sender<()>),
    /// Give the account of the sample between these two moments, and end.
    Account(f64, f64),
}

/// One doing of a job by the pool.
struct Batch {
    run: JobRun,
    found: AtomicU64,
}

/// A fixed pool behind one queue.
pub(super) struct Executor {
    queue: Sender<Task>,
    threads: Vec<JoinHandle<Option<WorkerAccount>>>,
}

impl Executor {
    /// Starts `workers` threads, each ready when this returns.
    pub(super) fn new(workers: usize, roster: &Roster) -> io::Result<Self> {
        let (queue, tasks) = bounded(QUEUE_LENGTH);
        let (ready, all_ready) = bounded(workers);
        let threads = (0..workers)
            .map(|index| {
                let (tasks, ready, roster) = (tasks.clone(), ready.clone(), roster.clone());
                std::thread::Builder::new()
                    .name(format!("worker-{index}"))
                    .spawn(move || work(&tasks, &ready, &roster))
            })
            .collect::<io::Result<Vec<_>>>()?;
        for _ in 0..workers {
            all_ready.recv().map_err(io::Error::other)?;
        }
        Ok(Self { queue, threads })
    }
}

/// One thread's life; `None` when the pool was dropped without being asked.
fn work(tasks: &Receiver<Task>, ready: &Sender<()>, roster: &Roster) -> Option<WorkerAccount> {
    let mut worker = Worker::new(WorkerClock::of_waiting_thread().watched_by(roster));
    ready.send(()).ok()?;
    loop {
        match tasks.recv().ok()? {
            Task::Chunk(batch, chunk, done) => {
                let found = batch.run.do_chunk(chunk, &mut worker);
                batch.found.fetch_add(found, Ordering::Relaxed);
                drop(done);
            }
            Task::Account(started, ended) => return Some(worker.clock.account(started, ended)),
        }
    }
}

impl Crew for Executor {
    fn run(&mut self, run: JobRun) -> io::Result<JobEnd> {
        let (done, all_done) = bounded::<()>(0);
        let batch = Arc::new(Batch {
            run,
            found: AtomicU64::new(0),
        });
        for chunk in 0..batch.run.job.chunks() {
            if batch.run.control().is_cancelled() {
                break;
            }
            let task = Task::Chunk(batch.clone(), chunk, done.clone());
            self.queue.send(task).map_err(io::Error::other)?;
        }
        drop(done);
        let _ = all_done.recv(); // closed, never sent on
        Ok(JobEnd {
            count: batch.found.load(Ordering::Relaxed),
            ended: batch.run.ended(),
        })
    }

    fn accounts(self: Box<Self>, started: f64, ended: f64) -> Vec<WorkerAccount> {
        for _ in &self.threads {
            let _ = self.queue.send(Task::Account(started, ended));
        }
        self.threads
            .into_iter()
            .filter_map(|thread| thread.join().expect("counting primes does not panic"))
            .collect()
    }
}
