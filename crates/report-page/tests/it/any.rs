//! Whatever a report holds, the page is well formed and leaves no row out.

use crate::markup::Markup;
use crate::sample::{report, row, station, verdict};
use measure::report::{Interval, Row, RunReport, Station, TimeBudget};
use proptest::prelude::*;
use report_page::page;

fn figure() -> impl Strategy<Value = f64> {
    prop_oneof![
        6 => 1e-6..1e4f64,
        1 => Just(0.0),
        1 => -5.0..0.0f64,
        1 => any::<f64>(),
        1 => Just(f64::NAN),
        1 => Just(f64::INFINITY),
    ]
}

fn interval() -> impl Strategy<Value = Option<Interval>> {
    let interval = [figure(), figure(), figure()].prop_map(|[low, median, high]| Interval {
        median,
        low,
        high,
        coverage: 0.97,
    });
    proptest::option::of(interval)
}

/// Letters, and what HTML would take for its own.
fn name() -> impl Strategy<Value = String> {
    "[a-zä数<>&\"'/ -]{1,20}"
}

fn budget() -> impl Strategy<Value = Option<TimeBudget>> {
    let budget = (
        proptest::array::uniform4(figure()),
        proptest::option::of(figure()),
    )
        .prop_map(
            |([running, throttled, runnable, blocked], stolen)| TimeBudget {
                running,
                throttled,
                runnable,
                blocked,
                stolen,
            },
        );
    proptest::option::of(budget)
}

fn any_row() -> impl Strategy<Value = Row> {
    let names = (name(), name(), 0usize..300, any::<bool>());
    let intervals = (interval(), interval(), interval());
    let figures = proptest::array::uniform3(proptest::option::of(figure()));
    let rest = (
        budget(),
        proptest::option::of(name()),
        proptest::option::weighted(0.2, name()),
        proptest::collection::vec(figure(), 0..7),
    );
    (names, intervals, figures, rest).prop_map(
        |(
            (station, strategy, workers, baseline),
            (wall_seconds, predicted_wall_seconds, speedup),
            [efficiency, cpus_used, granted_cpus],
            (time_budget, said, not_run, samples),
        )| Row {
            baseline,
            not_run,
            samples,
            wall_seconds,
            predicted_wall_seconds,
            speedup,
            efficiency,
            cpus_used,
            granted_cpus,
            time_budget,
            verdict: said.map(|text| verdict(&text)),
            ..row(&station, &strategy, workers)
        },
    )
}

fn any_station() -> impl Strategy<Value = Station> {
    let refused = proptest::option::weighted(0.2, name());
    (name(), 0usize..200, figure(), refused).prop_map(|(name, replicas, cpus, refused)| Station {
        replicas,
        refused,
        ..station(&name, cpus)
    })
}

/// Rows of stations that the report has and of some that it has not.
fn any_report() -> impl Strategy<Value = RunReport> {
    let stations = proptest::collection::vec(any_station(), 0..6);
    let rows = proptest::collection::vec((any_row(), 0usize..8), 0..15);
    (stations, rows, figure()).prop_map(|(stations, rows, seconds)| {
        let rows = rows
            .into_iter()
            .map(|(row, index)| match stations.get(index) {
                Some(station) => Row {
                    station: station.name.clone(),
                    ..row
                },
                None => row,
            });
        RunReport {
            rows: rows.collect(),
            seconds,
            stations,
            ..report()
        }
    })
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(128))]

    #[test]
    fn the_page_is_well_formed_and_has_every_row(report in any_report()) {
        // Taking it apart also holds every number of the drawings finite.
        let markup = Markup::of(&page(&report));
        prop_assert!(!markup.tags.iter().any(|tag| tag == "script"));
        for row in &report.rows {
            for part in [Some(&row.station), Some(&row.strategy), row.not_run.as_ref()] {
                prop_assert!(part.is_none_or(|part| markup.text.contains(part)), "{:?}", part);
            }
            let said = row.verdict.as_ref().map(|verdict| &verdict.text);
            prop_assert!(said.is_none_or(|text| markup.text.contains(text)), "{:?}", said);
        }
    }
}
