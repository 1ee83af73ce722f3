//! What the preflight makes of a lab: which stations run, in which order, and
//! whether the lab can run at all.

#![allow(clippy::unwrap_used)]

use super::{Host, Outcome, check, summary};
use crate::compose::{Environment, load};

fn outcome(services: &str, host: &Host) -> Outcome {
    let folder = tempfile::tempdir().unwrap();
    std::fs::write(
        folder.path().join("lab.yml"),
        format!("services:\n{services}"),
    )
    .unwrap();
    check(load(folder.path(), "lab.yml", &Environment::new()), host)
}

const STATIONS: &str = "  \
  two: {image: x, deploy: {resources: {limits: {cpus: 2, memory: 64M}}}}
  fleet: {image: x, deploy: {replicas: 4, resources: {limits: {cpus: 0.5}}}}
  pinned: {image: x, cpuset: '0'}
  free: {image: x}
";

#[test]
fn each_station_has_a_line_in_the_order_of_the_file() {
    let outcome = outcome(STATIONS, &Host::with_cpus(1));

    let lines: Vec<_> = summary(&outcome.stations).collect();
    assert_eq!(
        lines,
        [
            "two     2 CPUs, 64 MiB  refused: cpus 2 is above this host's 1 CPU",
            "fleet   4 × 0.5 CPUs    granted",
            "pinned  cpuset 0        granted",
            "free    no limits       granted",
        ]
    );
    assert!(outcome.can_run());
    assert_eq!(outcome.findings[0].place.line, 2);
}

#[test]
fn a_lab_without_a_station_that_can_run_cannot_run() {
    let two = "  two: {image: x, cpus: 2}\n";
    assert!(!outcome(two, &Host::with_cpus(1)).can_run());
    assert!(outcome(two, &Host::with_cpus(2)).can_run());
    let runner_only = "  lab: {image: x, profiles: [run]}\n";
    assert!(!outcome(runner_only, &Host::with_cpus(2)).can_run());
}

#[test]
fn the_runner_is_no_station_and_stops_all_when_it_is_refused() {
    let lab = format!("{STATIONS}  lab: {{image: x, profiles: [run], cpus: 2}}\n");

    let refused = outcome(&lab, &Host::with_cpus(1));
    assert!(refused.stations.iter().all(|station| station.name != "lab"));
    assert!(!refused.can_run());
    assert!(outcome(&lab, &Host::with_cpus(2)).can_run());
}

#[test]
fn a_broken_file_stops_every_station() {
    let broken = format!("{STATIONS}  bad: {{image: x, cpuset: '1-0'}}\n");

    let outcome = outcome(&broken, &Host::with_cpus(2));

    assert!(outcome.stations.is_empty() && !outcome.can_run());
    assert!(
        outcome
            .findings
            .iter()
            .any(|finding| finding.place.line == 6)
    );
}
