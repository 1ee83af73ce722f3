//! `lab-pipeline`, without Docker and in it: who sets the pace, and that every
//! item comes out once whatever is broken.

use crate::lab_primes::{assert_hardened, assert_valid, quota_inside};
use crate::local::bench::{Bench, gone, groups_of, stations_of};
use crate::observability;
use crate::observability::panels::Panels;
use crate::observability::prometheus::Prometheus;
use crate::support::{Docker, finish, root, said};
use measure::pipeline::raw;
use measure::report::{Row, RunReport};
use std::path::PathBuf;
use std::process::Command;
use std::sync::OnceLock;

pub(crate) const LAB: &str = "lab-pipeline";

/// The runner's folder, with the service of this lab built; `None`, with a word
/// on stderr, where no Redis is installed.
pub(crate) fn bench() -> Option<Bench> {
    static BUILT: OnceLock<()> = OnceLock::new();
    if Command::new("redis-server")
        .arg("--version")
        .output()
        .is_err()
    {
        eprintln!("left out: no redis-server is installed on this machine: {LAB}");
        return None;
    }
    BUILT.get_or_init(|| {
        let built = Command::new(env!("CARGO"))
            .current_dir(root())
            .args(["build", "--quiet", "-p", "pipeline"])
            .status()
            .unwrap();
        assert!(built.success(), "the program cannot be built");
    });
    Some(Bench::of(LAB))
}

fn row<'r>(report: &'r RunReport, strategy: &str) -> &'r Row {
    let mut rows = report.rows.iter();
    rows.find(|row| row.strategy == strategy)
        .unwrap_or_else(|| panic!("no row {strategy}"))
}

/// Folders and servers of a runner's own Redis.
fn redis_of(runner: u32) -> Vec<PathBuf> {
    let folder = std::env::temp_dir().join(format!("parlab-redis-{runner}"));
    let mut left: Vec<PathBuf> = folder
        .exists()
        .then(|| folder.clone())
        .into_iter()
        .collect();
    for process in std::fs::read_dir("/proc").unwrap().flatten() {
        let cwd = std::fs::read_link(process.path().join("cwd"));
        if cwd.is_ok_and(|cwd| cwd.starts_with(&folder)) {
            left.push(process.path());
        }
    }
    left
}

/// Whether others had so much of the CPUs that who set the pace may be left open:
/// as declared the pipeline leaves most of two CPUs idle, and with two replicas a
/// good part of them.
pub(crate) fn disturbed(report: &RunReport) -> bool {
    let few = |row: &&Row| ["as-declared", "replicas-2"].contains(&row.strategy.as_str());
    let rounds = report.rows.iter().filter(few).flat_map(|row| &row.rounds);
    let accounts = rounds.flat_map(|round| round.stages.iter().flat_map(|s| &s.replicas));
    let idle = accounts.filter_map(|account| {
        let all = account.cpus.count? as f64 * account.seconds();
        Some(account.cpus.idle_seconds? / all)
    });
    idle.fold(1.0, f64::min) < 0.25
}

/// What holds of every sample, however fast the machine was.
fn assert_flowed(report: &RunReport) {
    for row in &report.rows {
        assert!(!row.rounds.is_empty(), "{}: {:?}", row.key(), row.not_run);
        for round in &row.rounds {
            let figure = |name: &str| round.figures[name];
            assert!((figure(raw::GIVEN) - figure(raw::ARRIVED)).abs() < 0.5);
            assert!((figure(raw::EXACT) - 1.0).abs() < 0.5, "{}", row.key());
            let [p50, p99, most] =
                [raw::P50_SECONDS, raw::P99_SECONDS, raw::MAX_SECONDS].map(figure);
            assert!(
                p50 <= p99 && p99 <= most,
                "{}: {p50} {p99} {most}",
                row.key()
            );
            assert!(most <= round.wall_seconds() * 1.05, "{}: {most}", row.key());
        }
        let pipeline = row.pipeline.as_ref().unwrap();
        let stages: Vec<&str> = pipeline.stages.iter().map(|s| s.stage.as_str()).collect();
        assert_eq!(stages, ["source", "parse", "transform", "lookup", "sink"]);
        for stage in &pipeline.stages {
            let budget = stage.time_budget.unwrap();
            let sum = budget.running
                + budget.throttled
                + budget.runnable
                + budget.blocked
                + budget.stolen.unwrap_or(0.0);
            assert!(
                (sum - 1.0).abs() < 1e-6,
                "{} {}: {sum}",
                row.key(),
                stage.stage
            );
            let busy = stage.utilisation.unwrap();
            assert!((0.0..=1.0).contains(&busy), "{} {}", row.key(), stage.stage);
        }
        let capacity = row.figures["queue_capacity"];
        for queue in &pipeline.stages[1..] {
            // One entry is the mark, and what becomes of one item goes in at once.
            let most = queue.queue_items_most.unwrap_or(0.0);
            assert!(
                most <= capacity + 2.0,
                "{} {}: {most}",
                row.key(),
                queue.stage
            );
        }
    }
    let replicas = |strategy: &str| row(report, strategy).rounds[0].replicas.len();
    for (strategy, expected) in [("as-declared", 1), ("replicas-2", 2), ("replicas-4", 4)] {
        assert_eq!(replicas(strategy), expected, "{strategy}");
    }
}

/// Everything that was to be broken was, and nothing was lost or came twice.
fn assert_survived(report: &RunReport) {
    let subjects: Vec<&str> = report.drills.iter().map(|d| d.station.as_str()).collect();
    assert_eq!(subjects, ["transform", "sink", "redis"]);
    for drill in &report.drills {
        assert_eq!(drill.failed_because, None, "{}", drill.name);
        assert!(drill.sent > 0 && drill.sent == drill.answered, "{drill:?}");
        assert_eq!(drill.lost(), 0, "{drill:?}");
        let done = drill.done_at_seconds.unwrap();
        assert!(done < drill.seconds, "after the last item: {drill:?}");
    }
    for crash in &report.drills[..2] {
        assert_eq!(crash.restarts, Some(1), "{crash:?}");
    }
    assert!(report.drills[2].seconds > 3.0, "{:?}", report.drills[2]);
    for invariant in &report.invariants {
        assert!(invariant.held, "{}: {}", invariant.name, invariant.detail);
    }
}

/// More of the slowest stage is more, and never more than what the model's next
/// stage lets through, whatever the machine.
fn assert_pace(report: &RunReport) {
    let declared = row(report, "as-declared");
    let pipeline = declared.pipeline.as_ref().unwrap();
    assert!(pipeline.predicted_binding.is_some());
    if disturbed(report) {
        eprintln!("left open, since others had the CPUs: who sets the pace in {LAB}");
        return;
    }
    let rate = |strategy: &str| {
        let pipeline = row(report, strategy).pipeline.as_ref().unwrap();
        pipeline.items_per_second.unwrap().median
    };
    assert!(rate("replicas-2") > 1.3 * rate("as-declared"));
    assert_eq!(pipeline.predicted_binding.as_deref(), Some("transform"));
    assert!(pipeline.replicas_until_next.unwrap() > 1);
    let binding = pipeline.binding.as_deref();
    assert_eq!(binding, Some("transform"), "{:#?}", pipeline.stages);
}

#[test]
fn a_quick_run_names_who_sets_the_pace_and_loses_nothing_that_is_broken() {
    let Some(bench) = bench() else {
        return;
    };

    let child = bench.start(&[("QUICK", "1"), ("ROUNDS", "1")]);
    let runner = child.id();
    let output = finish(child, &["lab run --local"]);

    assert!(output.status.success(), "{}", said(&output));
    let report = bench.report();
    assert_flowed(&report);
    assert_survived(&report);
    assert_pace(&report);
    let stdout = String::from_utf8_lossy(&output.stdout);
    for part in ["Stages: where", "Queues: what", "by L = λW", "set the pace"] {
        assert!(stdout.contains(part), "{part}: {stdout}");
    }
    gone(|| stations_of(runner));
    gone(|| groups_of(runner));
    gone(|| redis_of(runner));
}

#[test]
fn replicas_and_queues_are_narrowed_and_the_file_or_a_variable_sets_the_declared_ones() {
    let Some(bench) = bench() else {
        return;
    };

    let output = bench.run(&[
        ("STRATEGY", "capacity-10"),
        ("ROUNDS", "1"),
        ("LIMIT", "300"),
        ("TRANSFORM", "2"),
    ]);

    assert!(output.status.success(), "{}", said(&output));
    let report = bench.report();
    let rows: Vec<&str> = report
        .rows
        .iter()
        .map(|row| row.strategy.as_str())
        .collect();
    assert_eq!(rows, ["as-declared", "capacity-10"]);
    for row in &report.rows {
        assert_eq!(row.rounds[0].replicas.len(), 2, "{}", row.key());
    }
    assert!((row(&report, "capacity-10").figures["queue_capacity"] - 10.0).abs() < 0.5);
    assert!(report.drills.is_empty(), "a narrowed run breaks nothing");
}

/// Found before any that is installed, and of no use.
#[test]
fn without_redis_one_line_says_what_to_do_and_nothing_starts() {
    let Some(bench) = bench() else {
        return;
    };
    let empty = tempfile::tempdir().unwrap();

    let output = bench.run(&[("PATH", empty.path().to_str().unwrap())]);

    assert_eq!(output.status.code(), Some(64), "{}", said(&output));
    let stderr = String::from_utf8_lossy(&output.stderr);
    let lines: Vec<&str> = stderr
        .lines()
        .filter(|line| line.contains("Redis"))
        .collect();
    assert_eq!(lines.len(), 1, "{stderr}");
    assert!(lines[0].contains("install redis-server"), "{stderr}");
}

#[test]
fn a_quick_run_in_docker_survives_what_is_broken_and_its_page_shows_it() {
    let Some(docker) = Docker::take("lab-pipeline, quick") else {
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
    assert_flowed(&report);
    assert_survived(&report);
    for (station, replicas, cpus) in [("transform", 1, 0.5), ("lookup", 2, 1.0), ("sink", 1, 1.0)] {
        let containers = docker.containers(station);
        assert_eq!(containers.len(), replicas, "{station}: as the file has it");
        assert_eq!(quota_inside(&docker, &containers[0]), Some(cpus));
        assert_hardened(&docker, station, &containers[0]);
    }
}
