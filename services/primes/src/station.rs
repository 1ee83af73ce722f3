//! The station: does one measured run at a time, whoever starts it.

use crate::metrics::{Ended, Metrics};
use crate::sample::{Sample, Taken};
use crate::workload::Control;
use cpu_budget::Cgroup;
use service_kit::runlock::{RunLock, RunLockError};
use service_kit::sampling::WorkerTime;
use std::io;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError, Weak};
use tokio::sync::oneshot;
use uuid::Uuid;

/// What the HTTP routes share.
#[derive(Debug)]
pub struct Station {
    /// Where the kernel's counters are.
    pub cgroup: Cgroup,
    instance: String,
    runs: AtomicU64,
    lock_name: String,
    current: Mutex<Weak<Control>>,
    metrics: Metrics,
    time: WorkerTime,
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
    control: Arc<Control>,
    /// The sample, when the run has ended; closed if its thread panicked.
    pub ended: oneshot::Receiver<io::Result<Taken>>,
}

impl Running {
    /// How much is done, 0 to 1.
    pub fn progress(&self) -> f64 {
        self.control.progress()
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        self.control.cancel();
    }
}

impl Station {
    /// A station of this process; `name` tells it from others in the same
    /// network namespace.
    pub fn new(metrics: Metrics, time: WorkerTime, name: String) -> Arc<Self> {
        Arc::new(Self {
            cgroup: Cgroup::of_this_process(),
            instance: Uuid::new_v4().to_string(),
            runs: AtomicU64::new(0),
            lock_name: name,
            current: Mutex::new(Weak::new()),
            metrics,
            time,
        })
    }

    /// The process that answers: a new one after every restart.
    pub fn instance(&self) -> &str {
        &self.instance
    }

    /// How far the run is that goes on here, 0 to 1.
    pub fn progress(&self) -> Option<f64> {
        let current = self.current.lock().unwrap_or_else(PoisonError::into_inner);
        current.upgrade().map(|control| control.progress())
    }

    /// Starts a run on a thread of its own.
    pub fn start(self: &Arc<Self>, sample: Sample) -> Result<Running, Refused> {
        let lock = RunLock::try_acquire(&self.lock_name).map_err(|error| match error {
            RunLockError::Busy { .. } => Refused::Busy {
                progress: self.progress(),
            },
            error @ RunLockError::Unusable { .. } => Refused::Failed(error.into()),
        })?;
        let control = Arc::new(Control::default());
        *self.current.lock().unwrap_or_else(PoisonError::into_inner) = Arc::downgrade(&control);
        let (sender, ended) = oneshot::channel();
        let station = self.clone();
        let of_thread = control.clone();
        std::thread::Builder::new()
            .name("run".into())
            .spawn(move || {
                let account = station.take(&sample, &of_thread);
                // Free before the answer goes out, and before the progress says that
                // no run goes on: the next request may come at once.
                drop(lock);
                drop(of_thread);
                let _ = sender.send(account);
            })
            .map_err(|error| Refused::Failed(error.into()))?;
        Ok(Running { control, ended })
    }

    fn take(&self, sample: &Sample, control: &Arc<Control>) -> io::Result<Taken> {
        let mut taken = sample.take(&self.cgroup, control, &self.time);
        if let Ok(Taken { account, .. }) = &mut taken {
            account.instance.clone_from(&self.instance);
            account.run_sequence = self.runs.fetch_add(1, Ordering::Relaxed) + 1;
        }
        let ended = match &taken {
            _ if control.is_cancelled() => Ended::Cancelled,
            Ok(_) => Ended::Done,
            Err(_) => Ended::Failed,
        };
        let account = taken.as_ref().ok().map(|taken| &taken.account);
        self.metrics.count(ended, account);
        taken
    }
}
