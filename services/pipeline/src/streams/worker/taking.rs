//! What comes into a worker's hand.

use super::Worker;
use crate::pace;
use crate::streams::crew::Settings;
use crate::streams::entry::{Entry, What, read};
use crate::streams::hand::{Held, Mark};
use crate::streams::run::Run;
use redis::Value;
use redis_link::LONGEST_BLOCK;
use redis_link::Trouble;
use service_kit::sampling::Cause;
use std::sync::Arc;
use std::time::{Duration, Instant};

/// How long an empty queue is waited for; then other duties are looked after.
const INPUT_WAIT: Duration = Duration::from_millis(100);

/// The same with a mark or part of a window in hand.
const SHORT_INPUT_WAIT: Duration = Duration::from_millis(5);

/// How long part of a window waits for more.
const WINDOW_WAIT: Duration = Duration::from_millis(100);

impl Worker {
    /// Takes new entries, or those of consumers that have gone; passes marks on.
    pub(super) fn look_for_more(&mut self) -> Result<(), Trouble> {
        if Instant::now() >= self.claim_at {
            self.claim()?;
            if !self.hand.is_idle() {
                return Ok(());
            }
        }
        self.pass_marks()?;
        let count = self.count();
        let link = self.link.as_mut().expect("it is connected");
        let waits = !self.hand.marks.is_empty() || !self.hand.window.is_empty();
        let block = if waits { SHORT_INPUT_WAIT } else { INPUT_WAIT };
        let take = self
            .consumer
            .take(link, count, Some(block.min(LONGEST_BLOCK)));
        let since = pace::now();
        let answer = self.part.blocked(Cause::Input, || link.ask_one(take))?;
        self.shared.counts.starved(pace::now() - since);
        self.took(answer)?;
        if !self.hand.is_idle() || self.hand.window.is_empty() {
            self.window_since = None;
            return Ok(());
        }
        let since = *self.window_since.get_or_insert_with(Instant::now);
        if since.elapsed() >= WINDOW_WAIT {
            self.window_since = None;
            self.close_window()?;
        }
        Ok(())
    }

    pub(super) fn count(&self) -> usize {
        let run = self.attempt.as_ref().map(|(run, _)| run);
        let capacity = run.map_or(u64::MAX, |run| run.capacity(self.consumer.stage));
        self.appetite.count(capacity)
    }

    pub(super) fn took(&mut self, answer: Value) -> Result<(), Trouble> {
        let entries = read(answer);
        if entries.is_empty() {
            return Ok(());
        }
        let bytes = |entry: &Entry| match &entry.what {
            What::Item(item) => item.payload.len(),
            _ => 0,
        };
        self.appetite
            .took(entries.len(), entries.iter().map(bytes).sum());
        self.sort_in(entries)
    }

    pub(super) fn claim(&mut self) -> Result<(), Trouble> {
        let Settings {
            claim_after,
            deliveries,
            ..
        } = self.shared.settings;
        let count = self.count();
        let link = self.link.as_mut().expect("it is connected");
        let (entries, cursor, buried) =
            self.consumer
                .claim(link, claim_after, deliveries, &self.cursor, count)?;
        // As long as there is more, go on at once.
        if cursor == "0-0" {
            let pause = claim_after.mul_f64(0.25 * (0.5 + fastrand::f64()));
            self.claim_at = Instant::now() + pause;
        }
        self.cursor = cursor;
        self.shared.counts.claimed(entries.len() as u64);
        self.shared.counts.dead(buried);
        self.sort_in(entries)
    }

    /// Puts entries into the hand; what belongs to no run goes to the dead letters.
    pub(super) fn sort_in(&mut self, entries: Vec<Entry>) -> Result<(), Trouble> {
        let now = pace::now();
        let mut queued = 0;
        for entry in entries {
            let run = self.run_of(&entry)?;
            let run = run.filter(|run| run.before(self.consumer.stage).is_some());
            match (run, entry.what) {
                (Some(run), What::Item(item)) => {
                    queued += now.saturating_sub(item.queued);
                    self.hand.taken.push_back(Held {
                        id: entry.id,
                        run,
                        item,
                        taken: now,
                    });
                }
                (Some(run), What::End) => self.hand.marks.push(Mark { id: entry.id, run }),
                (_, what) => {
                    let reason = match &what {
                        What::Unreadable(why) => format!("no entry of a pipeline: {why}"),
                        _ => "its run is not known, or has not this stage".to_owned(),
                    };
                    let entry = Entry { what, ..entry };
                    let link = self.link.as_mut().expect("it is connected");
                    self.consumer.bury_unreadable(link, &entry, &reason)?;
                    self.shared.counts.dead(1);
                }
            }
        }
        self.shared.counts.queued(queued);
        Ok(())
    }

    pub(super) fn run_of(&mut self, entry: &Entry) -> Result<Option<Arc<Run>>, Trouble> {
        if let Some(run) = self.runs.get(&entry.run) {
            return Ok(run.clone());
        }
        let link = self.link.as_mut().expect("it is connected");
        let run = Run::read(link, &entry.run)?.map(Arc::new);
        // Runs come one after the other; a few are remembered.
        if self.runs.len() >= 16 {
            self.runs.clear();
        }
        self.runs.insert(entry.run.clone(), run.clone());
        Ok(run)
    }

    pub(super) fn pass_marks(&mut self) -> Result<(), Trouble> {
        if self.hand.marks.is_empty() || !self.hand.window.is_empty() {
            return Ok(());
        }
        let link = self.link.as_mut().expect("it is connected");
        let mut left = Vec::new();
        for mark in &self.hand.marks {
            if !self.consumer.pass(link, mark)? {
                left.push(mark.clone());
            }
        }
        self.hand.marks = left;
        Ok(())
    }
}
