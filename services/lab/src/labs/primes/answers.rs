//! Whether the primes found are the primes there are.

use crate::labs::invariants::RIGHT_ANSWERS;
use measure::report::{Invariant, RunReport};
use measure::text::names::row_name;
use serde_json::Value;

/// Up to this limit the runner counts the primes itself, in well under a second.
const COUNTED_HERE: u64 = 100_000_000;

/// π(10^k) for k = 0, 1, …, 12 (OEIS A006880).
const PI_OF_POWERS: [u64; 13] = [
    0,
    4,
    25,
    168,
    1229,
    9592,
    78_498,
    664_579,
    5_761_455,
    50_847_534,
    455_052_511,
    4_118_054_813,
    37_607_912_018,
];

/// Every row of every round found the primes there are.
pub fn right(report: &RunReport) -> Invariant {
    let limit = report.parameters.get("limit").and_then(Value::as_u64);
    let known = limit.and_then(primes_below);
    let answers = || {
        report.rows.iter().flat_map(|row| {
            row.rounds.iter().map(move |round| {
                let count: Option<u64> = round.replicas.iter().map(|r| r.answer).sum();
                (row, round.round, count)
            })
        })
    };
    let expected = known.or_else(|| answers().find_map(|(_, _, count)| count));
    let wrong = answers().find(|(_, _, count)| *count != expected || count.is_none());
    let samples = answers().count();
    let detail = match (wrong, expected) {
        (Some((row, round, None)), _) => format!(
            "{} has no one answer in round {}: its repeats came to different counts, or it gave none",
            row_name(report, row),
            round + 1
        ),
        (Some((row, round, Some(count))), Some(expected)) => format!(
            "{} found {count} in round {}, not {expected}",
            row_name(report, row),
            round + 1
        ),
        (None, Some(count)) if samples > 0 && known.is_some() => {
            format!("all {samples} samples found the {count} primes there are")
        }
        (None, Some(count)) if samples > 0 => format!(
            "all {samples} samples found the same {count}; no known count for this limit to hold \
             it against"
        ),
        _ => "this was not checked, since there is no sample".into(),
    };
    Invariant {
        name: RIGHT_ANSWERS.into(),
        held: wrong.is_none() && samples > 0,
        detail,
    }
}

/// π(limit − 1), counted here by a sieve that shares nothing with the kernels
/// under test, or known from the literature.
fn primes_below(limit: u64) -> Option<u64> {
    if limit <= COUNTED_HERE {
        return Some(sieve(limit as usize));
    }
    // 10^k is no prime, so that below it and up to it are the same.
    let power = (0..PI_OF_POWERS.len()).find(|&k| limit == 10u64.pow(k as u32))?;
    Some(PI_OF_POWERS[power])
}

fn sieve(limit: usize) -> u64 {
    let mut composite = vec![false; limit];
    let mut count = 0;
    for n in 2..limit {
        if !composite[n] {
            count += 1;
            let mut multiple = n * n;
            while multiple < limit {
                composite[multiple] = true;
                multiple += n;
            }
        }
    }
    count
}

#[cfg(test)]
mod tests {
    use super::*;
    use measure::made::{report, station, timed_row};

    /// Two rows of these answers, one per round, at this limit.
    fn checked(limit: u64, answers: [&[Option<u64>]; 2]) -> Invariant {
        let rows = answers.map(|answers| {
            let walls = vec![1.0; answers.len()];
            let mut row = timed_row("primes-two", "executor", 1, &walls);
            for (round, answer) in row.rounds.iter_mut().zip(answers) {
                round.replicas[0].answer = *answer;
            }
            row
        });
        let mut report = report(vec![station("primes-two", None)], rows.into());
        report.parameters.insert("limit".into(), limit.into());
        right(&report)
    }

    #[test]
    fn every_count_is_held_against_the_one_there_is() {
        let held = checked(100, [&[Some(25)], &[Some(25), Some(25)]]);
        assert!(held.held && held.detail == "all 3 samples found the 25 primes there are");
        let wrong = checked(100, [&[Some(25)], &[Some(25), Some(24)]]);
        assert!(!wrong.held && wrong.detail.contains("found 24 in round 2, not 25"));
        assert!(!checked(100, [&[Some(24)], &[Some(24)]]).held);
    }

    #[test]
    fn where_no_count_is_known_all_rows_must_agree() {
        let limit = COUNTED_HERE + 1;
        let held = checked(limit, [&[Some(7)], &[Some(7)]]);
        assert!(held.held && held.detail.contains("found the same 7"));
        assert!(!checked(limit, [&[Some(7)], &[Some(8)]]).held);
        assert!(!checked(limit, [&[None], &[Some(8)]]).held);
    }

    #[test]
    fn what_has_no_answer_was_not_checked() {
        let without = checked(100, [&[Some(25), None], &[Some(25), Some(25)]]);
        assert!(!without.held);
        assert!(without.detail.contains("has no one answer in round 2"));
        for limit in [100, COUNTED_HERE + 1] {
            assert!(!checked(limit, [&[None], &[None]]).held);
            let nothing = checked(limit, [&[], &[]]);
            assert!(!nothing.held && nothing.detail.contains("was not checked"));
        }
    }
}
