//! Where the threads' time goes, in a run that is measured.

use measure::report::WorkerAccount;
use service_kit::sampling::{Cause, Roster, WorkerClock};
use std::cell::RefCell;

thread_local! {
    static CLOCK: RefCell<Option<WorkerClock>> = const { RefCell::new(None) };
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

/// The event loop has nothing to do: what it waits for is the network, a timer
/// or the database.
pub(super) fn parked() {
    with(WorkerClock::parked);
}

/// The event loop goes on.
pub(super) fn unparked() {
    with(|clock| clock.unparked(Cause::Io));
}

/// Takes an item from a queue that may be empty.
pub(super) fn next_item<T>(take: impl FnOnce() -> Option<T>) -> Option<T> {
    CLOCK.with_borrow_mut(|clock| match clock {
        Some(clock) => clock.next_item(take),
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
