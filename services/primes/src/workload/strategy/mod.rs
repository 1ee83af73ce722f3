//! How a job is shared out among workers. Each strategy is the Rust form of
//! something the course shows in another language.

mod channels;
mod executor;
mod on_one_thread;
mod processes;
mod scoped;
mod static_threads;
mod work_stealing;

pub use processes::child_main;

use super::JobRun;
use clap::ValueEnum;
use measure::report::WorkerAccount;
use serde::{Deserialize, Serialize};
use service_kit::sampling::Roster;
use std::io;
use utoipa::ToSchema;

/// How a job is shared out among workers.
#[derive(
    Debug, Clone, Copy, PartialEq, Eq, Hash, Default, ValueEnum, Serialize, Deserialize, ToSchema,
)]
#[serde(rename_all = "kebab-case")]
pub enum Strategy {
    /// One thread, one chunk after the other.
    Sequential,
    /// One equal range per thread (Pool.starmap, worker_threads, Java's Thread).
    StaticThreads,
    /// A fixed pool taking chunks from a queue (ExecutorService).
    Executor,
    /// A pool whose idle threads take over halves of others' work (parallel streams).
    #[default]
    WorkStealing,
    /// Bounded channels to workers and back (goroutines).
    Channels,
    /// Child processes (multiprocessing).
    Processes,
    /// Tasks on a one-thread runtime: concurrency that gives CPU work nothing.
    Async,
}

/// One doing of a job, done.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct JobEnd {
    /// How many primes there were.
    pub count: u64,
    /// When the last worker ended, in seconds of the host's monotonic clock.
    pub ended: f64,
}

/// The workers of a strategy, ready to do a job again and again. Made, used and
/// asked on one thread.
pub trait Crew {
    /// Does the job once.
    fn run(&mut self, run: JobRun) -> io::Result<JobEnd>;

    /// CPU seconds of its child processes so far, which this process's clock
    /// leaves out.
    fn children_cpu_seconds(&self) -> f64 {
        0.0
    }

    /// Each worker's account of the sample between `started` and `ended`.
    fn accounts(self: Box<Self>, started: f64, ended: f64) -> Vec<WorkerAccount>;
}

impl Strategy {
    /// Its name, as in a request.
    pub fn name(self) -> &'static str {
        match self {
            Self::Sequential => "sequential",
            Self::StaticThreads => "static-threads",
            Self::Executor => "executor",
            Self::WorkStealing => "work-stealing",
            Self::Channels => "channels",
            Self::Processes => "processes",
            Self::Async => "async",
        }
    }

    /// How many threads or processes run at once for `workers`.
    pub fn threads(self, workers: usize) -> usize {
        match self {
            Self::Sequential | Self::Async => 1,
            _ => workers,
        }
    }

    /// Whether each worker's part is fixed before the start.
    pub fn is_fixed_beforehand(self) -> bool {
        self == Self::StaticThreads
    }

    /// Makes the workers, which enter `roster` while they live. Those that live
    /// longer than a job exist when this returns.
    pub fn crew(self, workers: usize, roster: &Roster) -> io::Result<Box<dyn Crew>> {
        Ok(match self {
            Self::Sequential => Box::new(on_one_thread::Sequential::new(roster)),
            Self::Async => Box::new(on_one_thread::Async::new(workers, roster)?),
            Self::StaticThreads => Box::new(static_threads::StaticThreads::new(workers, roster)),
            Self::Executor => Box::new(executor::Executor::new(workers, roster)?),
            Self::WorkStealing => Box::new(work_stealing::WorkStealing::new(workers, roster)?),
            Self::Channels => Box::new(channels::Channels::new(workers, roster)),
            Self::Processes => Box::new(processes::Processes::new(workers, roster)?),
        })
    }
}

#[cfg(test)]
mod tests;
