//! The threads that take jobs: one those for a CPU, one the others, since who waits
//! for jobs of one kind hears of no room for others.

use super::crew::Shared;
use super::hand::Held;
use super::settler::Finished;
use crate::store::{Claim, Store, Stored, Taken, Wanted};
use crate::work::{Class, End, Stop, Task};
use crossbeam_channel::Sender;
use redis_link::Patience;
use std::sync::Arc;
use std::time::Duration;
use tokio::sync::mpsc::UnboundedSender;

/// The longest wait for a job: it has to notice that it is to end, and a lease that
/// runs out wakes nobody.
const LONGEST_WAIT: Duration = Duration::from_millis(500);

/// Takes jobs of `class` until no more are to be taken.
pub(super) fn claim(
    shared: &Shared,
    class: Class,
    to_wait: &UnboundedSender<Arc<Held>>,
    finished: &Sender<Finished>,
) {
    let mut patience = Patience::default();
    let mut store = None;
    while let Some(room) = shared.hand.room(class) {
        let (cpu, io) = match class {
            Class::Cpu => (room, 0),
            Class::Io => (0, room),
        };
        match take(shared, &mut store, Wanted { cpu, io }) {
            Ok(jobs) => {
                patience.over();
                dispatch(shared, jobs, to_wait, finished);
            }
            Err(trouble) => {
                store = None;
                std::thread::sleep(patience.pause(&trouble));
            }
        }
    }
}

/// Some jobs; where there are none now, none after a while.
fn take(shared: &Shared, store: &mut Option<Box<dyn Store>>, wanted: Wanted) -> Stored<Vec<Taken>> {
    let store = match store {
        Some(store) => store,
        None => store.insert(shared.place.open()?),
    };
    let claimed = store.claim(&Claim {
        worker: shared.name.clone(),
        lease: shared.settings.lease,
        wanted,
        ageing: shared.settings.ageing,
    })?;
    if claimed.jobs.is_empty() {
        let due_in = claimed.due_in.unwrap_or(LONGEST_WAIT);
        store.wait(wanted, due_in.min(LONGEST_WAIT))?;
    }
    Ok(claimed.jobs)
}

fn dispatch(
    shared: &Shared,
    jobs: Vec<Taken>,
    to_wait: &UnboundedSender<Arc<Held>>,
    finished: &Sender<Finished>,
) {
    let mut held = Vec::with_capacity(jobs.len());
    for taken in jobs {
        shared.metrics.by_priority[usize::from(taken.priority.min(9))]
            .0
            .observe(taken.waited.as_secs_f64());
        match Task::read(&taken.kind, &taken.payload) {
            Ok(task) => held.push(Held::new(taken, task)),
            Err(reason) => {
                let _ = finished.send(Finished::hopeless(Held::new(taken, Task::Noop), reason));
            }
        }
    }
    match shared.hand.take(held) {
        Ok(waiting) => {
            for held in waiting {
                // The thread ends after this one.
                let _ = to_wait.send(held);
            }
        }
        Err(late) => {
            for held in late {
                let end = End::Stopped(Stop::GivenBack);
                let _ = finished.send(Finished::unbegun(held, end));
            }
        }
    }
}
