//! The sieve of Eratosthenes, cut into segments that fit the processor's
//! caches: crossing a multiple off is one access to memory, and the cache is
//! what makes that fast.
//!
//! - [`wheel`] leaves out the multiples of 2, 3 and 5: a byte for 30 numbers.
//! - [`presieve`] copies what the primes up to 101 cross off.
//! - All other primes up to the root cross off multiple by multiple: the small
//!   ones in windows of the first-level cache, the others in segments of the
//!   second-level cache.

mod cost;
mod presieve;
mod wheel;

pub(super) use cost::{chunk_lengths, operations};

use super::small_primes::primes_up_to;
use std::ops::Range;
use wheel::{CROSS_OFF, RESIDUES, SievingPrime, TURN};

/// The caches that one worker has.
#[derive(Debug, Clone, Copy)]
pub(super) struct Caches {
    /// First level, for data, in bytes.
    pub l1_bytes: usize,
    /// Second level, in bytes.
    pub l2_bytes: usize,
}

impl Caches {
    /// What processors for servers and desktops have had at least since 2010.
    /// Larger segments were not measurably faster on one with 48 KiB and 2 MiB,
    /// so nothing asks the machine.
    pub const SMALLEST_IN_USE: Self = Self {
        l1_bytes: 32 << 10,
        l2_bytes: 256 << 10,
    };

    /// Primes below this are crossed off in windows of the first level: those
    /// that have a few revolutions in each.
    fn small_primes(self) -> u64 {
        (self.l1_bytes / 4) as u64
    }
}

/// A longer range is counted in parts of this length, so that a byte's index in
/// one fits 32 bits.
const LONGEST_PART: u64 = 1 << 32;

/// Counts the primes of ranges below a limit, one range after the other.
#[derive(Debug)]
pub(super) struct Sieve {
    limit: u64,
    /// The primes that cross off, by their remainder modulo 30, each in order.
    classes: [Class; 8],
    /// A segment, and behind it room for one revolution of the largest prime:
    /// a revolution that starts in a segment may end in the next.
    bytes: Vec<u8>,
    room: usize,
    caches: Caches,
}

#[derive(Debug, Default)]
struct Class {
    primes: Vec<SievingPrime>,
    /// The first so many cross off window by window.
    small: usize,
    /// The first so many have multiples to cross off in the range at hand.
    active: usize,
}

impl Sieve {
    /// A sieve for ranges below `limit`, on a processor with these caches.
    pub fn new(limit: u64, caches: Caches) -> Self {
        let mut classes: [Class; 8] = Default::default();
        let mut room = 0;
        let primes = primes_up_to(limit.isqrt());
        for prime in primes.into_iter().filter(|&p| p >= presieve::FIRST_SIEVED) {
            let class = &mut classes[wheel::bit(prime % TURN) as usize];
            class.primes.push(SievingPrime::new(prime));
            class.small += usize::from(prime < caches.small_primes());
            room = prime as usize;
        }
        Self {
            limit,
            classes,
            bytes: Vec::new(),
            room,
            caches,
        }
    }

    /// How many primes are in `numbers`.
    pub fn count(&mut self, numbers: Range<u64>) -> u64 {
        assert!(
            numbers.end <= self.limit,
            "primes beyond the limit's root are missing"
        );
        let mut count = 0;
        let mut start = numbers.start;
        while start < numbers.end {
            let end = numbers.end.min(start + LONGEST_PART);
            count += self.count_part(start..end);
            start = end;
        }
        count
    }

    fn count_part(&mut self, numbers: Range<u64>) -> u64 {
        let (first, last) = (numbers.start / TURN, numbers.end.div_ceil(TURN));
        // The first segment starts early, so that revolutions that reach into
        // the range from before it are whole too.
        let mut origin = first.saturating_sub(self.room as u64);
        let shortest = self.room + self.caches.l1_bytes;
        let segment = ((last - origin) as usize)
            .min(self.caches.l2_bytes)
            .max(shortest);
        self.place_primes(origin, first, numbers.end);
        self.bytes.clear();
        self.bytes.resize(segment + self.room, 0xFF);

        let mut count = presieve::primes_left_out(&numbers);
        while origin < last {
            let lead = first.saturating_sub(origin) as usize;
            let end = segment.min((last - origin) as usize);
            self.sieve_segment(origin, lead..end);
            if origin <= first {
                // 1 is no prime, and nothing crosses it off.
                self.bytes[lead] &= wheel::not_below(numbers.start.max(2));
            }
            if origin + end as u64 == last && numbers.end % TURN != 0 {
                self.bytes[end - 1] &= !wheel::not_below(numbers.end);
            }
            count += ones(&self.bytes[lead..end]);
            self.carry_over(segment);
            origin += segment as u64;
        }
        count
    }

    /// Sets each prime to its first revolution that reaches byte `first` or has
    /// its square in it, and counts from byte `origin` on.
    fn place_primes(&mut self, origin: u64, first: u64, end: u64) {
        for (class, residue) in self.classes.iter_mut().zip(RESIDUES) {
            class.active = class.primes.len();
            for (index, prime) in class.primes.iter_mut().enumerate() {
                let value = prime.value(residue);
                if value * value >= end {
                    class.active = index;
                    break;
                }
                // The square is in revolution ⌊p ÷ 30⌋; smaller multiples
                // have a smaller factor.
                let revolution = (first / value).max(value / TURN);
                prime.next = (revolution * value - origin) as u32;
            }
        }
    }

    /// Crosses off all that is not prime in a segment's `part`.
    fn sieve_segment(&mut self, origin: u64, part: Range<usize>) {
        let bytes = &mut self.bytes[..];
        for start in part.clone().step_by(self.caches.l1_bytes) {
            let end = part.end.min(start + self.caches.l1_bytes);
            presieve::cross_off(&mut bytes[start..end], origin + start as u64);
            let shift = if end == part.end { end } else { 0 };
            for (class, cross_off) in self.classes.iter_mut().zip(CROSS_OFF) {
                let small = class.small.min(class.active);
                cross_off(&mut class.primes[..small], bytes, end, shift);
            }
        }
        for (class, cross_off) in self.classes.iter_mut().zip(CROSS_OFF) {
            let large = class.small.min(class.active)..class.active;
            cross_off(&mut class.primes[large], bytes, part.end, part.end);
        }
    }

    /// Makes what was marked behind the segment the start of the next.
    fn carry_over(&mut self, segment: usize) {
        self.bytes.copy_within(segment.., 0);
        self.bytes[self.room..].fill(0xFF);
    }
}

/// How many bits are set.
fn ones(bytes: &[u8]) -> u64 {
    let (words, rest) = bytes.as_chunks::<8>();
    let in_words: u64 = words
        .iter()
        .map(|&word| u64::from(u64::from_ne_bytes(word).count_ones()))
        .sum();
    let in_rest: u32 = rest.iter().map(|byte| byte.count_ones()).sum();
    in_words + u64::from(in_rest)
}

#[cfg(test)]
mod tests;
