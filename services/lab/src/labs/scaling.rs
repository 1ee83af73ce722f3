//! How much of the work more workers did not speed up.

use super::groups::walls;
use measure::amdahl::karp_flatt;
use measure::report::{Row, RunReport, SerialFraction, VerdictKind};
use measure::stats::{ROUNDS_FOR_A_CLAIM, interval, pair_by_round};

/// CPUs that differ by less are the same number.
const SAME_CPUS: f64 = 1e-6;

/// The serial fraction that each row of this station and strategy shows against
/// the one with one worker, from the speedups within rounds. Left out where a
/// limit or something else on the machine held the workers back, and where the
/// interval says nothing: none or all of the work may then be serial.
pub fn serial_fractions(report: &RunReport, station: &str, strategy: &str) -> Vec<SerialFraction> {
    let alone = report
        .stations
        .iter()
        .any(|s| s.name == station && s.replicas == 1);
    if report.quick || !alone {
        return Vec::new();
    }
    let rows = || {
        let of_these = report.rows.iter().filter(|row| row.station == station);
        of_these.filter(|row| row.strategy == strategy && is_free(row))
    };
    let Some(one) = rows().find(|row| row.workers == 1) else {
        return Vec::new();
    };
    let many = rows().filter(|row| row.workers > 1 && row.kernel == one.kernel);
    many.filter_map(|row| serial_fraction(one, row)).collect()
}

/// Whether each of the row's workers had a thread and a CPU of its own.
fn is_free(row: &Row) -> bool {
    let wanted = row.workers as f64 - SAME_CPUS;
    let granted = row.granted_cpus.is_some_and(|granted| granted >= wanted);
    let disturbed = row.verdict.as_ref().is_some_and(|verdict| {
        matches!(verdict.kind, VerdictKind::Host | VerdictKind::HiddenLimit)
    });
    granted && row.threads == Some(row.workers) && !disturbed
}

fn serial_fraction(one: &Row, many: &Row) -> Option<SerialFraction> {
    let pairs = pair_by_round(&walls(many), &walls(one));
    let fractions: Vec<f64> = pairs
        .iter()
        .filter_map(|(many_seconds, one_seconds)| {
            karp_flatt(one_seconds / many_seconds, many.workers as f64)
        })
        .collect();
    let fraction = interval(&fractions).filter(|_| fractions.len() >= ROUNDS_FOR_A_CLAIM)?;
    (fraction.low > 0.0 && fraction.high < 1.0).then_some(SerialFraction {
        workers: many.workers,
        fraction,
    })
}

/// The fractions in one sentence; empty where there is none.
pub fn sentence(fractions: &[SerialFraction]) -> String {
    if fractions.is_empty() {
        return String::new();
    }
    let each: Vec<_> = fractions
        .iter()
        .map(|SerialFraction { workers, fraction }| {
            format!(
                "{:.1} % ({:.1}–{:.1} %) with {workers} workers",
                fraction.median * 1e2,
                fraction.low * 1e2,
                fraction.high * 1e2
            )
        })
        .collect();
    format!(
        "It scaled as if only one worker could do a part of the work (Karp–Flatt's serial \
         fraction): {}.",
        each.join(", ")
    )
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;
    use crate::labs::by_name;
    use measure::made::{report, station, timed_row};
    use measure::report::Verdict;

    const DRIFT: [f64; 6] = [1.0, 1.1, 0.9, 1.2, 1.0, 1.05];

    /// Rows of 1 and 2 workers on two CPUs, of which `serial` of the work is
    /// done by one alone, on a machine that drifts.
    fn scaled(serial: f64) -> RunReport {
        let walls = |workers: f64| DRIFT.map(|wall| wall * (serial + (1.0 - serial) / workers));
        let mut rows = vec![
            timed_row("two", "executor", 1, &walls(1.0)),
            timed_row("two", "executor", 2, &walls(2.0)),
        ];
        for row in &mut rows {
            row.threads = Some(row.workers);
            row.granted_cpus = Some(2.0);
        }
        report(vec![station("two", Some(2.0))], rows)
    }

    fn fractions(report: &RunReport) -> Vec<SerialFraction> {
        serial_fractions(report, "two", "executor")
    }

    #[test]
    fn the_serial_fraction_is_found_again_in_spite_of_drift() {
        let found = fractions(&scaled(0.1));
        assert_eq!((found.len(), found[0].workers), (1, 2));
        let fraction = found[0].fraction;
        for end in [fraction.low, fraction.median, fraction.high] {
            assert!((end - 0.1).abs() < 1e-9, "{fraction:?}");
        }
        assert_eq!(
            sentence(&found),
            "It scaled as if only one worker could do a part of the work (Karp–Flatt's serial \
             fraction): 10.0 % (10.0–10.0 %) with 2 workers."
        );
    }

    #[test]
    fn the_lab_tells_it_in_the_group_of_these_rows() {
        let mut report = scaled(0.1);
        by_name("primes").unwrap().conclude(&mut report);
        let of_rows = report
            .groups
            .iter()
            .find(|g| g.title == "executor on two, by workers");
        let group = of_rows.unwrap();
        assert!(group.sentence.ends_with(&sentence(&fractions(&report))));
        assert_eq!(group.serial_fractions, fractions(&report));
    }

    #[test]
    fn an_interval_that_says_nothing_is_not_told() {
        let mut noisy = scaled(0.01);
        // One round in which two workers were more than twice as fast.
        noisy.rows[1].rounds[0].replicas[0].ended_seconds = 0.49;
        assert_eq!(fractions(&noisy), []);
        assert_eq!(fractions(&scaled(1.0)), []);
        let mut few = scaled(0.1);
        few.rows[0].rounds.pop();
        assert_eq!(fractions(&few), []);
        let mut quick = scaled(0.1);
        quick.quick = true;
        assert_eq!(fractions(&quick), []);
        assert_eq!(sentence(&[]), "");
    }

    #[test]
    fn workers_that_something_else_held_back_are_left_out() {
        let without = |edit: fn(&mut RunReport)| {
            let mut report = scaled(0.1);
            edit(&mut report);
            fractions(&report)
        };
        assert_eq!(without(|r| r.rows[1].granted_cpus = Some(1.5)), []);
        assert_eq!(without(|r| r.rows[1].threads = Some(1)), []);
        assert_eq!(without(|r| r.stations[0].replicas = 2), []);
        let disturbed = |r: &mut RunReport| {
            r.rows[1].verdict = Some(Verdict {
                kind: VerdictKind::Host,
                text: String::new(),
                evidence: String::new(),
                next: String::new(),
                also: Vec::new(),
            });
        };
        assert_eq!(without(disturbed), []);
    }
}
