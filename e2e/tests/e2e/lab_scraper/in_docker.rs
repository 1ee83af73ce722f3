//! `lab-scraper` as a person runs it, in Docker.

use super::LAB;
use crate::lab_primes::{assert_hardened, assert_valid, quota_inside};
use crate::observability;
use crate::observability::panels::Panels;
use crate::observability::prometheus::Prometheus;
use crate::support::{Docker, finish, said};
use crate::truth::{DISTURBED, disturbance};
use measure::report::{Row, RunReport, VerdictKind};

/// What the Compose file grants, and what the row of this parsing must show.
const ROWS: [(&str, f64, &str, VerdictKind); 3] = [
    ("scraper-quarter", 0.25, "light", VerdictKind::Waiting),
    ("scraper-one", 1.0, "light", VerdictKind::Waiting),
    ("scraper-quarter", 0.25, "heavy", VerdictKind::Quota),
];

#[test]
fn a_quick_run_waits_or_is_throttled_and_keeps_every_page() {
    let Some(docker) = Docker::take("lab-scraper, quick") else {
        return;
    };
    let checkout = docker.checkout();

    observability::start(&checkout);
    let panels = Panels::ask(Prometheus::of(&docker), LAB);
    let arguments = [LAB, "QUICK=1"];
    let mut make = checkout.make(&arguments);
    let child = make.env("NO_OBSERVABILITY", "0").spawn().unwrap();
    let output = finish(child, &arguments);

    assert!(output.status.success(), "{}", said(&output));
    panels.all_had_data();
    assert_valid(&checkout.report_json(LAB));
    let report = checkout.report(LAB);
    assert_kinds(&report);
    for invariant in &report.invariants {
        assert!(invariant.held, "{}: {}", invariant.name, invariant.detail);
    }
    for (station, cpus, ..) in ROWS {
        let containers = docker.containers(station);
        assert_eq!(containers.len(), 1, "{station}");
        assert_eq!(quota_inside(&docker, &containers[0]), Some(cpus));
        assert_hardened(&docker, station, &containers[0]);
    }
    assert_stored(&docker, &report);
}

/// The truth on both sides of the crossing, which is at about 20 pages at once
/// with heavy parsing on a quarter CPU: four pages are waited for, and of 128 no
/// thread is said to starve or the quota to run out now and then.
#[test]
fn few_heavy_pages_are_waited_for_and_many_wait_for_the_quota() {
    let Some(docker) = Docker::take("lab-scraper, both sides of the crossing") else {
        return;
    };
    let checkout = docker.checkout();
    let arguments = [
        LAB,
        "KERNEL=heavy",
        "STATION=scraper-quarter",
        "STRATEGY=async",
        "WORKERS=4,128",
        "ROUNDS=2",
    ];

    let output = finish(checkout.make(&arguments).spawn().unwrap(), &arguments);

    assert!(output.status.success(), "{}", said(&output));
    let report = checkout.report(LAB);
    for (workers, kind) in [(4, VerdictKind::Waiting), (128, VerdictKind::Quota)] {
        let mut rows = report.rows.iter();
        let is_it = |row: &&Row| row.station == "scraper-quarter" && row.workers == workers;
        let row = rows.find(is_it).unwrap();
        assert_kind(row, kind);
    }
}

/// Each row has its kind, or says that others disturbed it, if it was measured.
fn assert_kinds(report: &RunReport) {
    for (station, _, kernel, kind) in ROWS {
        let mut rows = report.rows.iter();
        let row = rows
            .find(|row| row.station == station && row.kernel == kernel && row.strategy == "async")
            .unwrap_or_else(|| panic!("{station} has no row with {kernel} parsing"));
        assert_kind(row, kind);
    }
}

fn assert_kind(row: &Row, kind: VerdictKind) {
    let verdict = row.verdict.as_ref().unwrap();
    let left_open = matches!(verdict.kind, VerdictKind::Host | VerdictKind::Unclear)
        && disturbance(row) >= DISTURBED;
    assert!(
        verdict.kind == kind || left_open,
        "{}: {verdict:?}",
        row.key()
    );
}

/// What the lab's own database has, asked as the sheet says.
fn assert_stored(docker: &Docker, report: &RunReport) {
    let postgres = docker.containers("postgres").remove(0);
    let ask = |query: &str| {
        let asked = [
            "exec", &postgres, "psql", "-U", "parlab", "-d", "parlab", "-tAc", query,
        ];
        docker.output(&asked).trim().parse::<f64>().unwrap()
    };
    let stored: f64 = report
        .rows
        .iter()
        .flat_map(|row| &row.rounds)
        .map(|round| round.figures["stored"])
        .sum();
    assert!(stored >= 3000.0, "{stored}");
    // Probes before the rounds were stored too.
    let there = ask("SELECT count(*) FROM pages");
    assert!(there >= stored, "{there} rows, {stored} in the report");
    assert!(ask("SELECT count(*) FROM pages WHERE error IS NOT NULL").abs() < 0.5);
}
