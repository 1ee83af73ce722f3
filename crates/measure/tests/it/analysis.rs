//! The derived figures of a report.

use measure::analysis::analyse;
use measure::made::*;
use measure::report::{Comparison, Interval, Outcome, Round, Row, RunReport};

fn close(a: f64, b: f64) -> bool {
    (a - b).abs() < 1e-9
}

fn rounds_of_cpu(
    cpus: &[f64],
    sample: impl Fn(f64) -> measure::report::ReplicaAccount,
) -> Vec<Round> {
    (0..)
        .zip(cpus)
        .map(|(round, &cpu)| Round {
            round,
            repeats: 1,
            replicas: vec![sample(cpu)],
            ..Round::default()
        })
        .collect()
}

/// Six rounds in which the machine drifts; the baseline and a half-CPU row.
fn drifting() -> RunReport {
    let cpu = [1.02, 1.03, 1.12, 1.08, 1.01, 1.06];
    let rows = vec![
        baseline(&cpu),
        row_of("half", "sequential", 1, rounds_of_cpu(&cpu, half)),
        row_of("gone", "sequential", 1, Vec::new()),
    ];
    let mut report = report(vec![station("two", None), station("half", Some(0.5))], rows);
    report.comparisons = vec![
        comparison("two/sequential/trial/1", "half/sequential/trial/1"),
        comparison("two/sequential/trial/1", "gone/sequential/trial/1"),
    ];
    report
}

fn comparison(row: &str, against: &str) -> Comparison {
    Comparison {
        question: "Does half a CPU take twice as long?".to_owned(),
        row: row.to_owned(),
        against: against.to_owned(),
        ratio: Interval {
            median: 0.0,
            low: 0.0,
            high: 0.0,
            coverage: 0.0,
        },
        outcome: Outcome::NoDifferenceSeen,
    }
}

#[test]
fn predictions_follow_the_baseline_of_the_same_round() {
    let mut report = drifting();
    analyse(&mut report);
    let half = &report.rows[1];
    let (wall, predicted) = (
        half.wall_seconds.unwrap(),
        half.predicted_wall_seconds.unwrap(),
    );
    assert!(close(wall.median, predicted.median));
    assert!(close(wall.high, predicted.high) && close(wall.coverage, 0.968_75));
    assert!(close(half.quota_fidelity.unwrap(), 1.0));
    // A baseline has nobody to be predicted from.
    assert_eq!(report.rows[0].predicted_wall_seconds, None);
    assert!(close(report.rows[0].speedup.unwrap().median, 1.0));
}

#[test]
fn both_values_that_the_refills_admit_are_within_the_prediction() {
    let mut report = drifting();
    report.rows[0] = baseline(&[1.049; 6]);
    analyse(&mut report);
    let predicted = report.rows[1].predicted_wall_seconds.unwrap();
    assert!(close(predicted.low, 2.049) && close(predicted.high, 2.099));
}

#[test]
fn rows_carry_the_medians_over_their_rounds() {
    let mut report = drifting();
    analyse(&mut report);
    let half = &report.rows[1];
    assert_eq!(
        (half.samples.len(), half.threads, half.granted_cpus),
        (6, Some(1), Some(0.5))
    );
    assert!(close(half.cpu_seconds.unwrap(), 1.045));
    assert!(close(half.cpu_seconds_outside_workers.unwrap(), 0.0));
    let speedup = half.speedup.unwrap().median;
    assert!((0.48..0.52).contains(&speedup) && close(half.efficiency.unwrap(), speedup));
    let b = half.time_budget.unwrap();
    assert!(close(
        b.running + b.throttled + b.runnable + b.blocked + b.stolen.unwrap(),
        1.0
    ));
}

#[test]
fn a_row_without_rounds_stays_unknown() {
    let mut report = drifting();
    let before = report.rows[2].clone();
    analyse(&mut report);
    assert_eq!(report.rows[2], before);
}

#[test]
fn comparisons_are_filled_and_those_without_a_pair_removed() {
    let mut report = drifting();
    analyse(&mut report);
    assert_eq!(report.comparisons.len(), 1);
    let seen = &report.comparisons[0];
    assert_eq!(seen.outcome, Outcome::Faster);
    assert!((1.9..2.1).contains(&seen.ratio.median));
    report.quick = true;
    analyse(&mut report);
    assert_eq!(report.comparisons[0].outcome, Outcome::NoDifferenceSeen);
}

#[test]
fn a_report_read_back_gives_the_same_again() {
    let mut report = drifting();
    report.rows[1].rounds[3].replicas[0].workers[0].waited_seconds = Some(1.0 / 3.0);
    analyse(&mut report);
    let json = serde_json::to_string(&report).unwrap();
    let mut again: RunReport = serde_json::from_str(&json).unwrap();
    assert_eq!(again, report);
    analyse(&mut again);
    assert_eq!(again, report);
    assert_eq!(serde_json::to_string(&again).unwrap(), json);
}

#[test]
fn stale_figures_are_replaced() {
    let mut report = drifting();
    analyse(&mut report);
    report.rows[1].rounds.clear();
    analyse(&mut report);
    let row = &report.rows[1];
    assert!(row.samples.is_empty() && row.wall_seconds.is_none() && row.verdict.is_none());
    assert!(row.predicted_wall_seconds.is_none() && row.time_budget.is_none());
}

#[test]
fn repeats_count_as_one_job_each() {
    let mut report = drifting();
    for round in &mut report.rows[1].rounds {
        round.repeats = 2;
    }
    analyse(&mut report);
    let half = &report.rows[1];
    // Two jobs in the same wall: each costs half, and is predicted from the
    // baseline's whole one.
    assert!(close(half.cpu_seconds.unwrap(), 1.045 / 2.0));
    assert!(close(
        half.wall_seconds.unwrap().median * 2.0,
        drifted_median(&report.rows[1])
    ));
    assert!((2.0..2.2).contains(&half.predicted_wall_seconds.unwrap().median));
}

fn drifted_median(row: &Row) -> f64 {
    let walls: Vec<f64> = row.rounds.iter().map(Round::wall_seconds).collect();
    measure::stats::median(&walls).unwrap()
}

#[test]
fn fixed_shares_are_predicted_by_the_slowest() {
    let sample = replica(1.3)
        .worker(1.3, 0.0)
        .worker(0.7, 0.0)
        .blocked(|b| b.tail = 0.6);
    let mut uneven = row_of("two", "static-threads", 2, rounds(6, &[sample]));
    uneven.work_shares = Some(vec![0.35, 0.65]);
    let mut report = report(
        vec![station("two", None)],
        vec![baseline(&[2.0; 6]), uneven],
    );
    analyse(&mut report);
    let row = &report.rows[1];
    assert!(close(row.predicted_wall_seconds.unwrap().median, 1.3));
    assert!(close(row.speedup.unwrap().median, 2.0 / 1.3));
}

#[test]
fn another_kernels_cpu_predicts_nothing() {
    let mut report = drifting();
    report.rows[1].kernel = "sieve".to_owned();
    analyse(&mut report);
    assert_eq!(report.rows[1].predicted_wall_seconds, None);
    assert!(report.rows[1].speedup.is_some());
}

#[test]
fn a_process_on_a_bare_host_is_analysed_without_a_quota() {
    let mut sample = replica(1.0).worker(0.99, 0.01).worker(0.99, 0.01);
    sample.group.periods = None;
    sample.group.throttled_periods = None;
    sample.group.throttled_seconds = None;
    let row = row_of("host", "work-stealing", 2, rounds(3, &[sample]));
    let row = analysed(station("host", None), row);
    assert_eq!(row.granted_cpus, Some(2.0));
    assert_eq!(row.verdict.unwrap().kind, measure::report::VerdictKind::Cpu);
}
