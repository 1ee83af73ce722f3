//! The plan, the size of the samples, and what the lab says of made runs.
#![allow(clippy::unwrap_used)]

use super::*;
use crate::station::Beside;
use measure::made::{self, ReplicaExt, replica, row_of};
use measure::report::{ReplicaAccount, Round, Row};
use measure::waiting::raw;

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
    assert_eq!(rows.len(), 2 * EVERYWHERE.len() - 1);
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
        sampled_pages(
            &row("scraper-one", strategy, kernel, workers),
            &options,
            around,
        )
    };
    let around = as_delivered();
    assert_eq!(sampled("sequential", LIGHT, 1, &around), 20);
    assert_eq!(sampled("threads", LIGHT, 5, &around), 100);
    assert_eq!(sampled("async", LIGHT, 64, &around), 1000);
    assert_eq!(sampled("async", HEAVY, 64, &around), 500);
    let row = row("scraper-one", "sequential", LIGHT, 1);
    assert!((Scraper.share(&row, &options, &around) - 0.02).abs() < 1e-12);
    let slow = super::tests::around(&[("ORIGIN_LATENCY", "5s")]);
    assert_eq!(sampled("sequential", LIGHT, 1, &slow), 1, "never none");
    for unknown in [&[][..], &[("ORIGIN_LATENCY", "0")]] {
        let around = super::tests::around(unknown);
        assert_eq!(sampled("sequential", LIGHT, 1, &around), 1000);
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
