//! Reports by chance, for what must hold whatever a report says.

use super::{interval, report, row, station, verdict};
use crate::report::{Also, Interval, Row, RunReport, Station, TimeBudget, Verdict, VerdictKind};
use proptest::prelude::*;

/// What the reports are made from.
#[derive(Debug, Clone)]
pub struct Parts {
    /// Names of stations and strategies.
    pub name: BoxedStrategy<String>,
    /// What verdicts say, and why a row did not run.
    pub sentence: BoxedStrategy<String>,
    /// Whatever stands for a figure.
    pub figure: BoxedStrategy<f64>,
}

/// Rows of stations that the report has and of some that it has not. Any part
/// of a row or a station may be unknown.
pub fn any_report(parts: &Parts) -> impl Strategy<Value = RunReport> + use<> {
    let stations = proptest::collection::vec(any_station(parts), 0..6);
    let rows = proptest::collection::vec((any_row(parts), 0usize..8), 0..20);
    (stations, rows, parts.figure.clone()).prop_map(|(stations, rows, seconds)| {
        let rows = rows
            .into_iter()
            .map(|(row, index)| match stations.get(index) {
                Some(station) => Row {
                    station: station.name.clone(),
                    ..row
                },
                None => row,
            });
        let rows = rows.collect();
        RunReport {
            seconds,
            ..report(stations, rows)
        }
    })
}

fn any_station(parts: &Parts) -> impl Strategy<Value = Station> + use<> {
    let refused = proptest::option::weighted(0.2, parts.sentence.clone());
    let believed = any::<Option<u8>>();
    let agree = any::<Option<bool>>();
    let names = (parts.name.clone(), 0usize..200);
    (names, parts.figure.clone(), refused, believed, agree).prop_map(
        |((name, replicas), cpus, refused, believed, agree)| Station {
            replicas,
            believed_cpus: believed.map(usize::from),
            agree,
            refused,
            ..station(&name, Some(cpus))
        },
    )
}

fn any_row(parts: &Parts) -> impl Strategy<Value = Row> + use<> {
    let Parts {
        name,
        sentence,
        figure,
    } = parts.clone();
    let names = (name.clone(), name, 0usize..300, any::<bool>());
    let intervals = proptest::array::uniform3(any_interval(&figure));
    let figures = proptest::array::uniform3(proptest::option::of(figure.clone()));
    let rest = (
        time_budget(&figure),
        any_verdict(&sentence),
        proptest::option::weighted(0.1, sentence),
        proptest::collection::vec(figure, 0..7),
    );
    (names, intervals, figures, rest).prop_map(
        |(
            (station, strategy, workers, baseline),
            [wall_seconds, predicted_wall_seconds, speedup],
            [efficiency, cpus_used, granted_cpus],
            (time_budget, verdict, not_run, samples),
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
            verdict,
            ..row(&station, &strategy, workers)
        },
    )
}

fn any_interval(figure: &BoxedStrategy<f64>) -> impl Strategy<Value = Option<Interval>> + use<> {
    let ends = proptest::array::uniform3(figure.clone());
    let interval = (ends, 0.0..1.0f64).prop_map(|([median, low, high], coverage)| Interval {
        coverage,
        ..interval(median, low, high)
    });
    proptest::option::of(interval)
}

fn time_budget(figure: &BoxedStrategy<f64>) -> impl Strategy<Value = Option<TimeBudget>> + use<> {
    let shares = proptest::array::uniform4(figure.clone());
    let budget = (shares, proptest::option::of(figure.clone())).prop_map(|(shares, stolen)| {
        let [running, throttled, runnable, blocked] = shares;
        TimeBudget {
            running,
            throttled,
            runnable,
            blocked,
            stolen,
        }
    });
    proptest::option::of(budget)
}

fn any_verdict(sentence: &BoxedStrategy<String>) -> impl Strategy<Value = Option<Verdict>> + use<> {
    let texts = proptest::array::uniform4(sentence.clone());
    let verdict = texts.prop_map(|[text, evidence, next, also]| Verdict {
        also: vec![Also {
            kind: "odd-round".to_owned(),
            text: also,
        }],
        ..verdict(VerdictKind::Oversubscribed, &text, &evidence, &next)
    });
    proptest::option::of(verdict)
}
