//! What rows and stations are called.

use super::figures::UNKNOWN;
use crate::report::{Row, RunReport, Station};
use crate::verdict::words::count;

/// A row in words, `primes-half · work-stealing · 2 workers`, with what sets it
/// apart: that it is the baseline, that it was lost on the way.
pub fn row_name(report: &RunReport, row: &Row) -> String {
    let workers = match replicas(report, row) {
        1 => count(row.workers, row.workers_are.one()),
        replicas => format!("{replicas} × {}", count(row.workers, row.workers_are.one())),
    };
    let baseline = if row.baseline { " (baseline)" } else { "" };
    let lost = row.lost_after().map_or_else(String::new, |rounds| {
        format!(" (lost after {})", count(rounds, "round"))
    });
    format!(
        "{} · {} · {workers}{baseline}{lost}",
        row.station,
        work(report, row)
    )
}

/// The names of several rows.
pub fn row_names(report: &RunReport, rows: &[&Row]) -> String {
    let names: Vec<String> = rows.iter().map(|row| row_name(report, row)).collect();
    names.join("; ")
}

/// The name of the row with this key, or the key where no row has it.
pub fn name_of_key(report: &RunReport, key: &str) -> String {
    let row = report.rows.iter().find(|row| row.key() == key);
    row.map_or_else(|| key.to_owned(), |row| row_name(report, row))
}

/// The strategy, and the kernel where the report has several.
pub fn work(report: &RunReport, row: &Row) -> String {
    if report.rows.iter().all(|other| other.kernel == row.kernel) {
        row.strategy.clone()
    } else {
        format!("{}/{}", row.strategy, row.kernel)
    }
}

/// The stations that have rows, in the report's order, with their rows: the
/// order in which rows are shown.
pub fn by_station(report: &RunReport) -> Vec<(&str, Vec<&Row>)> {
    let known = report.stations.iter().map(|station| &station.name);
    let named = report.rows.iter().map(|row| &row.station);
    let mut stations: Vec<(&str, Vec<&Row>)> = Vec::new();
    for name in known.chain(named) {
        let rows: Vec<&Row> = report.rows.iter().filter(|r| r.station == *name).collect();
        if !rows.is_empty() && stations.iter().all(|(seen, _)| seen != name) {
            stations.push((name, rows));
        }
    }
    stations
}

/// What stands before a wall that is scaled from a part of the job.
pub fn scaled(row: &Row) -> &'static str {
    row.scaled_from().map_or("", |_| "~")
}

/// Workers of one replica, and how many replicas where there are several.
pub fn workers(report: &RunReport, row: &Row) -> String {
    match replicas(report, row) {
        1 => row.workers.to_string(),
        replicas => format!("{replicas} × {}", row.workers),
    }
}

/// What the rows' workers are, as the head of a column.
pub fn workers_head(report: &RunReport) -> &'static str {
    let first = report.rows.first();
    first.map_or("workers", |row| row.workers_are.many())
}

/// The station of that name.
pub fn station<'a>(report: &'a RunReport, name: &str) -> Option<&'a Station> {
    report.stations.iter().find(|station| station.name == name)
}

/// How many replicas the row's station has.
pub fn replicas(report: &RunReport, row: &Row) -> usize {
    station(report, &row.station).map_or(1, |station| station.replicas.max(1))
}

/// The text of a figure that may be unknown.
pub fn known<T>(figure: Option<T>, text: impl Fn(T) -> String) -> String {
    figure.map_or_else(|| UNKNOWN.to_owned(), text)
}
