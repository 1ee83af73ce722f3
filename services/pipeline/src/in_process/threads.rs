//! The threads of a run: the source's, the stages', the sink's.

use super::queue::Take;
use super::worker::{Outgoing, Worker};
use crate::attempt::Attempt;
use crate::counts::Counts;
use crate::item::Item;
use crate::pace::{self, Pace};
use crate::source::Origin;
use crate::stages::Function;
use crate::tally::Tally;
use prometheus::Histogram;
use service_kit::latency::Latency;
use service_kit::sampling::Cause;
use std::io;
use std::time::Duration;

/// A wait for an item that is due is cut into these, so that a stop is seen.
const LONGEST_NAP: Duration = Duration::from_millis(50);

/// How many dead letters are kept to be shown.
pub const MOST_LETTERS: usize = 100;

/// An item that no try got through a stage.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Letter {
    /// The item.
    pub item: Item,
    /// What the last try said.
    pub error: String,
}

/// The dead letters of a thread: all are counted, the first ones kept.
#[derive(Debug, Clone, Default)]
pub struct Letters {
    /// Their sums.
    pub tally: Tally,
    /// The first of them.
    pub first: Vec<Letter>,
}

impl Letters {
    /// Adds one.
    pub fn add(&mut self, item: &Item, error: &str) {
        self.tally.add(item);
        if self.first.len() < MOST_LETTERS {
            self.first.push(Letter {
                item: item.clone(),
                error: error.to_owned(),
            });
        }
    }

    /// Adds another thread's.
    pub fn merge(&mut self, other: Self) {
        self.tally.merge(&other.tally);
        let room = MOST_LETTERS - self.first.len();
        self.first.extend(other.first.into_iter().take(room));
    }
}

/// What the source came to.
#[derive(Debug, Default)]
pub(super) struct Given {
    pub(super) items: u64,
    pub(super) failed: Option<io::Error>,
}

/// Gives items until there are no more, or the run is stopped.
pub(super) fn source(
    worker: &mut Worker,
    origin: &mut Origin,
    pace: Pace,
    out: &mut Outgoing,
) -> Given {
    let mut given = Given::default();
    worker.take_up();
    loop {
        let now = pace::now();
        if out.give_on(worker, now, false).is_none() || worker.control.is_draining() {
            break;
        }
        if let Some(wait) = pace.wait(given.items, now) {
            if out.give_on(worker, now, true).is_none() {
                break;
            }
            worker.put_down();
            worker.blocked(Cause::Idle, || std::thread::sleep(wait.min(LONGEST_NAP)));
            continue;
        }
        let before = given.items;
        let more = some(origin, pace, now, &mut given, out);
        worker.counts.moved(0, given.items - before);
        worker.done(given.items - before);
        if !more {
            break;
        }
    }
    out.give_on(worker, pace::now(), true);
    given
}

/// Makes the items of one batch, as far as they are due; `false` after the last one.
fn some(origin: &mut Origin, pace: Pace, now: u64, given: &mut Given, out: &mut Outgoing) -> bool {
    while out.done().len() < out.together() {
        let born = pace.due(given.items).unwrap_or(now);
        if born > now {
            return true;
        }
        match origin.payload(given.items) {
            Ok(Some(payload)) => out.done().push(Item::new(given.items, born, payload)),
            Ok(None) => return false,
            Err(error) => {
                given.failed = Some(error);
                return false;
            }
        }
        given.items += 1;
    }
    true
}

/// Does a stage's work until no more comes.
pub(super) fn stage(
    worker: &mut Worker,
    attempt: &Attempt,
    from: &Take,
    out: &mut Outgoing,
) -> Letters {
    let mut letters = Letters::default();
    let mut window: Vec<Item> = Vec::new();
    while let Some(batch) = worker.next(from) {
        if !on_batch(worker, attempt, batch, &mut window, out, &mut letters) {
            return letters;
        }
        worker.put_down();
    }
    if !worker.control.is_cancelled() {
        let mut done = Done::default();
        on_window(worker, attempt, &window, out, &mut letters, &mut done);
        done.count(&worker.counts);
        out.give_on(worker, pace::now(), true);
    }
    letters
}

/// What was done since it was counted: counting costs more than light work does.
#[derive(Default)]
struct Done {
    taken: u64,
    given: u64,
    dead: u64,
    service: u64,
}

impl Done {
    fn count(self, counts: &Counts) {
        counts.moved(self.taken, self.given);
        if self.dead > 0 {
            counts.dead(self.dead);
        }
        counts.served(self.service);
    }
}

fn on_batch(
    worker: &mut Worker,
    attempt: &Attempt,
    batch: Vec<Item>,
    window: &mut Vec<Item>,
    out: &mut Outgoing,
    letters: &mut Letters,
) -> bool {
    let began = pace::now();
    let items = batch.len() as u64;
    let mut now = began;
    let mut done = Done::default();
    let mut goes_on = true;
    if attempt.function == Function::Pass && attempt.poison.is_none() {
        (done.taken, done.given) = (items, items);
        out.done().extend(batch);
    } else {
        let size = attempt.function.window();
        for item in batch {
            window.push(item);
            if window.len() < size {
                continue;
            }
            on_window(worker, attempt, window, out, letters, &mut done);
            window.clear();
            let end = pace::now();
            done.service += end - now;
            let given = out.give_on(worker, end, false);
            goes_on = given.is_some() && !worker.control.is_cancelled();
            if !goes_on {
                break;
            }
            now = given.unwrap_or(end);
        }
    }
    done.count(&worker.counts);
    worker.done(items);
    worker.counts.held(items * (now - began));
    // Before it waits for more: somebody may wait for these.
    goes_on && out.give_on(worker, now, true).is_some()
}

fn on_window(
    worker: &mut Worker,
    attempt: &Attempt,
    window: &[Item],
    out: &mut Outgoing,
    letters: &mut Letters,
    done: &mut Done,
) {
    if window.is_empty() {
        return;
    }
    let before = out.done().len();
    let applied = if attempt.function.waits() {
        worker.put_down();
        worker.blocked(Cause::Io, || attempt.apply(window, out.done()))
    } else {
        attempt.apply(window, out.done())
    };
    match applied {
        Ok(()) => {
            done.taken += window.len() as u64;
            done.given += (out.done().len() - before) as u64;
        }
        // Each by itself: one item's fault must not cost the others.
        Err(_) if window.len() > 1 => {
            for item in window {
                let alone = std::slice::from_ref(item);
                on_window(worker, attempt, alone, out, letters, done);
            }
        }
        Err(failed) => {
            done.dead += 1;
            letters.add(&window[0], &failed.error);
        }
    }
}

/// What the sink came to.
#[derive(Debug, Default)]
pub(super) struct Sunk {
    pub(super) tally: Tally,
    pub(super) latency: Latency,
}

/// Counts what comes until no more does; `keep` gets each item.
pub(super) fn sink(
    worker: &mut Worker,
    from: &Take,
    all: &Histogram,
    mut keep: impl FnMut(&Item),
) -> Sunk {
    let mut sunk = Sunk::default();
    let all = all.local();
    let took = |sunk: &mut Sunk, nanos: u64, items: u64| {
        sunk.latency.record(nanos, items);
        (0..items).for_each(|_| all.observe(nanos as f64 / 1e9));
        all.flush();
    };
    while let Some(batch) = worker.next(from) {
        let now = pace::now();
        // Items of one batch were often born together: counted as one.
        let (mut born, mut together) = (0, 0);
        for item in &batch {
            sunk.tally.add(item);
            keep(item);
            if item.born != born && together > 0 {
                took(&mut sunk, now.saturating_sub(born), together);
                together = 0;
            }
            born = item.born;
            together += 1;
        }
        took(&mut sunk, now.saturating_sub(born), together);
        worker.counts.moved(batch.len() as u64, 0);
        worker.counts.served(pace::now() - now);
        worker.done(batch.len() as u64);
        worker.put_down();
    }
    sunk
}
