//! `lab-throttle`, without Docker and in it.

use crate::lab_primes::{assert_hardened, assert_valid, quota_inside};
use crate::local::bench::{Bench, gone, groups_of, stations_of};
use crate::observability;
use crate::observability::panels::Panels;
use crate::observability::prometheus::Prometheus;
use crate::support::{Docker, finish, root, said};
use crate::truth::{DISTURBED, disturbance};
use measure::figures::names;
use measure::report::{EnforcementMeans, Row, RunReport, VerdictKind};
use measure::serving::raw;
use std::process::Command;
use std::sync::OnceLock;

const LAB: &str = "lab-throttle";

/// A station's quota is kept within this share by the kernel, over a sample.
const QUOTA_KEPT: f64 = 1.1;

/// The runner's folder for a lab of servers, with what it starts built.
pub(crate) fn bench(lab: &'static str) -> Bench {
    static BUILT: OnceLock<()> = OnceLock::new();
    BUILT.get_or_init(|| {
        let built = Command::new(env!("CARGO"))
            .current_dir(root())
            .args(["build", "--quiet", "-p", "cluster", "-p", "load"])
            .status()
            .unwrap();
        assert!(built.success(), "the programs cannot be built");
    });
    Bench::of(lab)
}

/// What must hold of every sample under load, however fast the machine is.
pub(crate) fn assert_served(report: &RunReport) {
    for row in &report.rows {
        assert!(
            row.samples.is_empty() && row.wall_seconds.is_none(),
            "{}",
            row.key()
        );
        for round in &row.rounds {
            let counted = |name: &str| round.figures[name];
            assert!(counted(raw::ANSWERED) > 0.0, "{}", row.key());
            assert!(counted(raw::FAILED) < 0.5, "{}", row.key());
            let percentiles = [
                raw::P50_SECONDS,
                raw::P99_SECONDS,
                raw::P99_9_SECONDS,
                raw::MAX_SECONDS,
            ];
            let percentiles = percentiles.map(counted);
            assert!(percentiles.is_sorted(), "{}: {percentiles:?}", row.key());
            assert!(percentiles[0] > 0.0, "{}", row.key());
        }
        if let Some(fairness) = row.figures.get(names::FAIRNESS) {
            assert!(
                (0.0..=1.0 + 1e-9).contains(fairness),
                "{}: {fairness}",
                row.key()
            );
        }
    }
    for invariant in &report.invariants {
        assert!(invariant.held, "{}: {}", invariant.name, invariant.detail);
    }
}

fn row<'r>(report: &'r RunReport, station: &str, load: &str, threads: usize) -> &'r Row {
    let is_it =
        |row: &&Row| (&*row.station, &*row.strategy, row.workers) == (station, load, threads);
    report.rows.iter().find(is_it).unwrap()
}

/// Saturated rows used their quota up and stood still, or say that others had
/// the CPUs.
fn assert_throttled(report: &RunReport, station: &str, quota_cpus: f64, threads: usize) {
    let row = row(report, station, "saturated", threads);
    let figure = |name: &str| row.figures[name];
    let used = figure(names::REQUESTS_PER_SECOND) * figure(names::CPU_MS_PER_REQUEST) / 1e3;
    assert!(
        used <= quota_cpus * QUOTA_KEPT,
        "{}: {used} CPUs",
        row.key()
    );
    let verdict = row.verdict.as_ref().unwrap();
    let left_open = disturbance(row) >= DISTURBED;
    let kinds = [VerdictKind::Quota, VerdictKind::Bursts];
    assert!(
        kinds.contains(&verdict.kind) || left_open,
        "{}: {verdict:?}",
        row.key()
    );
    assert!(
        figure(names::THROTTLED) > 0.5 || left_open,
        "{}: {:?}",
        row.key(),
        row.figures
    );
    assert!(
        figure(names::REPLAYED_THROTTLED) > 0.9,
        "{}: {:?}",
        row.key(),
        row.figures
    );
}

#[test]
fn a_saturated_server_stands_still_and_what_a_request_costs_is_found_out() {
    let bench = bench(LAB);
    let settings = [
        ("STATION", "throttle-half"),
        ("STRATEGY", "saturated,open-40"),
        ("WORKERS", "1,8"),
        ("ROUNDS", "2"),
    ];

    let child = bench.start(&settings);
    let runner = child.id();
    let output = finish(child, &["lab run --local"]);

    assert!(output.status.success(), "{}", said(&output));
    let report = bench.report();
    assert_eq!(report.rows.len(), 4);
    assert_served(&report);
    // On one line, wherever it was wrapped.
    let stdout = String::from_utf8_lossy(&output.stdout);
    let stdout: Vec<&str> = stdout.split_whitespace().collect();
    let stdout = stdout.join(" ");
    for part in [
        "threads",
        "requests/s",
        "stall per",
        "by the refill rule on larger machines, not measured here",
        "uber-go/automaxprocs",
        "of the server's CPU time",
    ] {
        assert!(stdout.contains(part), "{part}: {stdout}");
    }
    for nonsense in ["speedup", "efficiency", "as fast"] {
        assert!(!stdout.contains(nonsense), "{nonsense}: {stdout}");
    }
    gone(|| stations_of(runner));
    gone(|| groups_of(runner));
    if report.host.enforcement.as_ref().unwrap().means == EnforcementMeans::Affinity {
        eprintln!("left out, since quotas need a control group: throttling");
        return;
    }
    for threads in [1, 8] {
        assert_throttled(&report, "throttle-half", 0.5, threads);
    }
    let stall = row(&report, "throttle-half", "saturated", 1).figures[names::STALL_SECONDS];
    assert!((stall - 0.05).abs() < 1e-9, "{stall}");
}

#[test]
fn a_quick_run_in_docker_shows_latency_and_throttling() {
    let Some(docker) = Docker::take("lab-throttle, quick") else {
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
    assert_served(&report);
    for (station, cpus) in [("throttle-half", 0.5), ("throttle-one", 1.0)] {
        let containers = docker.containers(station);
        assert_eq!(containers.len(), 1, "{station}");
        assert_eq!(quota_inside(&docker, &containers[0]), Some(cpus));
        assert_hardened(&docker, station, &containers[0]);
        assert_throttled(&report, station, cpus, 8);
    }
    // One thread never uses a whole CPU up.
    let alone = row(&report, "throttle-one", "saturated", 1);
    assert!(alone.figures[names::STALL_SECONDS].abs() < 1e-12);
}
