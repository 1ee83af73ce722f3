//! What must hold in every lab, whatever the speed.

use super::limits::cpu_count;
use crate::survey::SAME_QUOTA;
use measure::duration;
use measure::report::{Invariant, ReplicaAccount, Round, Row, RunMark, RunReport, Station};
use measure::text::names::row_name;
use std::collections::BTreeSet;

/// What must hold. Each is a clause that a sentence can affirm or deny.
pub const RIGHT_ANSWERS: &str = "every answer is right";
pub const LIMITS_APPLIED: &str = "every limit was applied as declared";
pub const LIMITS_STAYED: &str = "every limit stayed as it was";
pub const NOTHING_ELSE_RAN: &str = "every station stayed up and ran only this lab's samples";
pub const NOTHING_LOST: &str = "every row was measured to the end";

/// Each quota and cpuset was applied as declared, where the kernel tells.
pub fn limits_applied(report: &RunReport) -> Invariant {
    let ran = || report.stations.iter().filter(|s| s.refused.is_none());
    let wrong: Vec<_> = ran().filter(|s| s.agree == Some(false)).collect();
    let unknown = ran().filter(|s| s.agree.is_none()).count();
    let detail = if wrong.is_empty() {
        format!(
            "quota and cpuset read inside {} stations are those declared{}",
            ran().count() - unknown,
            if unknown > 0 {
                format!("; unknown in {unknown}")
            } else {
                String::new()
            }
        )
    } else {
        let names: Vec<_> = wrong.iter().map(|s| s.name.as_str()).collect();
        format!(
            "declared and effective limits differ in {}",
            names.join(", ")
        )
    };
    Invariant {
        name: LIMITS_APPLIED.into(),
        held: wrong.is_empty(),
        detail,
    }
}

/// The limits of every sample are those that the survey found: someone may
/// change them while the lab runs. `None` where no sample tells its limits.
pub fn limits_stayed(report: &RunReport) -> Option<Invariant> {
    let (mut changed, mut checked, mut unknown) = (Vec::new(), 0, 0);
    for row in &report.rows {
        let Some(station) = report.stations.iter().find(|s| s.name == row.station) else {
            continue;
        };
        for round in &row.rounds {
            for (index, sample) in round.replicas.iter().enumerate() {
                let limits = [quota(station, sample), cpuset(station, index, sample)];
                checked += usize::from(limits.iter().any(|limit| *limit != Limit::Unknown));
                unknown += usize::from(limits.contains(&Limit::Unknown));
                for limit in limits {
                    if let Limit::Changed(what) = limit {
                        let round = round.round + 1;
                        changed.push(format!("{} had {what} in round {round}", station.name));
                    }
                }
            }
        }
    }
    // A station's rows and replicas say the same of one round.
    let mut seen = BTreeSet::new();
    changed.retain(|what| seen.insert(what.clone()));
    (checked > 0).then(|| Invariant {
        name: LIMITS_STAYED.into(),
        held: changed.is_empty(),
        detail: match (changed.is_empty(), unknown) {
            (true, 0) => format!("{checked} samples ran under the limits that the survey found"),
            (true, _) => format!(
                "{checked} samples ran under the limits that the survey found, as far as known; \
                 not all is known in {unknown}"
            ),
            (false, _) => changed.join("; "),
        },
    })
}

/// A limit of a sample beside the survey's.
#[derive(Debug, PartialEq)]
enum Limit {
    Unknown,
    Same,
    /// What it was, and what the survey found.
    Changed(String),
}

fn quota(station: &Station, sample: &ReplicaAccount) -> Limit {
    let surveyed = &station.effective;
    if !sample.quota_known || !surveyed.quota_known {
        return Limit::Unknown;
    }
    let shown = |cpus: Option<f64>, period: Option<f64>| match (cpus, period) {
        (Some(cpus), Some(period)) => {
            format!(
                "a quota of {} (period {})",
                cpu_count(cpus),
                duration(period)
            )
        }
        (Some(cpus), None) => format!("a quota of {}", cpu_count(cpus)),
        (None, _) => "no quota".into(),
    };
    let near = |a: Option<f64>, b: Option<f64>| match (a, b) {
        (Some(a), Some(b)) => (a - b).abs() < SAME_QUOTA,
        (a, b) => a == b,
    };
    let same = near(sample.quota_cpus, surveyed.quota_cpus)
        && near(sample.period_seconds, surveyed.period_seconds);
    if same {
        return Limit::Same;
    }
    Limit::Changed(format!(
        "{} instead of {}",
        shown(sample.quota_cpus, sample.period_seconds),
        shown(surveyed.quota_cpus, surveyed.period_seconds)
    ))
}

fn cpuset(station: &Station, replica: usize, sample: &ReplicaAccount) -> Limit {
    let surveyed = station.replica_cpusets.get(replica);
    match (surveyed.and_then(Option::as_ref), &sample.cpus.allowed) {
        (Some(surveyed), Some(seen)) if surveyed == seen => Limit::Same,
        (Some(surveyed), Some(seen)) => {
            Limit::Changed(format!("CPUs {seen} instead of {surveyed}"))
        }
        _ => Limit::Unknown,
    }
}

/// Nobody else ran work on a station, and none restarted: from calibration's
/// last run on, each replica's runs follow each other by one.
pub fn sequences_unbroken(report: &RunReport) -> Invariant {
    let (mut broken, mut pairs) = (Vec::new(), 0);
    for station in &report.stations {
        for runs in runs_by_replica(report, station) {
            for pair in runs.windows(2) {
                let ((instance, run), (next_instance, next_run)) = (pair[0], pair[1]);
                pairs += 1;
                if instance != next_instance {
                    broken.push(format!("{} restarted", station.name));
                } else if next_run != run + 1 + void_between(station, pair) {
                    broken.push(format!("{} ran something else in between", station.name));
                }
            }
        }
    }
    broken.dedup();
    Invariant {
        name: NOTHING_ELSE_RAN.into(),
        held: broken.is_empty() && pairs > 0,
        detail: match (broken.is_empty(), pairs) {
            (true, 0) => "this was not checked, since no replica has two runs".into(),
            (true, _) => format!(
                "{pairs} pairs of consecutive runs are this lab's samples, calibration's last \
                 among them where it is known"
            ),
            (false, _) => format!("{} ({pairs} pairs of consecutive runs)", broken.join("; ")),
        },
    }
}

/// The lab's own runs between two of which no sample came.
fn void_between(station: &Station, pair: &[(&str, u64)]) -> u64 {
    let ((instance, run), (_, next_run)) = (pair[0], pair[1]);
    let between = |mark: &&RunMark| {
        mark.instance == instance && (run + 1..next_run).contains(&mark.run_sequence)
    };
    station.set_aside.iter().filter(between).count() as u64
}

/// Each replica's runs as (instance, sequence), in the order they were made.
fn runs_by_replica<'a>(report: &'a RunReport, station: &'a Station) -> Vec<Vec<(&'a str, u64)>> {
    let rows = report.rows.iter().filter(|row| row.station == station.name);
    let mut rounds: Vec<_> = rows.flat_map(|row| &row.rounds).collect();
    let began = |round: &Round| round.replicas.first().map_or(0.0, |r| r.started_seconds);
    rounds.sort_by(|a, b| began(a).total_cmp(&began(b)));
    let replicas = rounds.iter().map(|r| r.replicas.len()).max().unwrap_or(0);
    let runs_of = |replica: usize| {
        let calibrated = station.calibrated.get(replica);
        let before = calibrated.map(|run| (run.instance.as_str(), run.run_sequence));
        let sampled = rounds
            .iter()
            .filter_map(|round| round.replicas.get(replica));
        let sampled = sampled.map(|r| (r.instance.as_str(), r.run_sequence));
        before.into_iter().chain(sampled).collect()
    };
    (0..replicas).map(runs_of).collect()
}

/// Every planned row of a station that was granted has its figures.
pub fn nothing_lost(report: &RunReport) -> Invariant {
    let refused = |name: &String| {
        let station = report.stations.iter().find(|s| s.name == *name);
        station.is_some_and(|station| station.refused.is_some())
    };
    // Without the load that it asks for a row cannot be measured, which is not
    // the station's doing and may be the machine's speed.
    let without_load = |row: &Row| row.rounds.is_empty() && !row.void.is_empty();
    let planned = report.rows.iter().filter(|row| !refused(&row.station));
    let left_out = planned.clone().filter(|row| without_load(row)).count();
    let planned = planned.filter(|row| !without_load(row));
    let measured = planned.clone().filter(|row| row.not_run.is_none()).count();
    let mut lost: Vec<(&String, Vec<String>)> = Vec::new();
    for row in planned {
        let Some(why) = &row.not_run else {
            continue;
        };
        match lost.iter_mut().find(|(same, _)| *same == why) {
            Some((_, rows)) => rows.push(row_name(report, row)),
            None => lost.push((why, vec![row_name(report, row)])),
        }
    }
    let lost: Vec<String> = lost
        .into_iter()
        .map(|(why, rows)| format!("{}, since {why}", rows.join(", ")))
        .collect();
    Invariant {
        name: NOTHING_LOST.into(),
        held: lost.is_empty(),
        detail: if lost.is_empty() && left_out > 0 {
            format!("{measured} rows were measured, and of {left_out} the load could not be made")
        } else if lost.is_empty() {
            format!("all {measured} rows were measured")
        } else {
            lost.join("; ")
        },
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;
    use measure::made::{report, station, timed_row};

    /// A station of two replicas whose calibration ended with run 3, and one
    /// row whose two samples are these runs, the same in both replicas.
    fn sampled(runs: [(&str, u64); 2]) -> RunReport {
        let mut row = timed_row("fleet", "executor", 1, &[1.0, 1.0]);
        for (at, (round, (instance, run))) in row.rounds.iter_mut().zip(runs).enumerate() {
            let sample = &mut round.replicas[0];
            sample.started_seconds = at as f64;
            sample.instance = instance.into();
            sample.run_sequence = run;
            round.replicas.push(round.replicas[0].clone());
        }
        let mut station = station("fleet", Some(0.5));
        let last = RunMark {
            instance: "a".into(),
            run_sequence: 3,
        };
        station.calibrated = vec![last; 2];
        report(vec![station], vec![row])
    }

    #[test]
    fn sequences_are_held_against_calibration_and_counted() {
        let unbroken = sequences_unbroken(&sampled([("a", 4), ("a", 5)]));
        assert!(unbroken.held);
        assert!(unbroken.detail.contains("4 pairs"), "{}", unbroken.detail);
        // Between calibration and the first round.
        let stranger = sequences_unbroken(&sampled([("a", 5), ("a", 6)]));
        assert!(!stranger.held);
        assert_eq!(
            stranger.detail,
            "fleet ran something else in between (4 pairs of consecutive runs)"
        );
        let restarted = sequences_unbroken(&sampled([("b", 1), ("b", 2)]));
        assert!(!restarted.held && restarted.detail.starts_with("fleet restarted"));
        let between_rounds = sequences_unbroken(&sampled([("a", 4), ("a", 6)]));
        assert!(!between_rounds.held);
    }

    #[test]
    fn a_lost_station_is_told_once_with_its_rows_in_words() {
        let mut rows = vec![
            timed_row("half", "executor", 1, &[1.0]),
            timed_row("half", "executor", 2, &[]),
            timed_row("two", "executor", 1, &[1.0; 2]),
        ];
        for lost in &mut rows[..2] {
            lost.not_run = Some("half was lost in round 2: it was killed".into());
        }
        let stations = vec![station("half", Some(0.5)), station("two", None)];
        let lost = nothing_lost(&report(stations, rows));
        assert!(!lost.held);
        assert_eq!(
            lost.detail,
            "half · executor · 1 worker (lost after 1 round), half · executor · 2 workers, since \
             half was lost in round 2: it was killed"
        );
    }

    #[test]
    fn without_two_runs_nothing_was_checked() {
        let mut one = sampled([("a", 4), ("a", 5)]);
        one.stations[0].calibrated.clear();
        one.rows[0].rounds.truncate(1);
        let unchecked = sequences_unbroken(&one);
        assert!(!unchecked.held && unchecked.detail.starts_with("this was not checked"));
    }

    /// A row of three samples under quota 0.5 on CPUs 0-1, as surveyed.
    fn under_half() -> RunReport {
        let mut row = timed_row("half", "executor", 1, &[1.0; 3]);
        for round in &mut row.rounds {
            let sample = &mut round.replicas[0];
            sample.quota_known = true;
            sample.quota_cpus = Some(0.5);
            sample.period_seconds = Some(0.1);
            sample.cpus.allowed = Some("0-1".into());
        }
        report(vec![station("half", Some(0.5))], vec![row])
    }

    #[test]
    fn a_limit_that_changes_between_samples_is_seen() {
        let of = |edit: fn(&mut ReplicaAccount)| {
            let mut report = under_half();
            edit(&mut report.rows[0].rounds[1].replicas[0]);
            limits_stayed(&report).unwrap()
        };
        let stayed = of(|_| ());
        assert!(stayed.held && stayed.detail.starts_with("3 samples"));
        let updated = of(|sample| sample.quota_cpus = Some(1.0));
        assert!(!updated.held);
        assert_eq!(
            updated.detail,
            "half had a quota of 1 CPU (period 100 ms) instead of a quota of 0.5 CPUs (period 100 ms) \
             in round 2"
        );
        assert!(!of(|sample| sample.quota_cpus = None).held);
        assert!(!of(|sample| sample.period_seconds = Some(0.05)).held);
        let moved = of(|sample| sample.cpus.allowed = Some("1".into()));
        assert!(!moved.held && moved.detail.contains("CPUs 1 instead of 0-1 in round 2"));
    }

    #[test]
    fn unknown_limits_are_counted_and_alone_are_no_invariant() {
        let mut some = under_half();
        some.rows[0].rounds[0].replicas[0].quota_known = false;
        let stayed = limits_stayed(&some).unwrap();
        assert!(stayed.held && stayed.detail.ends_with("not all is known in 1"));
        for round in &mut some.rows[0].rounds {
            round.replicas[0] = ReplicaAccount::default();
        }
        assert_eq!(limits_stayed(&some), None);
    }
}
