//! A consumer's talk with Redis: what it takes, moves on, gives away.

use super::arrivals;
use super::entry::{self, Entry, Id, Meta, array, number};
use super::hand::{Held, Mark, Unit};
use super::link::{Link, call};
use super::run::{FORGOTTEN_AFTER_SECONDS, Run};
use super::script::Script;
use super::trouble::Trouble;
use crate::item::{Item, content_of};
use crate::pace;
use crate::stages::Stage;
use redis::{Cmd, Value};
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
    /// How often entries of the queue were taken over until now.
    pub(super) claims: u64,
}

/// What a consumer has taken over.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Claimed {
    pub(super) entries: Vec<Entry>,
    /// Where to begin next.
    pub(super) cursor: String,
    /// How many went to the dead letters.
    pub(super) buried: u64,
    /// How often entries of the queue were taken over until now.
    pub(super) claims: u64,
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
        let claims = keys.claims(self.stage);
        let mut step = call(
            Script::Move,
            [&from, &to, &of_run, &waiting_next, &waiting, &room, &claims].map(String::as_str),
        );
        step.arg(self.stage.name()).arg(&self.name);
        step.arg(self.stage.name());
        step.arg(run.capacity(next)).arg(run.low(self.stage));
        let ids = units.clone().flat_map(|unit| &unit.ids);
        let known = units.clone().map(|unit| unit.claims).min();
        ask_for_owner(&mut step, known, ids.clone());
        let shape = |unit: &Unit| (unit.ids.len(), unit.outs.len());
        let shapes = shapes(units.clone().map(shape));
        step.arg(ids.clone().count()).arg(shapes);
        for id in ids {
            step.arg(id);
        }
        let queued = pace::now();
        for item in units.flat_map(|unit| &unit.outs) {
            let run = &run.id;
            step.arg(Meta { run, item, queued }).arg(&item.payload);
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
        let claims = keys.claims(self.stage);
        let mut step = call(
            Script::Store,
            [&from, &of_run, &seen, &results, &waiting, &room, &claims].map(String::as_str),
        );
        step.arg(self.stage.name()).arg(&self.name);
        step.arg(run.low(self.stage));
        let known = items.clone().map(|held| held.claims).min();
        ask_for_owner(&mut step, known, items.clone().map(|held| &held.id));
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
            step.arg(held.id);
        }
        let whole = items.clone().filter(|held| held.item.is_whole());
        let came = arrivals::steps(whole.clone().map(|held| held.item.seq).collect());
        step.arg(came.len() * arrivals::Step::WORDS);
        for bits in came {
            bits.write(&mut step);
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
        step.arg(self.stage.name()).arg(&self.name).arg(mark.id);
        step.arg(&mark.run.id);
        step.arg(self.stage.name()).arg(before.name());
        step.arg(pace::now()).arg(FORGOTTEN_AFTER_SECONDS);
        step.arg(keys.seen(&mark.run.id));
        step.arg(keys.results(&mark.run.id));
        let answer = link.ask_one(step)?;
        Ok(number(&answer) != Some(0))
    }

    /// Takes over entries that nobody has touched for `idle`, from `cursor` on.
    pub(super) fn claim(
        &self,
        link: &mut Link,
        idle: Duration,
        deliveries: u32,
        cursor: &str,
        count: usize,
    ) -> Result<Claimed, Trouble> {
        let keys = &link.server.keys;
        let (queue, dead) = (keys.queue(self.stage), keys.dead());
        let claims = keys.claims(self.stage);
        let mut step = call(Script::Claim, [queue.as_str(), &dead, &claims]);
        step.arg(self.stage.name()).arg(&self.name);
        step.arg(idle.as_millis() as u64);
        step.arg(cursor).arg(count).arg(deliveries);
        step.arg(self.stage.name()).arg(keys.runs());
        let mut parts = array(link.ask_one(step)?).into_iter();
        let cursor = parts.next().and_then(entry::text);
        let entries = entry::entries(parts.next().unwrap_or_default());
        let buried = parts.next().as_ref().and_then(number).unwrap_or(0);
        Ok(Claimed {
            cursor: cursor.unwrap_or("0-0".into()),
            entries,
            buried: buried as u64,
            claims: claims_of(parts.next()),
        })
    }

    /// Moves an item to the dead letters; whether it was still this consumer's.
    pub(super) fn bury(
        &self,
        link: &mut Link,
        held: &Held,
        tries: u32,
        error: &str,
    ) -> Result<bool, Trouble> {
        let meta = meta_of(&held.run.id, &held.item);
        let letter = Letter {
            id: held.id,
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
            entry::What::Item(item) => (meta_of(&entry.run, item), item.payload.as_slice()),
            _ => (String::new(), [].as_slice()),
        };
        let letter = Letter {
            id: entry.id,
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

    /// What it owns, and how often entries of the queue were taken over so far.
    pub(super) fn owned(&self, link: &mut Link) -> Result<(Vec<Entry>, u64), Trouble> {
        let keys = &link.server.keys;
        let (queue, claims) = (keys.queue(self.stage), keys.claims(self.stage));
        let mut step = call(Script::Recover, [queue.as_str(), &claims]);
        step.arg(self.stage.name()).arg(&self.name);
        let mut parts = array(link.ask_one(step)?).into_iter();
        let entries = entry::entries(parts.next().unwrap_or_default());
        Ok((entries, claims_of(parts.next())))
    }
}

struct Letter<'l> {
    id: Id,
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
            claims: claims_of(parts.next()),
        }
    }

    /// Reads the answer of `store`: with one that is refused, none is done.
    pub(super) fn read_stored(answer: Value, items: usize) -> Self {
        let mut parts = array(answer).into_iter();
        let refused = numbers(parts.next().unwrap_or_default());
        Self {
            done: if refused.is_empty() { items } else { 0 },
            refused,
            claims: claims_of(parts.next()),
        }
    }
}

/// Numbers that Lua counts from 1, from 0.
fn numbers(answer: Value) -> Vec<usize> {
    let numbers = array(answer);
    let from_0 = |answer: &Value| number(answer).map(|number| number as usize - 1);
    numbers.iter().filter_map(from_0).collect()
}

/// The number of claims that a script answers: text, as it stands in Redis.
fn claims_of(answer: Option<Value>) -> u64 {
    let text = answer.and_then(entry::text);
    text.and_then(|text| text.parse().ok()).unwrap_or(0)
}

/// What a script needs to find out whether entries are still the caller's: how
/// often entries had been taken over when they were, at the latest, and where to
/// look if that has changed.
fn ask_for_owner<'i>(
    step: &mut Cmd,
    known: Option<u64>,
    ids: impl Iterator<Item = &'i Id> + Clone,
) {
    step.arg(known.unwrap_or(0));
    match ids.clone().min().zip(ids.max()) {
        Some((oldest, newest)) => step.arg(oldest).arg(newest),
        None => step.arg("-").arg("+"),
    };
}

/// How many entries and items each unit is; nothing where each is one of both.
fn shapes(units: impl Iterator<Item = (usize, usize)> + Clone) -> String {
    if units.clone().all(|shape| shape == (1, 1)) {
        return String::new();
    }
    let texts = units.map(|(entries, items)| format!("{entries}:{items} "));
    texts.collect()
}

/// The field `m` that an item came with.
fn meta_of(run: &str, item: &Item) -> String {
    let queued = item.queued;
    Meta { run, item, queued }.to_string()
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    #[test]
    fn only_units_that_are_not_one_to_one_are_described() {
        assert_eq!(shapes([(1, 1), (1, 1)].into_iter()), "");
        let mixed = [(1, 1), (3, 1), (1, 0)];
        assert_eq!(shapes(mixed.into_iter()), "1:1 3:1 1:0 ");
    }

    #[test]
    fn answers_are_read() {
        let answer = Value::Array(vec![
            Value::Int(3),
            Value::Array(vec![Value::Int(1), Value::Int(3)]),
            Value::BulkString(b"7".into()),
        ]);
        let moved = Moved {
            done: 3,
            refused: vec![0, 2],
            claims: 7,
        };
        assert_eq!(Moved::read(answer), moved);
    }
}
