//! What stands beside the verdict.

use measure::analysis::analyse;
use measure::made::*;
use measure::report::{ReplicaAccount, Row, VerdictKind};

/// Baseline of 1 CPU second; rows of one strategy that cost what is told.
fn rows(one_worker: Option<f64>, two_workers: f64) -> Vec<Row> {
    let one = |cpu: f64| replica(cpu).worker(cpu, 0.0);
    let two = |cpu: f64| {
        replica(cpu / 2.0)
            .worker(cpu / 2.0, 0.0)
            .worker(cpu / 2.0, 0.0)
    };
    let mut rows = vec![baseline(&[1.0; 6])];
    rows.extend(one_worker.map(|cpu| row_of("two", "processes", 1, rounds(6, &[one(cpu)]))));
    rows.push(row_of(
        "two",
        "processes",
        2,
        rounds(6, &[two(two_workers)]),
    ));
    let mut report = report(vec![station("two", None)], rows);
    analyse(&mut report);
    report.rows
}

fn kinds(row: &Row) -> Vec<&str> {
    row.verdict
        .as_ref()
        .unwrap()
        .also
        .iter()
        .map(|a| a.kind.as_str())
        .collect()
}

#[test]
fn cpu_that_one_worker_costs_too_is_overhead() {
    let rows = rows(Some(1.2), 1.25);
    assert_eq!(kinds(&rows[1]), ["overhead"]);
    assert_eq!(kinds(&rows[2]), ["overhead"]);
}

#[test]
fn cpu_that_only_several_workers_cost_is_the_shared_core() {
    let rows = rows(Some(1.02), 1.11);
    assert!(kinds(&rows[1]).is_empty());
    assert_eq!(kinds(&rows[2]), ["shared-core"]);
}

#[test]
fn without_a_row_of_one_worker_the_cost_has_no_cause() {
    assert_eq!(kinds(&rows(None, 1.2)[1]), ["cpu-cost"]);
}

#[test]
fn less_than_ten_percent_is_drift() {
    assert!(kinds(&rows(Some(1.09), 1.09)[2]).is_empty());
}

#[test]
fn the_cost_is_taken_within_rounds() {
    // The machine slows down from round to round; each pair stays at 1.05.
    let speeds = [1.0, 1.2, 1.4, 1.6, 1.8, 2.0];
    let mut slower = baseline(&speeds.map(|s| s * 1.05));
    slower.baseline = false;
    slower.strategy = "executor".to_owned();
    let mut report = report(vec![station("two", None)], vec![baseline(&speeds), slower]);
    analyse(&mut report);
    assert!(kinds(&report.rows[1]).is_empty());
}

fn half_row(sample: ReplicaAccount) -> Row {
    analysed(
        station("half", Some(0.5)),
        row_of("half", "sequential", 1, rounds(6, &[sample])),
    )
}

#[test]
fn the_quota_model_fits_a_clean_sample() {
    let row = half_row(half(1.02));
    assert!((row.quota_fidelity.unwrap() - 1.0).abs() < 1e-9);
    assert!(kinds(&row).is_empty());
}

#[test]
fn a_misfit_is_explained_by_what_the_model_does_not_know_or_flagged() {
    let mut blocked = half(1.02).between(100.0, 102.2).blocked(|b| b.io = 0.18);
    blocked.cpus.idle_seconds = Some(3.3);
    let explained = half_row(blocked.clone());
    assert!((explained.quota_fidelity.unwrap() - 2.02 / 2.2).abs() < 1e-9);
    let text = also_text(&explained, "quota-fidelity");
    assert!(text.contains("not the quota's"), "{text}");

    blocked.workers[0].blocked_on.io = 0.0;
    let text = also_text(&half_row(blocked), "quota-fidelity");
    assert!(text.contains("Nothing in the account"), "{text}");
}

#[test]
fn a_sample_faster_than_the_quota_allows_is_laid_to_an_unaligned_start() {
    let mut fast = half(1.02).between(100.0, 101.9);
    fast.workers[0].waited_seconds = Some(0.88);
    assert!(also_text(&half_row(fast.clone()), "quota-fidelity").contains("faster"));
    fast.aligned = Some(false);
    let row = half_row(fast);
    assert!(also_text(&row, "quota-fidelity").contains("did not start with a refill"));
    assert!(also_text(&row, "unaligned").contains("rounds 1, 2"));
}

#[test]
fn no_fidelity_where_the_quota_does_not_bind() {
    let sample = replica(1.0).worker(0.99, 0.01).throttled(10, 0, 0.0);
    let row = row_of("more", "sequential", 1, rounds(6, &[sample]));
    assert_eq!(
        analysed(station("more", Some(1.5)), row).quota_fidelity,
        None
    );
}

#[test]
fn a_stray_sample_is_named_with_its_time() {
    let mut samples = rounds(6, &[replica(1.0).worker(0.99, 0.01)]);
    samples[4] = rounds(5, &[replica(1.5).worker(1.485, 0.015)]).remove(4);
    let row = analysed(
        station("one", Some(1.0)),
        row_of("one", "sequential", 1, samples),
    );
    assert_eq!(row.outliers, [4]);
    assert!(also_text(&row, "outlier").contains("round 5 (1.50 s)"));
}

#[test]
fn a_little_steal_that_may_hide_in_running_is_named() {
    let with = |steal, on_cpu| {
        let sample = replica(1.0)
            .worker(on_cpu, 0.01)
            .worker(on_cpu, 0.01)
            .steal(steal);
        analysed(
            station("two", None),
            row_of("two", "executor", 2, rounds(6, &[sample])),
        )
    };
    assert!(also_text(&with(0.04, 0.99), "steal").contains("2.0 %"));
    assert!(!kinds(&with(0.01, 0.99)).contains(&"steal"));
    assert!(!kinds(&with(0.02, 0.98)).contains(&"steal"));
}

fn also_text(row: &Row, kind: &str) -> String {
    let also = &row.verdict.as_ref().unwrap().also;
    also.iter()
        .find(|a| a.kind == kind)
        .unwrap_or_else(|| panic!("{also:?}"))
        .text
        .clone()
}

#[test]
fn time_blocked_beside_a_quota_is_named() {
    // Static ranges at quota 1.5, as measured: tail 17 %, throttled 8 %.
    let sample = replica(1.0)
        .worker(0.58, 0.08)
        .blocked(|b| b.tail = 0.34)
        .worker(0.9, 0.1)
        .throttled(10, 10, 0.16);
    let row = row_of("more", "static-threads", 2, rounds(6, &[sample]));
    let row = analysed(station("more", Some(1.5)), row);
    assert_eq!(row.verdict.as_ref().unwrap().kind, VerdictKind::Quota);
    assert!(also_text(&row, "imbalance").contains("17 %"));
}

#[test]
fn a_fleet_that_its_cpus_bind_has_no_quota_fidelity() {
    let one = || half(1.0).on_cpus("0-1", 2);
    let fidelity = |replicas: usize| {
        let samples = (0..replicas).map(|_| one()).collect::<Vec<_>>();
        let row = row_of("fleet", "work-stealing", 1, rounds(6, &samples));
        analysed(fleet("fleet", replicas, 0.5), row).quota_fidelity
    };
    assert!(fidelity(3).is_some());
    assert_eq!(fidelity(4), None, "four halves are the two CPUs");
}

#[test]
fn a_row_of_one_worker_under_other_limits_proves_no_overhead() {
    let cold = replica(2.4).worker(1.2, 1.2).throttled(24, 24, 1.2);
    let two = replica(0.6).worker(0.6, 0.0).worker(0.6, 0.0);
    let mut report = report(
        vec![station("two", None), station("half", Some(0.5))],
        vec![
            baseline(&[1.0; 6]),
            row_of("half", "executor", 1, rounds(6, &[cold])),
            row_of("two", "executor", 2, rounds(6, &[two])),
        ],
    );
    analyse(&mut report);
    assert_eq!(kinds(&report.rows[2]), ["cpu-cost"]);
}

#[test]
fn a_row_of_one_worker_that_is_dear_in_half_of_the_rounds_proves_neither() {
    let mut dear: Vec<_> = rounds(6, &[replica(1.2).worker(1.2, 0.0)]);
    for round in &mut dear[..3] {
        round.replicas = vec![replica(1.0).worker(1.0, 0.0)];
    }
    let two = replica(0.6).worker(0.6, 0.0).worker(0.6, 0.0);
    let mut report = report(
        vec![station("two", None)],
        vec![
            baseline(&[1.0; 6]),
            row_of("two", "executor", 1, dear),
            row_of("two", "executor", 2, rounds(6, &[two])),
        ],
    );
    analyse(&mut report);
    assert_eq!(kinds(&report.rows[2]), ["cpu-cost"]);
}

#[test]
fn a_job_of_microseconds_is_said_to_measure_its_own_start() {
    let of = |wall: f64| {
        let mut samples = rounds(6, &[replica(1.0).worker(0.99, 0.01)]);
        for round in &mut samples {
            round.repeats = (1.0 / wall) as u32;
        }
        analysed(
            station("one", Some(1.0)),
            row_of("one", "sequential", 1, samples),
        )
    };
    assert!(kinds(&of(0.000_02)).contains(&"short-job"));
    assert!(!kinds(&of(0.002)).contains(&"short-job"));
}
