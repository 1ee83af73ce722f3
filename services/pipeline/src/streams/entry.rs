//! Items as entries of a stream, and back.

use crate::item::Item;
use redis::{RedisWrite, ToRedisArgs, Value};
use std::fmt;
use std::str::FromStr;

/// An entry's id in its stream; ids are in the order in which entries were added.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Id {
    /// When it was added, milliseconds of Redis' clock.
    millis: u64,
    /// Its number among those of that millisecond.
    number: u64,
}

impl fmt::Display for Id {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}-{}", self.millis, self.number)
    }
}

impl FromStr for Id {
    type Err = ();

    fn from_str(text: &str) -> Result<Self, ()> {
        let (millis, number) = text.split_once('-').ok_or(())?;
        Ok(Self {
            millis: millis.parse().map_err(drop)?,
            number: number.parse().map_err(drop)?,
        })
    }
}

impl ToRedisArgs for Id {
    fn write_redis_args<W: ?Sized + RedisWrite>(&self, out: &mut W) {
        out.write_arg_fmt(self);
    }
}

/// An entry that a consumer has got.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Entry {
    /// Its id in the stream.
    pub id: Id,
    /// The run it belongs to.
    pub run: String,
    /// What it is.
    pub what: What,
}

/// What an entry is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum What {
    /// An item.
    Item(Item),
    /// The mark behind a run's last item.
    End,
    /// Nothing that this service has written; why.
    Unreadable(String),
}

/// The first field of an item's entry, `m`: what it carries, as text, so that
/// `redis-cli XRANGE` shows it.
#[derive(Debug, Clone, Copy)]
pub struct Meta<'m> {
    /// The run it belongs to.
    pub run: &'m str,
    /// The item.
    pub item: &'m Item,
    /// When it is put into the queue, nanoseconds of the monotonic clock.
    pub queued: u64,
}

impl fmt::Display for Meta<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { run, item, queued } = self;
        let Item {
            seq,
            weight,
            tag,
            born,
            ..
        } = item;
        write!(f, "{run} {seq} {weight} {tag:x} {born} {queued}")
    }
}

impl ToRedisArgs for Meta<'_> {
    fn write_redis_args<W: ?Sized + RedisWrite>(&self, out: &mut W) {
        out.write_arg_fmt(self);
    }
}

/// Reads `m` and the payload.
pub fn item(meta: &str, payload: Vec<u8>) -> Option<(String, Item)> {
    let mut parts = meta.split(' ');
    let run = parts.next()?.to_owned();
    let mut number = || parts.next()?.parse::<u64>().ok();
    let (seq, weight) = (number()?, number()?);
    let tag = u64::from_str_radix(parts.next()?, 16).ok()?;
    let mut number = || parts.next()?.parse::<u64>().ok();
    let (born, queued) = (number()?, number()?);
    let item = Item {
        seq,
        weight,
        tag,
        born,
        queued,
        payload,
    };
    (!run.is_empty() && parts.next().is_none()).then_some((run, item))
}

/// The entries of an answer: pairs of an id and its fields.
pub fn entries(answer: Value) -> Vec<Entry> {
    array(answer).into_iter().filter_map(entry).collect()
}

/// The entries that `XREADGROUP` answers for its one stream.
pub fn read(answer: Value) -> Vec<Entry> {
    let stream = array(answer).into_iter().next();
    let entries_of = stream.and_then(|stream| array(stream).into_iter().nth(1));
    entries(entries_of.unwrap_or_default())
}

fn entry(value: Value) -> Option<Entry> {
    let mut parts = array(value).into_iter();
    let id = text(parts.next()?)?.parse().ok()?;
    let mut fields = array(parts.next()?).into_iter();
    let (name, value) = (text(fields.next()?), fields.next());
    let unreadable = |why: &str| (String::new(), What::Unreadable(why.to_owned()));
    let (run, what) = match (name.as_deref(), value) {
        (Some("m"), Some(meta)) => {
            let payload = fields.nth(1).and_then(bytes);
            let read = text(meta)
                .zip(payload)
                .and_then(|(meta, payload)| item(&meta, payload));
            read.map_or_else(
                || unreadable("its field m cannot be read"),
                |(run, item)| (run, What::Item(item)),
            )
        }
        (Some("end"), Some(run)) => (text(run).unwrap_or_default(), What::End),
        _ => unreadable("it has neither a field m nor a field end"),
    };
    Some(Entry { id, run, what })
}

/// The parts of an answer that is an array; none of any other.
pub fn array(value: Value) -> Vec<Value> {
    match value {
        Value::Array(values) => values,
        _ => Vec::new(),
    }
}

/// An answer that is bytes.
pub fn bytes(value: Value) -> Option<Vec<u8>> {
    match value {
        Value::BulkString(bytes) => Some(bytes),
        Value::SimpleString(text) => Some(text.into_bytes()),
        _ => None,
    }
}

/// An answer that is text.
pub fn text(value: Value) -> Option<String> {
    String::from_utf8(bytes(value)?).ok()
}

/// An answer that is a number.
pub fn number(value: &Value) -> Option<i64> {
    match value {
        Value::Int(number) => Some(*number),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;
    use proptest::prelude::*;

    proptest! {
        #[test]
        fn what_is_written_is_read(seq: u64, weight: u64, tag: u64, born: u64, queued: u64, payload: Vec<u8>) {
            let given = Item { seq, weight, tag, born, queued, payload };
            let text = Meta { run: "run-1", item: &given, queued }.to_string();
            prop_assert_eq!(item(&text, given.payload.clone()), Some(("run-1".to_owned(), given)));
        }

        #[test]
        fn no_text_makes_it_panic(text: String) {
            let _ = item(&text, vec![]);
        }
    }

    #[test]
    fn ids_are_in_order_by_number_and_not_by_text() {
        let mut ids = ["10-0", "9-12", "9-2", "9-1"].map(|id| id.parse::<Id>().unwrap());

        ids.sort();

        assert_eq!(ids.map(|id| id.to_string()), ["9-1", "9-2", "9-12", "10-0"]);
        for text in ["", "9", "9-", "-1", "a-1"] {
            assert!(text.parse::<Id>().is_err(), "{text:?}");
        }
    }

    #[test]
    fn what_is_not_ours_is_not_read() {
        for text in [
            "",
            "run",
            "run 1 1 ff 1",
            "run 1 1 ff 1 1 1",
            "run x 1 ff 1 1",
            " 1 1 ff 1 1",
        ] {
            assert_eq!(item(text, vec![]), None, "{text:?}");
        }
    }
}
