//! An item, and what it carries so that nothing can be lost or doubled unseen.

/// What goes through a pipeline.
///
/// `tag` and `weight` are conserved: whatever a stage makes of its items (one
/// of one, many of one, one of many), the sums over what comes out are those
/// over what went in. So the sums at the sink are those of the source exactly
/// when nothing was lost and nothing doubled, in whatever order items came.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Item {
    /// Its number at the source, from 0; of one made of several, the first one's.
    pub seq: u64,
    /// How many of the source's items it stands for; 0: a piece of one that
    /// another piece stands for.
    pub weight: u64,
    /// Its share of the sum; sums wrap at 2^64.
    pub tag: u64,
    /// When the source made it or, at a rate, was to make it: nanoseconds of
    /// the host's monotonic clock. Of several, the earliest.
    pub born: u64,
    /// When it was put into the queue that it was taken from, by the same clock.
    pub queued: u64,
    /// What it holds; any bytes.
    pub payload: Vec<u8>,
}

impl Item {
    /// An item as the source makes it.
    pub fn new(seq: u64, born: u64, payload: Vec<u8>) -> Self {
        Self {
            seq,
            weight: 1,
            tag: tag_of(seq),
            born,
            queued: born,
            payload,
        }
    }

    /// Whether it is one of the source's items, neither split nor joined.
    pub fn is_whole(&self) -> bool {
        self.weight == 1 && self.tag == tag_of(self.seq)
    }

    /// The same item with another payload.
    #[must_use]
    pub fn with(&self, payload: Vec<u8>) -> Self {
        Self { payload, ..*self }
    }

    /// Gives each of `payloads` a share of this item; none at all would lose it.
    pub fn split(&self, payloads: impl IntoIterator<Item = Vec<u8>>, out: &mut Vec<Self>) {
        let first = out.len();
        for payload in payloads {
            let piece = out.len() - first;
            let tag = if piece == 0 {
                self.tag
            } else {
                // Any numbers do that are the piece's own; the first piece
                // carries what makes the sum right.
                let tag = mix(self.tag ^ mix(piece as u64));
                out[first].tag = out[first].tag.wrapping_sub(tag);
                tag
            };
            let weight = if piece == 0 { self.weight } else { 0 };
            out.push(Self {
                weight,
                tag,
                payload,
                ..*self
            });
        }
    }

    /// One item in the place of `all`; `None` where there are none.
    pub fn join(all: &[Self], payload: Vec<u8>) -> Option<Self> {
        let first = all.first()?;
        Some(Self {
            seq: first.seq,
            weight: all.iter().map(|item| item.weight).sum(),
            tag: all
                .iter()
                .fold(0, |sum: u64, item| sum.wrapping_add(item.tag)),
            born: all.iter().map(|item| item.born).min()?,
            queued: first.queued,
            payload,
        })
    }
}

/// The tag of the source's item of that number.
pub fn tag_of(seq: u64) -> u64 {
    mix(seq.wrapping_add(1))
}

/// The sum of the tags of the source's first `items` items.
pub fn sum_of_tags(items: u64) -> u64 {
    (0..items).fold(0, |sum: u64, seq| sum.wrapping_add(tag_of(seq)))
}

/// A number that tells payloads apart: FNV-1a, mixed so that sums of it do too.
pub fn content_of(payload: &[u8]) -> u64 {
    let fnv = payload.iter().fold(0xcbf2_9ce4_8422_2325, |hash, byte| {
        (hash ^ u64::from(*byte)).wrapping_mul(0x0000_0100_0000_01b3)
    });
    mix(fnv)
}

/// The finaliser of SplitMix64: every bit of the answer depends on all of `x`.
pub fn mix(x: u64) -> u64 {
    let x = x.wrapping_add(0x9e37_79b9_7f4a_7c15);
    let x = (x ^ (x >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    let x = (x ^ (x >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    x ^ (x >> 31)
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;
    use proptest::prelude::*;

    proptest! {
        #[test]
        fn splitting_and_joining_conserve_the_sums(
            seqs in proptest::collection::vec(0..1_000_000_u64, 1..20),
            pieces in 1..10_usize,
        ) {
            let items: Vec<Item> = seqs.iter().map(|seq| Item::new(*seq, *seq, vec![])).collect();
            let expected = seqs.iter().fold(0_u64, |sum, seq| sum.wrapping_add(tag_of(*seq)));
            let mut split = Vec::new();
            for item in &items {
                item.split((0..pieces).map(|piece| vec![piece as u8]), &mut split);
            }
            let joined = Item::join(&split, vec![]).unwrap();

            prop_assert_eq!(joined.tag, expected);
            prop_assert_eq!(joined.weight, seqs.len() as u64);
            prop_assert_eq!(joined.born, *seqs.iter().min().unwrap());
            prop_assert_eq!(split.len(), items.len() * pieces);
            if pieces > 1 {
                prop_assert!(split.iter().all(|piece| !piece.is_whole()));
            }
        }

        #[test]
        fn payloads_that_differ_have_other_numbers(one: Vec<u8>, other: Vec<u8>) {
            prop_assert_eq!(content_of(&one) == content_of(&other), one == other);
        }
    }

    #[test]
    fn the_sum_is_that_of_the_items() {
        assert_eq!(sum_of_tags(0), 0);
        assert_eq!(sum_of_tags(2), tag_of(0).wrapping_add(tag_of(1)));
    }
}
