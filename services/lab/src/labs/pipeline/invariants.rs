//! What must hold of every pipeline, whatever its speed.

use crate::labs::invariants::NOTHING_ELSE_RAN;
use crate::labs::samples::{Seen, check};
use measure::pipeline::raw;
use measure::report::{Drill, Invariant, ReplicaAccount, Round, RunReport};
use std::collections::BTreeMap;
use std::ops::Range;

pub const EXACTLY_ONCE: &str = "every item came to the sink exactly once";
pub const THROUGH_EVERY_STAGE: &str = "every stage was done with each item once";
pub const SURVIVED: &str = "nothing that was broken lost or doubled an item";

/// Items in are items out, and none came twice.
pub fn exactly_once(report: &RunReport) -> Invariant {
    check(report, EXACTLY_ONCE, |round| {
        let figure = |name: &str| round.figures.get(name).copied();
        let (Some(given), Some(arrived), Some(exact)) =
            (figure(raw::GIVEN), figure(raw::ARRIVED), figure(raw::EXACT))
        else {
            return Seen::Unknown;
        };
        let asked = figure(raw::JOB_ITEMS).map(|items| items * f64::from(round.repeats));
        let all = asked.is_none_or(|asked| (asked - given).abs() < 0.5);
        if exact > 0.5 && all && (given - arrived).abs() < 0.5 {
            return Seen::Held;
        }
        let dead = figure(raw::DEAD).unwrap_or(0.0);
        let doubled = figure(raw::DOUBLED).unwrap_or(0.0);
        Seen::Broken(format!(
            "gave {given:.0} items, of which {arrived:.0} came, {dead:.0} went to the dead letters \
             and {doubled:.0} came again"
        ))
    })
}

/// Each stage counted as many items as the source gave.
pub fn through_every_stage(report: &RunReport) -> Invariant {
    check(report, THROUGH_EVERY_STAGE, |round| {
        let Some(given) = round.figures.get(raw::GIVEN) else {
            return Seen::Unknown;
        };
        // Both are counts.
        let other = |stage: &&measure::report::StageSample| stage.items != *given as u64;
        match round.stages.iter().find(other) {
            _ if round.stages.is_empty() => Seen::Unknown,
            None => Seen::Held,
            Some(stage) => Seen::Broken(format!(
                "had {} items through {} of {given:.0}",
                stage.items, stage.stage
            )),
        }
    })
}

/// What the drills came to.
pub fn survived(report: &RunReport) -> Invariant {
    let drills = &report.drills;
    let broken = drills.iter().filter_map(told).collect::<Vec<_>>();
    let items: u64 = drills.iter().map(|drill| drill.answered).sum();
    Invariant {
        name: SURVIVED.into(),
        held: broken.is_empty(),
        detail: match (broken.is_empty(), drills.len()) {
            (true, 0) => "nothing was broken in this run".to_owned(),
            (true, count) => {
                format!("{items} items in {count} drills came to the sink, each exactly once")
            }
            (false, _) => broken.join("; "),
        },
    }
}

fn told(drill: &Drill) -> Option<String> {
    if let Some(why) = &drill.failed_because {
        return Some(format!("{}: {why}", drill.name));
    }
    let kinds = drill.failed.iter().filter(|(_, count)| **count > 0);
    let kinds: Vec<String> = kinds
        .map(|(kind, count)| format!("{count} {kind}"))
        .collect();
    let short = drill.sent != drill.answered;
    (short || !kinds.is_empty()).then(|| {
        format!(
            "{}: {} items in, {} out ({})",
            drill.name,
            drill.sent,
            drill.answered,
            kinds.join(", ")
        )
    })
}

/// The runs of one process follow each other by one: a replica that was scaled
/// away and back is another process, and begins anew.
pub fn nothing_else_ran(report: &RunReport) -> Invariant {
    let mut runs: BTreeMap<(&str, &str), Vec<(f64, u64)>> = BTreeMap::new();
    for (station, account) in accounts(report) {
        let of_process = runs.entry((station, &account.instance)).or_default();
        of_process.push((account.started_seconds, account.run_sequence));
    }
    let (mut broken, mut pairs) = (Vec::new(), 0);
    for ((station, instance), mut of_process) in runs {
        of_process.sort_by(|a, b| a.0.total_cmp(&b.0));
        of_process.dedup_by_key(|run| run.1);
        for pair in of_process.windows(2) {
            pairs += 1;
            let (run, next) = (pair[0].1, pair[1].1);
            if next <= run || next - run - 1 != set_aside(report, instance, run..next) {
                broken.push(format!("{station} ran something else in between"));
            }
        }
    }
    broken.dedup();
    Invariant {
        name: NOTHING_ELSE_RAN.into(),
        // One run of each process tells nothing, and is no fault.
        held: broken.is_empty(),
        detail: match (broken.is_empty(), pairs) {
            (true, 0) => "no process has two runs to hold against each other".into(),
            (true, _) => format!("{pairs} pairs of consecutive runs are this lab's samples"),
            (false, _) => broken.join("; "),
        },
    }
}

/// Runs of a process of which no sample came, since it was void. They are noted
/// at the station whose row it was, for all that took part.
fn set_aside(report: &RunReport, instance: &str, between: Range<u64>) -> u64 {
    let marks = report.stations.iter().flat_map(|s| &s.set_aside);
    let of_process = marks.filter(|mark| mark.instance == instance);
    of_process
        .filter(|mark| between.contains(&mark.run_sequence))
        .count() as u64
}

fn accounts(report: &RunReport) -> impl Iterator<Item = (&str, &ReplicaAccount)> {
    let rounds = report.rows.iter().flat_map(|row| &row.rounds);
    rounds.flat_map(|round: &Round| {
        round.stages.iter().flat_map(|stage| {
            let replicas = stage.replicas.iter();
            replicas.map(|account| (stage.station.as_str(), account))
        })
    })
}
