//! The station: does one measured run at a time, whoever starts it.

use super::metrics::{Ended, Metrics};
use super::sample::{Bench, Sample, SampleFailed, Taken};
use crate::crawl::Control;
use crate::progress::Progress;
use service_kit::runlock::{RunLock, RunLockError};
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError, Weak};
use tokio::sync::oneshot;
use uuid::Uuid;

/// What the HTTP routes share.
#[derive(Debug)]
pub struct Station {
    /// With what runs are measured.
    pub bench: Bench,
    instance: String,
    runs: AtomicU64,
    lock_name: String,
    current: Mutex<Weak<Under>>,
    metrics: Metrics,
}

/// A run that is under way.
#[derive(Debug)]
struct Under {
    control: Arc<Control>,
    progress: Arc<Progress>,
    /// How many URLs it has in all.
    planned: u64,
}

/// Why no run was started.
#[derive(Debug, thiserror::Error)]
pub enum Refused {
    /// Another one goes on; how much of it is done (0 to 1) when it was
    /// started here.
    #[error("a measured run is going on; two at once would spoil both figures")]
    Busy {
        /// How far it is.
        progress: Option<f64>,
    },
    /// The run could not be started.
    #[error("the run could not be started")]
    Failed(#[source] anyhow::Error),
}

/// A run that goes on; dropping it cancels the run.
#[derive(Debug)]
pub struct Running {
    under: Arc<Under>,
    /// The sample, when the run has ended; closed if its thread panicked.
    pub ended: oneshot::Receiver<Result<Taken, SampleFailed>>,
}

impl Running {
    /// How much is done, 0 to 1.
    pub fn progress(&self) -> f64 {
        self.under.share_done()
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        self.under.control.cancel();
    }
}

impl Under {
    fn share_done(&self) -> f64 {
        (self.progress.done() as f64 / self.planned.max(1) as f64).min(1.0)
    }
}

impl Station {
    /// A station of this process; `name` tells it from others in the same
    /// network namespace.
    pub fn new(metrics: Metrics, bench: Bench, name: String) -> Arc<Self> {
        Arc::new(Self {
            bench,
            instance: Uuid::new_v4().to_string(),
            runs: AtomicU64::new(0),
            lock_name: name,
            current: Mutex::new(Weak::new()),
            metrics,
        })
    }

    /// The process that answers: a new one after every restart.
    pub fn instance(&self) -> &str {
        &self.instance
    }

    /// How far the run is that goes on here, 0 to 1.
    pub fn progress(&self) -> Option<f64> {
        let current = self.current.lock().unwrap_or_else(PoisonError::into_inner);
        current.upgrade().map(|under| under.share_done())
    }

    /// Starts a run on a thread of its own.
    pub fn start(self: &Arc<Self>, sample: Sample) -> Result<Running, Refused> {
        let lock = RunLock::try_acquire(&self.lock_name).map_err(|error| match error {
            RunLockError::Busy { .. } => Refused::Busy {
                progress: self.progress(),
            },
            error @ RunLockError::Unusable { .. } => Refused::Failed(error.into()),
        })?;
        let under = Arc::new(Under {
            control: Control::new(),
            progress: Arc::new(Progress::part_of(self.metrics.all())),
            planned: sample.pages * u64::from(sample.repeats),
        });
        *self.current.lock().unwrap_or_else(PoisonError::into_inner) = Arc::downgrade(&under);
        let (sender, ended) = oneshot::channel();
        let station = self.clone();
        let of_thread = under.clone();
        std::thread::Builder::new()
            .name("run".into())
            .spawn(move || {
                let taken = station.take(&sample, &of_thread);
                // Free before the answer goes out, and before the progress says that
                // no run goes on: the next request may come at once.
                drop(lock);
                drop(of_thread);
                let _ = sender.send(taken);
            })
            .map_err(|error| Refused::Failed(error.into()))?;
        Ok(Running { under, ended })
    }

    fn take(&self, sample: &Sample, under: &Under) -> Result<Taken, SampleFailed> {
        let mut taken = sample.take(&self.bench, &under.control, &under.progress);
        if let Ok(Taken { account, .. }) = &mut taken {
            account.instance.clone_from(&self.instance);
            account.run_sequence = self.runs.fetch_add(1, Ordering::Relaxed) + 1;
        }
        let ended = match &taken {
            Err(_) => Ended::Failed,
            // Only whoever drops it cancels a run that has not failed.
            Ok(_) if under.control.stage() > crate::crawl::Stage::Running => Ended::Cancelled,
            Ok(_) => Ended::Done,
        };
        let account = taken.as_ref().ok().map(|taken| &taken.account);
        self.metrics.count(ended, account);
        taken
    }
}
