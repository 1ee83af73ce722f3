//! The knobs that differ between two runs.

use crate::report::{RunReport, Station};
use crate::verdict::words;
use serde_json::Value;
use std::collections::BTreeSet;

/// A knob with another value than before.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Knob {
    pub(super) subject: String,
    pub(super) name: String,
    pub(super) before: String,
    pub(super) after: String,
    pub(super) scope: Scope,
}

/// Which rows a knob bears on.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Scope {
    /// The rows of the station that it belongs to.
    Station,
    /// Every row.
    AllRows,
    /// The job: rows of different jobs are not compared.
    Job,
    /// None: what is measured, not how fast it is.
    Nothing,
}

/// Parameters that choose rows and rounds: nothing of the lab changes with them.
const CHOOSING: [&str; 7] = [
    "rounds",
    "quick",
    "station",
    "strategy",
    "workers",
    "min_seconds",
    "rows",
];

pub(super) fn knobs(before: &RunReport, after: &RunReport) -> Vec<Knob> {
    let mut knobs = station_knobs(before, after);
    knobs.extend(job_knobs(before, after));
    knobs.extend(host_knobs(before, after));
    knobs
}

fn differing(subject: &str, name: &str, scope: Scope, values: [String; 2]) -> Option<Knob> {
    let [before, after] = values;
    (before != after).then(|| Knob {
        subject: subject.to_owned(),
        name: name.to_owned(),
        before,
        after,
        scope,
    })
}

fn station_knobs(before: &RunReport, after: &RunReport) -> Vec<Knob> {
    let mut knobs = Vec::new();
    for station in &after.stations {
        match find(before, &station.name) {
            Some(earlier) => knobs.extend(limits(earlier, station)),
            None => knobs.extend(presence(&station.name, ["absent", "present"])),
        }
    }
    for station in &before.stations {
        if find(after, &station.name).is_none() {
            knobs.extend(presence(&station.name, ["present", "absent"]));
        }
    }
    knobs
}

fn find<'a>(report: &'a RunReport, name: &str) -> Option<&'a Station> {
    report.stations.iter().find(|s| s.name == name)
}

fn presence(station: &str, values: [&str; 2]) -> Option<Knob> {
    differing(
        station,
        "station",
        Scope::Nothing,
        values.map(str::to_owned),
    )
}

fn limits(before: &Station, after: &Station) -> impl Iterator<Item = Knob> {
    let both = [before, after];
    let cpus = both.map(|s| s.declared.cpus.map_or("none".to_owned(), words::cpus));
    let cpuset = both.map(|s| s.declared.cpuset.clone().unwrap_or("all".to_owned()));
    let memory = both.map(|s| s.declared.memory_bytes.map_or("none".to_owned(), mebibytes));
    let replicas = both.map(|s| s.replicas.to_string());
    [
        ("cpus", cpus),
        ("cpuset", cpuset),
        ("memory", memory),
        ("replicas", replicas),
    ]
    .into_iter()
    .filter_map(|(name, values)| differing(&after.name, name, Scope::Station, values))
}

fn mebibytes(bytes: u64) -> String {
    format!("{} MiB", words::cpus(bytes as f64 / f64::from(1 << 20)))
}

/// Those of the parameters that say what the job is.
pub(super) fn job_knobs(before: &RunReport, after: &RunReport) -> Vec<Knob> {
    let names: BTreeSet<&String> = before
        .parameters
        .keys()
        .chain(after.parameters.keys())
        .collect();
    names
        .into_iter()
        .filter(|name| !CHOOSING.contains(&name.to_lowercase().as_str()))
        .filter_map(|name| {
            let values = [before, after].map(|r| parameter(r.parameters.get(name)));
            differing(&after.lab, name, Scope::Job, values)
        })
        .collect()
}

fn parameter(value: Option<&Value>) -> String {
    match value {
        None | Some(Value::Null) => "default".to_owned(),
        Some(Value::String(text)) => text.clone(),
        Some(other) => other.to_string(),
    }
}

/// What differs between the machines, where both runs know it. Control groups
/// look another way from inside a container than from the host they are on.
fn host_knobs(before: &RunReport, after: &RunReport) -> impl Iterator<Item = Knob> {
    let same_view = before.backend == after.backend;
    let facts = |report: &RunReport| {
        let host = report.host.clone();
        [
            ("cpus", host.cpus.map(|cpus| cpus.to_string())),
            ("model", host.model),
            ("kernel", host.kernel),
            ("cgroup version", host.cgroup_version.filter(|_| same_view)),
            ("engine", host.engine),
        ]
    };
    let both = facts(before).into_iter().zip(facts(after));
    both.filter_map(|((name, was), (_, is))| differing("host", name, Scope::AllRows, [was?, is?]))
}
