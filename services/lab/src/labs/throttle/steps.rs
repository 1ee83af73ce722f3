//! What is measured before the rounds: how much work makes a request cost what
//! it should, and what the requests of each station then do cost: where the
//! server is never out of work, and where it waits for them.

use super::loads::{PROBED_OPEN, is_open, poisson, saturated};
use super::row;
use crate::labs::driven::{Ask, Known, Step, Taken};
use crate::labs::rows::largest;
use crate::labs::{Options, PlannedRow};
use measure::report::{Round, Station};
use measure::serving::raw;
use measure::text::figures::count;

/// What a request is to cost, in CPU seconds of the server: as in the figures
/// that others have published of it, and so little that a refill of half a CPU
/// pays for hundreds.
const WANTED_CPU_SECONDS: f64 = 0.000_15;

/// Additions of the two probes that tell what an addition costs, and what a
/// request costs without any.
const NO_WORK: u64 = 1;
const SOME_WORK: u64 = 200_000;

/// How much of its saturated capacity a station is asked for to see what an open
/// load's requests cost: enough for as many requests as a row has, and little
/// enough for it to keep up, though each of them costs more.
const PROBED_SHARE: f64 = 0.8;

const BARE_COST: &str = "the cost of a request without work";
const WORK: &str = "the work of a request";

/// Additions of one request: those asked for, else those that were found.
pub fn work(known: &Known, options: &Options) -> Result<u64, String> {
    match options.limit {
        Some(work) => Ok(work),
        None => known.figure(WORK).map(|work| work as u64),
    }
}

/// Under which name a station's requests per second are known, quota ÷ cost.
pub fn capacity_of(station: &str) -> String {
    format!("the capacity of {station}")
}

/// Under which name the CPU seconds of a station's request are known.
pub fn cost_of(station: &str) -> String {
    format!("the cost of a request on {station}")
}

/// Under which name the generator's CPU seconds for one are known.
pub fn load_cost_of(station: &str) -> String {
    format!("the generator's cost of a request on {station}")
}

/// Where those three are known of a load that lets the server rest between
/// requests, so that each of them has to wake one of its threads.
pub fn open_on(station: &str, threads: usize) -> String {
    format!(
        "{station} under an open load with {}",
        count(threads, "thread")
    )
}

/// The next step: probes of the work on the largest station, then each station
/// of the plan, saturated and under an open load with the threads of its rows.
pub fn next(
    plan: &[PlannedRow],
    stations: &[Station],
    known: &Known,
    options: &Options,
) -> Option<Step> {
    if options.limit.is_none() {
        let largest = largest(stations)?;
        for (name, work) in [(BARE_COST, NO_WORK), (WORK, SOME_WORK)] {
            if !known.is_settled(name) {
                let label = format!("measuring {name} on {}", largest.name);
                return Some(step(name.to_owned(), label, &largest.name, work));
            }
        }
    }
    let work = work(known, options).ok()?;
    let ran = |name: &str| {
        let station = stations.iter().find(|station| station.name == name);
        station.is_some_and(|station| station.refused.is_none())
    };
    let mut names = plan.iter().map(|row| row.station.as_str());
    if let Some(next) = names.find(|name| ran(name) && !known.is_settled(&capacity_of(name))) {
        let label = format!("measuring the capacity of {next} with one thread");
        return Some(step(capacity_of(next), label, next, work));
    }
    let mut open = plan.iter().filter(|row| is_open(&row.strategy));
    open.find_map(|row| open_step(row, known, work))
}

/// The step that the row's load still depends on, where its station's capacity is
/// known.
fn open_step(of: &PlannedRow, known: &Known, work: u64) -> Option<Step> {
    let on = open_on(&of.station, of.workers);
    let name = capacity_of(&on);
    let saturated = known.figure(&capacity_of(&of.station)).ok()?;
    (!known.is_settled(&name)).then(|| Step {
        label: format!("measuring the capacity of {on}"),
        name,
        row: row(&of.station, PROBED_OPEN, of.workers),
        ask: Ask::Sample(poisson(work, saturated * PROBED_SHARE)),
    })
}

fn step(name: String, label: String, station: &str, work: u64) -> Step {
    Step {
        name,
        label,
        // One thread is never more at work than the quota of a CPU allows.
        row: row(station, crate::labs::served::SATURATED, 1),
        ask: Ask::Sample(saturated(work)),
    }
}

/// What the step's sample tells.
pub fn learn(step: &Step, taken: &Taken, known: &mut Known) {
    let Some(round) = &taken.round else {
        return;
    };
    let cost = cost(round);
    match step.name.as_str() {
        BARE_COST => known.keep(BARE_COST, cost),
        WORK => {
            let bare = known.figure(BARE_COST).ok();
            known.keep(
                WORK,
                cost.zip(bare).and_then(|(cost, bare)| work_for(cost, bare)),
            );
        }
        capacity => {
            let row = &step.row;
            let on = if is_open(&row.strategy) {
                open_on(&row.station, row.workers)
            } else {
                row.station.clone()
            };
            known.keep(cost_of(&on), cost);
            known.keep(load_cost_of(&on), load_cost(round));
            known.keep(
                capacity,
                cost.zip(granted(round)).map(|(cost, cpus)| cpus / cost),
            );
        }
    }
}

/// CPU seconds of the station for one request.
fn cost(round: &Round) -> Option<f64> {
    let served = round
        .figures
        .get(raw::SERVED)
        .filter(|served| **served > 0.0)?;
    Some(round.cpu_seconds()? / served)
}

fn load_cost(round: &Round) -> Option<f64> {
    let figure = |name: &str| round.figures.get(name).copied();
    let answered = figure(raw::ANSWERED).filter(|answered| *answered > 0.0)?;
    Some(figure(raw::LOAD_CPU_SECONDS)? / answered)
}

/// The CPUs that the station may use: its quota, or all there are.
fn granted(round: &Round) -> Option<f64> {
    let replica = round.replicas.first()?;
    let cpus = replica.cpus.count.map(|count| count as f64);
    match (replica.quota_cpus, replica.quota_known) {
        (Some(quota), _) => Some(cpus.map_or(quota, |cpus| quota.min(cpus))),
        (None, true) => cpus,
        (None, false) => None,
    }
}

/// The additions that make a request cost what it should, by the cost of one
/// with [`SOME_WORK`] and of one without; at least one.
fn work_for(cost: f64, bare: f64) -> Option<f64> {
    let of_each = (cost - bare) / (SOME_WORK - NO_WORK) as f64;
    let work = ((WANTED_CPU_SECONDS - bare) / of_each).round();
    (of_each > 0.0 && work.is_finite()).then_some(work.max(1.0))
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    #[test]
    fn the_work_is_what_is_left_beside_the_request_itself() {
        // 0.5 ns an addition, 30 µs without: 240 000 additions come to 0.15 ms.
        let work = work_for(0.000_03 + 0.000_1, 0.000_03).unwrap();
        assert!((work - 240_000.0).abs() < 10.0, "{work}");
        let slow = work_for(0.000_3, 0.000_2).unwrap();
        assert!((slow - 1.0).abs() < 1e-9, "the request itself costs more");
        assert_eq!(work_for(0.000_03, 0.000_03), None);
    }
}
