//! What is known of each host while a run goes on: its slots, its pace, its
//! robots.txt.

use crate::outcome::ErrorKind;
use crate::pace::Pace;
use crate::robots::Rules;
use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};
use tokio::sync::{OnceCell, Semaphore, SemaphorePermit};
use url::Url;

/// With more hosts than this, those that nothing waits for are forgotten.
const MOST_HOSTS: usize = 10_000;

/// All hosts of a run.
#[derive(Debug)]
pub(super) struct Hosts {
    known: Mutex<HashMap<String, Arc<Host>>>,
    slots: Option<usize>,
    interval: Duration,
}

/// One host and port.
#[derive(Debug)]
pub(super) struct Host {
    slots: Option<Semaphore>,
    pace: Mutex<Pace>,
    /// Its rules; the kind of fault where they could not be had.
    pub(super) robots: OnceCell<Result<Rules, ErrorKind>>,
}

impl Hosts {
    /// Hosts of which each gets at most `slots` requests at once, `interval` apart.
    pub(super) fn new(slots: Option<usize>, interval: Duration) -> Self {
        Self {
            known: Mutex::default(),
            slots,
            interval,
        }
    }

    /// The host of a URL.
    pub(super) fn of(&self, url: &Url) -> Arc<Host> {
        let name = &url[..url::Position::BeforePath];
        let mut known = self.known.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(host) = known.get(name) {
            return host.clone();
        }
        if known.len() >= MOST_HOSTS {
            let now = Instant::now();
            known.retain(|_, host| Arc::strong_count(host) > 1 || !host.pace().is_idle(now));
        }
        let host = Arc::new(Host {
            slots: self.slots.map(Semaphore::new),
            pace: Mutex::new(Pace::new(self.interval)),
            robots: OnceCell::new(),
        });
        known.insert(name.to_owned(), host.clone());
        host
    }
}

impl Host {
    /// Waits for a slot and for the host's pace; the slot is held until dropped.
    pub(super) async fn turn(&self) -> Option<SemaphorePermit<'_>> {
        let slot = match &self.slots {
            // Never closed.
            Some(slots) => slots.acquire().await.ok(),
            None => None,
        };
        loop {
            let now = Instant::now();
            let leaves = self.pace().reserve(now);
            if leaves <= now {
                return slot;
            }
            tokio::time::sleep(leaves - now).await;
            // Asked for a pause meanwhile: that place is void.
            if self.pace().paused_after(leaves) {
                continue;
            }
            return slot;
        }
    }

    /// The host asked for a pause.
    pub(super) fn pause(&self, length: Duration) {
        if let Some(until) = Instant::now().checked_add(length) {
            self.pace().pause_until(until);
        }
    }

    fn pace(&self) -> std::sync::MutexGuard<'_, Pace> {
        self.pace.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
