//! What a consumer has taken and not moved on yet.

use super::entry::{Entry, Id};
use super::run::Run;
use crate::item::Item;
use std::collections::{HashSet, VecDeque};
use std::sync::Arc;

/// An item that was taken.
#[derive(Debug, Clone)]
pub(super) struct Held {
    pub(super) id: Id,
    pub(super) run: Arc<Run>,
    pub(super) item: Item,
    /// When it was taken, nanoseconds of the monotonic clock.
    pub(super) taken: u64,
    /// How often entries of the queue had been taken over when this consumer
    /// was known to own it.
    pub(super) claims: u64,
}

/// What became of some entries, to be moved on together or not at all.
#[derive(Debug, Clone)]
pub(super) struct Unit {
    pub(super) ids: Vec<Id>,
    pub(super) run: Arc<Run>,
    pub(super) outs: Vec<Item>,
    /// The sum over its items of when they were taken.
    pub(super) taken: u128,
    /// The least of its entries' `claims`.
    pub(super) claims: u64,
}

/// The mark behind a run's last item.
#[derive(Debug, Clone)]
pub(super) struct Mark {
    pub(super) id: Id,
    pub(super) run: Arc<Run>,
}

/// All of it.
#[derive(Debug, Default)]
pub(super) struct Hand {
    /// Taken, nothing done yet.
    pub(super) taken: VecDeque<Held>,
    /// A window that is not full.
    pub(super) window: Vec<Held>,
    /// Done, not moved on.
    pub(super) done: VecDeque<Unit>,
    /// Marks that wait until all items before them are dealt with.
    pub(super) marks: Vec<Mark>,
}

impl Hand {
    /// Whether there is nothing to do with it but to wait.
    pub(super) fn is_idle(&self) -> bool {
        self.taken.is_empty() && self.done.is_empty()
    }

    /// Whether nothing is in it.
    pub(super) fn is_empty(&self) -> bool {
        self.is_idle() && self.window.is_empty() && self.marks.is_empty()
    }

    /// Keeps what is among `owned` entries, as they were when entries had been
    /// taken over `claims` times; returns those that are not in it.
    pub(super) fn reconcile(&mut self, owned: Vec<Entry>, claims: u64) -> Vec<Entry> {
        let ids: HashSet<Id> = owned.iter().map(|entry| entry.id).collect();
        self.taken.retain(|held| ids.contains(&held.id));
        self.window.retain(|held| ids.contains(&held.id));
        self.done
            .retain(|unit| unit.ids.iter().all(|id| ids.contains(id)));
        self.marks.retain(|mark| ids.contains(&mark.id));
        let mut known: HashSet<Id> = HashSet::new();
        for held in self.taken.iter_mut().chain(&mut self.window) {
            held.claims = claims;
            known.insert(held.id);
        }
        for unit in &mut self.done {
            unit.claims = claims;
            known.extend(&unit.ids);
        }
        known.extend(self.marks.iter().map(|mark| mark.id));
        let unknown = owned.into_iter();
        unknown.filter(|entry| !known.contains(&entry.id)).collect()
    }
}
