//! One doing of a job: what its workers and those who watch them share.

use super::{Job, Worker};
use cpu_budget::clock::monotonic_seconds;
use service_kit::station::UnderWay;
use std::process::ChildStdin;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};

/// What a running sample and those who watch it share.
#[derive(Debug, Default)]
pub struct Control {
    cancelled: AtomicBool,
    chunks_done: AtomicU64,
    chunks_planned: AtomicU64,
    children: Mutex<Vec<ChildStdin>>,
}

impl Control {
    /// Asks the sample to stop at the next chunk.
    pub fn cancel(&self) {
        self.cancelled.store(true, Ordering::Relaxed);
        // A child process ends when its standard input does.
        self.children
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .clear();
    }

    /// The flag that [`Control::cancel`] sets.
    pub fn cancelled(&self) -> &AtomicBool {
        &self.cancelled
    }

    /// Whether the sample was asked to stop.
    pub fn is_cancelled(&self) -> bool {
        self.cancelled.load(Ordering::Relaxed)
    }

    /// Says how many chunks the sample has in all.
    pub fn plan(&self, chunks: u64) {
        self.chunks_planned.store(chunks, Ordering::Relaxed);
    }

    /// Counts chunks as done.
    pub fn add_done(&self, chunks: u64) {
        self.chunks_done.fetch_add(chunks, Ordering::Relaxed);
    }

    /// Holds a child's standard input until [`Control::release_children`].
    pub fn hold_child(&self, stdin: ChildStdin) {
        let mut children = self.children.lock().unwrap_or_else(PoisonError::into_inner);
        // Cancelled in between: dropping it here ends the child all the same.
        if !self.is_cancelled() {
            children.push(stdin);
        }
    }

    /// Lets go of the children: those that have not ended do so now.
    pub fn release_children(&self) {
        self.children
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .clear();
    }
}

impl UnderWay for Control {
    fn progress(&self) -> f64 {
        let planned = self.chunks_planned.load(Ordering::Relaxed).max(1);
        (self.chunks_done.load(Ordering::Relaxed) as f64 / planned as f64).min(1.0)
    }

    fn cancel(&self) {
        Self::cancel(self);
    }
}

/// One doing of a job: what its workers share.
#[derive(Debug)]
pub struct JobRun {
    /// The job.
    pub job: Job,
    /// When it started, in seconds of the host's monotonic clock: the moment
    /// the doing before it ended.
    pub started: f64,
    control: Arc<Control>,
    /// The bits of the latest end seen; bits of positive floats order as they do.
    ended: AtomicU64,
}

impl JobRun {
    /// A doing of `job` from `started` on.
    pub fn new(job: Job, started: f64, control: Arc<Control>) -> Self {
        Self {
            job,
            started,
            control,
            ended: AtomicU64::new(started.to_bits()),
        }
    }

    /// What the doing shares with those who watch it.
    pub fn control(&self) -> &Control {
        &self.control
    }

    /// Has `worker` count the primes of one chunk. Counts nothing once cancelled.
    pub fn do_chunk(&self, index: u64, worker: &mut Worker) -> u64 {
        if self.control.is_cancelled() {
            return 0;
        }
        worker.clock.take_up(self.started);
        let count = worker.counter(&self.job).count(self.job.chunk(index));
        self.ended_at(worker.clock.put_down());
        self.control.add_done(1);
        count
    }

    /// Has `worker` count the primes of these chunks one after the other, until
    /// cancelled.
    pub fn do_chunks(&self, chunks: impl Iterator<Item = u64>, worker: &mut Worker) -> u64 {
        // A job may have 10^8 chunks: passing over those left takes seconds.
        chunks
            .take_while(|_| !self.control.is_cancelled())
            .map(|chunk| self.do_chunk(chunk, worker))
            .sum()
    }

    /// Notes that a worker ended work at `moment`.
    pub fn ended_at(&self, moment: f64) {
        self.ended.fetch_max(moment.to_bits(), Ordering::Relaxed);
    }

    /// When the last worker ended its last chunk.
    pub fn ended(&self) -> f64 {
        let ended = f64::from_bits(self.ended.load(Ordering::Relaxed));
        if ended > self.started {
            ended
        } else {
            monotonic_seconds() // cancelled before any chunk
        }
    }
}
