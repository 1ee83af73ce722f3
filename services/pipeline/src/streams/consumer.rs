//! A consumer's talk with Redis: what it takes, moves on, gives away.

use super::entry::{self, Entry};
use super::hand::{Held, Mark, Unit};
use super::link::{Link, call};
use super::run::{FORGOTTEN_AFTER_SECONDS, Run};
use super::script::Script;
use crate::item::content_of;
use crate::pace;
use crate::stages::Stage;
use redis::{Cmd, Value};
use redis_link::Trouble;
use redis_link::answer::{array, number, text};
use std::time::Duration;

/// An idle time, in milliseconds, after which an entry is anybody's: a day.
const LONG_UNTOUCHED: u64 = 86_400_000;

/// A stage's consumer, by its name in the group.
#[derive(Debug, Clone)]
pub(super) struct Consumer {
    pub(super) stage: Stage,
    pub(super) name: String,
}

/// What became of units that were to be moved on.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub(super) struct Moved {
    /// How many were dealt with, from the first on.
    pub(super) done: usize,
    /// Which of them, from 0, were not this consumer's any more.
    pub(super) refused: Vec<usize>,
}

impl Consumer {
    /// Asks for up to `count` new entries, waiting at most `block` for the first.
    pub(super) fn take(&self, link: &Link, count: usize, block: Option<Duration>) -> Cmd {
        let mut take = redis::cmd("XREADGROUP");
        take.arg("GROUP").arg(self.stage.name()).arg(&self.name);
        take.arg("COUNT").arg(count);
        if let Some(block) = block {
            // 0 would be for ever.
            take.arg("BLOCK").arg(block.as_millis().max(1) as u64);
        }
        take.arg("STREAMS")
            .arg(link.server.keys.queue(self.stage))
            .arg(">");
        take
    }

    /// Moves units of one run on.
    pub(super) fn move_on<'u>(
        &self,
        link: &Link,
        run: &Run,
        next: Stage,
        units: impl Iterator<Item = &'u Unit> + Clone,
    ) -> Cmd {
        let keys = &link.server.keys;
        let (from, to) = (keys.queue(self.stage), keys.queue(next));
        let (waiting_next, waiting) = (keys.waiting(next), keys.waiting(self.stage));
        let (of_run, room) = (keys.run(&run.id), keys.room(self.stage));
        let mut step = call(
            Script::Move,
            [&from, &to, &of_run, &waiting_next, &waiting, &room].map(String::as_str),
        );
        step.arg(self.stage.name()).arg(&self.name);
        step.arg(self.stage.name());
        step.arg(run.capacity(next)).arg(run.low(self.stage));
        let (oldest, newest) = ends(units.clone().flat_map(|unit| &unit.ids));
        step.arg(oldest).arg(newest);
        let now = pace::now();
        for unit in units {
            step.arg(unit.ids.len());
            for id in &unit.ids {
                step.arg(id);
            }
            step.arg(unit.outs.len());
            for out in &unit.outs {
                step.arg(entry::meta(&run.id, out, now)).arg(&out.payload);
            }
        }
        step
    }

    /// Stores items of one run: the sink's step.
    pub(super) fn store<'u>(
        &self,
        link: &Link,
        run: &Run,
        items: &(impl Iterator<Item = &'u Held> + Clone),
    ) -> Cmd {
        let keys = &link.server.keys;
        let (from, of_run) = (keys.queue(self.stage), keys.run(&run.id));
        let (seen, results) = (keys.seen(&run.id), keys.results(&run.id));
        let (waiting, room) = (keys.waiting(self.stage), keys.room(self.stage));
        let mut step = call(
            Script::Store,
            [&from, &of_run, &seen, &results, &waiting, &room].map(String::as_str),
        );
        step.arg(self.stage.name()).arg(&self.name);
        step.arg(run.low(self.stage));
        let (oldest, newest) = ends(items.clone().map(|held| &held.id));
        step.arg(oldest).arg(newest);
        let mut sums = [0_u64; 6];
        for Held { item, .. } in items.clone() {
            let content = content_of(&item.payload);
            let [low, high] = [
                |number: u64| number & 0xffff_ffff,
                |number: u64| number >> 32,
            ];
            let (tag, bytes) = (item.tag, item.payload.len() as u64);
            let one = [
                item.weight,
                high(tag),
                low(tag),
                high(content),
                low(content),
                bytes,
            ];
            for (sum, of_item) in sums.iter_mut().zip(one) {
                *sum += of_item;
            }
        }
        step.arg(&sums[..]);
        step.arg(items.clone().count());
        for held in items.clone() {
            step.arg(&held.id);
        }
        let whole = items.clone().filter(|held| held.item.is_whole());
        step.arg(whole.clone().count());
        for held in whole.clone() {
            step.arg(held.item.seq);
        }
        for Held { item, .. } in whole.filter(|held| held.item.seq < run.keep) {
            step.arg(item.seq).arg(&item.payload);
        }
        step
    }

    /// Passes a mark on; whether it is gone from this consumer's hand.
    pub(super) fn pass(&self, link: &mut Link, mark: &Mark) -> Result<bool, Trouble> {
        let keys = &link.server.keys;
        let next = mark.run.after(self.stage);
        let before = mark.run.before(self.stage).unwrap_or(Stage::Source);
        let mut of_step = vec![keys.queue(self.stage), keys.run(&mark.run.id)];
        of_step.extend(next.map(|next| keys.queue(next)));
        let mut step = call(Script::Pass, of_step.iter().map(String::as_str));
        step.arg(self.stage.name()).arg(&self.name).arg(&mark.id);
        step.arg(&mark.run.id);
        step.arg(self.stage.name()).arg(before.name());
        step.arg(pace::now()).arg(FORGOTTEN_AFTER_SECONDS);
        step.arg(keys.seen(&mark.run.id));
        step.arg(keys.results(&mark.run.id));
        let answer = link.ask_one(step)?;
        Ok(number(&answer) != Some(0))
    }

    /// Takes over entries that nobody has touched for `idle`, from `cursor` on.
    /// Returns them, where to begin next, and how many went to the dead letters.
    pub(super) fn claim(
        &self,
        link: &mut Link,
        idle: Duration,
        deliveries: u32,
        cursor: &str,
        count: usize,
    ) -> Result<(Vec<Entry>, String, u64), Trouble> {
        let keys = &link.server.keys;
        let (queue, dead) = (keys.queue(self.stage), keys.dead());
        let mut step = call(Script::Claim, [queue.as_str(), &dead]);
        step.arg(self.stage.name()).arg(&self.name);
        step.arg(idle.as_millis() as u64);
        step.arg(cursor).arg(count).arg(deliveries);
        step.arg(self.stage.name()).arg(keys.runs());
        let mut parts = array(link.ask_one(step)?).into_iter();
        let cursor = parts.next().and_then(text);
        let entries = entry::entries(parts.next().unwrap_or_default());
        let buried = parts.next().as_ref().and_then(number).unwrap_or(0);
        Ok((entries, cursor.unwrap_or("0-0".into()), buried as u64))
    }

    /// Moves an item to the dead letters; whether it was still this consumer's.
    pub(super) fn bury(
        &self,
        link: &mut Link,
        held: &Held,
        tries: u32,
        error: &str,
    ) -> Result<bool, Trouble> {
        let meta = entry::meta(&held.run.id, &held.item, held.item.queued);
        let letter = Letter {
            id: &held.id,
            run: &held.run.id,
            tries,
            error,
            fields: [meta.as_bytes(), &held.item.payload],
            low: held.run.low(self.stage),
        };
        self.bury_letter(link, &letter)
    }

    /// Moves an entry that is no item of a known run to the dead letters.
    pub(super) fn bury_unreadable(
        &self,
        link: &mut Link,
        entry: &Entry,
        error: &str,
    ) -> Result<bool, Trouble> {
        let (meta, payload) = match &entry.what {
            entry::What::Item(item) => (
                entry::meta(&entry.run, item, item.queued),
                item.payload.as_slice(),
            ),
            _ => (String::new(), [].as_slice()),
        };
        let letter = Letter {
            id: &entry.id,
            run: &entry.run,
            tries: 0,
            error,
            fields: [meta.as_bytes(), payload],
            low: 0,
        };
        self.bury_letter(link, &letter)
    }

    fn bury_letter(&self, link: &mut Link, letter: &Letter) -> Result<bool, Trouble> {
        let keys = &link.server.keys;
        let (queue, dead, run) = (keys.queue(self.stage), keys.dead(), keys.run(letter.run));
        let (waiting, room) = (keys.waiting(self.stage), keys.room(self.stage));
        let mut step = call(
            Script::Bury,
            [&queue, &dead, &run, &waiting, &room].map(String::as_str),
        );
        step.arg(self.stage.name()).arg(&self.name).arg(letter.id);
        step.arg(self.stage.name()).arg(letter.run);
        step.arg(letter.tries).arg(letter.error);
        step.arg(letter.fields[0]).arg(letter.fields[1]);
        step.arg(letter.low);
        Ok(number(&link.ask_one(step)?) == Some(1))
    }

    /// Says that what it owns is being worked on, if nothing was heard of that
    /// for `silent`.
    pub(super) fn keep(&self, link: &mut Link, silent: Duration) -> Result<(), Trouble> {
        self.touch(link, silent.as_millis() as u64, 0)
    }

    /// Gives back what it owns, to whoever asks next.
    pub(super) fn give_back(&self, link: &mut Link) -> Result<(), Trouble> {
        self.touch(link, 0, LONG_UNTOUCHED)
    }

    fn touch(&self, link: &mut Link, silent: u64, idle: u64) -> Result<(), Trouble> {
        let queue = link.server.keys.queue(self.stage);
        let mut step = call(Script::Keep, [queue.as_str()]);
        step.arg(self.stage.name()).arg(&self.name);
        step.arg(silent).arg(idle);
        link.ask_one(step).map(drop)
    }

    /// What it owns.
    pub(super) fn owned(&self, link: &mut Link) -> Result<Vec<Entry>, Trouble> {
        let queue = link.server.keys.queue(self.stage);
        let mut step = call(Script::Recover, [queue.as_str()]);
        step.arg(self.stage.name()).arg(&self.name);
        Ok(entry::entries(link.ask_one(step)?))
    }
}

struct Letter<'l> {
    id: &'l str,
    run: &'l str,
    tries: u32,
    error: &'l str,
    fields: [&'l [u8]; 2],
    low: u64,
}

impl Moved {
    /// Reads the answer of `move`.
    pub(super) fn read(answer: Value) -> Self {
        let mut parts = array(answer).into_iter();
        let done = parts.next().as_ref().and_then(number).unwrap_or(0);
        Self {
            done: done as usize,
            refused: numbers(parts.next().unwrap_or_default()),
        }
    }

    /// Reads the answer of `store`: with one that is refused, none is done.
    pub(super) fn read_stored(answer: Value, items: usize) -> Self {
        let refused = numbers(answer);
        Self {
            done: if refused.is_empty() { items } else { 0 },
            refused,
        }
    }
}

/// Numbers that Lua counts from 1, from 0.
fn numbers(answer: Value) -> Vec<usize> {
    let numbers = array(answer);
    let from_0 = |answer: &Value| number(answer).map(|number| number as usize - 1);
    numbers.iter().filter_map(from_0).collect()
}

/// The oldest and the newest of some ids.
fn ends<'i>(ids: impl Iterator<Item = &'i String> + Clone) -> (&'i str, &'i str) {
    let oldest = ids.clone().min_by_key(|id| parts(id));
    let newest = ids.max_by_key(|id| parts(id));
    (
        oldest.map_or("-", String::as_str),
        newest.map_or("+", String::as_str),
    )
}

/// An id's two numbers, by which ids are in order.
fn parts(id: &str) -> (u64, u64) {
    let (millis, sequence) = id.split_once('-').unwrap_or((id, "0"));
    (millis.parse().unwrap_or(0), sequence.parse().unwrap_or(0))
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    #[test]
    fn the_ends_are_by_number_and_not_by_text() {
        let ids = ["9-1", "10-0", "9-12", "9-2"].map(str::to_owned);
        assert_eq!(ends(ids.iter()), ("9-1", "10-0"));
        assert_eq!(ends([].iter()), ("-", "+"));
    }

    #[test]
    fn answers_are_read() {
        let answer = Value::Array(vec![
            Value::Int(3),
            Value::Array(vec![Value::Int(1), Value::Int(3)]),
        ]);
        let moved = Moved {
            done: 3,
            refused: vec![0, 2],
        };
        assert_eq!(Moved::read(answer), moved);
    }
}
