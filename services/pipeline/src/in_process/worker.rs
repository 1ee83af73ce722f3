//! What every thread of a run has: its clock, its way to the next queue.

use super::queue::{Batch, Give, Take};
use crate::counts::Counts;
use crate::item::Item;
use crate::pace;
use measure::report::WorkerAccount;
use service_kit::sampling::{Cause, Roster, WorkerClock};
use std::sync::Arc;
use std::sync::atomic::{AtomicU8, Ordering};

/// How long what is done may wait for more before it goes on, in nanoseconds:
/// a slow stage's items must not grow old in its hands.
const LINGER_NANOS: u64 = 5_000_000;

/// How a run is stopped; clones share it.
#[derive(Debug, Clone, Default)]
pub struct Control(Arc<AtomicU8>);

impl Control {
    const DRAINING: u8 = 1;
    const CANCELLED: u8 = 2;

    /// The source gives no more; what is under way goes on to the end.
    pub fn drain(&self) {
        self.0.fetch_max(Self::DRAINING, Ordering::Relaxed);
    }

    /// What is under way is left where it is.
    pub fn cancel(&self) {
        self.0.fetch_max(Self::CANCELLED, Ordering::Relaxed);
    }

    /// Whether the source is to end.
    pub fn is_draining(&self) -> bool {
        self.0.load(Ordering::Relaxed) >= Self::DRAINING
    }

    /// Whether all are to end.
    pub fn is_cancelled(&self) -> bool {
        self.0.load(Ordering::Relaxed) >= Self::CANCELLED
    }
}

/// One thread's own part of a run.
pub(super) struct Worker {
    clock: WorkerClock,
    /// When the job started, seconds of the monotonic clock.
    started: f64,
    pub(super) counts: Counts,
    pub(super) control: Control,
    /// Items since the clock was told of some.
    unbooked: u64,
}

/// What a thread has done and not given on yet.
pub(super) struct Outgoing {
    give: Give,
    done: Batch,
    /// When the oldest of it was done.
    since: u64,
}

impl Worker {
    pub(super) fn new(roster: &Roster, started: f64, counts: Counts, control: Control) -> Self {
        Self {
            clock: WorkerClock::of_new_thread().watched_by(roster),
            started,
            counts,
            control,
            unbooked: 0,
        }
    }

    /// Takes the next batch from `from`, whenever it comes.
    pub(super) fn next(&mut self, from: &Take) -> Option<Batch> {
        let batch = if let Some(batch) = from.try_take() {
            batch
        } else {
            let since = pace::now();
            let batch = self.clock.next_item(|| from.take())?;
            self.counts.starved(pace::now() - since);
            batch
        };
        self.clock.take_up(self.started);
        if self.control.is_cancelled() {
            return None;
        }
        let now = pace::now();
        let queued = batch.iter().map(|item| now.saturating_sub(item.queued));
        self.counts.queued(queued.sum());
        Some(batch)
    }

    /// Begins work that no queue gives.
    pub(super) fn take_up(&mut self) {
        self.clock.take_up(self.started);
    }

    /// So many items are done.
    pub(super) fn done(&mut self, items: u64) {
        self.unbooked += items;
    }

    /// Tells the clock of the items done.
    pub(super) fn put_down(&mut self) {
        self.clock.put_down_all(std::mem::take(&mut self.unbooked));
    }

    /// Waits with `wait`, which is booked under `cause`.
    pub(super) fn blocked<T>(&mut self, cause: Cause, wait: impl FnOnce() -> T) -> T {
        self.clock.blocked(cause, wait)
    }

    /// The thread's account; the tail is still to be added.
    pub(super) fn account(mut self) -> WorkerAccount {
        if self.unbooked > 0 {
            self.put_down();
        }
        self.clock.account(self.started, self.started)
    }
}

impl Outgoing {
    pub(super) fn new(give: Give) -> Self {
        Self {
            done: Vec::with_capacity(give.together),
            give,
            since: 0,
        }
    }

    /// How many items go together.
    pub(super) fn together(&self) -> usize {
        self.give.together
    }

    /// Where the next items are to be added.
    pub(super) fn done(&mut self) -> &mut Vec<Item> {
        &mut self.done
    }

    /// Gives on what is done when that is a batch, or has waited long enough, or
    /// `all` is wanted. Returns what time it is then, `now` where it did not have
    /// to wait; `None`: nobody takes it any more.
    pub(super) fn give_on(&mut self, worker: &mut Worker, now: u64, all: bool) -> Option<u64> {
        let mut then = now;
        if self.done.is_empty() {
            self.since = now;
        }
        let ripe = all || now.saturating_sub(self.since) >= LINGER_NANOS;
        while self.done.len() >= self.give.together || (ripe && !self.done.is_empty()) {
            let rest = self.done.split_off(self.done.len().min(self.give.together));
            let mut batch = std::mem::replace(&mut self.done, rest);
            self.done.reserve(self.give.together);
            for item in &mut batch {
                item.queued = then;
            }
            if let Err(batch) = self.give.try_give(batch) {
                worker.put_down();
                let taken = worker.blocked(Cause::Output, || self.give.give(batch));
                let since = std::mem::replace(&mut then, pace::now());
                worker.counts.blocked(then - since);
                if !taken {
                    return None;
                }
            }
            self.since = then;
        }
        Some(then)
    }
}
