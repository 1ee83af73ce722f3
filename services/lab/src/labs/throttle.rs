//! `lab-throttle`: how many threads under how small a quota, and what that does
//! to the slowest requests.

mod groups;
mod loads;
mod steps;
#[cfg(test)]
mod tests;

use super::driven::{Driven, Known, Load, Question, Step, Taken, Window};
use super::rows::names_known;
use super::served::{self, SATURATED, row};
use super::{Abilities, Lab, Options, Part, PlannedRow};
use crate::station::Around;
use cpu_budget::CpuSet;
use loads::LOADS;
use measure::report::{RunReport, Station, WorkersAre};
use serde_json::{Value, json};
use std::ops::RangeInclusive;

/// The most additions of one request.
const MOST_WORK: u64 = 1_000_000_000;

/// Threads of the saturated rows, beside as many as the host has CPUs.
const THREADS: [usize; 5] = [1, 2, 4, 8, 16];

/// Threads of the rows under other loads: as many as a small quota asks for, and
/// as many as a runtime starts on a host of eight CPUs.
const FEW_AND_MANY: [usize; 2] = [1, 8];

/// Fifteen periods of the quota, of thousands of requests each round.
const SECONDS: f64 = 1.5;

/// Until connections are open and the queue is what the load makes of it.
const WARM_UP_SECONDS: f64 = 0.2;

/// The lab.
pub struct Throttle;

impl Lab for Throttle {
    fn name(&self) -> &'static str {
        "lab-throttle"
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
        served::one_replica_each(stations)?;
        Ok(served::rows_of_asked(
            stations,
            options,
            |station| default_rows(station, options.quick),
            |_| FEW_AND_MANY.to_vec(),
        ))
    }

    fn objection(&self, _options: &Options, around: &Around) -> Option<String> {
        served::needs_driver(around)
    }

    fn request(&self, row: &PlannedRow, part: Part, options: &Options, _around: &Around) -> Value {
        json!({
            "workers": 1,
            "threads": row.workers,
            "strategy": "inherit",
            "seconds": self.window(options).seconds,
            "start_at_seconds": part.start_at_seconds,
        })
    }

    fn workers_are(&self) -> WorkersAre {
        WorkersAre::Threads
    }

    fn driven(&self) -> Option<&dyn Driven> {
        Some(self)
    }

    fn parameters(&self, options: &Options, _around: &Around) -> Vec<(&'static str, Value)> {
        vec![
            (
                "work",
                options
                    .limit
                    .map_or_else(|| json!("calibrated"), |work| json!(work)),
            ),
            ("seconds", json!(self.window(options).seconds)),
        ]
    }

    fn compare(&self, _report: &mut RunReport) {}

    fn conclude(&self, report: &mut RunReport) {
        report.invariants = served::invariants(report);
        report.groups = groups::groups(report);
    }
}

impl Driven for Throttle {
    fn driver(&self) -> &'static str {
        served::DRIVER
    }

    fn window(&self, _options: &Options) -> Window {
        Window {
            warm_up_seconds: WARM_UP_SECONDS,
            seconds: SECONDS,
        }
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
        loads::load(row, known, options)
    }
}

/// All thread counts saturated, and under the other loads those that differ
/// most.
fn default_rows(station: &Station, quick: bool) -> Vec<PlannedRow> {
    let name = &station.name;
    if quick {
        let rows = [
            (SATURATED, 1),
            (SATURATED, 2),
            (SATURATED, 8),
            ("open-40", 8),
        ];
        return rows.map(|(load, threads)| row(name, load, threads)).into();
    }
    let saturated = THREADS.into_iter().chain(host_cpus(station));
    let saturated = saturated.map(|threads| row(name, SATURATED, threads));
    let others = LOADS.into_iter().filter(|load| *load != SATURATED);
    let others = others.flat_map(|load| FEW_AND_MANY.map(|threads| row(name, load, threads)));
    saturated.chain(others).collect()
}

/// What a program that looks at the machine and not at its quota would start.
fn host_cpus(station: &Station) -> Option<usize> {
    let set: Option<CpuSet> = station.effective.cpuset.as_ref()?.parse().ok();
    set.map(|set| set.len()).filter(|cpus| *cpus > 0)
}
