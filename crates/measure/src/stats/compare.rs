//! What two sets of samples let one claim.

use super::{ROUNDS_FOR_A_CLAIM, interval, median};
use crate::report::{Interval, Outcome};

/// The pairs of `(row, against)` values that share a round number.
///
/// Samples drift together within a round, so only pairs of one round compare
/// the rows and not the weather.
pub fn pair_by_round(row: &[(u32, f64)], against: &[(u32, f64)]) -> Vec<(f64, f64)> {
    let usable = |v: f64| v.is_finite() && v > 0.0;
    row.iter()
        .filter_map(|&(round, value)| {
            let &(_, other) = against.iter().find(|(r, _)| *r == round)?;
            (usable(value) && usable(other)).then_some((value, other))
        })
        .collect()
}

/// Compares two rows' wall seconds, given as `(round, seconds)`, within rounds.
///
/// The ratio is `against` ÷ `row`: above 1 the row was faster. A difference is
/// claimed only when at least six paired rounds all lie on one side of 1, and
/// never from a quick run. `None` when no round is paired.
pub fn compare_within_rounds(
    row: &[(u32, f64)],
    against: &[(u32, f64)],
    quick: bool,
) -> Option<(Interval, Outcome)> {
    let ratios: Vec<f64> = pair_by_round(row, against)
        .iter()
        .map(|(row, against)| against / row)
        .filter(|ratio| ratio.is_finite())
        .collect();
    let ratio = interval(&ratios)?;
    let enough = ratios.len() >= ROUNDS_FOR_A_CLAIM && !quick;
    let outcome = if enough && ratios.iter().all(|&r| r > 1.0) {
        Outcome::Faster
    } else if enough && ratios.iter().all(|&r| r < 1.0) {
        Outcome::Slower
    } else {
        Outcome::NoDifferenceSeen
    };
    Some((ratio, outcome))
}

/// What the samples of two runs let one claim.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum RunsOutcome {
    /// All samples after lie below all samples before.
    Faster,
    /// All samples after lie above all samples before.
    Slower,
    /// The two sets overlap.
    WithinNoise,
    /// A run has fewer than six samples: nothing is claimed.
    TooFewRounds,
}

/// Compares a row of two runs, `before` and `after` an edit. Each sample is
/// already divided by its own run's baseline of the same round.
///
/// Six against six that do not overlap would come about by chance in
/// 2 ÷ C(12, 6) = 0.2 % of cases. The second value is median before ÷ median
/// after: above 1 it became faster.
pub fn compare_runs(before: &[f64], after: &[f64]) -> Option<(f64, RunsOutcome)> {
    let ratio = median(before)? / median(after)?;
    if !ratio.is_finite() {
        return None;
    }
    let (low_before, high_before) = range(before);
    let (low_after, high_after) = range(after);
    let outcome = if before.len().min(after.len()) < ROUNDS_FOR_A_CLAIM {
        RunsOutcome::TooFewRounds
    } else if high_after < low_before {
        RunsOutcome::Faster
    } else if low_after > high_before {
        RunsOutcome::Slower
    } else {
        RunsOutcome::WithinNoise
    };
    Some((ratio, outcome))
}

fn range(values: &[f64]) -> (f64, f64) {
    values
        .iter()
        .fold((f64::INFINITY, f64::NEG_INFINITY), |(low, high), &v| {
            (low.min(v), high.max(v))
        })
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    fn rounds(seconds: &[f64]) -> Vec<(u32, f64)> {
        (0..).zip(seconds.iter().copied()).collect()
    }

    fn outcome(row: &[f64], against: &[f64], quick: bool) -> Outcome {
        compare_within_rounds(&rounds(row), &rounds(against), quick)
            .unwrap()
            .1
    }

    #[test]
    fn six_rounds_on_one_side_are_a_claim() {
        let against = [1.0, 2.0, 3.0, 4.0, 5.0, 6.0];
        let faster = against.map(|s| s * 0.999);
        let slower = against.map(|s| s * 1.001);
        assert_eq!(outcome(&faster, &against, false), Outcome::Faster);
        assert_eq!(outcome(&slower, &against, false), Outcome::Slower);
    }

    #[test]
    fn the_ratio_is_against_over_row() {
        let (ratio, _) =
            compare_within_rounds(&rounds(&[1.0; 6]), &rounds(&[2.0; 6]), false).unwrap();
        assert_eq!((ratio.median, ratio.low, ratio.high), (2.0, 2.0, 2.0));
    }

    #[test]
    fn one_round_on_the_other_side_five_rounds_or_quick_claim_nothing() {
        let row = [1.0, 1.0, 1.0, 1.0, 1.0, 2.0];
        assert_eq!(outcome(&row, &[1.5; 6], false), Outcome::NoDifferenceSeen);
        assert_eq!(
            outcome(&[1.0; 5], &[9.0; 5], false),
            Outcome::NoDifferenceSeen
        );
        assert_eq!(
            outcome(&[1.0; 6], &[9.0; 6], true),
            Outcome::NoDifferenceSeen
        );
        assert_eq!(
            outcome(&[1.0; 6], &[1.0; 6], false),
            Outcome::NoDifferenceSeen
        );
    }

    #[test]
    fn only_the_same_round_is_paired() {
        let row = [(0, 1.0), (2, 1.0), (3, f64::NAN), (4, 0.0)];
        let against = [(1, 5.0), (2, 3.0), (3, 1.0), (4, 1.0)];
        assert_eq!(pair_by_round(&row, &against), [(1.0, 3.0)]);
        assert_eq!(compare_within_rounds(&row[..1], &against, false), None);
    }

    #[test]
    fn two_runs_are_apart_only_when_their_sets_do_not_overlap() {
        let before = [1.0, 1.1, 1.2, 1.3, 1.4, 1.5];
        let claim = |after: &[f64]| compare_runs(&before, after).unwrap().1;
        assert_eq!(claim(&[0.99; 6]), RunsOutcome::Faster);
        assert_eq!(claim(&[1.51; 6]), RunsOutcome::Slower);
        assert_eq!(
            claim(&[0.5, 0.5, 0.5, 0.5, 0.5, 1.0]),
            RunsOutcome::WithinNoise
        );
        assert_eq!(claim(&[0.5; 5]), RunsOutcome::TooFewRounds);
        assert_eq!(compare_runs(&before, &[]), None);
    }
}
