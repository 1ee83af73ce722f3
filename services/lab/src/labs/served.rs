//! What the labs of servers under a load from outside have in common.

use super::driven::{Load, Question};
use super::invariants::{
    RIGHT_ANSWERS, limits_applied, limits_stayed, nothing_lost, sequences_unbroken,
};
use super::rows::each_once;
use super::samples::{Seen, check};
use super::{Abilities, Options, PlannedRow};
use crate::station::Around;
use measure::report::{Drill, Invariant, Outcome, Round, Row, RunReport, Station};
use measure::serving::raw;
use measure::stats::compare_within_rounds;
use measure::text::figures::count;
use measure::text::names::replicas;
use serde_json::{Value, json};
use std::collections::BTreeMap;

/// The service beside the stations that makes the load.
pub const DRIVER: &str = "load";

/// What requests compute; there is nothing else.
const LOOP: &str = "loop";

/// Clients that ask again as soon as they are answered.
pub const SATURATED: &str = "saturated";

pub const ALL_ANSWERED: &str = "every request was answered";
pub const COUNTED_ALIKE: &str =
    "the servers counted the requests that the load generator says were answered";
pub const NOBODY_DIED: &str = "no worker died but where it was to";
pub const DRILLS_EXPLAINED: &str = "what the drills lost was lost with what they broke";

/// Why the lab cannot run without its load generator, where there is none.
pub fn needs_driver(around: &Around) -> Option<String> {
    around.beside(DRIVER).is_none().then(|| {
        format!(
            "the lab's Compose file names no {DRIVER} to run beside the stations: write \
             `x-parlab: {{beside: [{DRIVER}]}}`"
        )
    })
}

/// Refuses a station of several replicas in labs that are about one server.
pub fn one_replica_each(stations: &[Station]) -> Result<(), String> {
    match stations.iter().find(|s| s.replicas > 1) {
        Some(several) => Err(format!(
            "{} has {} replicas, and this lab is about one server each: write one",
            several.name, several.replicas
        )),
        None => Ok(()),
    }
}

/// What a lab with these loads can be asked for.
pub fn abilities(loads: &[&str]) -> Abilities {
    Abilities {
        kernels: vec![LOOP.to_owned()],
        strategies: loads.iter().map(|&load| load.to_owned()).collect(),
    }
}

/// One row: a load is its strategy.
pub fn row(station: &str, load: &str, workers: usize) -> PlannedRow {
    PlannedRow {
        station: station.into(),
        strategy: load.into(),
        kernel: LOOP.into(),
        workers,
        baseline: false,
    }
}

/// The rows on the stations that were asked for: the lab's own, or, where loads
/// or worker counts were chosen, each load with each count.
pub fn rows_of_asked(
    stations: &[Station],
    options: &Options,
    own_rows: impl Fn(&Station) -> Vec<PlannedRow>,
    own_workers: impl Fn(&Station) -> Vec<usize>,
) -> Vec<PlannedRow> {
    let asked = stations.iter().filter(|s| options.wants(&s.name));
    let rows = asked.flat_map(|station| {
        if options.choose_rows() {
            narrowed_rows(station, options, &own_workers(station))
        } else {
            own_rows(station)
        }
    });
    each_once(rows.collect())
}

/// Every chosen load with every chosen number of workers.
fn narrowed_rows(station: &Station, options: &Options, own_workers: &[usize]) -> Vec<PlannedRow> {
    let workers = options.workers_or(own_workers, station);
    let loads = options.strategies_or(SATURATED);
    let rows = loads
        .iter()
        .flat_map(|load| workers.iter().map(|&n| row(&station.name, load, n)));
    rows.collect()
}

/// A closed loop: so many clients that ask again as soon as they are answered.
pub fn closed(work: u64, connections: u32) -> Load {
    Load {
        body: json!({"loop": "closed", "connections": connections, "work": work}),
        figures: figures(&[
            (raw::CONNECTIONS, f64::from(connections)),
            (raw::WORK, work as f64),
        ]),
    }
}

/// An open loop of requests that come by chance and independently of each other,
/// `rate` a second.
pub fn poisson(work: u64, rate: f64, connections: u32) -> Load {
    open(
        work,
        rate,
        connections,
        &json!("poisson"),
        &[(raw::POISSON, 1.0)],
    )
}

/// An open loop whose `arrivals` a reader of the figures knows by these.
pub fn open(
    work: u64,
    rate: f64,
    connections: u32,
    arrivals: &Value,
    of_arrivals: &[(&str, f64)],
) -> Load {
    let mut load = Load {
        body: json!({
            "loop": "open",
            "rate": rate,
            "arrivals": arrivals,
            "connections": connections,
            "work": work,
        }),
        figures: figures(of_arrivals),
    };
    load.figures.extend(figures(&[
        (raw::OFFERED_PER_SECOND, rate),
        (raw::CONNECTIONS, f64::from(connections)),
        (raw::WORK, work as f64),
    ]));
    load
}

fn figures(pairs: &[(&str, f64)]) -> BTreeMap<String, f64> {
    let pairs = pairs.iter();
    pairs
        .map(|(name, figure)| ((*name).to_owned(), *figure))
        .collect()
}

/// What must hold in a lab of servers, the drills' where there were some.
pub fn invariants(report: &RunReport) -> Vec<Invariant> {
    let always = [
        answers_right(report),
        all_answered(report),
        counted_alike(report),
        nobody_died(report),
        limits_applied(report),
        sequences_unbroken(report),
        nothing_lost(report),
    ];
    let some = limits_stayed(report)
        .into_iter()
        .chain(drills_explained(report));
    always.into_iter().chain(some).collect()
}

/// What a request of this work asks for: the sum of the numbers below it.
pub fn question(load: &Load) -> Option<Question> {
    let work = *load.figures.get(raw::WORK)? as u64;
    Some(Question {
        work,
        result: work.checked_mul(work.saturating_sub(1))? / 2,
    })
}

/// The answers that were looked at, one of each replica after each sample.
pub fn answers_right(report: &RunReport) -> Invariant {
    check(report, RIGHT_ANSWERS, |round| {
        let figure = |name: &str| round.figures.get(name).copied();
        let (Some(asked), Some(wrong)) = (figure(raw::LOOKED_AT), figure(raw::WRONG)) else {
            return Seen::Unknown;
        };
        if wrong < 0.5 {
            Seen::Held
        } else {
            Seen::Broken(format!(
                "answered {wrong:.0} of {asked:.0} requests wrong or not at all"
            ))
        }
    })
}

/// No request of any sample was lost or refused.
pub fn all_answered(report: &RunReport) -> Invariant {
    check(report, ALL_ANSWERED, |round| {
        let Some(failed) = round.figures.get(raw::FAILED) else {
            return Seen::Unknown;
        };
        if *failed < 0.5 {
            return Seen::Held;
        }
        let kinds = round.figures.iter().filter_map(|(name, count)| {
            let kind = name.strip_prefix(raw::FAILED_AS)?;
            Some(format!("{count:.0} × {kind}"))
        });
        let kinds: Vec<String> = kinds.collect();
        Seen::Broken(format!("lost {failed:.0} requests ({})", kinds.join(", ")))
    })
}

/// The two ends agree to the last request: both counts are read before the load
/// begins and when it has had its last answer, with nothing under way. Only of
/// requests that left and had no answer nobody can tell whether they were served.
pub fn counted_alike(report: &RunReport) -> Invariant {
    check(report, COUNTED_ALIKE, |round| {
        let figure = |name: &str| round.figures.get(name).copied();
        let counted = figure(raw::ANSWERED_IN_ALL).zip(figure(raw::SERVED_IN_ALL));
        let Some((answered, served)) = counted else {
            return Seen::Unknown;
        };
        let unanswered = figure(raw::UNANSWERED_IN_ALL).unwrap_or(0.0);
        if (answered..=answered + unanswered).contains(&served) {
            return Seen::Held;
        }
        Seen::Broken(format!(
            "served {served:.0} requests by its own count, the warm-up's among them, where the \
             load generator had {answered:.0} answers and {unanswered:.0} requests without one"
        ))
    })
}

/// No worker was started in place of a dead one during a sample.
pub fn nobody_died(report: &RunReport) -> Invariant {
    check(report, NOBODY_DIED, |round| {
        match round.figures.get(raw::RESTARTS) {
            None => Seen::Unknown,
            Some(restarts) if *restarts < 0.5 => Seen::Held,
            Some(restarts) => Seen::Broken(format!("lost {restarts:.0} workers")),
        }
    })
}

/// What the drills of a run lost is lost for the reasons that a drill has;
/// `None` where there were no drills.
pub fn drills_explained(report: &RunReport) -> Option<Invariant> {
    let told: Vec<&Drill> = report
        .drills
        .iter()
        .filter(|drill| drill.failed_because.is_none())
        .collect();
    if report.drills.is_empty() {
        return None;
    }
    let unexplained: Vec<String> = told.iter().filter_map(|drill| unexplained(drill)).collect();
    let lost: u64 = told.iter().map(|drill| drill.lost()).sum();
    Some(Invariant {
        name: DRILLS_EXPLAINED.into(),
        held: unexplained.is_empty() && !told.is_empty(),
        detail: match (unexplained.first(), told.len()) {
            (Some(first), _) => first.clone(),
            (None, 0) => "this was not checked, since no drill tells".into(),
            (None, drills) => format!(
                "{lost} requests were lost in {drills} drills, each on a connection that broke or \
                 could not be made"
            ),
        },
    })
}

/// Why a request of a drill may be lost: who was to answer it is gone, or not
/// back yet. By the load generator's names (docs/load.md).
const EXPLAINED: [&str; 8] = [
    "connect_refused",
    "connect_timeout",
    "connect_failed",
    "no_connection",
    "closed",
    "reset",
    "broken",
    "timeout",
];

fn unexplained(drill: &Drill) -> Option<String> {
    let others = drill.failed.iter();
    let others = others.filter(|(kind, count)| **count > 0 && !EXPLAINED.contains(&kind.as_str()));
    let others: Vec<String> = others
        .map(|(kind, count)| format!("{count} × {kind}"))
        .collect();
    if !others.is_empty() {
        return Some(format!(
            "{}, where {}, lost requests in another way: {}",
            drill.station,
            drill.name,
            others.join(", ")
        ));
    }
    None
}

/// A figure of a row.
pub fn figure(row: &Row, name: &str) -> Option<f64> {
    row.figures.get(name).copied()
}

/// `8 workers`, `2 × 1 worker`.
pub fn workers(report: &RunReport, row: &Row) -> String {
    let each = count(row.workers, "worker");
    match replicas(report, row) {
        1 => each,
        replicas => format!("{replicas} × {each}"),
    }
}

/// Whether every round that has both rows, and enough of them, had the shorter
/// p99 in the first.
pub fn claim_shorter_p99(report: &RunReport, one: &Row, other: &Row) -> bool {
    let p99 = |round: &Round| round.figures.get(raw::P99_SECONDS).copied();
    claim_less(report, one, other, p99)
}

/// Whether every round that has both rows, and enough of them, had more requests
/// answered in the first.
pub fn claim_more_per_second(report: &RunReport, one: &Row, other: &Row) -> bool {
    let seconds_for_one = |round: &Round| {
        let figure = |name: &str| round.figures.get(name).copied();
        let answered = figure(raw::ANSWERED).filter(|answered| *answered > 0.0)?;
        Some(figure(raw::LOAD_SECONDS)? / answered)
    };
    claim_less(report, one, other, seconds_for_one)
}

fn claim_less(
    report: &RunReport,
    one: &Row,
    other: &Row,
    of: impl Fn(&Round) -> Option<f64>,
) -> bool {
    let all = |row: &Row| -> Vec<(u32, f64)> {
        let rounds = row.rounds.iter();
        rounds
            .filter_map(|round| Some((round.round, of(round)?)))
            .collect()
    };
    let compared = compare_within_rounds(&all(one), &all(other), report.quick);
    compared.is_some_and(|(_, outcome)| outcome == Outcome::Faster)
}
