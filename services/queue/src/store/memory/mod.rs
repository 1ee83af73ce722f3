//! The queue in this process: no Redis, and gone with the process.

mod model;

use super::{Accepted, Claim, Claimed, Lease, Settlement, Store, Stored, Verdict, Wanted};
use crate::job::{Cancelled, Event, Job, JobId, Listing, NewJob, Page, Seq, Stats, WorkerInfo};
use model::Model;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

/// A queue in this process; clones share it.
#[derive(Debug, Clone)]
pub struct Memory(Arc<Inner>);

#[derive(Debug)]
struct Inner {
    model: Mutex<Model>,
    changed: Condvar,
    clock: Clock,
}

/// What it takes for the time.
#[derive(Debug)]
enum Clock {
    /// The time of day when it was made, and the monotonic clock since.
    Running { since: Instant, micros: u64 },
    /// What was set last.
    Set(AtomicU64),
}

impl Memory {
    /// An empty one.
    pub fn new() -> Self {
        let now = SystemTime::now().duration_since(UNIX_EPOCH);
        Self::by(Clock::Running {
            since: Instant::now(),
            micros: now.unwrap_or_default().as_micros() as u64,
        })
    }

    /// An empty one whose clock stands at that moment, microseconds since 1970,
    /// until it is [set](Self::set_clock): for tests.
    pub fn with_clock_at(micros: u64) -> Self {
        Self::by(Clock::Set(AtomicU64::new(micros)))
    }

    fn by(clock: Clock) -> Self {
        Self(Arc::new(Inner {
            model: Mutex::default(),
            changed: Condvar::new(),
            clock,
        }))
    }

    /// Sets the clock of a queue that was made with one that stands.
    pub fn set_clock(&self, micros: u64) {
        if let Clock::Set(now) = &self.0.clock {
            now.store(micros, Ordering::Relaxed);
        }
    }

    /// How often each job's success was counted in the hash of that name.
    pub fn effects(&self, name: &str) -> Vec<(JobId, u64)> {
        self.lock().effects(name)
    }

    fn now(&self) -> u64 {
        match &self.0.clock {
            Clock::Running { since, micros } => micros + since.elapsed().as_micros() as u64,
            Clock::Set(now) => now.load(Ordering::Relaxed),
        }
    }

    /// Does a step, and wakes those who wait for what it may have changed.
    #[allow(clippy::unnecessary_wraps, reason = "as the steps over Redis answer")]
    fn step<T>(&self, step: impl FnOnce(&mut Model, u64) -> T) -> Stored<T> {
        let mut model = self.lock();
        let done = step(&mut model, self.now());
        drop(model);
        self.0.changed.notify_all();
        Ok(done)
    }

    fn lock(&self) -> MutexGuard<'_, Model> {
        let model = self.0.model.lock();
        model.unwrap_or_else(PoisonError::into_inner)
    }

    /// Waits until `found` finds something, at most so long.
    fn until<T>(&self, within: Duration, mut found: impl FnMut(&Model) -> Option<T>) -> Option<T> {
        let deadline = Instant::now() + within;
        let mut model = self.lock();
        loop {
            let now = Instant::now();
            if let Some(found) = found(&model) {
                return Some(found);
            }
            if now >= deadline {
                return None;
            }
            let waited = self.0.changed.wait_timeout(model, deadline - now);
            model = waited.unwrap_or_else(PoisonError::into_inner).0;
        }
    }
}

impl Default for Memory {
    fn default() -> Self {
        Self::new()
    }
}

impl Store for Memory {
    fn submit(&mut self, groups: &[&[NewJob]], depth: u64) -> Stored<Vec<Accepted>> {
        self.step(|model, now| {
            let groups = groups.iter();
            groups
                .map(|group| model.submit(group, depth, now))
                .collect()
        })
    }

    fn claim(&mut self, claim: &Claim) -> Stored<Claimed> {
        self.step(|model, now| model.claim(claim, now))
    }

    fn wait(&mut self, wanted: Wanted, within: Duration) -> Stored<()> {
        self.until(within, |model| model.has_ready(wanted).then_some(()));
        Ok(())
    }

    fn settle(&mut self, settlements: &[Settlement]) -> Stored<Vec<Verdict>> {
        self.step(|model, now| {
            let settlements = settlements.iter();
            settlements.map(|one| model.settle(one, now)).collect()
        })
    }

    fn extend(&mut self, leases: &[Lease], for_more: Duration) -> Stored<Vec<bool>> {
        self.step(|model, now| {
            let leases = leases.iter();
            let held = leases
                .map(|lease| model.extend(lease, for_more, now))
                .collect();
            model.tend(now);
            held
        })
    }

    fn tend(&mut self) -> Stored<()> {
        self.step(Model::tend)
    }

    fn cancel(&mut self, id: JobId) -> Stored<Cancelled> {
        self.step(|model, now| model.cancel(id, now))
    }

    fn retry(&mut self, ids: &[JobId]) -> Stored<u64> {
        self.step(|model, now| model.retry(ids, now))
    }

    fn drop_dead(&mut self, ids: &[JobId]) -> Stored<u64> {
        self.step(|model, _| model.drop_dead(ids))
    }

    fn get(&mut self, ids: &[JobId]) -> Stored<Vec<Option<Job>>> {
        let model = self.lock();
        Ok(ids.iter().map(|id| model.job(*id)).collect())
    }

    fn list(&mut self, listing: &Listing) -> Stored<Page> {
        Ok(self.lock().list(listing))
    }

    fn stats(&mut self) -> Stored<Stats> {
        let now = self.now();
        Ok(self.lock().stats(now))
    }

    fn beat(&mut self, worker: &str, info: Option<&WorkerInfo>) -> Stored<()> {
        self.step(|model, now| {
            model.beat(worker, info, now);
            model.tend(now);
        })
    }

    fn events(&mut self, after: Seq, most: usize, within: Duration) -> Stored<Vec<Event>> {
        let found = self.until(within, |model| {
            let events = model.events_after(after, most);
            (!events.is_empty()).then_some(events)
        });
        Ok(found.unwrap_or_default())
    }

    fn last_event(&mut self) -> Stored<Seq> {
        Ok(self.lock().last_event())
    }
}
