//! By which work is watched and ended.

use std::sync::atomic::{AtomicU8, AtomicU32, Ordering};
use std::sync::{Condvar, Mutex, PoisonError};
use std::time::{Duration, Instant};

/// Shared by the thread that works and those who watch.
#[derive(Debug)]
pub struct Control {
    stop: AtomicU8,
    deadline: Option<Instant>,
    /// In thousandths; more: its work does not tell.
    done: AtomicU32,
    told: Mutex<()>,
    wake: Condvar,
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
        Self::within(None)
    }
}

impl Control {
    /// Of work that may take so long, from now on.
    pub fn within(timeout: Option<Duration>) -> Self {
        Self {
            stop: AtomicU8::new(0),
            deadline: timeout.and_then(|timeout| Instant::now().checked_add(timeout)),
            done: AtomicU32::new(UNTOLD),
            told: Mutex::new(()),
            wake: Condvar::new(),
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
            _ if self.deadline.is_some_and(|end| Instant::now() >= end) => Err(Stop::TimedOut),
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
        let _guard = self.told.lock().unwrap_or_else(PoisonError::into_inner);
        let order = Ordering::Relaxed;
        let _ = self.stop.compare_exchange(0, why, order, order);
        self.wake.notify_all();
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
    pub fn sleep(&self, duration: Duration) -> Result<(), Stop> {
        let until = Instant::now() + duration;
        let mut guard = self.told.lock().unwrap_or_else(PoisonError::into_inner);
        loop {
            self.check()?;
            let now = Instant::now();
            if now >= until {
                return Ok(());
            }
            let end = self.deadline.map_or(until, |deadline| deadline.min(until));
            let left = end.saturating_duration_since(now);
            let woken = self.wake.wait_timeout(guard, left);
            guard = woken.unwrap_or_else(PoisonError::into_inner).0;
        }
    }
}
