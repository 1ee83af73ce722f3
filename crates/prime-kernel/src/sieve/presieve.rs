//! What the smallest primes cross off repeats itself: p leaves the same marks
//! every p bytes, two primes p and r together every p·r bytes. So it is made
//! once and copied, many times as fast as marking it bit by bit.

use super::wheel::{RESIDUES, TURN};
use std::ops::Range;
use std::sync::LazyLock;

/// The primes whose marks are copied, in groups that repeat after a few
/// thousand bytes each, so that all patterns together stay in the cache.
const GROUPS: [&[u64]; 10] = [
    &[7, 23, 37],
    &[11, 19, 31],
    &[13, 17, 29],
    &[41, 101],
    &[43, 97],
    &[47, 89],
    &[53, 83],
    &[59, 79],
    &[61, 73],
    &[67, 71],
];

/// The smallest prime whose marks are not copied.
pub(super) const FIRST_SIEVED: u64 = 103;

/// How many bytes are copied in one go. Each pattern goes on for as long beyond
/// its period, so that a piece never has to be put together.
const PIECE: usize = 1024;

static PATTERNS: LazyLock<[Pattern; 10]> = LazyLock::new(|| GROUPS.map(Pattern::of));

#[derive(Debug)]
struct Pattern {
    bytes: Vec<u8>,
    period: usize,
}

impl Pattern {
    fn of(primes: &[u64]) -> Self {
        let period: u64 = primes.iter().product();
        let byte = |index: u64| {
            let numbers = RESIDUES.iter().map(|residue| index * TURN + residue);
            let left = numbers
                .enumerate()
                .filter(|(_, number)| primes.iter().all(|prime| number % prime != 0));
            left.fold(0, |byte, (bit, _)| byte | 1 << bit)
        };
        Self {
            bytes: (0..period + PIECE as u64).map(byte).collect(),
            period: period as usize,
        }
    }

    /// The pattern from byte `at` of the numbers on, for `length` bytes.
    fn piece(&self, at: u64, length: usize) -> &[u8] {
        let start = (at % self.period as u64) as usize;
        &self.bytes[start..start + length]
    }
}

/// Crosses the multiples of the primes below [`FIRST_SIEVED`] off, these primes
/// included, in bytes of which the first is byte `at` of the numbers.
pub(super) fn cross_off(bytes: &mut [u8], at: u64) {
    let patterns = &*PATTERNS;
    for (index, piece) in bytes.chunks_mut(PIECE).enumerate() {
        let at = at + (index * PIECE) as u64;
        let parts = patterns
            .each_ref()
            .map(|pattern| pattern.piece(at, piece.len()));
        for (k, byte) in piece.iter_mut().enumerate() {
            *byte = parts.iter().fold(*byte, |left, part| left & part[k]);
        }
    }
}

/// How many of the primes below [`FIRST_SIEVED`] are in `numbers`: those that
/// the wheel and the patterns leave out.
pub(super) fn primes_left_out(numbers: &Range<u64>) -> u64 {
    let in_patterns = GROUPS.iter().copied().flatten();
    let primes = [2, 3, 5].iter().chain(in_patterns);
    primes.filter(|prime| numbers.contains(prime)).count() as u64
}
