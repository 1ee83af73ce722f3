//! Where the threads' time goes, in a run that is measured.

use measure::report::WorkerAccount;
use service_kit::sampling::{Cause, Roster, WorkerClock};
use std::cell::{Cell, RefCell};
use std::sync::atomic::{AtomicU64, Ordering};

thread_local! {
    static CLOCK: RefCell<Option<WorkerClock>> = const { RefCell::new(None) };
    static PARKED_FOR: Cell<Cause> = const { Cell::new(Cause::Io) };
}

/// How long the thread that fetches has waited for the network so far. Threads
/// that parse have no pages meanwhile, and it is not that thread that keeps them
/// waiting.
#[derive(Debug, Default)]
pub(super) struct NetworkWaits(AtomicU64);

impl NetworkWaits {
    fn add(&self, seconds: f64) {
        let nanoseconds = (seconds * 1e9) as u64;
        self.0.fetch_add(nanoseconds, Ordering::Release);
    }

    fn seconds(&self) -> f64 {
        self.0.load(Ordering::Acquire) as f64 * 1e-9
    }
}

/// A run whose threads' time is accounted for.
#[derive(Debug, Clone)]
pub struct Measured {
    /// Where the threads enter while they live.
    pub roster: Roster,
    /// When the job started, in seconds of the host's monotonic clock.
    pub started: f64,
}

/// Begins the calling thread's account, if the run is measured.
pub(super) fn begin(measured: Option<&Measured>) {
    if let Some(measured) = measured {
        let clock = WorkerClock::of_new_thread().watched_by(&measured.roster);
        CLOCK.set(Some(clock));
    }
}

/// Ends the calling thread's account. The tail is still to be added.
pub(super) fn end(measured: Option<&Measured>) -> Option<WorkerAccount> {
    let clock = CLOCK.take()?;
    let started = measured?.started;
    Some(clock.account(started, started))
}

/// The thread takes up an item.
pub(super) fn take_up(measured: Option<&Measured>) {
    if let Some(measured) = measured {
        with(|clock| clock.take_up(measured.started));
    }
}

/// The thread has done an item.
pub(super) fn put_down() {
    with(|clock| {
        clock.put_down();
    });
}

/// The event loop has nothing to do and waits for `cause`: for the network, a
/// timer or the database, which are all io, or for the threads that parse.
pub(super) fn parked(cause: Cause) {
    PARKED_FOR.set(cause);
    with(WorkerClock::parked);
}

/// The event loop goes on; `waits` is told if it was the network.
pub(super) fn unparked(waits: &NetworkWaits) {
    let cause = PARKED_FOR.get();
    with(|clock| {
        let seconds = clock.unparked(cause);
        if cause == Cause::Io {
            waits.add(seconds);
        }
    });
}

/// Takes an item from a queue that may be empty.
pub(super) fn next_item<T>(take: impl FnOnce() -> Option<T>) -> Option<T> {
    CLOCK.with_borrow_mut(|clock| match clock {
        Some(clock) => clock.next_item(take),
        None => take(),
    })
}

/// Takes a page from the queue that the thread which fetches fills.
pub(super) fn next_page<T>(waits: &NetworkWaits, take: impl FnOnce() -> Option<T>) -> Option<T> {
    CLOCK.with_borrow_mut(|clock| match clock {
        Some(clock) => clock.next_item_of(|| waits.seconds(), take),
        None => take(),
    })
}

fn with(act: impl FnOnce(&mut WorkerClock)) {
    CLOCK.with_borrow_mut(|clock| {
        if let Some(clock) = clock {
            act(clock);
        }
    });
}
