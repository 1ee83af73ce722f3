//! Jobs that wait: scaled samples, predictions, and advice that does not
//! promise what no number of workers reaches.

use measure::analysis::analyse;
use measure::figures::names;
use measure::made::*;
use measure::report::{ReplicaAccount, Round, Row, RunReport, VerdictKind};
use measure::waiting::raw;
use std::collections::BTreeMap;

/// CPU seconds of a page in these samples.
const PAGE: f64 = 0.0003;

fn close(a: f64, b: f64) -> bool {
    (a - b).abs() < 1e-9
}

/// Six samples of `pages` of a thousand pages of 100 ms.
fn samples(pages: f64, at_once: f64, sample: &ReplicaAccount) -> Vec<Round> {
    let of_round = |round| Round {
        round,
        share: pages / 1000.0,
        figures: BTreeMap::from([
            (raw::PAGES.to_owned(), pages),
            (raw::JOB_PAGES.to_owned(), 1000.0),
            (raw::AT_ONCE.to_owned(), at_once),
            (raw::LATENCY_SECONDS.to_owned(), 0.1),
            (raw::ORIGIN_REQUESTS.to_owned(), pages),
            (raw::ORIGIN_HIGHEST_IN_FLIGHT.to_owned(), at_once),
        ]),
        replicas: vec![sample.clone()],
        ..Round::default()
    };
    (0..6).map(of_round).collect()
}

/// One thread that waits whenever it does not run.
fn waits(wall: f64, cpu: f64) -> ReplicaAccount {
    replica(wall)
        .worker(cpu, 0.0)
        .blocked(|b| b.io = wall - cpu)
}

fn light(station: &str, strategy: &str, workers: usize, rounds: Vec<Round>) -> Row {
    Row {
        kernel: "light".into(),
        ..row_of(station, strategy, workers, rounds)
    }
}

/// Sequential on a fiftieth of the job, and 64 at once on a quarter CPU.
fn scraped() -> RunReport {
    let sequential = samples(20.0, 1.0, &waits(2.006, 20.0 * PAGE));
    let baseline = Row {
        baseline: true,
        ..light("one", "sequential", 1, sequential)
    };
    let quarter = samples(1000.0, 64.0, &waits(1.65, 1000.0 * PAGE));
    let rows = vec![baseline, light("quarter", "async", 64, quarter)];
    let stations = vec![station("one", Some(1.0)), station("quarter", Some(0.25))];
    let mut report = report(stations, rows);
    analyse(&mut report);
    report
}

#[test]
fn what_a_part_of_the_job_took_is_told_of_the_whole() {
    let report = scraped();
    let sequential = &report.rows[0];

    assert!(close(sequential.wall_seconds.unwrap().median, 100.3));
    assert!(close(sequential.cpu_seconds.unwrap(), 1000.0 * PAGE));
    assert_eq!(sequential.scaled_from(), Some(0.02));
    let figure = |name: &str| sequential.figures[name];
    assert!(close(figure(names::CPU_MS_PER_PAGE), 0.3));
    assert!(close(figure(names::REQUESTS_PER_SECOND), 20.0 / 2.006));
    assert!(close(figure(names::IDEAL_SECONDS), 100.0));
    assert!(
        !sequential.figures.contains_key(names::MEMORY_BYTES),
        "it is unknown"
    );
    let speedup = report.rows[1].speedup.unwrap().median;
    assert!(close(speedup, 100.3 / 1.65));
}

#[test]
fn waiting_and_cpu_time_are_predicted_each_where_it_binds() {
    let mut report = scraped();
    // 16 turns of a page's latency and its own CPU time.
    let predicted = report.rows[1].predicted_wall_seconds.unwrap();
    assert!(close(predicted.median, 16.0 * (0.1 + PAGE)));
    assert_eq!(report.rows[1].quota_fidelity, None, "no quota binds");

    // 256 at once would need 0.4 s of waiting, and a quarter CPU pays for 12
    // refills of 25 ms, the last of which the next period need not wait for.
    report.rows[1].rounds = samples(1000.0, 256.0, &waits(1.2, 1000.0 * PAGE));
    report.rows[1].workers = 256;
    analyse(&mut report);
    let predicted = report.rows[1].predicted_wall_seconds.unwrap();
    assert!((1.2..1.301).contains(&predicted.median), "{predicted:?}");
}

#[test]
fn a_waiting_row_is_told_what_twice_as_many_at_once_give_and_where_that_ends() {
    let report = scraped();
    let verdict = report.rows[1].verdict.as_ref().unwrap();

    assert_eq!(verdict.kind, VerdictKind::Waiting);
    // The quota then binds: 12 refills of 100 ms, after the first page has come.
    assert!(
        verdict.next.contains("128 instead of 64"),
        "{}",
        verdict.next
    );
    assert!(
        verdict.next.contains("about 84 at once"),
        "{}",
        verdict.next
    );
    let of_one = report.rows[0].verdict.as_ref().unwrap();
    assert!(of_one.next.contains("2 instead of 1"), "{}", of_one.next);
    assert!(!of_one.next.contains("is used up"), "{}", of_one.next);
    let promised: f64 = verdict
        .next
        .split(" × as fast")
        .next()
        .and_then(|text| text.rsplit(' ').next()?.parse().ok())
        .unwrap();
    assert!((1.2..1.3).contains(&promised), "{}", verdict.next);
    assert!(verdict.also.iter().all(|a| a.kind != "quota-fidelity"));
}

#[test]
fn all_at_once_is_not_told_to_have_more_under_way() {
    let mut report = scraped();
    report.rows[1].rounds = samples(1000.0, 1000.0, &waits(0.9, 0.1));
    analyse(&mut report);

    let verdict = report.rows[1].verdict.as_ref().unwrap();

    assert_eq!(verdict.kind, VerdictKind::Waiting);
    assert!(
        verdict.next.contains("only shorter ones"),
        "{}",
        verdict.next
    );
}

#[test]
fn a_row_is_predicted_from_its_twin_where_the_baseline_runs_else_from_what_has_most_at_once() {
    let mut report = scraped();
    let heavy = |mut row: Row| {
        row.kernel = "heavy".into();
        row
    };
    let sequential = samples(20.0, 1.0, &waits(2.06, 20.0 * 0.003));
    let at_once = samples(1000.0, 64.0, &waits(12.0, 3.0));
    report
        .rows
        .push(heavy(light("quarter", "async", 64, at_once)));
    analyse(&mut report);
    assert_eq!(
        report.rows[2].predicted_wall_seconds, None,
        "its CPU time is unknown"
    );

    report
        .rows
        .push(heavy(light("one", "sequential", 1, sequential)));
    analyse(&mut report);

    // 3 CPU seconds on a quarter CPU, less what the last refill leaves.
    let predicted = report.rows[2].predicted_wall_seconds.unwrap();
    assert!((12.0..=12.1).contains(&predicted.median), "{predicted:?}");
    assert_eq!(report.rows[3].predicted_wall_seconds, None, "from itself");

    // Its twin has half the CPU time: among others a page costs less.
    let twin = samples(1000.0, 64.0, &waits(1.7, 1.5));
    report.rows.push(heavy(light("one", "async", 64, twin)));
    analyse(&mut report);
    let predicted = report.rows[2].predicted_wall_seconds.unwrap();
    assert!((6.0..6.101).contains(&predicted.median), "{predicted:?}");
    let of_sequential = report.rows[3].predicted_wall_seconds.unwrap();
    assert!(close(of_sequential.median, 1000.0 * (0.1 + 0.0015)));
}

#[test]
fn a_share_that_cannot_be_leaves_no_figure() {
    for share in [0.0, -1.0, f64::NAN, f64::INFINITY] {
        let mut report = scraped();
        for round in &mut report.rows[1].rounds {
            round.share = share;
        }
        analyse(&mut report);
        assert_eq!(report.rows[1].wall_seconds, None, "{share}");
    }
}

#[test]
fn the_time_before_the_first_page_is_none_in_which_the_quota_was_left_unused() {
    // 88 % of the quota in all, and 92 % of it after the first 100 ms.
    let sample = replica(2.1)
        .worker(0.46, 1.44)
        .blocked(|b| b.io = 0.2)
        .throttled(21, 20, 1.4);
    let kind = |rounds| {
        let row = light("quarter", "async", 64, rounds);
        let verdict = analysed(station("quarter", Some(0.25)), row).verdict;
        verdict.unwrap().kind
    };
    assert_eq!(kind(samples(500.0, 64.0, &sample)), VerdictKind::Quota);
    let mut at_once = samples(500.0, 64.0, &sample);
    for round in &mut at_once {
        round.figures.insert(raw::LATENCY_SECONDS.to_owned(), 0.0);
    }
    assert_ne!(kind(at_once), VerdictKind::Quota);
}

/// A row on a quarter CPU whose pages of 2 ms each are parsed on a thread of
/// their own: `pages` of them in `wall` seconds.
fn throttled(pages: f64, at_once: f64, wall: f64) -> Row {
    let cpu = pages * 0.002;
    let sample = replica(wall)
        .worker(cpu, wall - cpu - 0.1)
        .blocked(|b| b.io = 0.1)
        .throttled(
            (wall / 0.1) as u64,
            (wall / 0.1) as u64 - 1,
            wall - cpu - 0.1,
        );
    let row = light(
        "quarter",
        "async",
        at_once as usize,
        samples(pages, at_once, &sample),
    );
    analysed(station("quarter", Some(0.25)), row)
}

#[test]
fn the_quota_model_is_held_against_a_row_that_waits_at_first_and_can_fail() {
    // 448 pages of 2 ms: 35 refills and 21 ms, with the first page after 100 ms.
    let by_model = 0.1 + 3.5 + 0.021;
    let fidelity = |wall: f64| throttled(448.0, 64.0, wall).quota_fidelity.unwrap();
    assert!((fidelity(by_model) - 1.0).abs() < 0.015);
    // Within one latency below and above it, where nothing was told before.
    for off in [0.95, 1.05] {
        let fidelity = fidelity(by_model * off);
        assert!(
            (fidelity * off - 1.0).abs() < 0.03 && (fidelity - 1.0).abs() > 0.02,
            "{fidelity}"
        );
    }
}

#[test]
fn where_waiting_and_quota_both_shape_a_wall_the_quota_model_is_silent_and_says_why() {
    let why = |row: &Row| {
        assert_eq!(row.quota_fidelity, None, "{row:?}");
        let verdict = row.verdict.as_ref().unwrap();
        let also = verdict.also.iter().find(|a| a.kind == "quota-fidelity");
        also.unwrap_or_else(|| panic!("{verdict:?}")).text.clone()
    };
    // 20 at once: 12.5 wait for the network meanwhile, 7.5 lie ready.
    let few = why(&throttled(448.0, 20.0, 3.7));
    assert!(few.contains("so few were under way"), "{few}");
    // 100 pages: a latency is a tenth of the wall.
    let short = why(&throttled(100.0, 64.0, 0.9));
    assert!(short.contains("so short"), "{short}");
}

#[test]
fn what_is_said_of_the_quota_and_the_figures_beside_it_agree() {
    let row = throttled(448.0, 64.0, 3.7);
    let verdict = row.verdict.unwrap();
    assert_eq!(verdict.kind, VerdictKind::Quota);
    // 0.896 CPU seconds in 3.7 s are 0.242 of 0.25 CPUs.
    for part in [
        "all of it (0.25 CPUs) was used once the first answers had come",
        "0.24 of 0.25 granted CPUs in use",
        "2.7 % of the time passed before the first answers came",
    ] {
        let said = format!("{} {}", verdict.text, verdict.evidence);
        assert!(said.contains(part), "{part}: {said}");
    }
}

#[test]
fn the_ideal_of_a_part_is_that_of_its_turns_and_no_wall_is_below_it() {
    // 20 turns of 49 are sampled, and each takes its latency and no more.
    let sample = waits(2.0, 980.0 * PAGE);
    let row = light("one", "async", 49, samples(980.0, 49.0, &sample));
    let row = analysed(station("one", Some(1.0)), row);
    let ideal = row.figures[names::IDEAL_SECONDS];
    assert!(close(ideal, 2.0 / 0.98), "{ideal}");
    assert!(row.wall_seconds.unwrap().median >= ideal * (1.0 - 1e-9));
}

#[test]
fn what_a_page_costs_is_told_of_pages_that_came() {
    // 1000 were asked for, 900 came after 1150 requests.
    let mut rounds = samples(1000.0, 64.0, &waits(1.9, 0.36));
    for round in &mut rounds {
        round.figures.insert(raw::PAGES.to_owned(), 900.0);
        round
            .figures
            .insert(raw::ORIGIN_REQUESTS.to_owned(), 1150.0);
    }
    let row = analysed(
        station("one", Some(1.0)),
        light("one", "async", 64, rounds.clone()),
    );
    assert!(close(row.figures[names::CPU_MS_PER_PAGE], 0.4));

    // What a request costs tells where waiting ends, on the one thread that fetches.
    for round in &mut rounds {
        let many = round.figures.get_mut(raw::AT_ONCE).unwrap();
        *many = 200.0;
    }
    let two_cpus = station("one", Some(2.0));
    let row = analysed(two_cpus, light("one", "async", 200, rounds));
    let next = row.verdict.unwrap().next;
    let crossing = 0.1 / (0.36 / 1150.0) + 1.0;
    assert!(
        next.contains(&format!("about {crossing:.0} at once")),
        "{next}"
    );
}

/// What the two threads of one sample spent: the one that fetches and the one
/// that parses, in seconds of running, throttled, and waiting for io.
struct Threads {
    wall: f64,
    fetches: [f64; 3],
    parses: [f64; 3],
    /// Periods that ran out, of all.
    ran_out: u64,
}

/// The kind of a row with so many pages of 2 ms at once on a quarter CPU: the
/// CPU time of 12.75 of them is what it grants while one is waited for.
fn kind_with(at_once: f64, threads: &Threads) -> VerdictKind {
    let Threads {
        wall,
        fetches,
        parses,
        ran_out,
    } = threads;
    let sample = replica(*wall)
        .worker(fetches[0], fetches[1])
        .blocked(|b| b.io = fetches[2])
        .worker(parses[0], parses[1])
        .blocked(|b| b.io = parses[2])
        .throttled((wall / 0.1) as u64, *ran_out, fetches[1].max(parses[1]));
    let rounds = samples(448.0, at_once, &sample);
    let row = light("quarter", "async", at_once as usize, rounds);
    let row = analysed(station("quarter", Some(0.25)), row);
    row.verdict.unwrap().kind
}

#[test]
fn below_the_crossing_a_row_waits_and_above_it_the_quota_binds() {
    // 16 ms of CPU time, and then 100 ms of waiting.
    let below = Threads {
        wall: 6.5,
        fetches: [0.06, 0.0, 6.44],
        parses: [0.84, 0.0, 5.66],
        ran_out: 0,
    };
    assert_eq!(kind_with(8.0, &below), VerdictKind::Waiting);
    // 24 ms, which another turn's meet in one period now and then: waiting is
    // four fifths of it all the same.
    let just_below = Threads {
        wall: 4.6,
        fetches: [0.06, 0.05, 4.49],
        parses: [0.84, 0.25, 3.51],
        ran_out: 6,
    };
    assert_eq!(kind_with(12.0, &just_below), VerdictKind::Waiting);
    // 28 ms: the quota runs out in nearly every period, and the last turns leave
    // some of it.
    let just_above = Threads {
        wall: 3.9,
        fetches: [0.06, 0.6, 3.24],
        parses: [0.84, 2.2, 0.86],
        ran_out: 36,
    };
    assert_eq!(kind_with(14.0, &just_above), VerdictKind::Quota);
    let above = Threads {
        wall: 3.7,
        fetches: [0.06, 1.4, 2.24],
        parses: [0.84, 2.76, 0.1],
        ran_out: 36,
    };
    assert_eq!(kind_with(64.0, &above), VerdictKind::Quota);
}

#[test]
fn a_quota_that_short_repeats_do_not_use_to_the_last_bit_binds_all_the_same() {
    // 256 at once: three jobs, each with a tenth of a second before its first
    // page and a last period that is half empty; 93 % of the quota between.
    let sample = replica(2.0)
        .worker(0.395, 1.3)
        .blocked(|b| b.io = 0.305)
        .throttled(20, 18, 1.3);
    let mut rounds = samples(1000.0, 256.0, &sample);
    for round in &mut rounds {
        round.repeats = 3;
    }
    let row = light("quarter", "async", 256, rounds);
    let verdict = analysed(station("quarter", Some(0.25)), row)
        .verdict
        .unwrap();
    assert_eq!(verdict.kind, VerdictKind::Quota, "{verdict:?}");
    assert!(
        verdict
            .text
            .contains("93 % of it (0.25 CPUs) was used once"),
        "{}",
        verdict.text
    );
}

#[test]
fn where_others_have_the_cpus_it_is_not_said_that_this_work_needs_them() {
    let beside = |others: f64| {
        let sample = waits(1.65, 1.5).others(others);
        let row = light("one", "async", 64, samples(1000.0, 64.0, &sample));
        let row = analysed(station("one", Some(1.0)), row);
        row.verdict.unwrap().next
    };
    let busy = beside(1.8);
    assert!(
        busy.contains("what others leave of the CPU binds there"),
        "{busy}"
    );
    assert!(!beside(0.0).contains("others leave"));
}
