//! What the three kinds of samples have in common.

use super::Bench;
use crate::in_process::Control;
use crate::streams::{FeedFailed, Trouble};
use axum::http::StatusCode;
use service_kit::problem::Problem;
use service_kit::station::UnderWay;
use std::io;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};

/// A run under way, for those who watch it.
#[derive(Debug)]
pub(super) struct Under {
    /// Items of the whole run.
    planned: u64,
    /// Those that are at the sink, or done with here.
    done: AtomicU64,
    /// Ends it.
    pub(super) cancelled: AtomicBool,
    /// Ends it in one process.
    pub(super) control: Control,
}

/// A sample, or why there is none.
pub(super) type Sampled<T> = Result<T, SampleFailed>;

/// Why there is no sample.
#[derive(Debug, thiserror::Error)]
pub(super) enum SampleFailed {
    /// Threads could not be had.
    #[error("threads could not be had: {0}")]
    Threads(#[from] io::Error),
    /// The items could not be given.
    #[error(transparent)]
    Feed(#[from] FeedFailed),
    /// Redis will not have it.
    #[error(transparent)]
    Redis(#[from] Trouble),
    /// A thread was in the middle of something all the time.
    #[error("a thread was in the middle of an item for too long to take part")]
    Late,
}

impl Under {
    pub(super) fn new(planned: u64) -> Self {
        Self {
            planned,
            done: AtomicU64::new(0),
            cancelled: AtomicBool::new(false),
            control: Control::default(),
        }
    }

    /// So many items are done.
    pub(super) fn reached(&self, done: u64) {
        self.done.store(done, Ordering::Relaxed);
    }

    /// Whether it is to end.
    pub(super) fn is_cancelled(&self) -> bool {
        self.cancelled.load(Ordering::Relaxed)
    }
}

impl UnderWay for Under {
    fn progress(&self) -> f64 {
        let done = self.done.load(Ordering::Relaxed);
        (done as f64 / self.planned.max(1) as f64).min(1.0)
    }

    fn cancel(&self) {
        self.cancelled.store(true, Ordering::Relaxed);
        self.control.cancel();
    }
}

impl Bench {
    /// How many threads work here.
    pub(super) fn threads(&self) -> usize {
        match (&self.shared, &self.role.stage) {
            (Some(shared), _) => shared.settings.threads,
            (None, Some(_)) => 1,
            (None, None) => super::whole::plan(self, &self.role.declaration).all_threads(),
        }
    }
}

/// The answer to a sample that could not be taken.
pub(super) fn failure(error: &SampleFailed) -> Problem {
    tracing::error!(%error, "the sample could not be taken");
    let detail = match error {
        SampleFailed::Threads(_) => {
            "the workers could not be started: fewer may fit this container's limits of threads \
             and memory"
                .to_owned()
        }
        SampleFailed::Feed(FeedFailed::Another(_)) => {
            return Problem::new(StatusCode::CONFLICT, error.to_string());
        }
        SampleFailed::Feed(_) | SampleFailed::Redis(_) => {
            "Redis will not have the run; the service's log says why".to_owned()
        }
        SampleFailed::Late => error.to_string(),
    };
    Problem::new(StatusCode::SERVICE_UNAVAILABLE, detail)
}
