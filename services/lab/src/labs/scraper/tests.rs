//! The plan, the size of the samples, and what the lab says of made runs.
#![allow(clippy::unwrap_used)]

use super::plan::row;
use super::*;
use crate::labs::Workers;
use crate::station::Beside;
use measure::figures::names;
use measure::made::{self, ReplicaExt, replica, row_of};
use measure::report::{ReplicaAccount, Round, Row};
use measure::waiting::raw;
use proptest::prelude::*;

fn stations() -> Vec<Station> {
    vec![
        made::station("scraper-quarter", Some(0.25)),
        made::station("scraper-one", Some(1.0)),
    ]
}

fn around(environment: &[(&str, &str)]) -> Around {
    let pairs = environment.iter();
    Around {
        beside: vec![Beside {
            name: ORIGIN.into(),
            url: "http://origin:8080".into(),
            environment: pairs
                .map(|(name, value)| ((*name).to_owned(), (*value).to_owned()))
                .collect(),
        }],
        components: Vec::new(),
    }
}

fn as_delivered() -> Around {
    around(&[("ORIGIN_LATENCY", "100ms"), ("ORIGIN_PAGES", "1000")])
}

fn planned(options: &Options) -> Vec<PlannedRow> {
    let abilities = Scraper.abilities();
    Scraper.plan(&stations(), &abilities, options).unwrap()
}

fn shown(rows: &[PlannedRow]) -> Vec<String> {
    let shown = |row: &PlannedRow| {
        format!(
            "{}/{}/{}/{}",
            row.station, row.strategy, row.kernel, row.workers
        )
    };
    rows.iter().map(shown).collect()
}

#[test]
fn by_default_each_way_of_waiting_is_on_both_stations() {
    let rows = planned(&Options::default());

    assert!(rows[0].baseline);
    assert_eq!(shown(&rows[..1]), ["scraper-one/sequential/light/1"]);
    assert_eq!(rows.len(), 2 * plan::EVERYWHERE.len() - 1);
    assert_eq!(rows.iter().filter(|row| row.baseline).count(), 1);
    let heavy_threads = rows
        .iter()
        .filter(|row| (&*row.strategy, &*row.kernel) == ("threads", HEAVY));
    assert_eq!(
        shown(&heavy_threads.cloned().collect::<Vec<_>>()),
        ["scraper-one/threads/heavy/64"]
    );
}

#[test]
fn a_quick_run_has_a_row_for_each_verdict_and_what_predicts_it() {
    let quick = Options {
        quick: true,
        ..Options::default()
    };
    assert_eq!(
        shown(&planned(&quick)),
        [
            "scraper-one/sequential/light/1",
            "scraper-quarter/async/light/64",
            "scraper-quarter/async/heavy/64",
            "scraper-one/threads/light/64",
            "scraper-one/async/light/64",
            "scraper-one/async/heavy/64",
        ]
    );
}

#[test]
fn options_narrow_the_rows_and_what_predicts_them_stays() {
    let narrowed = Options {
        stations: vec!["scraper-quarter".into()],
        strategies: vec!["sequential".into(), "async".into()],
        workers: vec![Workers::Exactly(8), Workers::Exactly(16)],
        kernel: Some("none".into()),
        ..Options::default()
    };
    assert_eq!(
        shown(&planned(&narrowed)),
        [
            "scraper-one/sequential/none/1",
            "scraper-quarter/sequential/none/1",
            "scraper-quarter/async/none/8",
            "scraper-quarter/async/none/16",
            "scraper-one/async/none/8",
            "scraper-one/async/none/16",
        ]
    );
    let wrong = Options {
        strategies: vec!["asnyc".into()],
        ..Options::default()
    };
    let refused = Scraper.plan(&stations(), &Scraper.abilities(), &wrong);
    assert!(refused.unwrap_err().contains("did you mean async?"));
}

#[test]
fn a_sample_waits_two_seconds_at_most_and_does_the_job_where_that_suffices() {
    let options = Options::default();
    let sampled = |strategy, kernel, workers, around: &Around| {
        let row = row("scraper-one", strategy, kernel, workers);
        part::sampled_pages(&row, pages(&options), latency_of(around))
    };
    let around = as_delivered();
    assert_eq!(sampled("sequential", LIGHT, 1, &around), 20);
    assert_eq!(sampled("threads", LIGHT, 5, &around), 100);
    assert_eq!(sampled("async", LIGHT, 64, &around), 1000);
    assert_eq!(sampled("async", HEAVY, 64, &around), 7 * 64, "full turns");
    assert_eq!(sampled("async", LIGHT, 49, &around), 20 * 49);
    assert_eq!(
        sampled("async", HEAVY, 256, &around),
        1000,
        "two turns are few"
    );
    let row = row("scraper-one", "sequential", LIGHT, 1);
    assert!((Scraper.share(&row, &options, &around) - 0.02).abs() < 1e-12);
    let slow = super::tests::around(&[("ORIGIN_LATENCY", "5s")]);
    assert_eq!(sampled("sequential", LIGHT, 1, &slow), 1, "never none");
    for unknown in [&[][..], &[("ORIGIN_LATENCY", "0")]] {
        let around = super::tests::around(unknown);
        assert_eq!(sampled("sequential", LIGHT, 1, &around), 1000);
    }
}

/// The figures of a row of this plan whose samples take no longer than the
/// origin makes them: a latency for each turn.
fn waited_for(planned: &PlannedRow, all: u64, around: &Around) -> Row {
    let options = Options {
        limit: Some(all),
        ..Options::default()
    };
    let latency = latency_of(around).unwrap();
    let sampled = part::sampled_pages(planned, all, Some(latency));
    let turns = sampled.div_ceil(planned.workers as u64);
    let wall = turns as f64 * latency;
    let counted = Counted {
        stations: &[BTreeMap::from([("pages".to_owned(), Some(sampled as f64))])],
        witness: &Value::Null,
    };
    let round = Round {
        share: Scraper.share(planned, &options, around),
        figures: Scraper.figures(planned, counted, &options, around),
        replicas: vec![replica(wall).worker(0.0, 0.0).blocked(|b| b.io = wall)],
        ..Round::default()
    };
    let row = Row {
        kernel: planned.kernel.clone(),
        ..row_of(
            &planned.station,
            &planned.strategy,
            planned.workers,
            vec![round],
        )
    };
    made::analysed(made::station(&planned.station, Some(1.0)), row)
}

proptest! {
    /// Whether the number at once divides the job or not.
    #[test]
    fn a_part_is_of_full_turns_and_its_wall_and_ideal_are_scaled_alike(
        workers in 1usize..1200,
        all in 1u64..5000,
        heavy in any::<bool>(),
        latency_ms in 1u32..3000,
    ) {
        let kernel = if heavy { HEAVY } else { LIGHT };
        let planned = row("scraper-one", "async", kernel, workers);
        let around = around(&[("ORIGIN_LATENCY", &format!("{latency_ms}ms"))]);
        let latency = f64::from(latency_ms) / 1e3;
        let sampled = part::sampled_pages(&planned, all, Some(latency));
        prop_assert!((1..=all).contains(&sampled));
        prop_assert!(sampled == all || sampled % workers as u64 == 0, "{sampled}");

        let measured = waited_for(&planned, all, &around);

        let ideal = measured.figures[names::IDEAL_SECONDS];
        let wall = measured.wall_seconds.unwrap().median;
        prop_assert!((wall - ideal).abs() < 1e-6 * ideal, "{wall} {ideal}");
        // Of the whole job it is off by less than its last turn.
        let of_job = all.div_ceil(workers as u64) as f64 * latency;
        prop_assert!(ideal <= of_job * (1.0 + 1e-9), "{ideal} {of_job}");
        prop_assert!(of_job - ideal < latency, "{ideal} {of_job}");
    }
}

#[test]
fn a_sample_asks_for_pages_of_the_origin_and_keeps_them_where_a_database_runs() {
    let row = row("scraper-one", "async", LIGHT, 64);
    let part = Part {
        index: 0,
        count: 1,
        repeats: 2,
        start_at_seconds: None,
    };
    let mut around = as_delivered();
    let without = Scraper.request(&row, part, &Options::default(), &around);
    around
        .components
        .push((Component::Postgres, "postgres:5432".into()));
    let with = Scraper.request(&row, part, &Options::default(), &around);

    assert_eq!(without["store"], "ndjson");
    assert_eq!(with["store"], "postgres");
    assert_eq!(with["origin"], "http://origin:8080");
    assert_eq!(
        (&with["pages"], &with["workers"]),
        (&json!(1000), &json!(64))
    );
}

#[test]
fn the_origins_faults_are_known_of_its_settings() {
    for (set, expected) in [
        (("ORIGIN_SLOW_BODY", "0.1"), true),
        (("ORIGIN_ENDLESS_BODY", "0.01"), true),
        (("ORIGIN_ALL_FAULTS", "0.2"), true),
        (("ORIGIN_SLOW_BODY", "0"), false),
        (("ORIGIN_STATUS_503", "0.5"), false),
    ] {
        assert_eq!(lingers(&around(&[set])), expected, "{set:?}");
    }
    assert!(!lingers(&Around::default()));
}

#[test]
fn more_pages_than_the_origin_has_are_refused() {
    let asked = |limit| Options {
        limit: Some(limit),
        ..Options::default()
    };
    assert_eq!(Scraper.objection(&asked(1000), &as_delivered()), None);
    let why = Scraper.objection(&asked(1001), &as_delivered()).unwrap();
    assert!(why.contains("origin has 1000 pages"), "{why}");
    let nobody = Scraper.objection(&asked(1), &Around::default()).unwrap();
    assert!(nobody.contains("beside: [origin]"), "{nobody}");
}

#[test]
fn where_waiting_ends_is_told_by_requests_and_by_what_one_thread_can_use() {
    let mut fetched = scraped("scraper-two", "async", LIGHT, 64, &sample(1.9, 0.36, 0.0));
    for round in &mut fetched.rounds {
        // A tenth did not come, and some were asked for again.
        round.figures.insert(raw::PAGES.to_owned(), 900.0);
        round
            .figures
            .insert(raw::ORIGIN_REQUESTS.to_owned(), 1200.0);
    }
    let first = scraped(
        "scraper-two",
        "sequential",
        LIGHT,
        1,
        &sample(2.006, 0.006, 0.0),
    );
    let two = made::station("scraper-two", Some(2.0));
    let mut report = made::report(vec![two], vec![first, fetched]);
    measure::analysis::analyse(&mut report);

    let [group] = &crossing::groups(&report)[..] else {
        panic!("{:?}", report.groups)
    };

    // 0.36 s ÷ 1200 requests, on the one of two CPUs that a thread can use.
    let expected = "From about 334 pages at once on, light parsing should need all the CPU time \
                    that one thread can use: 1 × (100 ms ÷ 0.30 ms + 1), by what a request costs";
    assert!(group.sentence.starts_with(expected), "{}", group.sentence);
}

/// A row of six samples of the whole job, as both ends counted it.
fn scraped(
    station: &str,
    strategy: &str,
    kernel: &str,
    workers: usize,
    sample: &ReplicaAccount,
) -> Row {
    let pages = if strategy == "sequential" {
        20.0
    } else {
        1000.0
    };
    let figures = [
        (raw::PAGES, pages),
        (raw::JOB_PAGES, 1000.0),
        (raw::AT_ONCE, workers as f64),
        (raw::LATENCY_SECONDS, 0.1),
        (raw::ORIGIN_REQUESTS, pages),
        (raw::ORIGIN_HIGHEST_IN_FLIGHT, workers as f64),
        (figures::REQUESTS, pages),
        (figures::SAMPLED_PAGES, pages),
        (figures::STORED, pages),
    ];
    let round = |round| Round {
        round,
        share: pages / 1000.0,
        figures: figures.map(|(name, f)| (name.to_owned(), f)).into(),
        replicas: vec![sample.clone()],
        ..Round::default()
    };
    Row {
        kernel: kernel.into(),
        baseline: strategy == "sequential" && kernel == LIGHT,
        ..row_of(station, strategy, workers, (0..6).map(round).collect())
    }
}

/// One thread that waits for the network whenever it neither runs nor is
/// throttled.
fn sample(wall: f64, cpu: f64, throttled: f64) -> ReplicaAccount {
    let periods = (wall / 0.1) as u64;
    let stopped = (throttled / wall * periods as f64) as u64;
    replica(wall)
        .worker(cpu, throttled)
        .blocked(|b| b.io = wall - cpu - throttled)
        .throttled(periods, stopped, throttled)
}

#[test]
fn the_crossing_is_predicted_measured_and_told_by_littles_law() {
    let rows = vec![
        scraped(
            "scraper-one",
            "sequential",
            LIGHT,
            1,
            &sample(2.006, 0.006, 0.0),
        ),
        scraped("scraper-one", "async", LIGHT, 64, &sample(1.63, 0.3, 0.0)),
        scraped("scraper-one", "async", HEAVY, 64, &sample(2.1, 2.0, 0.0)),
        scraped(
            "scraper-quarter",
            "async",
            LIGHT,
            64,
            &sample(1.65, 0.3, 0.0),
        ),
        scraped(
            "scraper-quarter",
            "async",
            HEAVY,
            64,
            &sample(8.0, 2.0, 5.8),
        ),
    ];
    let mut report = made::report(stations(), rows);
    measure::analysis::analyse(&mut report);

    Scraper.conclude(&mut report);

    assert!(
        report.invariants[..3].iter().all(|i| i.held),
        "{:?}",
        report.invariants
    );
    let sentence = |title: &str| {
        let found = report
            .groups
            .iter()
            .find(|group| group.title.starts_with(title));
        found
            .unwrap_or_else(|| panic!("{title}: {:?}", report.groups))
            .sentence
            .clone()
    };
    // 0.25 × (100 ÷ 2 + 1) = 12.75; 125 pages per second × 100 ms = 12.5.
    let heavy = sentence("where waiting ends on scraper-quarter, heavy");
    assert!(
        heavy.starts_with("From about 13 pages at once on, heavy parsing"),
        "{heavy}"
    );
    assert!(
        heavy.contains("125 pages came per second, so that 12.5 were under way"),
        "{heavy}"
    );
    let light = sentence("where waiting ends on scraper-quarter, light");
    assert!(light.starts_with("From about 84 pages"), "{light}");
    assert!(
        light.contains("with 64 at once the pages were waited for"),
        "{light}"
    );
    let law = sentence("Little's law");
    assert!(
        law.contains("606/s × 100 ms = 60.6 on average, 64 at most"),
        "{law}"
    );
    assert!(law.contains("125/s × 100 ms = 12.5 on average"), "{law}");
}
