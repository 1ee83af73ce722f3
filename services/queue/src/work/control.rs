//! By which work is watched and ended.

use std::sync::OnceLock;
use std::sync::atomic::{AtomicU8, AtomicU32, Ordering};
use std::time::{Duration, Instant};
use tokio::sync::Notify;

/// Shared by who works and those who watch.
#[derive(Debug)]
pub struct Control {
    stop: AtomicU8,
    deadline: OnceLock<Instant>,
    /// In thousandths; more: its work does not tell.
    done: AtomicU32,
    told: Notify,
}

/// Why work is to end before it is done.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Stop {
    /// Its time is over.
    TimedOut,
    /// The job is another's by now, or nobody's.
    Lost,
    /// The worker ends: another may have the job.
    GivenBack,
}

const UNTOLD: u32 = u32::MAX;

impl Default for Control {
    fn default() -> Self {
        Self {
            stop: AtomicU8::new(0),
            deadline: OnceLock::new(),
            done: AtomicU32::new(UNTOLD),
            told: Notify::new(),
        }
    }
}

impl Control {
    /// The work begins, and may take so long.
    pub fn begin(&self, timeout: Option<Duration>) {
        if let Some(deadline) = timeout.and_then(|timeout| Instant::now().checked_add(timeout)) {
            // It begins once.
            let _ = self.deadline.set(deadline);
        }
    }

    /// Whether to go on. Work looks at least once in some milliseconds.
    ///
    /// # Errors
    /// Why not.
    pub fn check(&self) -> Result<(), Stop> {
        match self.stop.load(Ordering::Relaxed) {
            1 => Err(Stop::Lost),
            2 => Err(Stop::GivenBack),
            _ if self
                .deadline
                .get()
                .is_some_and(|end| Instant::now() >= *end) =>
            {
                Err(Stop::TimedOut)
            }
            _ => Ok(()),
        }
    }

    /// Has it end; what was said first holds.
    pub fn stop(&self, why: Stop) {
        let why = match why {
            Stop::Lost => 1,
            Stop::GivenBack => 2,
            Stop::TimedOut => return, // its deadline says so
        };
        let order = Ordering::Relaxed;
        let _ = self.stop.compare_exchange(0, why, order, order);
        self.told.notify_waiters();
    }

    /// Says how much is done, 0 to 1.
    pub fn progressed(&self, share: f64) {
        let thousandths = (share.clamp(0.0, 1.0) * 1000.0) as u32;
        self.done.store(thousandths, Ordering::Relaxed);
    }

    /// How much is done, where the work tells.
    pub fn progress(&self) -> Option<f64> {
        match self.done.load(Ordering::Relaxed) {
            UNTOLD => None,
            thousandths => Some(f64::from(thousandths) / 1000.0),
        }
    }

    /// Sleeps so long.
    ///
    /// # Errors
    /// Why it woke before.
    pub async fn sleep(&self, duration: Duration) -> Result<(), Stop> {
        let until = Instant::now() + duration;
        loop {
            let told = self.told.notified();
            self.check()?;
            if Instant::now() >= until {
                return Ok(());
            }
            let end = self.deadline.get().map_or(until, |end| until.min(*end));
            tokio::select! {
                () = tokio::time::sleep_until(end.into()) => {}
                () = told => {}
            }
        }
    }
}
