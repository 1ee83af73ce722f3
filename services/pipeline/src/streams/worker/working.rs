//! What a worker does with what is in its hand.

use super::{MOST_IN_A_STEP, Worker};
use crate::attempt::Attempt;
use crate::item::Item;
use crate::pace;
use crate::stages::{Function, Stage};
use crate::streams::hand::Unit;
use crate::streams::run::Run;
use redis_link::Trouble;
use service_kit::sampling::Cause;
use std::sync::Arc;

/// Work between two looks at the queue, nanoseconds: short enough that what is
/// done does not grow old here, long enough that looking costs little.
const SLICE_NANOS: u64 = 10_000_000;

impl Worker {
    /// Does the stage's work for a slice of time.
    pub(super) fn process(&mut self) -> Result<(), Trouble> {
        if self.consumer.stage == Stage::Sink {
            return self.store();
        }
        self.part.take_up();
        let began = pace::now();
        let (mut items, mut service) = (0, 0);
        while let Some(held) = self.hand.taken.pop_front() {
            self.appoint(&held.run);
            let is_new_run = self
                .hand
                .window
                .first()
                .is_some_and(|first| first.run != held.run);
            if is_new_run {
                self.hand.taken.push_front(held);
                self.close_window()?;
                break;
            }
            let size = self
                .attempt
                .as_ref()
                .map_or(1, |(_, a)| a.function.window());
            self.hand.window.push(held);
            if self.hand.window.len() >= size {
                let before = pace::now();
                items += self.hand.window.len() as u64;
                self.close_window()?;
                service += pace::now() - before;
            }
            if pace::now() - began >= SLICE_NANOS || self.hand.done.len() >= MOST_IN_A_STEP {
                break;
            }
        }
        self.part.put_down(items);
        self.shared.counts.served(service);
        if items > 0 {
            self.appetite.worked(items, service);
        }
        Ok(())
    }

    /// Makes ready for the work of `run`.
    pub(super) fn appoint(&mut self, run: &Arc<Run>) {
        if self
            .attempt
            .as_ref()
            .is_some_and(|(known, _)| Arc::ptr_eq(known, run))
        {
            return;
        }
        let function = Function::of(self.consumer.stage, &run.work);
        let settings = &self.shared.settings;
        let attempt = Attempt {
            function: function.unwrap_or(Function::Pass),
            tries: settings.tries,
            poison: settings.poison.clone(),
        };
        self.attempt = Some((run.clone(), attempt));
    }

    /// Does the work on what is in the window, full or not.
    pub(super) fn close_window(&mut self) -> Result<(), Trouble> {
        let window = std::mem::take(&mut self.hand.window);
        let Some(first) = window.first() else {
            return Ok(());
        };
        self.appoint(&first.run.clone());
        let Some((_, attempt)) = &self.attempt else {
            return Ok(());
        };
        let items: Vec<Item> = window.iter().map(|held| held.item.clone()).collect();
        let mut outs = Vec::with_capacity(1);
        let waits = attempt.function.waits();
        let applied = if waits {
            self.part
                .blocked(Cause::Io, || attempt.apply(&items, &mut outs))
        } else {
            attempt.apply(&items, &mut outs)
        };
        match applied {
            Ok(()) => {
                self.hand.done.push_back(Unit {
                    run: window[0].run.clone(),
                    taken: window.iter().map(|held| u128::from(held.taken)).sum(),
                    ids: window.into_iter().map(|held| held.id).collect(),
                    outs,
                });
            }
            // Each by itself: one item's fault must not cost the others.
            Err(_) if window.len() > 1 => {
                for held in window {
                    self.hand.window.push(held);
                    self.close_window()?;
                }
            }
            Err(failed) => {
                let tries = self.shared.settings.tries;
                let link = self.link.as_mut().expect("it is connected");
                if self.consumer.bury(link, &window[0], tries, &failed.error)? {
                    self.shared.counts.dead(1);
                } else {
                    self.shared.counts.refused(1);
                }
            }
        }
        Ok(())
    }
}
