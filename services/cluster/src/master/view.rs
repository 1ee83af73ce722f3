//! What is known of the family, for whoever asks: the metrics, the API, samples.

use crate::counters::Counts;
use crate::shape::{Shape, Strategy};
use cpu_budget::clock::monotonic_seconds;
use serde::Serialize;
use std::collections::BTreeMap;
use std::sync::{Mutex, MutexGuard, PoisonError};
#[cfg(test)]
use utoipa::ToSchema;

/// What a worker does.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[cfg_attr(test, derive(ToSchema))]
#[serde(rename_all = "lowercase")]
pub enum State {
    /// It is not ready yet.
    Starting,
    /// It accepts and answers.
    Serving,
    /// It finishes what it has begun.
    Draining,
}

impl State {
    /// All of them.
    pub const ALL: [Self; 3] = [Self::Starting, Self::Serving, Self::Draining];

    /// As metrics name it.
    pub fn name(self) -> &'static str {
        match self {
            Self::Starting => "starting",
            Self::Serving => "serving",
            Self::Draining => "draining",
        }
    }
}

/// A worker, as far as its master knows.
#[derive(Debug, Clone)]
pub struct Seen {
    /// Its process.
    pub pid: u32,
    /// What it does.
    pub state: State,
    /// When it was started, in seconds of the host's monotonic clock.
    pub started: f64,
    /// When it began to serve, by the same clock.
    pub ready: Option<f64>,
    /// The kernel's numbers of the threads that serve.
    pub threads: Vec<u32>,
    /// What it said it has counted.
    pub counts: Counts,
    /// The number of the last question for its counts that it has answered.
    pub answered: u64,
}

/// The family, as far as its master knows.
#[derive(Debug, Clone)]
pub struct Known {
    /// Its shape.
    pub shape: Shape,
    /// All workers, by the number that the master gave them.
    pub workers: BTreeMap<u64, Seen>,
    /// What those counted that have ended, as far as they said it.
    pub ended: Counts,
    /// Workers that died and were replaced.
    pub restarts: u64,
}

/// The same, shared.
#[derive(Debug)]
pub struct View(Mutex<Known>);

/// What `/info` and `GET /workers` answer.
#[derive(Debug, Clone, Serialize)]
#[cfg_attr(test, derive(ToSchema))]
pub struct Info {
    /// The master's process.
    pub master: u32,
    /// How the workers share the port.
    pub strategy: Strategy,
    /// Runtime threads of each worker.
    pub threads: usize,
    /// Workers that died and were replaced.
    pub restarts: u64,
    /// Requests answered by all workers, those that have ended included.
    pub served: u64,
    /// The workers, oldest first.
    pub workers: Vec<WorkerInfo>,
}

/// One worker in it.
#[derive(Debug, Clone, Serialize)]
#[cfg_attr(test, derive(ToSchema))]
pub struct WorkerInfo {
    /// Its process.
    pub pid: u32,
    /// What it does.
    pub state: State,
    /// Seconds since it was started.
    pub age_seconds: f64,
    /// Requests it has answered, some 0.1 s ago.
    pub served: u64,
    /// Its open connections.
    pub connections: u64,
    /// Its requests whose answers are not made yet.
    pub in_flight: u64,
}

impl Known {
    /// What all workers have counted, those that have ended included.
    pub fn counts(&self) -> Counts {
        let mut sum = self.ended.clone();
        for worker in self.workers.values() {
            sum.add(&worker.counts);
        }
        sum
    }

    /// Those that serve.
    pub fn serving(&self) -> impl Iterator<Item = (u64, &Seen)> {
        let all = self
            .workers
            .iter()
            .map(|(number, worker)| (*number, worker));
        all.filter(|(_, worker)| worker.state == State::Serving)
    }

    /// The same, to be told.
    pub fn info(&self) -> Info {
        let now = monotonic_seconds();
        let worker = |worker: &Seen| WorkerInfo {
            pid: worker.pid,
            state: worker.state,
            age_seconds: now - worker.started,
            served: worker.counts.requests(),
            connections: worker.counts.open,
            in_flight: worker.counts.in_flight,
        };
        Info {
            master: std::process::id(),
            strategy: self.shape.strategy,
            threads: self.shape.threads,
            restarts: self.restarts,
            served: self.counts().requests(),
            workers: self.workers.values().map(worker).collect(),
        }
    }
}

impl View {
    /// Nothing yet of a family of this shape.
    pub fn new(shape: Shape) -> Self {
        Self(Mutex::new(Known {
            shape,
            workers: BTreeMap::new(),
            ended: Counts::default(),
            restarts: 0,
        }))
    }

    /// For as long as it is held.
    pub fn lock(&self) -> MutexGuard<'_, Known> {
        // Nothing that can panic runs under the lock.
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
