//! How a run is stopped.

use crate::store::StoreFailed;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use tokio::sync::watch;

/// How far the end of a run has come.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Stage {
    /// It goes on.
    Running,
    /// No URL is begun any more; those under way are finished.
    Draining,
    /// Those under way are given up too.
    Cancelled,
}

/// Stops a run; clones of the `Arc` share it.
#[derive(Debug)]
pub struct Control {
    stage: watch::Sender<Stage>,
    cancelled: AtomicBool,
    failed: Mutex<Option<StoreFailed>>,
}

impl Default for Control {
    fn default() -> Self {
        Self {
            stage: watch::Sender::new(Stage::Running),
            cancelled: AtomicBool::new(false),
            failed: Mutex::new(None),
        }
    }
}

impl Control {
    /// One of a run that goes on.
    pub fn new() -> Arc<Self> {
        Arc::default()
    }

    /// Begins no more URLs.
    pub fn drain(&self) {
        self.reach(Stage::Draining);
    }

    /// Gives up those under way too.
    pub fn cancel(&self) {
        self.cancelled.store(true, Ordering::Relaxed);
        self.reach(Stage::Cancelled);
    }

    /// How far the end has come.
    pub fn stage(&self) -> Stage {
        *self.stage.borrow()
    }

    /// The flag that [`Control::cancel`] sets, for loops on threads.
    pub fn cancelled(&self) -> &AtomicBool {
        &self.cancelled
    }

    /// Waits until the end has come so far.
    pub async fn reached(&self, stage: Stage) {
        let mut stages = self.stage.subscribe();
        // Ends with an error only when the sender is gone, which `self` is.
        let _ = stages.wait_for(|now| *now >= stage).await;
    }

    /// Nothing more can be stored: a run that goes on would lose all it fetches.
    pub fn fail(&self, failed: StoreFailed) {
        let mut first = self.failed.lock().unwrap_or_else(PoisonError::into_inner);
        first.get_or_insert(failed);
        drop(first);
        self.cancel();
    }

    /// Why nothing more could be stored.
    pub fn store_failed(&self) -> Option<StoreFailed> {
        let failed = self.failed.lock().unwrap_or_else(PoisonError::into_inner);
        failed.clone()
    }

    fn reach(&self, stage: Stage) {
        self.stage.send_if_modified(|now| {
            let later = stage > *now;
            if later {
                *now = stage;
            }
            later
        });
    }
}
