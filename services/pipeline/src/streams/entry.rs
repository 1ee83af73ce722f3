//! Items as entries of a stream, and back.

use crate::item::Item;
use redis::Value;
use redis_link::answer::{array, bytes, text};
use std::fmt::Write as _;

/// An entry that a consumer has got.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Entry {
    /// Its id in the stream.
    pub id: String,
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
pub fn meta(run: &str, item: &Item, queued: u64) -> String {
    let mut meta = String::with_capacity(run.len() + 96);
    let Item {
        seq,
        weight,
        tag,
        born,
        ..
    } = item;
    // Writing into a string does not fail.
    let _ = write!(meta, "{run} {seq} {weight} {tag:x} {born} {queued}");
    meta
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
    let id = text(parts.next()?)?;
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

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;
    use proptest::prelude::*;

    proptest! {
        #[test]
        fn what_is_written_is_read(seq: u64, weight: u64, tag: u64, born: u64, queued: u64, payload: Vec<u8>) {
            let given = Item { seq, weight, tag, born, queued, payload };
            let text = meta("run-1", &given, queued);
            prop_assert_eq!(item(&text, given.payload.clone()), Some(("run-1".to_owned(), given)));
        }

        #[test]
        fn no_text_makes_it_panic(text: String) {
            let _ = item(&text, vec![]);
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
