//! What a range costs to sieve.

use super::Caches;
use super::presieve::FIRST_SIEVED;
use std::ops::{Range, RangeInclusive};

/// A chunk's numbers for each unit of √limit at least: placing the primes at a
/// chunk's start then takes about a fiftieth of the time.
const NUMBERS_PER_ROOT: u64 = 512;

/// No chunk is shorter, about 0.2 ms: beside it, the few microseconds that a
/// worker's clock costs per chunk do not count.
const SHORTEST_CHUNK: u64 = 1 << 20;

/// No chunk is longer, about 0.05 s: a job can only be cancelled between two.
const LONGEST_CHUNK: u64 = 1 << 27;

/// How long chunks of numbers below `limit` may be.
pub fn chunk_lengths(limit: u64) -> RangeInclusive<u64> {
    let shortest = NUMBERS_PER_ROOT * limit.isqrt();
    shortest.clamp(SHORTEST_CHUNK, LONGEST_CHUNK)..=LONGEST_CHUNK
}

/// What one number costs beside crossing off (copying patterns, counting, taking
/// up each prime in each window), in multiples crossed off.
pub const OVERHEAD: f64 = 0.05;

/// What crossing off a multiple of a large prime costs, where a small one's
/// costs 1: each is in a line of its own beyond the first-level cache. With both
/// figures, operations and measured time kept within 4 % of one ratio from 10^8
/// to 10^11; at 10^12, where a segment and the primes no longer fit the
/// second-level cache (2 MiB), time was a fifth longer.
pub const LARGE: f64 = 4.0;

/// In so many equal steps the range is looked at.
const STEPS: u32 = 256;

/// The multiples that are crossed off, with what they cost. Of the numbers near
/// n, 8/30·1/p are multiples of p that the wheel holds. By Mertens' theorem the
/// sum of 1/p over the primes from a to b is ln ln b − ln ln a.
pub fn operations(numbers: Range<u64>) -> f64 {
    let length = numbers.end.saturating_sub(numbers.start) as f64;
    let first_sieved = FIRST_SIEVED as f64;
    let first_large = Caches::SMALLEST_IN_USE.small_primes() as f64;
    let reciprocals = |from: f64, to: f64| to.max(from).ln().ln() - from.ln().ln();
    let at = |n: f64| {
        let root = n.sqrt();
        let small = reciprocals(first_sieved, root.min(first_large));
        let large = reciprocals(first_large, root);
        OVERHEAD + 8.0 / 30.0 * (small + LARGE * large)
    };
    let middle =
        |step: u32| numbers.start as f64 + length * (f64::from(step) + 0.5) / f64::from(STEPS);
    (0..STEPS).map(|step| at(middle(step))).sum::<f64>() * length / f64::from(STEPS)
}
