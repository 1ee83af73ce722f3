//! A run in Docker beside one with local stations.

use measure::analysis::analyse;
use measure::changes::{Backends, RowShares, backends};
use measure::made::*;
use measure::report::{
    Backend, Enforcement, EnforcementMeans, ReplicaAccount, Round, RunReport, VerdictKind,
};
use measure::stats::RunsOutcome;
use measure::text::{Style, two_runs};

const WALLS: [f64; 6] = [1.021, 1.033, 1.045, 1.031, 1.022, 1.034];
const STYLE: Style = Style {
    width: 160,
    color: false,
    unicode: true,
};

/// A run whose baseline takes what `WALLS` say, and whose other row takes
/// `times` as long, `sample` making its account of the CPU seconds of a job.
fn run(backend: Backend, times: f64, sample: impl Fn(f64) -> ReplicaAccount) -> RunReport {
    let rounds: Vec<Round> = (0..)
        .zip(WALLS)
        .map(|(round, cpu)| Round {
            round,
            repeats: 1,
            replicas: vec![sample(cpu * times)],
            ..Round::default()
        })
        .collect();
    let mut report = report(
        vec![station("two", None), station("other", None)],
        vec![baseline(&WALLS), row_of("other", "sequential", 1, rounds)],
    );
    report.backend = backend;
    analyse(&mut report);
    report
}

fn busy(cpu: f64) -> ReplicaAccount {
    replica(cpu).worker(cpu, 0.0)
}

/// What is printed, with no line wrapped.
fn told(before: &RunReport, after: &RunReport) -> String {
    let text = two_runs(before, after, &STYLE);
    text.replace("\n  ", " ")
}

fn both(docker: &RunReport, local: &RunReport) -> Backends {
    backends(docker, local).unwrap()
}

#[test]
fn only_one_run_of_each_kind_is_compared_whatever_their_order() {
    let docker = run(Backend::Docker, 1.2, busy);
    let local = run(Backend::Local, 1.0, busy);
    assert_eq!(backends(&docker, &docker), None);
    assert_eq!(backends(&local, &local), None);
    assert_eq!(both(&docker, &local), both(&local, &docker));
    assert!(!told(&docker, &docker).contains("Backends"));
}

#[test]
fn a_limit_that_differs_by_more_than_two_percent_is_wrong() {
    let docker = run(Backend::Docker, 1.0, busy);
    let mut local = run(Backend::Local, 1.0, busy);
    local.stations[1].effective.cpus = Some(1.97);
    let found = both(&docker, &local);
    assert_eq!(found.stations[0].same(), Some(true));
    assert!(!found.limits_differ());

    local.stations[1].effective.cpus = Some(1.95);
    let found = both(&docker, &local);
    assert_eq!(found.stations[1].same(), Some(false));
    assert!(found.limits_differ());
    let text = told(&docker, &local);
    let line = |start: &str| text.lines().find(|line| line.starts_with(start)).unwrap();
    assert!(line("other  ").ends_with('✗'), "{text}");
    assert!(line("two  ").ends_with('✓'), "{text}");
    assert!(
        text.contains("other: another limit in one run than in the other"),
        "{text}"
    );
}

#[test]
fn a_station_that_did_not_run_or_tells_nothing_is_no_wrong_limit() {
    let docker = run(Backend::Docker, 1.0, busy);
    let mut local = run(Backend::Local, 1.0, busy);
    local.stations[0].effective.cpus = None;
    local.stations[1].refused = Some("half a CPU needs a control group".to_owned());
    let found = both(&docker, &local);
    assert!(
        found
            .stations
            .iter()
            .all(|station| station.same().is_none())
    );
    assert!(!found.limits_differ());
    let text = told(&docker, &local);
    assert!(
        text.contains("Not compared: other (half a CPU needs a control group)"),
        "{text}"
    );
}

#[test]
fn shares_more_than_three_points_apart_are_shown_with_their_reason() {
    let docker = run(Backend::Docker, 1.0, busy);
    let close = run(Backend::Local, 1.0, |cpu| {
        replica(cpu).worker(0.98 * cpu, 0.02 * cpu)
    });
    assert!(both(&docker, &close).rows.iter().all(RowShares::same));

    // Another process had a quarter of each CPU.
    let disturbed = run(Backend::Local, 1.0, |cpu| {
        replica(cpu)
            .worker(0.75 * cpu, 0.25 * cpu)
            .others(1.25 * cpu)
    });
    let found = both(&docker, &disturbed);
    let row = &found.rows[1];
    assert_eq!(
        disturbed.rows[1].verdict.as_ref().unwrap().kind,
        VerdictKind::Host
    );
    assert!(!row.same());
    assert!((row.difference() - 0.25).abs() < 1e-6, "{row:?}");
    assert_eq!(row.disturbed, [false, true]);
    let text = told(&docker, &disturbed);
    assert!(text.contains("more than 3 points in 1 of 2 rows"), "{text}");
    assert!(
        text.contains("by its verdict (host): other · sequential · 1 worker"),
        "{text}"
    );
    assert!(!text.contains("Without such a reason"), "{text}");
}

#[test]
fn a_cost_is_claimed_by_the_rule_for_two_runs_and_names_the_dearer_side() {
    let local = run(Backend::Local, 1.0, busy);
    let docker = run(Backend::Docker, 1.2, busy);
    let found = both(&docker, &local);
    for costs in [found.wall, found.cpu] {
        let cost = &costs.unwrap()[0];
        assert_eq!(cost.outcome, RunsOutcome::Faster);
        assert!((cost.ratio - 1.2).abs() < 0.01, "{cost:?}");
    }
    let text = told(&docker, &local);
    assert!(text.contains("took 1.20 × as long in Docker"), "{text}");
    assert!(text.contains("used 1.20 × as much in Docker"), "{text}");

    let slower = run(Backend::Local, 1.5, busy);
    let text = told(&docker, &slower);
    assert!(text.contains("took 1.25 × as long locally"), "{text}");

    let same = run(Backend::Docker, 1.0, busy);
    let text = told(&same, &local);
    assert!(text.contains("Wall time: 1 row within noise."), "{text}");
    let mut quick = same;
    quick.quick = true;
    let mut quick_local = local;
    quick_local.quick = true;
    let text = told(&quick, &quick_local);
    assert!(
        text.contains("CPU time: 1 row of too few rounds to claim anything."),
        "{text}"
    );
}

#[test]
fn cpu_seconds_that_are_counted_otherwise_are_not_compared() {
    let docker = run(Backend::Docker, 1.2, busy);
    let mut local = run(Backend::Local, 1.0, busy);
    local.host.enforcement = Some(Enforcement {
        means: EnforcementMeans::Affinity,
        cannot_show: Vec::new(),
    });
    let found = both(&docker, &local);
    assert!(found.cpu.unwrap_err().contains("affinity alone"));
    assert!(found.wall.is_ok());
}

#[test]
fn that_they_were_held_otherwise_is_no_caution_but_the_question() {
    let docker = run(Backend::Docker, 1.0, busy);
    let local = run(Backend::Local, 1.0, busy);
    let text = told(&docker, &local);
    assert!(!text.contains("held otherwise"), "{text}");
    let mut partial = docker;
    partial.partial = true;
    let text = told(&partial, &local);
    assert!(text.contains("it was interrupted"), "{text}");
}
