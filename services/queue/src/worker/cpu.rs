//! A thread that works on CPU jobs.

use super::crew::Shared;
use super::hand::Next;
use super::settler::Finished;
use crossbeam_channel::Sender;
use service_kit::sampling::{Cause, Part};
use std::time::Duration;

/// How long it waits for a job before it looks whether a sample has begun.
const WAIT: Duration = Duration::from_millis(50);

/// Works until there will be nothing any more.
pub(super) fn work(shared: &Shared, finished: &Sender<Finished>) {
    let mut part = Part::default();
    loop {
        part.look(&shared.slot);
        match part.blocked(Cause::Input, || shared.hand.next(WAIT)) {
            Next::Job(held) => {
                part.take_up();
                let begun = held.begin();
                let end = held.task.work(held.taken.attempt, &held.control);
                let service = begun.elapsed();
                part.put_down(1);
                // The settler ends after this one.
                let _ = finished.send(Finished::after(held, end, service));
            }
            Next::Nothing => {}
            Next::Ended => break,
        }
    }
    part.look(&shared.slot);
}
