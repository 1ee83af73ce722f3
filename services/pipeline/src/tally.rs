//! What came out at the end, and whether it is what went in.

use crate::item::{Item, content_of, sum_of_tags};

/// What a sink has got; sums, so that the order does not matter.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Tally {
    /// Items that came.
    pub items: u64,
    /// How many of the source's items they stand for.
    pub weight: u64,
    /// The sum of their tags, at 2^64.
    pub tags: u64,
    /// The sum of [`content_of`] their payloads, at 2^64.
    pub content: u64,
    /// Bytes of their payloads.
    pub bytes: u64,
}

impl Tally {
    /// Counts `item`.
    pub fn add(&mut self, item: &Item) {
        self.items += 1;
        self.weight += item.weight;
        self.tags = self.tags.wrapping_add(item.tag);
        self.content = self.content.wrapping_add(content_of(&item.payload));
        self.bytes += item.payload.len() as u64;
    }

    /// Counts what another has counted.
    pub fn merge(&mut self, other: &Self) {
        self.items += other.items;
        self.weight += other.weight;
        self.tags = self.tags.wrapping_add(other.tags);
        self.content = self.content.wrapping_add(other.content);
        self.bytes += other.bytes;
    }
}

/// Whether each item that the source gave came to an end exactly once.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Exactness {
    /// Items that the source gave.
    pub given: u64,
    /// Those that came to the sink, in whatever form.
    pub arrived: u64,
    /// Those among the dead letters.
    pub dead: u64,
    /// Whether the tags say that these are the same items, each once.
    pub tags_agree: bool,
}

impl Exactness {
    /// Of a run whose source gave `given` items; `dead` are its dead letters.
    pub fn of(given: u64, sink: &Tally, dead: &Tally) -> Self {
        Self {
            given,
            arrived: sink.weight,
            dead: dead.weight,
            tags_agree: sink.tags.wrapping_add(dead.tags) == sum_of_tags(given),
        }
    }

    /// Nothing lost and nothing doubled.
    pub fn holds(&self) -> bool {
        self.tags_agree && self.arrived + self.dead == self.given
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    fn tally(seqs: impl IntoIterator<Item = u64>) -> Tally {
        let mut tally = Tally::default();
        for seq in seqs {
            tally.add(&Item::new(seq, 0, vec![b'x'; 3]));
        }
        tally
    }

    #[test]
    fn each_once_in_any_order_holds() {
        let exact = Exactness::of(5, &tally([4, 0, 2, 1]), &tally([3]));
        assert!(exact.holds(), "{exact:?}");
    }

    #[test]
    fn one_lost_one_doubled_and_one_for_another_do_not() {
        let none = Tally::default();
        assert!(!Exactness::of(3, &tally([0, 1]), &none).holds());
        assert!(!Exactness::of(3, &tally([0, 1, 2, 2]), &none).holds());
        // The count alone would be right.
        assert!(!Exactness::of(3, &tally([0, 1, 1]), &none).holds());
    }

    #[test]
    fn two_sinks_are_one() {
        let mut one = tally([0, 2]);
        one.merge(&tally([1]));
        assert_eq!(one, tally([2, 1, 0]));
    }
}
