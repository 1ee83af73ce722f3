//! `lab-primes`: the same count of primes under different CPU limits.

use super::groups::group;
use super::invariants::{limits_applied, nothing_lost, sequences_unbroken};
use super::{Abilities, Lab, Options, Part, PlannedRow};
use measure::report::{Comparison, Group, Interval, Invariant, Outcome, Row, RunReport, Station};
use serde_json::{Value, json};
use service_kit::problem::nearest;

/// The strategy whose rows show the limits.
const STRATEGY: &str = "work-stealing";

/// The course's job: primes below two million.
const LIMIT: u64 = 2_000_000;

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

/// The lab.
pub struct Primes;

impl Lab for Primes {
    fn name(&self) -> &'static str {
        "lab-primes"
    }

    fn plan(
        &self,
        stations: &[Station],
        abilities: &Abilities,
        options: &Options,
    ) -> Result<Vec<PlannedRow>, String> {
        let names: Vec<_> = stations.iter().map(|s| s.name.clone()).collect();
        check("STATION", &options.stations, &names)?;
        check("STRATEGY", &options.strategies, &abilities.strategies)?;
        check("KERNEL", options.kernel.as_slice(), &abilities.kernels)?;

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
        rows.extend(
            if options.strategies.is_empty() && options.workers.is_empty() {
                default_rows(stations, largest, options.quick, row)
            } else {
                narrowed_rows(stations, options, row)
            },
        );
        let wanted = |name: &String| options.stations.is_empty() || options.stations.contains(name);
        rows.retain(|row| row.baseline || wanted(&row.station));
        let mut kept: Vec<PlannedRow> = Vec::new();
        for row in rows {
            let same = |other: &PlannedRow| {
                PlannedRow {
                    baseline: row.baseline,
                    ..other.clone()
                } == row
            };
            if !kept.iter().any(same) {
                kept.push(row);
            }
        }
        Ok(kept)
    }

    fn request(&self, row: &PlannedRow, part: Part, options: &Options) -> Value {
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

    fn parameters(&self, options: &Options) -> Vec<(&'static str, Value)> {
        vec![
            ("limit", json!(options.limit.unwrap_or(LIMIT))),
            ("kernel", json!(kernel(options))),
        ]
    }

    fn compare(&self, report: &mut RunReport) {
        let kernel = parameter(report, "kernel");
        let largest = report.rows.iter().find(|row| row.baseline);
        let Some(largest) = largest.map(|row| row.station.clone()) else {
            return;
        };
        let key = |station: &str, strategy: &str, workers: usize| {
            format!("{station}/{strategy}/{kernel}/{workers}")
        };
        let named = [
            (
                "Do two workers gain under half a CPU?",
                key("primes-half", STRATEGY, 2),
                key("primes-half", STRATEGY, 1),
            ),
            (
                "Do two workers gain under two CPUs?",
                key(&largest, STRATEGY, 2),
                key(&largest, STRATEGY, 1),
            ),
            (
                "Do more workers than CPUs gain?",
                key(&largest, STRATEGY, 4),
                key(&largest, STRATEGY, 2),
            ),
            (
                "Do chunks taken as needed beat equal ranges?",
                key(&largest, STRATEGY, 2),
                key(&largest, "static-threads", 2),
            ),
            (
                "Does async speed up CPU work?",
                key(&largest, "async", 2),
                key(&largest, "sequential", 1),
            ),
            (
                "Are four half-CPU replicas as good as one container with two CPUs?",
                key("primes-fleet", STRATEGY, 1),
                key(&largest, STRATEGY, 2),
            ),
        ];
        let measured = |key: &String| {
            let found = report.rows.iter().find(|row| row.key() == *key);
            found.is_some_and(|row| !row.rounds.is_empty())
        };
        report.comparisons = named
            .into_iter()
            .filter(|(_, row, against)| measured(row) && measured(against))
            .map(|(question, row, against)| Comparison {
                question: question.into(),
                row,
                against,
                ratio: Interval {
                    median: 1.0,
                    low: 1.0,
                    high: 1.0,
                    coverage: 0.0,
                },
                outcome: Outcome::NoDifferenceSeen,
            })
            .collect();
    }

    fn conclude(&self, report: &mut RunReport) {
        report.invariants = vec![
            answers(report),
            limits_applied(report),
            sequences_unbroken(report),
            nothing_lost(report),
        ];
        report.groups = groups(report);
    }
}

fn kernel(options: &Options) -> &str {
    options.kernel.as_deref().unwrap_or("trial")
}

fn parameter(report: &RunReport, name: &str) -> String {
    match report.parameters.get(name) {
        Some(Value::String(text)) => text.clone(),
        Some(other) => other.to_string(),
        None => String::new(),
    }
}

/// Refuses a name that is none of `known`, with the nearest that is.
fn check(knob: &str, given: &[String], known: &[String]) -> Result<(), String> {
    let Some(wrong) = given.iter().find(|name| !known.contains(name)) else {
        return Ok(());
    };
    let nearest = nearest(wrong, known.iter().map(String::as_str));
    let hint = nearest.map_or(String::new(), |name| format!("; did you mean {name}?"));
    Err(format!(
        "{knob}={wrong}: there is no such {}{hint} (there are {})",
        knob.to_lowercase(),
        known.join(", ")
    ))
}

/// The station whose one replica may use most CPU; of several replicas only
/// where there is nothing else, since these would share the baseline's job.
fn largest(stations: &[Station]) -> Option<&Station> {
    let single = stations.iter().filter(|s| s.replicas == 1);
    most_cpu(single).or_else(|| most_cpu(stations.iter()))
}

fn most_cpu<'a>(stations: impl Iterator<Item = &'a Station>) -> Option<&'a Station> {
    let cpus = |station: &Station| station.effective.cpus.unwrap_or(0.0);
    let mut best: Option<&Station> = None;
    for station in stations.filter(|s| s.refused.is_none()) {
        if best.is_none_or(|best| cpus(station) > cpus(best)) {
            best = Some(station);
        }
    }
    best
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
    let default_strategy = [STRATEGY.to_owned()];
    let strategies = match options.strategies.as_slice() {
        [] => &default_strategy,
        chosen => chosen,
    };
    let mut rows = Vec::new();
    for station in stations {
        for strategy in strategies {
            let workers: &[usize] = match options.workers.as_slice() {
                [] if strategy == "sequential" || station.replicas > 1 => &[1],
                [] => &[1, 2],
                chosen => chosen,
            };
            rows.extend(workers.iter().map(|&n| row(&station.name, strategy, n)));
        }
    }
    rows
}

/// Every row of every round found the primes there are.
fn answers(report: &RunReport) -> Invariant {
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
    let first = answers().next().and_then(|(_, _, count)| count);
    let expected = known.or(first);
    let wrong = answers().find(|(_, _, count)| *count != expected || count.is_none());
    let shown = |count: Option<u64>| count.map_or("nothing".into(), |count| count.to_string());
    let detail = match (wrong, known) {
        (Some((row, round, count)), _) => format!(
            "{} found {} in round {}, not {}",
            row.key(),
            shown(count),
            round + 1,
            shown(expected)
        ),
        (None, Some(count)) => format!("every sample found the {count} primes there are"),
        (None, None) => format!(
            "every sample found {}; no known count for this limit to hold it against",
            shown(expected)
        ),
    };
    Invariant {
        name: "right answers".into(),
        held: wrong.is_none(),
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
    let by_workers = group(
        report,
        format!("{STRATEGY} on {largest}, by workers"),
        |row| row.station == largest && row.strategy == STRATEGY,
        |row| {
            format!(
                "{} worker{}",
                row.workers,
                if row.workers == 1 { "" } else { "s" }
            )
        },
    );
    let by_strategy = group(
        report,
        format!("two workers on {largest}, by strategy"),
        |row| row.station == largest && row.workers == 2,
        |row| row.strategy.clone(),
    );
    [limits(1), limits(2), by_workers, by_strategy]
        .into_iter()
        .flatten()
        .collect()
}

fn is_fleet(report: &RunReport, row: &Row) -> bool {
    let station = report.stations.iter().find(|s| s.name == row.station);
    station.is_some_and(|station| station.replicas > 1)
}
