//! What leaves a worker's hand.

use super::{MOST_IN_A_STEP, Worker};
use crate::pace;
use crate::stages::Stage;
use crate::streams::consumer::Moved;
use crate::streams::hand::{Held, Unit};
use redis_link::Trouble;
use service_kit::sampling::Cause;
use std::sync::atomic::Ordering;
use std::sync::{Arc, PoisonError};
use std::time::Duration;

/// How long a full queue is waited for before it is looked at again.
const ROOM_WAIT: Duration = Duration::from_millis(200);

impl Worker {
    /// Moves on what is done, and looks for more in the same breath.
    pub(super) fn give_on(&mut self, stopping: bool) -> Result<(), Trouble> {
        let run = self.hand.done[0].run.clone();
        let Some(next) = run.after(self.consumer.stage) else {
            // Only the sink has no next stage, and it gives nothing on.
            self.hand.done.clear();
            return Ok(());
        };
        let mut entries = 0;
        let same_run = |unit: &&Unit| {
            entries += unit.ids.len() + unit.outs.len();
            Arc::ptr_eq(&unit.run, &run) && entries <= 2 * MOST_IN_A_STEP
        };
        let count = self.hand.done.iter().take_while(same_run).count().max(1);
        let units = self.hand.done.iter().take(count);
        let link = self.link.as_mut().expect("it is connected");
        let mut steps = vec![self.consumer.move_on(link, &run, next, units)];
        let takes = self.hand.taken.is_empty() && !stopping;
        if takes {
            let run = self.attempt.as_ref().map(|(run, _)| run);
            let capacity = run.map_or(u64::MAX, |run| run.capacity(self.consumer.stage));
            let count = self.appetite.count(capacity);
            steps.push(self.consumer.take(link, count, None));
        }
        let answers = self.part.blocked(Cause::Io, || link.ask(&steps))?;
        let mut answers = answers.into_iter();
        let moved = Moved::read(answers.next().unwrap_or_default());
        self.moved(&moved);
        if let Some(answer) = answers.next() {
            self.took(answer)?;
        }
        if moved.done < count {
            self.wait_for_room(next)?;
        }
        Ok(())
    }

    pub(super) fn moved(&mut self, moved: &Moved) {
        let now = pace::now();
        let counts = &self.shared.counts;
        for (index, unit) in self.hand.done.drain(..moved.done).enumerate() {
            let items = unit.ids.len() as u64;
            if moved.refused.contains(&index) {
                counts.refused(items);
                continue;
            }
            counts.moved(items, unit.outs.len() as u64);
            let held = u128::from(now) * u128::from(items) - unit.taken;
            counts.held(held as u64);
        }
    }

    pub(super) fn wait_for_room(&mut self, next: Stage) -> Result<(), Trouble> {
        let link = self.link.as_mut().expect("it is connected");
        let mut wait = redis::cmd("BLPOP");
        wait.arg(link.server.keys.room(next));
        wait.arg(ROOM_WAIT.as_secs_f64());
        let since = pace::now();
        self.part.blocked(Cause::Output, || link.ask_one(wait))?;
        self.shared.counts.blocked(pace::now() - since);
        Ok(())
    }

    /// The sink's work: what is in hand becomes part of the run's result.
    pub(super) fn store(&mut self) -> Result<(), Trouble> {
        let Some(first) = self.hand.taken.front() else {
            return Ok(());
        };
        let run = first.run.clone();
        self.appoint(&run);
        self.part.take_up();
        let began = pace::now();
        let same_run = |held: &&Held| Arc::ptr_eq(&held.run, &run);
        // Of each item Lua passes four words on at once, and no more than some 8,000.
        let most = MOST_IN_A_STEP / 2;
        let count = self
            .hand
            .taken
            .iter()
            .take(most)
            .take_while(same_run)
            .count();
        let items = self.hand.taken.iter().take(count);
        let link = self.link.as_mut().expect("it is connected");
        let mut steps = vec![self.consumer.store(link, &run, &items)];
        self.part.put_down(0);
        let takes = self.hand.taken.len() == count && !self.shared.stop.load(Ordering::Relaxed);
        if takes {
            let count = self.appetite.count(run.capacity(self.consumer.stage));
            steps.push(self.consumer.take(link, count, None));
        }
        let answers = self.part.blocked(Cause::Io, || link.ask(&steps))?;
        let mut answers = answers.into_iter();
        let stored = Moved::read_stored(answers.next().unwrap_or_default(), count);
        self.stored(&stored, began);
        if let Some(answer) = answers.next() {
            self.took(answer)?;
        }
        Ok(())
    }

    pub(super) fn stored(&mut self, stored: &Moved, began: u64) {
        let now = pace::now();
        let counts = &self.shared.counts;
        let latency = &self.shared.latency;
        let mut latency = latency.lock().unwrap_or_else(PoisonError::into_inner);
        let mut held_nanos = 0;
        for held in self.hand.taken.drain(..stored.done) {
            let nanos = now.saturating_sub(held.item.born);
            latency.record(nanos, 1);
            self.shared.all_latency.observe(nanos as f64 / 1e9);
            held_nanos += now.saturating_sub(held.taken);
        }
        drop(latency);
        // The others are stored with the next step.
        for refused in stored.refused.iter().rev() {
            self.hand.taken.remove(*refused);
        }
        counts.refused(stored.refused.len() as u64);
        let done = stored.done as u64;
        counts.held(held_nanos);
        counts.moved(done, 0);
        counts.served(now - began);
        self.part.put_down(done);
    }
}
