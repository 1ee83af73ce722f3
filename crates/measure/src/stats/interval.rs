//! The interval of the median from order statistics.

use super::{finite_sorted, median_of_sorted};
use crate::report::Interval;

/// Up to here the whole range of the samples is given.
const RANGE_UP_TO: usize = 8;
/// What an interval of more samples must cover at least.
const COVERAGE: f64 = 0.95;

/// Median and interval of the finite values among `samples`; `None` when there
/// are none.
///
/// The k-th smallest and k-th largest of `n` samples hold the true median
/// unless fewer than k samples fell on one side of it, whatever their
/// distribution: coverage 1 − 2·P(Bin(n, ½) < k). Up to eight samples k is 1
/// (the range, 1 − 2·(1/2)ⁿ); above, the largest k that still covers 95 %.
pub fn interval(samples: &[f64]) -> Option<Interval> {
    let sorted = finite_sorted(samples);
    let (k, coverage) = rank_and_coverage(sorted.len())?;
    Some(Interval {
        median: median_of_sorted(&sorted)?,
        low: sorted[k - 1],
        high: sorted[sorted.len() - k],
        coverage,
    })
}

/// The rank k, counted from 1, and what the pair of k-th from either end covers.
fn rank_and_coverage(n: usize) -> Option<(usize, f64)> {
    if n == 0 {
        return None;
    }
    let mut chosen = None;
    // Logarithms, since (1/2)ⁿ is below the smallest f64 from n = 1075 on.
    let mut ln_probability = -(n as f64) * std::f64::consts::LN_2;
    let mut below = 0.0;
    for k in 1..=n.div_ceil(2) {
        below += ln_probability.exp();
        let coverage = (1.0 - 2.0 * below).max(0.0);
        if k > 1 && (n <= RANGE_UP_TO || coverage < COVERAGE) {
            break;
        }
        chosen = Some((k, coverage));
        ln_probability += ((n - k + 1) as f64 / k as f64).ln();
    }
    chosen
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    fn covers(n: usize) -> (usize, f64) {
        rank_and_coverage(n).unwrap()
    }

    #[test]
    fn six_samples_give_their_range_at_96_9_percent() {
        let i = interval(&[3.0, 1.0, 2.0, 6.0, 5.0, 4.0]).unwrap();
        assert_eq!((i.median, i.low, i.high), (3.5, 1.0, 6.0));
        assert!((i.coverage - 0.968_75).abs() < 1e-12);
    }

    #[test]
    fn three_samples_cover_75_percent_and_one_covers_nothing() {
        assert!((covers(3).1 - 0.75).abs() < 1e-12);
        assert!((covers(1).1 - 0.0).abs() < 1e-12);
    }

    #[test]
    fn ranks_of_more_samples_are_those_of_the_tables() {
        // Conover, Practical Nonparametric Statistics: n and the rank of the
        // lower end of the 95 % interval of the median.
        for (n, rank) in [
            (8, 1),
            (9, 2),
            (12, 3),
            (15, 4),
            (20, 6),
            (25, 8),
            (50, 18),
            (100, 40),
        ] {
            let (k, coverage) = covers(n);
            assert_eq!(k, rank, "n = {n}");
            assert!((0.95..1.0).contains(&coverage));
        }
    }

    #[test]
    fn thousands_of_samples_do_not_underflow() {
        let (k, coverage) = covers(4000);
        // Normal approximation: n/2 − 1.96·√n/2.
        assert!((1936..=1940).contains(&k), "{k}");
        assert!((0.95..0.953).contains(&coverage), "{coverage}");
    }

    #[test]
    fn what_is_not_a_number_is_left_out() {
        assert_eq!(interval(&[f64::NAN, f64::INFINITY]), None);
        assert_eq!(interval(&[f64::NAN, 2.0]), interval(&[2.0]));
    }
}
