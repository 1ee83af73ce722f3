//! A group of rows in one sentence, drawn from its rows.

use measure::duration;
use measure::report::{Group, Interval, Outcome, Row, RunReport, VerdictKind};
use measure::stats::{ROUNDS_FOR_A_CLAIM, compare_within_rounds};

/// Says of a group's measured rows how far they lie apart and what bound each;
/// `None` for fewer than two.
pub fn group<'a>(
    report: &'a RunReport,
    title: String,
    belongs: impl Fn(&&'a Row) -> bool,
    label: impl Fn(&Row) -> String,
) -> Option<Group> {
    let mut rows: Vec<(&Row, Interval)> = report
        .rows
        .iter()
        .filter(belongs)
        .filter_map(|row| Some((row, row.wall_seconds?)))
        .collect();
    if rows.len() < 2 {
        return None;
    }
    let label = |row: &Row| match row.lost_after() {
        Some(1) => format!("{}, lost after 1 round", label(row)),
        Some(rounds) => format!("{}, lost after {rounds} rounds", label(row)),
        None => label(row),
    };
    rows.sort_by(|a, b| a.1.median.total_cmp(&b.1.median));
    let (fastest, slowest) = (rows[0], rows[rows.len() - 1]);
    let sentence = format!(
        "Medians from {} ({}) to {} ({}) per job{}{}",
        duration(fastest.1.median),
        label(fastest.0),
        duration(slowest.1.median),
        label(slowest.0),
        apart(report.quick, fastest.0, slowest.0, &label),
        bound_by(&rows, &label)
    );
    Some(Group {
        title,
        rows: rows.iter().map(|(row, _)| row.key()).collect(),
        sentence,
        serial_fractions: Vec::new(),
    })
}

/// What the rounds that both rows have let one claim of the two: medians alone
/// may come of rounds in which the machine was faster.
fn apart(quick: bool, fastest: &Row, slowest: &Row, label: &impl Fn(&Row) -> String) -> String {
    let (fast, slow) = (walls(fastest), walls(slowest));
    let Some((ratio, outcome)) = compare_within_rounds(&fast, &slow, quick) else {
        return "; no round has both, so nothing tells these two apart.".into();
    };
    let both = fast
        .iter()
        .filter(|(round, _)| slow.iter().any(|(other, _)| other == round));
    match outcome {
        Outcome::Faster => format!(
            ": in every round {} took longer, {:.2} × ({:.2}–{:.2}) as long.",
            label(slowest),
            ratio.median,
            ratio.low,
            ratio.high
        ),
        _ if quick || both.count() < ROUNDS_FOR_A_CLAIM => {
            ", of too few rounds to tell these two apart.".into()
        }
        // The medians are of other rounds too than those that both have.
        Outcome::Slower => format!(
            "; but in every round that has both, {} was the faster one.",
            label(slowest)
        ),
        Outcome::NoDifferenceSeen => {
            "; no difference seen between these two, round by round.".into()
        }
    }
}

/// Wall seconds of one job in each round.
pub fn walls(row: &Row) -> Vec<(u32, f64)> {
    let rounds = row.rounds.iter();
    rounds.map(|r| (r.round, r.job_seconds())).collect()
}

/// What bound each row, rows of one verdict together.
fn bound_by(rows: &[(&Row, Interval)], label: &impl Fn(&Row) -> String) -> String {
    let mut kinds: Vec<(VerdictKind, Vec<String>)> = Vec::new();
    for (row, _) in rows {
        let Some(verdict) = &row.verdict else {
            continue;
        };
        match kinds.iter_mut().find(|(seen, _)| *seen == verdict.kind) {
            Some((_, labels)) => labels.push(label(row)),
            None => kinds.push((verdict.kind, vec![label(row)])),
        }
    }
    let (open, bound): (Vec<_>, Vec<_>) = kinds
        .into_iter()
        .partition(|(kind, _)| *kind == VerdictKind::Unclear);
    let mut text = String::new();
    if !bound.is_empty() {
        let parts: Vec<_> = bound
            .into_iter()
            .map(|(kind, labels)| format!("{kind} ({})", labels.join(", ")))
            .collect();
        text = format!(" What bound them: {}.", parts.join("; "));
    }
    if let Some((_, labels)) = open.first() {
        text += " For ";
        text += &labels.join(", ");
        text += " the figures do not carry a verdict.";
    }
    text
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;
    use measure::made::{report, station, timed_row};
    use measure::report::Verdict;

    fn sentence_of(rows: Vec<Row>, quick: bool) -> String {
        let mut report = report(vec![station("a", None), station("b", None)], rows);
        report.quick = quick;
        let group = group(&report, "both".into(), |_| true, |row| row.station.clone());
        group.unwrap().sentence
    }

    fn two(fast: &[f64], slow: &[f64]) -> Vec<Row> {
        vec![
            timed_row("a", "executor", 1, fast),
            timed_row("b", "executor", 1, slow),
        ]
    }

    #[test]
    fn rows_that_differ_in_every_round_are_told_apart_within_rounds() {
        // The machine becomes slower halfway: the intervals overlap all the same.
        let fast = [1.0, 1.0, 1.0, 1.0, 2.0, 2.0];
        let slow = fast.map(|wall| wall * 1.5);
        assert_eq!(
            sentence_of(two(&fast, &slow), false),
            "Medians from 1.00 s (a) to 1.50 s (b) per job: in every round b took longer, 1.50 × \
             (1.50–1.50) as long."
        );
    }

    #[test]
    fn one_round_the_other_way_is_no_difference_seen() {
        let (fast, slow) = ([1.0; 6], [1.9, 1.9, 1.9, 1.9, 1.9, 0.99]);
        let sentence = sentence_of(two(&fast, &slow), false);
        assert_eq!(
            sentence,
            "Medians from 1.00 s (a) to 1.90 s (b) per job; no difference seen between these two, \
             round by round."
        );
    }

    #[test]
    fn few_rounds_a_quick_run_and_rounds_apart_claim_nothing() {
        let few = sentence_of(two(&[1.0; 5], &[2.0; 5]), false);
        assert!(few.contains("too few rounds"), "{few}");
        let quick = sentence_of(two(&[1.0; 6], &[2.0; 6]), true);
        assert!(quick.contains("too few rounds"), "{quick}");
        let mut apart = two(&[1.0; 6], &[2.0; 6]);
        for round in &mut apart[1].rounds {
            round.round += 6;
        }
        let apart = sentence_of(apart, false);
        assert!(apart.contains("no round has both"), "{apart}");
    }

    #[test]
    fn a_row_that_was_lost_says_so_wherever_it_is_named() {
        let mut rows = two(&[1.0; 6], &[2.0]);
        rows[1].not_run = Some("b was lost in round 2: it was killed".into());
        let sentence = sentence_of(rows, false);
        assert!(
            sentence.starts_with("Medians from 1.00 s (a) to 2.00 s (b, lost after 1 round) per"),
            "{sentence}"
        );
    }

    #[test]
    fn a_job_of_microseconds_has_them_as_its_unit() {
        let sentence = sentence_of(two(&[21.9e-6; 6], &[0.0021; 6]), false);
        assert!(
            sentence.starts_with("Medians from 21.9 µs (a) to 2.10 ms (b) per job"),
            "{sentence}"
        );
    }

    #[test]
    fn an_unclear_verdict_is_not_what_bound_a_row() {
        let mut rows = two(&[1.0; 6], &[2.0; 6]);
        for (row, kind) in rows
            .iter_mut()
            .zip([VerdictKind::Cpu, VerdictKind::Unclear])
        {
            row.verdict = Some(Verdict {
                kind,
                text: String::new(),
                evidence: String::new(),
                next: String::new(),
                also: Vec::new(),
            });
        }
        let sentence = sentence_of(rows, false);
        assert!(
            sentence
                .ends_with("What bound them: cpu (a). For b the figures do not carry a verdict."),
            "{sentence}"
        );
    }
}
