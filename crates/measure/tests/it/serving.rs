//! Rows of servers under a load from outside: what is told of them, and what is
//! not because a sample's time is fixed.

use measure::analysis::analyse;
use measure::changes::{changes, served_rows};
use measure::figures::names;
use measure::made::*;
use measure::report::{ReplicaAccount, Row, RunReport, VerdictKind, Void};
use measure::serving::raw;
use measure::stats::RunsOutcome;
use measure::text::{self, Style};

const SECONDS: f64 = 2.0;

fn style() -> Style {
    Style::detect(false, false, None)
}

/// Six samples of a server with so many threads under half a CPU: seconds on a
/// CPU and throttled of each, periods throttled of twenty, and the load's.
fn served(load: &str, threads: usize, account: [f64; 2], throttled: u64, p99: f64) -> Row {
    let queues = (account[1] * threads as f64).min(2.0 * SECONDS);
    let sample = under(0.5, threads, account).throttled(20, throttled, queues);
    of(load, threads, &sample, p99)
}

/// A server with so many threads under a quota; the rest of their time they had
/// no requests.
fn under(quota: f64, threads: usize, [on_cpu, waited]: [f64; 2]) -> ReplicaAccount {
    let mut sample = replica(SECONDS);
    for _ in 0..threads {
        sample = sample
            .worker(on_cpu, waited)
            .blocked(|b| b.idle = SECONDS - on_cpu - waited);
    }
    sample.quota_cpus = Some(quota);
    sample.quota_known = true;
    sample.period_seconds = Some(0.1);
    sample
}

fn of(load: &str, threads: usize, sample: &ReplicaAccount, p99: f64) -> Row {
    let requests = sample.group.cpu_seconds.unwrap() / 0.000_15;
    let figures = |round: u32| {
        let drift = 1.0 + f64::from(round) / 1000.0;
        [
            (raw::SENT, requests),
            (raw::ANSWERED, requests * drift),
            (raw::FAILED, 0.0),
            (raw::SERVED, requests),
            (raw::LOAD_SECONDS, SECONDS),
            (raw::CONNECTIONS, 8.0),
            (raw::THREADS, threads as f64),
            (raw::REQUEST_CPU_SECONDS, 0.000_15),
            (raw::LOAD_REQUEST_CPU_SECONDS, 0.000_03),
            (raw::LOAD_CPU_SECONDS, 0.2),
            (raw::P50_SECONDS, 0.001),
            (raw::P99_SECONDS, p99 * drift),
            (raw::P99_9_SECONDS, p99 * 1.1),
            (raw::MAX_SECONDS, p99 * (2.0 + drift)),
        ]
    };
    let mut rounds = rounds(6, std::slice::from_ref(sample));
    for round in &mut rounds {
        let known = figures(round.round);
        round.figures = known.map(|(name, f)| (name.to_owned(), f)).into();
    }
    row_of("half", load, threads, rounds)
}

fn run(rows: Vec<Row>) -> RunReport {
    run_under(0.5, rows)
}

fn run_under(quota: f64, rows: Vec<Row>) -> RunReport {
    let mut report = report(vec![station("half", Some(quota))], rows);
    "lab-throttle".clone_into(&mut report.lab);
    analyse(&mut report);
    report
}

fn kind(row: Row) -> VerdictKind {
    run(vec![row]).rows[0].verdict.as_ref().unwrap().kind
}

#[test]
fn nothing_of_a_jobs_wall_is_told_of_a_server() {
    let report = run(vec![served("saturated", 2, [0.5, 1.5], 20, 0.08)]);
    let row = &report.rows[0];

    assert!(row.samples.is_empty());
    assert_eq!(row.wall_seconds, None);
    assert_eq!(row.predicted_wall_seconds, None);
    assert_eq!((row.speedup, row.efficiency), (None, None));
    assert_eq!((row.cpu_seconds, row.quota_fidelity), (None, None));
    assert!((row.cpus_used.unwrap() - 0.5).abs() < 1e-9);
    let figure = |name: &str| row.figures[name];
    assert!((figure(names::THROTTLED) - 1.0).abs() < 1e-9);
    assert!((figure(names::CPU_MS_PER_REQUEST) - 0.15).abs() < 1e-9);
    // Five sixths of two CPUs are left beside the load: 50 ms last 30 ms.
    assert!((figure(names::STALL_SECONDS) - 0.07).abs() < 1e-6);
    assert!(figure(names::REPLAYED_P99_SECONDS) > 0.07);
    // The longest of all rounds, and not the median of the longest.
    assert!((figure(names::LONGEST_SECONDS) - 0.08 * 3.005).abs() < 1e-9);
}

#[test]
fn a_server_that_fits_on_average_is_bursts_and_one_that_does_not_quota() {
    // 40 % of its quota, and a third of its periods ran out.
    let bursts = served("bursts", 2, [0.2, 0.3], 7, 0.05);
    assert_eq!(kind(bursts), VerdictKind::Bursts);
    let saturated = served("saturated", 2, [0.5, 1.5], 20, 0.08);
    assert_eq!(kind(saturated), VerdictKind::Quota);
    // Its clients need a moment after each refill until they have asked again.
    let nearly = served("saturated", 2, [0.475, 1.4], 20, 0.08);
    assert_eq!(kind(nearly), VerdictKind::Quota);
    // Every period runs out although a fifth of the quota is left over the time.
    let uneven = served("open-80", 2, [0.4, 0.9], 20, 0.08);
    assert_eq!(kind(uneven), VerdictKind::Bursts);
}

#[test]
fn a_server_that_has_little_to_do_is_idle_and_that_is_no_loss() {
    let row = served("open-40", 8, [0.05, 0.01], 0, 0.001);
    let report = run(vec![row]);
    let verdict = report.rows[0].verdict.as_ref().unwrap();
    assert_eq!(verdict.kind, VerdictKind::Idle);
    assert!(
        verdict.text.contains("there is room for more"),
        "{}",
        verdict.text
    );
    assert_eq!(verdict.next, "");
}

/// The verdict of a sample under `quota`, and whether its threads waited longer
/// for a free CPU than for the quota.
fn found(quota: f64, sample: &ReplicaAccount) -> (VerdictKind, bool) {
    let row = of("load", sample.workers.len(), sample, 0.01);
    let report = run_under(quota, vec![row]);
    let row = &report.rows[0];
    let budget = row.time_budget.as_ref().unwrap();
    let kind = row.verdict.as_ref().unwrap().kind;
    (kind, budget.runnable > budget.throttled)
}

// The figures of the four tests that follow were seen on two CPUs, with the load
// generator on the same two.

#[test]
fn a_server_that_used_its_quota_up_is_quota_however_its_threads_waited_for_each_other() {
    // Four threads on two CPUs wait for each other while the quota lasts.
    let saturated = under(1.0, 4, [0.51, 1.33]).others(0.56);
    let saturated = saturated.throttled(20, 19, 1.2);
    assert_eq!(found(1.0, &saturated), (VerdictKind::Quota, true));
    // Eight threads, nearly always without a request: little of their time is
    // throttled, though most periods ran out.
    let open = under(0.5, 8, [0.1225, 0.12]).others(0.52);
    let open = open.throttled(20, 13, 0.1);
    assert_eq!(found(0.5, &open), (VerdictKind::Quota, true));
}

#[test]
fn bursts_of_a_server_with_idle_threads_are_still_bursts() {
    let bursts = under(0.5, 8, [0.0525, 0.44])
        .others(0.52)
        .throttled(20, 8, 0.3);
    assert_eq!(found(0.5, &bursts), (VerdictKind::Bursts, true));
}

#[test]
fn waiting_for_the_generators_cpu_is_the_host_only_where_there_was_more_to_do() {
    let open = under(1.0, 1, [0.82, 0.16]).throttled(20, 0, 0.0);
    let mut beside_the_load = of("open-40", 1, &open.clone().others(0.48), 0.001);
    for round in &mut beside_the_load.rounds {
        round.figures.insert(raw::LOAD_CPU_SECONDS.to_owned(), 0.3);
    }
    let report = run_under(1.0, vec![beside_the_load]);
    let verdict = report.rows[0].verdict.as_ref().unwrap();
    assert_eq!(verdict.kind, VerdictKind::Idle);
    // A hog is another matter, whatever the server had to do.
    assert_eq!(found(1.0, &open.others(1.6)), (VerdictKind::Host, true));
}

#[test]
fn one_thread_that_never_stops_is_cpu_though_a_period_ran_out_now_and_then() {
    let used = under(1.0, 1, [1.93, 0.03]).others(0.4);
    let used = used.throttled(20, 2, 0.02);
    assert_eq!(found(1.0, &used).0, VerdictKind::Cpu);
}

#[test]
fn who_had_the_cpu_may_be_the_labs_own_generator_and_that_is_said() {
    let mut sample = replica(SECONDS)
        .worker(1.0, 0.9)
        .worker(1.0, 0.9)
        .others(1.6)
        .throttled(20, 2, 0.05);
    sample.quota_cpus = Some(2.0);
    sample.quota_known = true;
    sample.period_seconds = Some(0.1);
    let mut row = of("saturated", 2, &sample, 0.02);
    for round in &mut row.rounds {
        round.figures.insert(raw::LOAD_CPU_SECONDS.to_owned(), 1.4);
    }
    let again = Row {
        strategy: "again".into(),
        ..row.clone()
    };
    let report = run_under(2.0, vec![row, again]);
    let verdict = report.rows[0].verdict.as_ref().unwrap();
    assert_eq!(verdict.kind, VerdictKind::Host);
    let part = "35 % of them the lab's own load generator";
    assert!(verdict.text.contains(part), "{}", verdict.text);
    assert!(
        verdict.next.contains("a machine with more CPUs"),
        "{}",
        verdict.next
    );
    let busy = text::busy(&report, &style());
    assert!(busy.contains("the lab's own load generator"), "{busy}");
    assert!(!busy.contains("Close what runs beside it"), "{busy}");
}

#[test]
fn no_text_of_a_server_speaks_of_walls_speedups_or_gains() {
    let rows = vec![
        served("saturated", 1, [1.0, 1.0], 20, 0.05),
        served("saturated", 8, [0.125, 1.875], 20, 0.08),
        served("open-40", 8, [0.05, 0.01], 0, 0.001),
    ];
    let mut report = run(rows);
    report.rows[2].void = vec![Void {
        round: 3,
        why: "the generator was late".to_owned(),
    }];
    let text = text::render(&report, &style());
    for nonsense in [
        "wall",
        "speedup",
        "efficiency",
        "predicted",
        "as fast",
        "instead of",
        "NaN",
    ] {
        assert!(!text.contains(nonsense), "{nonsense} in\n{text}");
    }
    for part in [
        "requests/s",
        "p99.9",
        "stall per",
        "throttled",
        "no sample in round 4: the generator was late",
    ] {
        assert!(text.contains(part), "{part} is not in\n{text}");
    }
    for width in [60, 80, 100, 120, 200] {
        let narrow = Style { width, ..style() };
        let table = text::lab_table(&report, &narrow);
        assert!(
            table.lines().all(|line| line.chars().count() <= width),
            "{width}:\n{table}"
        );
        assert!(
            width >= 120 || table.contains("Left out for want of room"),
            "{table}"
        );
    }
}

#[test]
fn a_change_is_told_by_what_was_answered_and_how_fast() {
    let before = run(vec![served("saturated", 2, [0.5, 1.5], 20, 0.08)]);
    let mut after = run(vec![served("saturated", 2, [0.5, 1.5], 20, 0.02)]);
    after.stations[0].declared.cpus = Some(1.0);

    let rows = served_rows(&before, &after);
    assert_eq!(
        (rows[0].p99, rows[0].rate),
        (RunsOutcome::Faster, RunsOutcome::WithinNoise)
    );
    let changes = changes(&before, &after);
    let effects = changes[0].effects.join(" ");
    assert!(effects.contains("p99 80.2 ms → 20.0 ms; "), "{effects}");
    assert!(effects.contains("requests/s, within noise."), "{effects}");
    let compared = text::two_runs(&before, &after, &style());
    assert!(
        compared.contains("p99 after") && compared.contains("20.0 ms *"),
        "{compared}"
    );
    let past = text::past_runs(&[before, after], &style());
    assert!(
        past.contains("most requests/s") && !past.contains("speedup"),
        "{past}"
    );
}
