//! `lab-primes`: the same count of primes under different CPU limits.

mod answers;
mod comparisons;

use super::groups::group;
use super::invariants::{limits_applied, limits_stayed, nothing_lost, sequences_unbroken};
use super::rows::{each_once, largest};
use super::scaling::{self, serial_fractions};
use super::{Abilities, Lab, Options, Part, PlannedRow};
use crate::station::Around;
use measure::report::{Group, Row, RunReport, Station};
use serde_json::{Value, json};
use std::ops::RangeInclusive;

/// The strategy whose rows show the limits.
const STRATEGY: &str = "work-stealing";

/// The course's job: primes below two million.
const LIMIT: u64 = 2_000_000;

/// What `primes` counts to at most. This and its names below stand here so that
/// a misspelt option is refused before a station is built; a test holds them to
/// what the program says, and a run asks the station itself.
const LARGEST_LIMIT: u64 = 1_000_000_000_000;

const KERNELS: [&str; 2] = ["trial", "sieve"];

const STRATEGIES: [&str; 7] = [
    "sequential",
    "static-threads",
    "executor",
    "work-stealing",
    "channels",
    "processes",
    "async",
];

/// The lab.
pub struct Primes;

impl Lab for Primes {
    fn name(&self) -> &'static str {
        "lab-primes"
    }

    fn sizes(&self) -> RangeInclusive<u64> {
        1..=LARGEST_LIMIT
    }

    fn abilities(&self) -> Abilities {
        Abilities {
            kernels: KERNELS.map(str::to_owned).to_vec(),
            strategies: STRATEGIES.map(str::to_owned).to_vec(),
        }
    }

    fn rows(&self, stations: &[Station], options: &Options) -> Result<Vec<PlannedRow>, String> {
        let Some(largest) = largest(stations) else {
            return Err("no station can run on this host, so there is nothing to measure".into());
        };
        let row = |station: &str, strategy: &str, workers| PlannedRow {
            station: station.into(),
            strategy: strategy.into(),
            kernel: kernel(options).into(),
            workers,
            baseline: false,
        };
        let mut rows = vec![PlannedRow {
            baseline: true,
            ..row(&largest.name, "sequential", 1)
        }];
        rows.extend(if options.choose_rows() {
            narrowed_rows(stations, options, row)
        } else {
            default_rows(stations, largest, options.quick, row)
        });
        rows.retain(|row| row.baseline || options.wants(&row.station));
        Ok(each_once(rows))
    }

    fn request(&self, row: &PlannedRow, part: Part, options: &Options, _: &Around) -> Value {
        json!({
            "limit": options.limit.unwrap_or(LIMIT),
            "kernel": row.kernel,
            "strategy": row.strategy,
            "workers": row.workers,
            "repeats": part.repeats,
            "shard": { "index": part.index, "count": part.count },
            "start_at_seconds": part.start_at_seconds,
        })
    }

    fn parameters(&self, options: &Options, _: &Around) -> Vec<(&'static str, Value)> {
        vec![
            ("limit", json!(options.limit.unwrap_or(LIMIT))),
            ("kernel", json!(kernel(options))),
        ]
    }

    fn compare(&self, report: &mut RunReport) {
        report.comparisons = comparisons::named(report);
    }

    fn conclude(&self, report: &mut RunReport) {
        report.invariants = vec![
            answers::right(report),
            limits_applied(report),
            sequences_unbroken(report),
            nothing_lost(report),
        ];
        report.invariants.extend(limits_stayed(report));
        report.groups = groups(report);
    }
}

fn kernel(options: &Options) -> &str {
    options.kernel.as_deref().unwrap_or("trial")
}

fn default_rows(
    stations: &[Station],
    largest: &Station,
    quick: bool,
    row: impl Fn(&str, &str, usize) -> PlannedRow,
) -> Vec<PlannedRow> {
    if quick {
        let mut rows = vec![
            row("primes-half", STRATEGY, 2),
            row("primes-one", STRATEGY, 2),
            row(&largest.name, STRATEGY, 2),
            row(&largest.name, "static-threads", 2),
            row("primes-fleet", STRATEGY, 1),
        ];
        rows.retain(|row| stations.iter().any(|station| station.name == row.station));
        return rows;
    }
    let mut rows = Vec::new();
    for station in stations {
        rows.push(row(&station.name, STRATEGY, 1));
        if station.replicas == 1 {
            rows.push(row(&station.name, STRATEGY, 2));
        }
        if station.name == largest.name {
            rows.push(row(&station.name, STRATEGY, 4));
            for strategy in ["static-threads", "executor", "channels", "async"] {
                rows.push(row(&station.name, strategy, 2));
            }
            // One worker too: it tells the cost of a process from that of sharing a CPU.
            rows.push(row(&station.name, "processes", 1));
            rows.push(row(&station.name, "processes", 2));
        }
    }
    rows
}

/// Every chosen station with every chosen strategy and worker count.
fn narrowed_rows(
    stations: &[Station],
    options: &Options,
    row: impl Fn(&str, &str, usize) -> PlannedRow,
) -> Vec<PlannedRow> {
    let mut rows = Vec::new();
    for station in stations {
        for strategy in options.strategies_or(STRATEGY) {
            let is_one = strategy == "sequential" || station.replicas > 1;
            let own: &[usize] = if is_one { &[1] } else { &[1, 2] };
            let workers = options.workers_or(own, station).into_iter();
            rows.extend(workers.map(|n| row(&station.name, &strategy, n)));
        }
    }
    rows
}

/// One sentence per group, drawn from its rows.
fn groups(report: &RunReport) -> Vec<Group> {
    let largest = report.rows.iter().find(|row| row.baseline);
    let largest = largest.map_or("", |row| row.station.as_str());
    let limits = |workers| {
        let title = format!(
            "{STRATEGY}, {workers} worker{}, by limit",
            if workers == 1 { "" } else { "s" }
        );
        let of_limits = move |row: &&Row| {
            row.strategy == STRATEGY && row.workers == workers && !is_fleet(report, row)
        };
        group(report, title, of_limits, |row| row.station.clone())
    };
    let mut by_workers: Vec<Group> = of_workers(report, largest, STRATEGY).into_iter().collect();
    for (station, strategy) in stations_and_strategies(report) {
        if (station, strategy) != (largest, STRATEGY) {
            let group = of_workers(report, station, strategy);
            by_workers.extend(group.filter(|group| !group.serial_fractions.is_empty()));
        }
    }
    let by_strategy = group(
        report,
        format!("two workers on {largest}, by strategy"),
        |row| row.station == largest && row.workers == 2,
        |row| row.strategy.clone(),
    );
    let by_limit = [limits(1), limits(2)].into_iter().flatten();
    by_limit.chain(by_workers).chain(by_strategy).collect()
}

/// What more workers gained on one station, and what they did not.
fn of_workers(report: &RunReport, station: &str, strategy: &str) -> Option<Group> {
    let mut group = group(
        report,
        format!("{strategy} on {station}, by workers"),
        |row| row.station == station && row.strategy == strategy,
        |row| {
            format!(
                "{} worker{}",
                row.workers,
                if row.workers == 1 { "" } else { "s" }
            )
        },
    )?;
    group.serial_fractions = serial_fractions(report, station, strategy);
    if !group.serial_fractions.is_empty() {
        group.sentence.push(' ');
        group.sentence += &scaling::sentence(&group.serial_fractions);
    }
    Some(group)
}

/// Each station and strategy that has rows, once.
fn stations_and_strategies(report: &RunReport) -> Vec<(&str, &str)> {
    let mut all: Vec<(&str, &str)> = Vec::new();
    for row in &report.rows {
        let this = (row.station.as_str(), row.strategy.as_str());
        if !all.contains(&this) {
            all.push(this);
        }
    }
    all
}

fn is_fleet(report: &RunReport, row: &Row) -> bool {
    let station = report.stations.iter().find(|s| s.name == row.station);
    station.is_some_and(|station| station.replicas > 1)
}
