//! What is counted while a run goes on, for whoever watches it.

use crate::outcome::ErrorKind;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

/// A number that only rises.
#[derive(Debug, Default)]
pub struct Count(AtomicU64);

impl Count {
    /// What it is.
    pub fn get(&self) -> u64 {
        self.0.load(Ordering::Relaxed)
    }

    fn add(&self, number: u64) {
        self.0.fetch_add(number, Ordering::Relaxed);
    }
}

/// The counts of a run, which are part of those of all runs where there are such.
#[derive(Debug, Default)]
pub struct Progress {
    /// URLs that became pages.
    pub pages: Count,
    /// URLs that did not, by kind.
    failed: [Count; ErrorKind::ALL.len()],
    /// Requests begun, redirects and robots.txt included.
    pub requests: Count,
    /// Attempts that were made again.
    pub retries: Count,
    /// Bytes of bodies, decompressed.
    pub bytes: Count,
    in_flight: AtomicU64,
    highest_in_flight: AtomicU64,
    all: Option<Arc<Progress>>,
}

/// A request under way; ends when dropped.
#[derive(Debug)]
pub struct InFlight<'a>(&'a Progress);

impl Progress {
    /// One whose counts are also added to `all`.
    pub fn part_of(all: Arc<Progress>) -> Self {
        Self {
            all: Some(all),
            ..Self::default()
        }
    }

    /// A request leaves.
    pub fn request(&self) -> InFlight<'_> {
        self.each(|counts| {
            counts.requests.add(1);
            let now = counts.in_flight.fetch_add(1, Ordering::Relaxed) + 1;
            counts.highest_in_flight.fetch_max(now, Ordering::Relaxed);
        });
        InFlight(self)
    }

    /// An attempt is made again.
    pub fn retry(&self) {
        self.each(|counts| counts.retries.add(1));
    }

    /// A URL has its outcome: a page or an error, after so many bytes.
    pub fn ended(&self, error: Option<ErrorKind>, bytes: u64) {
        self.each(|counts| {
            counts.bytes.add(bytes);
            match error {
                None => counts.pages.add(1),
                Some(kind) => counts.failed[kind as usize].add(1),
            }
        });
    }

    fn each(&self, count: impl Fn(&Self)) {
        count(self);
        if let Some(all) = &self.all {
            count(all);
        }
    }

    /// Requests under way.
    pub fn in_flight(&self) -> u64 {
        self.in_flight.load(Ordering::Relaxed)
    }

    /// The most requests that were under way at once.
    pub fn highest_in_flight(&self) -> u64 {
        self.highest_in_flight.load(Ordering::Relaxed)
    }

    /// URLs without a page for this reason.
    pub fn failed_as(&self, kind: ErrorKind) -> u64 {
        self.failed[kind as usize].get()
    }

    /// URLs without a page, by kind; kinds that did not occur are left out.
    pub fn failed_by_kind(&self) -> impl Iterator<Item = (ErrorKind, u64)> + '_ {
        let kinds = ErrorKind::ALL.into_iter().zip(&self.failed);
        kinds
            .map(|(kind, count)| (kind, count.get()))
            .filter(|(_, count)| *count > 0)
    }

    /// URLs without a page.
    pub fn failed(&self) -> u64 {
        self.failed.iter().map(Count::get).sum()
    }

    /// URLs that have an outcome.
    pub fn done(&self) -> u64 {
        self.pages.get() + self.failed()
    }
}

impl Drop for InFlight<'_> {
    fn drop(&mut self) {
        self.0.each(|counts| {
            counts.in_flight.fetch_sub(1, Ordering::Relaxed);
        });
    }
}
