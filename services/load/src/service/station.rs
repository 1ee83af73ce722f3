//! One job at a time, whoever asks for it.

use super::metrics::Metrics;
use crate::answer::RunAnswer;
use crate::engine::{self, Control, Outside, RunFailed};
use crate::plan::Plan;
use crate::search::{Search, SearchAnswer};
use crate::steps::search;
use serde::Serialize;
use service_kit::runlock::{RunLock, RunLockError};
use std::sync::{Arc, Mutex, PoisonError, Weak};
use tokio::sync::oneshot;
use uuid::Uuid;

/// What the HTTP routes share.
#[derive(Debug)]
pub struct Station {
    /// What runs need of the world around them.
    pub outside: Outside,
    instance: String,
    lock_name: String,
    current: Mutex<Weak<Control>>,
    metrics: Metrics,
}

/// What is to be done.
#[derive(Debug)]
pub enum Job {
    /// One run.
    Run(Plan),
    /// Runs until a rate is found.
    Search(Search),
}

/// What it came to.
#[derive(Debug, Serialize)]
#[serde(untagged)]
pub enum Done {
    /// One run.
    Run(Box<RunAnswer>),
    /// A rate.
    Search(SearchAnswer),
}

/// Why nothing was begun.
#[derive(Debug, thiserror::Error)]
pub enum Refused {
    /// Another job goes on; how much of it is done (0 to 1) when it was begun here.
    #[error("another run goes on; two at once would spoil both figures")]
    Busy {
        /// How far it is.
        progress: Option<f64>,
    },
    /// It could not be begun.
    #[error("the run could not be started")]
    Failed(#[source] anyhow::Error),
}

/// A job that goes on; dropping it cancels it.
#[derive(Debug)]
pub struct Running {
    control: Arc<Control>,
    /// What it came to, when it has ended; closed if its thread panicked.
    pub ended: oneshot::Receiver<Result<Done, RunFailed>>,
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
    /// One of this process; `name` tells it from others in the same network
    /// namespace.
    pub fn new(metrics: Metrics, outside: Outside, name: String) -> Arc<Self> {
        Arc::new(Self {
            outside,
            instance: Uuid::new_v4().to_string(),
            lock_name: name,
            current: Mutex::new(Weak::new()),
            metrics,
        })
    }

    /// The process that answers: a new one after every restart.
    pub fn instance(&self) -> &str {
        &self.instance
    }

    /// How far the job is that goes on here, 0 to 1.
    pub fn progress(&self) -> Option<f64> {
        let current = self.current.lock().unwrap_or_else(PoisonError::into_inner);
        current.upgrade().map(|control| control.progress())
    }

    /// Begins a job on a thread of its own.
    ///
    /// # Errors
    /// When another goes on, or there is no thread for it.
    pub fn start(self: &Arc<Self>, job: Job) -> Result<Running, Refused> {
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
                let done = job.done(&station.outside, &of_thread);
                station.metrics.count(&done, &of_thread);
                // Free before the answer goes out, and before the progress says that
                // nothing goes on: the next request may come at once.
                drop(lock);
                drop(of_thread);
                let _ = sender.send(done);
            })
            .map_err(|error| Refused::Failed(error.into()))?;
        Ok(Running { control, ended })
    }
}

impl Job {
    fn done(&self, outside: &Outside, control: &Control) -> Result<Done, RunFailed> {
        match self {
            Self::Run(plan) => {
                let measured = engine::run(plan, outside, control)?;
                Ok(Done::Run(Box::new(RunAnswer::new(plan, &measured))))
            }
            Self::Search(wanted) => {
                Ok(Done::Search(search(wanted, outside, control, |_| {})?))
            }
        }
    }
}
