use super::*;
use proptest::prelude::*;
use std::sync::LazyLock;

/// So small that even short ranges have many windows and segments.
const TINY: Caches = Caches {
    l1_bytes: 64,
    l2_bytes: 1024,
};

/// What the properties count up to: a few segments of [`TINY`].
const LIMIT: u64 = 2_000_000;

const TERA: u64 = 1_000_000_000_000;

fn count(numbers: Range<u64>, caches: Caches) -> u64 {
    Sieve::new(numbers.end, caches).count(numbers)
}

/// How many primes are below `n`, which is at most [`LIMIT`].
fn below(n: u64) -> u64 {
    static ORACLE: LazyLock<primal::Sieve> = LazyLock::new(|| primal::Sieve::new(LIMIT as usize));
    n.checked_sub(1)
        .map_or(0, |last| ORACLE.prime_pi(last as usize) as u64)
}

fn one_by_one(numbers: Range<u64>) -> u64 {
    numbers.filter(|&n| primal::is_prime(n)).count() as u64
}

#[test]
fn the_primes_below_powers_of_ten_are_as_many_as_is_known() {
    let known = [0, 4, 25, 168, 1229, 9592, 78_498, 664_579, 5_761_455];
    for (exponent, count_below) in known.into_iter().enumerate() {
        let limit = 10u64.pow(exponent as u32);
        assert_eq!(
            count(0..limit, Caches::SMALLEST_IN_USE),
            count_below,
            "{limit}"
        );
    }
}

#[test]
fn the_primes_before_the_largest_limit_are_found() {
    // As primesieve 11.0 counts them.
    let found = count(TERA - 100_000_000..TERA, Caches::SMALLEST_IN_USE);
    assert_eq!(found, 3_620_087);
}

#[test]
fn every_short_range_near_the_start_is_right() {
    let mut sieve = Sieve::new(200, TINY);
    for start in 0..200 {
        for end in start..200 {
            assert_eq!(
                sieve.count(start..end),
                one_by_one(start..end),
                "{start}..{end}"
            );
        }
    }
}

#[test]
#[should_panic(expected = "beyond the limit's root")]
fn a_range_beyond_its_limit_is_no_wrong_answer() {
    Sieve::new(20_000, TINY).count(19_000..22_000);
}

#[test]
fn what_it_keeps_is_a_few_megabytes_at_most() {
    let mut sieve = Sieve::new(TERA, Caches::SMALLEST_IN_USE);
    sieve.count(TERA - 200_000_000..TERA);
    let primes: usize = sieve
        .classes
        .iter()
        .map(|class| class.primes.capacity())
        .sum();
    let bytes = sieve.bytes.capacity() + primes * size_of::<SievingPrime>();
    assert!(bytes < 4 << 20, "{bytes}");
}

#[test]
fn operations_are_the_multiples_that_are_crossed_off_by_their_cost() {
    for numbers in [
        0_u64..10_000_000,
        999_000_000..1_000_000_000,
        0..1_000_000_000,
    ] {
        let cost = |p: u64| {
            let beyond = numbers.end.saturating_sub(numbers.start.max(p * p));
            let multiples = beyond as f64 * 8.0 / 30.0 / p as f64;
            let large = p >= Caches::SMALLEST_IN_USE.small_primes();
            multiples * if large { cost::LARGE } else { 1.0 }
        };
        let primes = primes_up_to(numbers.end.isqrt());
        let sieved = primes.into_iter().filter(|&p| p >= presieve::FIRST_SIEVED);
        let length = (numbers.end - numbers.start) as f64;
        let exact = sieved.map(cost).sum::<f64>() + cost::OVERHEAD * length;
        let off = operations(numbers.clone()) / exact - 1.0;
        assert!(off.abs() < 0.03, "{numbers:?}: {off}");
    }
}

#[test]
fn chunks_are_long_enough_to_be_worth_it_and_short_enough_to_be_cancelled() {
    for limit in [1, 1000, 2_000_000, 10_000_000_000, TERA] {
        let lengths = chunk_lengths(limit);
        assert!(lengths.start() <= lengths.end(), "{limit}");
        assert!(
            *lengths.start() >= 1 << 20 && *lengths.end() <= 1 << 27,
            "{limit}"
        );
    }
}

proptest! {
    #[test]
    fn ranges_anywhere_are_right(
        start in 0..TERA - 3000, length in 0u64..3000, tiny in any::<bool>(),
    ) {
        let caches = if tiny { TINY } else { Caches::SMALLEST_IN_USE };
        prop_assert_eq!(count(start..start + length, caches), one_by_one(start..start + length));
    }

    #[test]
    fn ranges_that_end_at_a_segments_edge_are_right(
        start in 0u64..LIMIT / 2, segments in 1u64..5, beside in -70i64..70,
    ) {
        // Arrange: room for the longest revolution, and so a segment's length,
        // depends on the limit.
        let mut sieve = Sieve::new(LIMIT, TINY);
        let segment = (sieve.room + TINY.l1_bytes) as u64;
        let origin = (start / TURN).saturating_sub(sieve.room as u64);
        let edge = ((origin + segments * segment) * TURN).checked_add_signed(beside);
        let end = edge.unwrap_or(0).clamp(start, LIMIT);

        let found = sieve.count(start..end);

        prop_assert_eq!(found, below(end) - below(start));
    }

    #[test]
    fn one_sieve_counts_parts_that_add_up(edges in prop::array::uniform4(0u64..LIMIT)) {
        let mut sieve = Sieve::new(LIMIT, TINY);
        let mut edges = edges;
        edges.sort_unstable();
        let whole = sieve.count(edges[0]..edges[3]);
        // The last part first: what is kept must not depend on the order.
        let parts: u64 = edges.windows(2).rev().map(|part| sieve.count(part[0]..part[1])).sum();
        prop_assert_eq!(parts, whole);
        prop_assert_eq!(whole, below(edges[3]) - below(edges[0]));
    }
}
