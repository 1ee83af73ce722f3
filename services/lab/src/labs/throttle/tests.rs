//! The plan, the loads, and what the lab says of made runs.
#![allow(clippy::unwrap_used)]

use super::*;
use crate::labs::Workers;
use crate::labs::driven::Ask;
use crate::labs::invariants::RIGHT_ANSWERS;
use measure::figures::names;
use measure::made::{self, ReplicaExt, replica, rounds, row_of};
use measure::report::{ReplicaAccount, Row};
use measure::serving::raw;

fn stations() -> Vec<Station> {
    vec![
        made::station("throttle-half", Some(0.5)),
        made::station("throttle-one", Some(1.0)),
    ]
}

fn planned(options: &Options) -> Vec<PlannedRow> {
    let abilities = Throttle.abilities();
    Throttle.plan(&stations(), &abilities, options).unwrap()
}

fn shown(rows: &[PlannedRow]) -> Vec<String> {
    let shown = |row: &PlannedRow| format!("{}/{}/{}", row.station, row.strategy, row.workers);
    rows.iter().map(shown).collect()
}

#[test]
fn all_thread_counts_are_saturated_and_few_and_many_under_the_other_loads() {
    let rows = planned(&Options::default());

    let saturated = rows.iter().filter(|row| row.strategy == SATURATED);
    assert_eq!(
        saturated.count(),
        2 * THREADS.len(),
        "the host's two CPUs are among them"
    );
    let others = rows.iter().filter(|row| row.strategy != SATURATED);
    assert_eq!(others.count(), 2 * 2 * (LOADS.len() - 1));
    assert!(rows.iter().all(|row| !row.baseline));
    let mut larger = stations();
    larger[0].effective.cpuset = Some("0-23".into());
    let on_larger = Throttle
        .plan(&larger, &Throttle.abilities(), &Options::default())
        .unwrap();
    assert!(shown(&on_larger).contains(&"throttle-half/saturated/24".to_owned()));
    let quick = planned(&Options {
        quick: true,
        ..Options::default()
    });
    assert_eq!(quick.len(), 8);
}

#[test]
fn options_narrow_the_rows_and_slips_are_refused() {
    let narrowed = Options {
        stations: vec!["throttle-half".into()],
        strategies: vec!["open-80".into(), "bursts".into()],
        workers: vec![Workers::Exactly(3)],
        ..Options::default()
    };
    assert_eq!(
        shown(&planned(&narrowed)),
        ["throttle-half/open-80/3", "throttle-half/bursts/3"]
    );
    let wrong = Options {
        strategies: vec!["open-85".into()],
        ..Options::default()
    };
    let refused = Throttle.plan(&stations(), &Throttle.abilities(), &wrong);
    assert!(refused.unwrap_err().contains("did you mean open-80?"));
    let mut several = stations();
    several[0].replicas = 2;
    let refused = Throttle.plan(&several, &Throttle.abilities(), &Options::default());
    assert!(
        refused
            .unwrap_err()
            .contains("throttle-half has 2 replicas")
    );
    let nobody = Throttle.objection(&Options::default(), &Around::default());
    assert!(nobody.unwrap().contains("beside: [load]"));
}

#[test]
fn loads_are_shares_of_the_capacity_and_bursts_cost_two_refills() {
    let mut known = Known::default();
    known.keep(steps::capacity_of("throttle-half"), Some(2500.0));
    known.keep(steps::cost_of("throttle-half"), Some(0.000_2));
    known.keep(steps::load_cost_of("throttle-half"), Some(0.000_03));
    // Woken for each request, eight threads answer fewer.
    let woken = steps::open_on("throttle-half", 8);
    known.keep(steps::capacity_of(&woken), Some(2000.0));
    known.keep(steps::cost_of(&woken), Some(0.000_25));
    known.keep(steps::load_cost_of(&woken), Some(0.000_04));
    let options = Options {
        limit: Some(1000),
        ..Options::default()
    };
    let load = |name: &str| loads::load(&row("throttle-half", name, 8), &known, &options).unwrap();

    let open = load("open-95");
    assert!((open.body["rate"].as_f64().unwrap() - 1900.0).abs() < 1e-9);
    for (name, expected) in [
        (raw::CAPACITY_PER_SECOND, 2000.0),
        (raw::REQUEST_CPU_SECONDS, 0.000_25),
        (raw::LOAD_REQUEST_CPU_SECONDS, 0.000_04),
    ] {
        assert!((open.figures[name] - expected).abs() < 1e-9, "{name}");
    }
    assert_eq!(
        (&open.body["arrivals"], &open.body["work"]),
        (&json!("poisson"), &json!(1000))
    );
    assert!((open.figures[raw::THREADS] - 8.0).abs() < 1e-9);
    let bursts = load("bursts");
    // 500 × 0.2 ms are 100 ms of CPU time, at 50 ms a refill.
    assert_eq!(bursts.body["arrivals"]["bursts"]["size"], 500);
    assert!((bursts.body["rate"].as_f64().unwrap() - 1000.0).abs() < 1e-9);
    for busy in [&bursts, &load("saturated")] {
        assert!((busy.figures[raw::REQUEST_CPU_SECONDS] - 0.000_2).abs() < 1e-9);
    }
    assert_eq!(load("saturated").body["loop"], "closed");
    let unknown = loads::load(&row("throttle-half", "open-40", 1), &known, &options);
    assert_eq!(
        unknown.unwrap_err(),
        "the capacity of throttle-half under an open load with 1 thread was not measured"
    );
    let unknown = loads::load(&row("throttle-one", "open-40", 1), &known, &options);
    assert_eq!(
        unknown.unwrap_err(),
        "the capacity of throttle-one was not measured"
    );
}

#[test]
fn what_open_requests_cost_is_measured_with_the_threads_of_their_rows() {
    let options = Options {
        limit: Some(1000),
        stations: vec!["throttle-half".into()],
        strategies: vec!["bursts".into(), "open-40".into(), "open-60".into()],
        workers: vec![Workers::Exactly(1), Workers::Exactly(8)],
        ..Options::default()
    };
    let plan = planned(&options);
    let mut known = Known::default();
    let mut asked = Vec::new();
    while let Some(step) = steps::next(&plan, &stations(), &known, &options) {
        let Ask::Sample(load) = &step.ask else {
            panic!("{step:?}")
        };
        asked.push((step.row.workers, load.body["rate"].as_f64()));
        known.keep(step.name, Some(2500.0));
    }
    assert_eq!(asked, [(1, None), (1, Some(2000.0)), (8, Some(2000.0))]);

    let mut unknown = Known::default();
    unknown.unknown(&steps::capacity_of("throttle-half"), "it was late");
    assert_eq!(steps::next(&plan, &stations(), &unknown, &options), None);
}

/// A row of six samples of 1.5 s: CPU and waiting seconds of each thread, the
/// periods that ran out, and the p99.
fn served(load: &str, threads: usize, time: [f64; 2], throttled: u64, p99: f64) -> Row {
    let [on_cpu, waited] = time;
    let mut sample = replica(1.5);
    for _ in 0..threads {
        sample = sample
            .worker(on_cpu, waited)
            .blocked(|b| b.idle = 1.5 - on_cpu - waited);
    }
    let queues = (waited * threads as f64).min(2.0 * 1.5);
    let mut sample: ReplicaAccount = sample.throttled(15, throttled, queues);
    sample.quota_cpus = Some(0.5);
    sample.quota_known = true;
    sample.period_seconds = Some(0.1);
    let requests = sample.group.cpu_seconds.unwrap() / 0.000_15;
    let mut rounds = rounds(6, &[sample]);
    for round in &mut rounds {
        round.figures = [
            (raw::SENT, requests),
            (raw::ANSWERED, requests),
            (raw::FAILED, 0.0),
            (raw::SERVED, requests + 3.0),
            (raw::SERVED_IN_ALL, 5500.0),
            (raw::ANSWERED_IN_ALL, 5500.0),
            (raw::UNANSWERED_IN_ALL, 0.0),
            (raw::RESTARTS, 0.0),
            (raw::LOOKED_AT, 1.0),
            (raw::WRONG, 0.0),
            (raw::LOAD_SECONDS, 1.5),
            (raw::CONNECTIONS, 8.0),
            (raw::THREADS, threads as f64),
            (raw::WORK, 240_000.0),
            (raw::REQUEST_CPU_SECONDS, 0.000_15),
            (raw::LOAD_REQUEST_CPU_SECONDS, 0.000_03),
            (raw::LOAD_CPU_SECONDS, 0.15),
            (raw::P50_SECONDS, 0.001),
            (raw::P99_SECONDS, p99),
            (raw::P99_9_SECONDS, p99),
            (raw::MAX_SECONDS, p99),
        ]
        .map(|(name, figure)| (name.to_owned(), figure))
        .into();
    }
    row_of("throttle-half", load, threads, rounds)
}

fn concluded(rows: Vec<Row>, quick: bool) -> RunReport {
    let mut report = made::report(stations(), rows);
    report.quick = quick;
    measure::analysis::analyse(&mut report);
    Throttle.conclude(&mut report);
    report
}

fn sentence(report: &RunReport, title: &str) -> String {
    let found = report
        .groups
        .iter()
        .find(|group| group.title.starts_with(title));
    found
        .unwrap_or_else(|| panic!("{title}: {:?}", report.groups))
        .sentence
        .clone()
}

fn saturated() -> Vec<Row> {
    vec![
        served("saturated", 1, [0.75, 0.75], 15, 0.05),
        served("saturated", 8, [0.0925, 1.2], 15, 0.075),
    ]
}

#[test]
fn what_more_threads_do_is_claimed_of_six_rounds_and_of_no_quick_run() {
    let all = concluded(saturated(), false);
    let told = sentence(&all, "saturated, throttle-half");
    assert!(
        told.starts_with(
            "1 thread: 3333 requests/s, p99 50.0 ms, by the quota's rule still for 50.0 ms"
        ),
        "{told}"
    );
    assert!(
        told.contains(
            "So 8 threads gave as many requests per second as 1 thread, and in every round a \
                       p99 that was longer, 1.5 × as long: more threads get no more"
        ),
        "{told}"
    );
    let quick = sentence(&concluded(saturated(), true), "saturated, throttle-half");
    assert!(
        quick.ends_with("Nothing is claimed from a quick run."),
        "{quick}"
    );
    let mut alike = saturated();
    alike[1].rounds[3]
        .figures
        .insert(raw::P99_SECONDS.to_owned(), 0.04);
    let alike = sentence(&concluded(alike, false), "saturated, throttle-half");
    assert!(
        alike.contains("In no row was p99 longer in every round"),
        "{alike}"
    );
}

#[test]
fn a_steady_load_that_never_throttles_says_so() {
    let rows = vec![
        served("open-40", 8, [0.0375, 0.001], 0, 0.001),
        served("open-95", 8, [0.089, 0.3], 3, 0.07),
    ];
    let told = sentence(&concluded(rows, false), "a load that fits on average");
    assert!(
        told.contains(
            "Never throttled, in no period of any round: open-40 with 8 threads p99 1.00 ms."
        ),
        "{told}"
    );
    assert!(told.contains("however many threads there are"), "{told}");
    assert!(
        told.contains("Throttled: open-95 with 8 threads in 20 % of the periods, p99 70.0 ms."),
        "{told}"
    );
}

#[test]
fn the_model_speaks_of_larger_machines_and_of_others_figures_as_such() {
    let report = concluded(saturated(), false);
    let larger = sentence(
        &report,
        "by the refill rule on larger machines, not measured here",
    );
    assert!(
        larger.contains("8 CPUs: still for 93.8 ms of each period"),
        "{larger}"
    );
    assert!(
        larger.contains("64 CPUs: still for 99.2 ms of each period"),
        "{larger}"
    );
    let published = sentence(&report, "measured by others");
    for part in [
        "uber-go/automaxprocs",
        "2 threads 44,715 requests/s, p99.9 26 ms (by the rule never still)",
        "24 threads 22,191 requests/s, p99.9 76 ms (by the rule still for 91.7 ms of each period)",
        "not of this machine",
    ] {
        assert!(published.contains(part), "{published}");
    }
    let accuracy = sentence(&report, "how well the refill rule tells it");
    assert!(accuracy.contains("of the 2 rows"), "{accuracy}");
    let cost = sentence(&report, "what a request costs");
    assert!(
        cost.contains(
            "240000 additions and the request itself are 0.150 ms of the server's CPU time where it \
             is never out of work, measured"
        ),
        "{cost}"
    );
    let mut rows = saturated();
    for (load, cost) in [("open-40", 0.000_2), ("open-80", 0.000_18)] {
        let mut open = served(load, 8, [0.0375, 0.001], 0, 0.001);
        for round in &mut open.rounds {
            round
                .figures
                .insert(raw::REQUEST_CPU_SECONDS.to_owned(), cost);
        }
        rows.push(open);
    }
    let both = sentence(&concluded(rows, false), "what a request costs");
    for part in [
        "0.150 ms of the server's CPU time where",
        "and 0.180 to 0.200 ms under an open load",
    ] {
        assert!(both.contains(part), "{both}");
    }
    assert!(
        cost.contains("up to 0.10 of the machine's 2 CPUs"),
        "{cost}"
    );
}

#[test]
fn a_run_in_which_the_two_ends_agree_holds_and_a_lost_request_breaks_it() {
    let whole = concluded(saturated(), false);
    let held = |report: &RunReport, name: &str| {
        let found = report
            .invariants
            .iter()
            .find(|invariant| invariant.name == name);
        found.unwrap().held
    };
    for name in [
        RIGHT_ANSWERS,
        served::ALL_ANSWERED,
        served::COUNTED_ALIKE,
        served::NOBODY_DIED,
    ] {
        assert!(held(&whole, name), "{name}");
    }
    assert!(
        whole.rows[0]
            .figures
            .contains_key(names::REPLAYED_P99_SECONDS)
    );
    let broken = |name: &str, figure: f64| {
        let mut rows = saturated();
        rows[0].rounds[2].figures.insert(name.to_owned(), figure);
        concluded(rows, false)
    };
    assert!(!held(&broken(raw::WRONG, 1.0), RIGHT_ANSWERS));
    assert!(!held(&broken(raw::FAILED, 1.0), served::ALL_ANSWERED));
    for (served, unanswered, agree) in [
        (5501.0, 0.0, false),
        (5499.0, 0.0, false),
        (5501.0, 1.0, true),
        (5500.0, 1.0, true),
        (5499.0, 1.0, false),
        (5502.0, 1.0, false),
    ] {
        let mut rows = saturated();
        let figures = &mut rows[0].rounds[2].figures;
        figures.insert(raw::SERVED_IN_ALL.to_owned(), served);
        figures.insert(raw::UNANSWERED_IN_ALL.to_owned(), unanswered);
        let report = concluded(rows, false);
        assert_eq!(held(&report, served::COUNTED_ALIKE), agree, "{served}");
    }
    assert!(!held(&broken(raw::RESTARTS, 1.0), served::NOBODY_DIED));
}
