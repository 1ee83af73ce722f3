//! Trial division: for each n the divisors 2, 3, 4, … ⌊√n⌋ one after the other,
//! stopping at the first that divides. Slow on purpose, and the same arithmetic
//! as the course's Python, Node, Java and Go programs, so that times compare.

use super::small_primes::primes_up_to;
use std::ops::{Range, RangeInclusive};

/// How many primes are in `numbers`.
pub(super) fn count(numbers: Range<u64>) -> u64 {
    // 32-bit division is the faster one on many processors.
    match (u32::try_from(numbers.start), u32::try_from(numbers.end)) {
        (Ok(start), Ok(end)) => (start..end).filter(|&n| is_prime_u32(n)).count() as u64,
        _ => numbers.filter(|&n| is_prime_u64(n)).count() as u64,
    }
}

fn is_prime_u32(n: u32) -> bool {
    n >= 2 && (2..=root(n)).all(|divisor| n % divisor != 0)
}

/// ⌊√n⌋, as the course's programs take it. Exact, since an f64 has more than
/// twice the bits of a u32; `isqrt` takes so long beside the divisions of a
/// small number that the whole job took 5 % more.
fn root(n: u32) -> u32 {
    f64::from(n).sqrt() as u32
}

fn is_prime_u64(n: u64) -> bool {
    n >= 2 && (2..=n.isqrt()).all(|divisor| n % divisor != 0)
}

/// The divisions of a chunk if all its numbers were prime; about one in
/// twenty is, so that a chunk takes a tenth of a second.
const MOST_DIVISIONS: u64 = 1 << 28;

/// No chunk is longer, however cheap its numbers are.
const LONGEST_CHUNK: u64 = 8192;

/// The divisions of a chunk at least, about 0.1 ms: beside it, the few
/// microseconds that a worker's clock costs per chunk do not count.
const LEAST_DIVISIONS: f64 = 65_536.0;

/// How long chunks of numbers below `limit` may be: long enough to be worth
/// taking, short enough to be cancelled within a fraction of a second.
pub(super) fn chunk_lengths(limit: u64) -> RangeInclusive<u64> {
    let longest = (MOST_DIVISIONS / limit.isqrt().max(1)).clamp(1, LONGEST_CHUNK);
    // Primes near n cost √n divisions and are one in ln n; others cost little.
    let n = limit.max(3) as f64;
    let shortest = (LEAST_DIVISIONS * n.ln() / n.sqrt()) as u64;
    shortest.clamp(1, longest)..=longest
}

/// What one number costs beside its divisions (root, loop, count), in divisions.
const OVERHEAD_DIVISIONS: f64 = 4.0;

/// Up to this many numbers, operations are counted and not sampled.
const COUNTED_WHOLE: u64 = 1 << 22;

/// How many numbers one step of the count looks at.
const SEGMENT: u64 = 1 << 15;

/// The divisions that [`count`] makes: up to n's smallest prime factor, or to
/// its root when it has none below.
pub(super) fn operations(numbers: Range<u64>) -> f64 {
    let length = numbers.end.saturating_sub(numbers.start);
    if length == 0 {
        return 0.0;
    }
    let primes = primes_up_to(numbers.end.isqrt());
    let segments = length.div_ceil(SEGMENT);
    let looked_at = segments.min(COUNTED_WHOLE / SEGMENT);
    let (mut operations, mut seen) = (0.0, 0);
    for step in 0..looked_at {
        // The middle one of each equal run of segments.
        let segment = (2 * step + 1) * segments / (2 * looked_at);
        let start = numbers.start + segment * SEGMENT;
        let end = (start + SEGMENT).min(numbers.end);
        operations += segment_operations(start..end, &primes);
        seen += end - start;
    }
    operations * length as f64 / seen as f64
}

fn segment_operations(numbers: Range<u64>, primes: &[u64]) -> f64 {
    let mut smallest_factor = vec![0; (numbers.end - numbers.start) as usize];
    for &prime in primes {
        let first = (prime * prime).max(numbers.start.next_multiple_of(prime));
        for multiple in (first..numbers.end).step_by(prime as usize) {
            let factor = &mut smallest_factor[(multiple - numbers.start) as usize];
            if *factor == 0 {
                *factor = prime;
            }
        }
    }
    let divisions = |(n, factor): (u64, u64)| match factor {
        0 => n.isqrt().saturating_sub(1),
        factor => factor - 1,
    };
    let sum: u64 = numbers.clone().zip(smallest_factor).map(divisions).sum();
    sum as f64 + OVERHEAD_DIVISIONS * (numbers.end - numbers.start) as f64
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn counts_primes_as_an_independent_sieve_does() {
        let oracle = primal::Sieve::new(200_000);
        for limit in [0, 1, 2, 3, 4, 5, 100, 7919, 7920, 200_000] {
            let below = limit.max(1) - 1;
            assert_eq!(
                count(0..limit as u64),
                oracle.prime_pi(below) as u64,
                "{limit}"
            );
        }
    }

    #[test]
    fn the_root_is_exact_at_every_square_and_beside_it() {
        for root_of in 1..=u32::from(u16::MAX) {
            let square = root_of * root_of;
            assert_eq!([root(square - 1), root(square)], [root_of - 1, root_of]);
        }
        assert_eq!(root(u32::MAX), u32::MAX.isqrt());
    }

    #[test]
    fn both_widths_agree_where_they_meet() {
        let edge = u64::from(u32::MAX);
        let by_one = (edge - 50..edge + 50).filter(|&n| is_prime_u64(n)).count();
        assert_eq!(count(edge - 50..edge + 50), by_one as u64);
        assert_eq!(count(edge - 50..edge), 2, "2^32 - 5 and 2^32 - 17");
    }

    #[test]
    fn operations_are_the_divisions_that_are_made() {
        let divisions = |n: u64| (2..=n.isqrt()).take_while(|d| n % d != 0).count() as f64;
        let stopping = |n: u64| f64::from((2..=n.isqrt()).any(|d| n % d == 0));
        let range = 100_000..120_000u64;
        let counted: f64 = range.clone().map(|n| divisions(n) + stopping(n)).sum();
        let expected = counted + OVERHEAD_DIVISIONS * 20_000.0;
        assert!((operations(range) / expected - 1.0).abs() < 1e-12);
    }

    #[test]
    fn sampled_operations_come_close_to_counted_ones() {
        let counted: f64 = (0..8)
            .map(|i| operations(i * COUNTED_WHOLE..(i + 1) * COUNTED_WHOLE))
            .sum();
        let sampled = operations(0..8 * COUNTED_WHOLE);
        assert!(
            (sampled / counted - 1.0).abs() < 0.01,
            "{sampled} {counted}"
        );
    }

    proptest! {
        #[test]
        fn ranges_add_up(a in 0u64..50_000, b in 0u64..5000, c in 0u64..5000) {
            let whole = count(a..a + b + c);
            prop_assert_eq!(count(a..a + b) + count(a + b..a + b + c), whole);
        }
    }
}
