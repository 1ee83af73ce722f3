//! `lab-throttle`: how many threads under how small a quota, and what that does
//! to the slowest requests.

mod groups;
mod loads;
mod steps;
#[cfg(test)]
mod tests;

use super::driven::{Driven, Known, Load, Question, Step, Taken, Window};
use super::invariants::{limits_applied, limits_stayed, nothing_lost, sequences_unbroken};
use super::rows::{each_once, known};
use super::{Abilities, Lab, Options, Part, PlannedRow, served};
use crate::station::Around;
use cpu_budget::CpuSet;
use loads::LOADS;
use measure::report::{RunReport, Station, WorkersAre};
use serde_json::{Value, json};
use std::ops::RangeInclusive;

/// What requests compute; there is nothing else.
const LOOP: &str = "loop";

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
        Abilities {
            kernels: vec![LOOP.to_owned()],
            strategies: LOADS.map(str::to_owned).to_vec(),
        }
    }

    fn check(
        &self,
        options: &Options,
        stations: &[String],
        _abilities: &Abilities,
    ) -> Result<(), String> {
        let own = self.abilities();
        known("STATION", &options.stations, stations)?;
        known("STRATEGY", &options.strategies, &own.strategies)?;
        known("KERNEL", options.kernel.as_slice(), &own.kernels)
    }

    fn plan(
        &self,
        stations: &[Station],
        abilities: &Abilities,
        options: &Options,
    ) -> Result<Vec<PlannedRow>, String> {
        let names: Vec<_> = stations.iter().map(|s| s.name.clone()).collect();
        self.check(options, &names, abilities)?;
        served::one_replica_each(stations)?;
        let asked = |station: &&Station| {
            options.stations.is_empty() || options.stations.contains(&station.name)
        };
        let rows = stations.iter().filter(asked).flat_map(|station| {
            if options.strategies.is_empty() && options.workers.is_empty() {
                default_rows(station, options.quick)
            } else {
                narrowed_rows(station, options)
            }
        });
        Ok(each_once(rows.collect()))
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
        report.invariants = vec![
            served::answers_right(report),
            served::all_answered(report),
            served::counted_alike(report),
            served::nobody_died(report),
            limits_applied(report),
            sequences_unbroken(report),
            nothing_lost(report),
        ];
        report.invariants.extend(limits_stayed(report));
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

fn row(station: &str, load: &str, threads: usize) -> PlannedRow {
    PlannedRow {
        station: station.into(),
        strategy: load.into(),
        kernel: LOOP.into(),
        workers: threads,
        baseline: false,
    }
}

/// All thread counts saturated, and under the other loads those that differ
/// most.
fn default_rows(station: &Station, quick: bool) -> Vec<PlannedRow> {
    let name = &station.name;
    if quick {
        let rows = [
            (loads::SATURATED, 1),
            (loads::SATURATED, 2),
            (loads::SATURATED, 8),
            ("open-40", 8),
        ];
        return rows.map(|(load, threads)| row(name, load, threads)).into();
    }
    let saturated = THREADS.into_iter().chain(host_cpus(station));
    let saturated = saturated.map(|threads| row(name, loads::SATURATED, threads));
    let others = LOADS.into_iter().filter(|load| *load != loads::SATURATED);
    let others = others.flat_map(|load| FEW_AND_MANY.map(|threads| row(name, load, threads)));
    saturated.chain(others).collect()
}

/// What a program that looks at the machine and not at its quota would start.
fn host_cpus(station: &Station) -> Option<usize> {
    let set: Option<CpuSet> = station.effective.cpuset.as_ref()?.parse().ok();
    set.map(|set| set.len()).filter(|cpus| *cpus > 0)
}

/// Every chosen load with every chosen number of threads.
fn narrowed_rows(station: &Station, options: &Options) -> Vec<PlannedRow> {
    let default_load = [loads::SATURATED.to_owned()];
    let chosen_loads = match options.strategies.as_slice() {
        [] => &default_load,
        chosen => chosen,
    };
    let threads: Vec<usize> = match options.workers.as_slice() {
        [] => FEW_AND_MANY.to_vec(),
        chosen => chosen.iter().map(|workers| workers.on(station)).collect(),
    };
    let rows = chosen_loads
        .iter()
        .flat_map(|load| threads.iter().map(|&n| row(&station.name, load, n)));
    rows.collect()
}
