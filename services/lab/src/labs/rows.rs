//! What the labs' plans have in common.

use super::{Abilities, Options, PlannedRow};
use measure::report::Station;
use service_kit::problem::nearest;

/// Refuses a station, a strategy or a kernel that there is not.
pub fn names_known(
    options: &Options,
    stations: &[String],
    abilities: &Abilities,
) -> Result<(), String> {
    known("STATION", &options.stations, stations)?;
    known("STRATEGY", &options.strategies, &abilities.strategies)?;
    known("KERNEL", options.kernel.as_slice(), &abilities.kernels)
}

/// Refuses a name that is none of `known`, with the nearest that is.
fn known(knob: &str, given: &[String], known: &[String]) -> Result<(), String> {
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
pub fn largest(stations: &[Station]) -> Option<&Station> {
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

/// The rows in this order, each once; the baseline stands for the row that is
/// otherwise like it.
pub fn each_once(rows: Vec<PlannedRow>) -> Vec<PlannedRow> {
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
    kept
}
