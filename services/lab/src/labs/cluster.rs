//! `lab-cluster`: the same server as one process, as many, and as containers.

mod groups;
mod loads;
mod steps;
#[cfg(test)]
mod tests;

use super::driven::{Deed, DrillPlan, Driven, Known, Load, Question, Step, Taken, Window};
use super::rows::names_known;
use super::served::{self, SATURATED, row};
use super::{Abilities, Lab, Options, Part, PlannedRow, Workers};
use crate::station::Around;
use loads::{AT_HALF, LOADS, REUSEPORT};
use measure::report::{RunReport, Station};
use serde_json::{Value, json};
use std::ops::RangeInclusive;

/// Additions of a request: a tenth of the course's, so that a sample holds
/// enough requests for a p99.
const WORK: u64 = 1_000_000;

/// The most additions of one request.
const MOST_WORK: u64 = 1_000_000_000;

/// The latency that 99 of 100 requests are not to exceed.
const TARGET_P99_SECONDS: f64 = 0.05;

/// How long a sample is, and what comes before it.
const WINDOW: Window = Window {
    warm_up_seconds: 0.2,
    seconds: 1.5,
};

/// The station that has more workers than its CPUs ask for, on purpose.
const OVER: &str = "cluster-over";
const OVER_WORKERS: usize = 8;

/// The station on which the rules for worker counts are compared.
const RULES: &str = "cluster-one";

/// The station whose workers are containers.
const REPLICAS: &str = "cluster-replicas";

/// Under how much of the load that was found the drills are made, how long, and
/// when something is broken: a container takes longer to come back than a
/// process.
const DRILL_KILL_SECONDS: f64 = 3.0;
const DRILL_CRASH_SECONDS: f64 = 7.0;
const DRILL_AT_SECONDS: f64 = 1.0;

/// The lab.
pub struct Cluster;

impl Lab for Cluster {
    fn name(&self) -> &'static str {
        "lab-cluster"
    }

    fn sizes(&self) -> RangeInclusive<u64> {
        1..=MOST_WORK
    }

    fn abilities(&self) -> Abilities {
        served::abilities(&LOADS)
    }

    fn check(
        &self,
        options: &Options,
        stations: &[String],
        _abilities: &Abilities,
    ) -> Result<(), String> {
        // The lab's strategies are loads, of which its stations know nothing.
        names_known(options, stations, &self.abilities())
    }

    fn rows(&self, stations: &[Station], options: &Options) -> Result<Vec<PlannedRow>, String> {
        Ok(served::rows_of_asked(
            stations,
            options,
            |station| default_rows(station, options.quick),
            |station| vec![own_workers(station)],
        ))
    }

    fn objection(&self, _options: &Options, around: &Around) -> Option<String> {
        served::needs_driver(around)
    }

    fn request(&self, row: &PlannedRow, part: Part, options: &Options, _around: &Around) -> Value {
        let sharing = if row.strategy == REUSEPORT {
            "reuseport"
        } else {
            "inherit"
        };
        json!({
            "workers": row.workers,
            "threads": 1,
            "strategy": sharing,
            "seconds": self.window(options).seconds,
            "start_at_seconds": part.start_at_seconds,
        })
    }

    fn driven(&self) -> Option<&dyn Driven> {
        Some(self)
    }

    fn parameters(&self, options: &Options, _around: &Around) -> Vec<(&'static str, Value)> {
        vec![
            ("work", json!(work(options))),
            ("target_p99_seconds", json!(TARGET_P99_SECONDS)),
            ("seconds", json!(self.window(options).seconds)),
        ]
    }

    fn compare(&self, _report: &mut RunReport) {}

    fn conclude(&self, report: &mut RunReport) {
        report.invariants = served::invariants(report);
        report.groups = groups::groups(report);
    }
}

impl Driven for Cluster {
    fn driver(&self) -> &'static str {
        served::DRIVER
    }

    fn window(&self, _options: &Options) -> Window {
        WINDOW
    }

    fn next_step(
        &self,
        plan: &[PlannedRow],
        stations: &[Station],
        known: &Known,
        options: &Options,
    ) -> Option<Step> {
        steps::next(plan, stations, known, options)
    }

    fn learn(&self, step: &Step, taken: &Taken, known: &mut Known) {
        steps::learn(step, taken, known);
    }

    fn question(&self, load: &Load) -> Option<Question> {
        served::question(load)
    }

    fn load(&self, row: &PlannedRow, known: &Known, options: &Options) -> Result<Load, String> {
        loads::load(row, known, work(options))
    }

    fn drills(&self, plan: &[PlannedRow], known: &Known, options: &Options) -> Vec<DrillPlan> {
        let planned = |station: &str| {
            let mut rows = plan.iter();
            rows.find(|row| row.station == station && row.strategy == AT_HALF)
        };
        let drill = |station: &str, name, deed, seconds| {
            let row = planned(station)?;
            Some(DrillPlan {
                name,
                row: row.clone(),
                deed,
                at_seconds: DRILL_AT_SECONDS,
                seconds,
                load: loads::load(row, known, work(options)).ok()?,
            })
        };
        let worker = drill(
            OVER,
            "one of its workers is killed (SIGKILL)",
            Deed::KillWorker,
            DRILL_KILL_SECONDS,
        );
        let replica = drill(
            REPLICAS,
            "one of its replicas crashes with all its processes",
            Deed::CrashReplica,
            DRILL_CRASH_SECONDS,
        );
        worker.into_iter().chain(replica).collect()
    }
}

/// Additions of one request.
fn work(options: &Options) -> u64 {
    options.limit.unwrap_or(WORK)
}

/// How many workers a replica of the station has where nothing else is asked.
fn own_workers(station: &Station) -> usize {
    if station.name == OVER {
        OVER_WORKERS
    } else {
        Workers::Auto.on(station)
    }
}

/// Each station under all loads, those with several workers with both ways to
/// share the port, and on one of them the rules for worker counts.
fn default_rows(station: &Station, quick: bool) -> Vec<PlannedRow> {
    let name = station.name.as_str();
    let own = own_workers(station);
    let loads = LOADS.into_iter().filter(|load| match *load {
        SATURATED => true,
        REUSEPORT => own > 1 && !quick,
        // What the drills are made under.
        AT_HALF => !quick || name == OVER || name == REPLICAS,
        _ => !quick,
    });
    let mut rows: Vec<PlannedRow> = loads.map(|load| row(name, load, own)).collect();
    if name == RULES && !quick {
        for workers in rules(station).into_iter().filter(|workers| *workers != own) {
            rows.push(row(name, SATURATED, workers));
            rows.push(row(name, loads::AT_80, workers));
        }
    }
    rows
}

/// The worker counts that the rules give: n of the quota, 2n + 1, and the CPUs
/// that the host shows.
pub fn rules(station: &Station) -> Vec<usize> {
    let n = Workers::Auto.on(station);
    let host = station.believed_cpus.unwrap_or(n);
    let set: Option<cpu_budget::CpuSet> = station
        .effective
        .cpuset
        .as_ref()
        .and_then(|set| set.parse().ok());
    let host = set.map_or(host, |set| set.len()).max(1);
    vec![n, 2 * n + 1, host]
}
