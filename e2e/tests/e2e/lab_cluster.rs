//! `lab-cluster`, without Docker and in it: rates, and what is lost when a
//! worker is killed or a replica crashes.

use crate::lab_primes::{assert_hardened, assert_valid, quota_inside};
use crate::lab_throttle::{assert_served, bench};
use crate::local::bench::{gone, groups_of, stations_of};
use crate::observability;
use crate::observability::panels::Panels;
use crate::observability::prometheus::Prometheus;
use crate::support::{Docker, finish, said};
use measure::report::{Drill, RunReport};
use measure::serving::raw;

const LAB: &str = "lab-cluster";

/// Both drills were done, and each lost no more than what it broke.
fn assert_drilled(report: &RunReport) {
    let [worker, replica] = &report.drills[..] else {
        panic!("{:?}", report.drills)
    };
    for (drill, station) in [(worker, "cluster-over"), (replica, "cluster-replicas")] {
        assert_eq!(drill.station, station);
        assert_eq!(drill.failed_because, None, "{station}");
        assert!(drill.done_at_seconds.unwrap() >= 0.9, "{drill:?}");
        assert_eq!(drill.sent, drill.answered + drill.lost(), "{station}");
        assert!(drill.answered > 0, "{drill:?}");
        let of_slices = |count: fn(&measure::report::Slice) -> u64| -> u64 {
            drill.timeline.iter().map(count).sum()
        };
        assert_eq!(of_slices(|slice| slice.failed), drill.lost(), "{station}");
    }
    // Requests under way on one worker's connections, one for each at most.
    assert!(worker.lost() <= worker.connections as u64, "{worker:?}");
    assert_eq!(worker.restarts, Some(1), "{worker:?}");
    assert!(over(worker), "{worker:?}");
    assert!(over(replica), "{replica:?}");
}

/// Whether requests were answered again before the load ended.
fn over(drill: &Drill) -> bool {
    drill
        .recovery_seconds()
        .is_some_and(|seconds| seconds < drill.seconds)
}

#[test]
fn rates_are_found_and_drills_lose_only_what_they_break() {
    let bench = bench(LAB);
    let settings = [
        ("STATION", "cluster-over,cluster-replicas"),
        ("STRATEGY", "saturated,at-50"),
        ("ROUNDS", "1"),
        ("LIMIT", "1e5"),
    ];

    let child = bench.start(&settings);
    let runner = child.id();
    let output = finish(child, &["lab run --local"]);

    assert!(output.status.success(), "{}", said(&output));
    let report = bench.report();
    assert_eq!(report.rows.len(), 4);
    assert_served(&report);
    let replicas = report
        .rows
        .iter()
        .find(|row| row.station == "cluster-replicas");
    assert!(
        replicas
            .unwrap()
            .rounds
            .iter()
            .all(|round| round.replicas.len() == 2)
    );
    for row in report.rows.iter().filter(|row| row.strategy == "at-50") {
        for round in &row.rounds {
            let [offered, found] = [raw::OFFERED_PER_SECOND, raw::FOUND_PER_SECOND];
            let share = round.figures[offered] / round.figures[found];
            assert!((share - 0.5).abs() < 1e-9, "{}: {share}", row.key());
        }
    }
    assert_drilled(&report);
    let stdout = String::from_utf8_lossy(&output.stdout);
    for part in [
        "Drills",
        "drill on cluster-over",
        "drill on cluster-replicas",
    ] {
        assert!(stdout.contains(part), "{part}: {stdout}");
    }
    gone(|| stations_of(runner));
    gone(|| groups_of(runner));
}

#[test]
fn a_quick_run_in_docker_survives_its_drills() {
    let Some(docker) = Docker::take("lab-cluster, quick") else {
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
    assert_drilled(&report);
    for (station, replicas, cpus) in [
        ("cluster-one", 1, 1.0),
        ("cluster-over", 1, 1.0),
        ("cluster-replicas", 2, 1.0),
    ] {
        let containers = docker.containers(station);
        assert_eq!(containers.len(), replicas, "{station}");
        assert_eq!(quota_inside(&docker, &containers[0]), Some(cpus));
        assert_hardened(&docker, station, &containers[0]);
    }
}
