//! Whatever a report holds, lines keep to the width and nothing is lost.

use super::sample::{interval, row, station};
use super::{report_of, style};
use crate::report::{Also, Interval, Row, RunReport, Station, TimeBudget, Verdict, VerdictKind};
use crate::text::{Style, render};
use proptest::prelude::*;
use unicode_width::UnicodeWidthStr;

const ESCAPE: char = '\u{1b}';

fn figure() -> impl Strategy<Value = f64> {
    prop_oneof![
        8 => 1e-6..1e4f64,
        1 => Just(0.0),
        1 => -5.0..0.0f64,
        1 => Just(f64::NAN),
        1 => Just(f64::INFINITY),
    ]
}

fn any_interval() -> impl Strategy<Value = Option<Interval>> {
    let interval = (figure(), 0.0..1.0f64).prop_map(|(median, coverage)| Interval {
        coverage,
        ..interval(median, median * 0.9, median * 1.1)
    });
    proptest::option::of(interval)
}

/// Mostly short, sometimes far longer than a line, sometimes not ASCII.
fn name() -> impl Strategy<Value = String> {
    prop_oneof![
        6 => "[a-z]{1,8}(-[a-z]{1,8}){0,2}",
        1 => "[a-z-]{50,70}",
        1 => "[äß数µ]{1,12}",
    ]
}

fn sentence() -> impl Strategy<Value = String> {
    let word = prop_oneof![
        8 => "[a-zA-Z0-9×→–]{1,12}[,.;]?",
        2 => "[0-9]{1,3} (%|s|CPUs)",
        1 => "[a-z/]{41,90}",
    ];
    proptest::collection::vec(word, 0..30).prop_map(|words| words.join(" "))
}

fn verdict() -> impl Strategy<Value = Option<Verdict>> {
    let texts = (sentence(), sentence(), sentence(), sentence());
    let verdict = texts.prop_map(|(text, evidence, next, also)| Verdict {
        kind: VerdictKind::Oversubscribed,
        text,
        evidence,
        next,
        also: vec![Also {
            kind: "odd-round".to_owned(),
            text: also,
        }],
    });
    proptest::option::of(verdict)
}

fn time_budget() -> impl Strategy<Value = Option<TimeBudget>> {
    let shares = proptest::array::uniform4(figure());
    let budget = (shares, proptest::option::of(figure())).prop_map(|(shares, stolen)| {
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

fn any_row() -> impl Strategy<Value = Row> {
    let names = (name(), name(), 0usize..300, any::<bool>());
    let intervals = (any_interval(), any_interval(), any_interval());
    let figures = proptest::array::uniform2(proptest::option::of(figure()));
    let rest = (
        time_budget(),
        verdict(),
        proptest::option::weighted(0.1, sentence()),
    );
    (names, intervals, figures, rest).prop_map(
        |(
            (station, strategy, workers, baseline),
            (wall_seconds, predicted_wall_seconds, speedup),
            [efficiency, cpus_used],
            (time_budget, verdict, not_run),
        )| Row {
            baseline,
            not_run,
            wall_seconds,
            predicted_wall_seconds,
            speedup,
            efficiency,
            cpus_used,
            time_budget,
            verdict,
            ..row(&station, &strategy, workers)
        },
    )
}

fn any_station() -> impl Strategy<Value = Station> {
    let refused = proptest::option::weighted(0.2, sentence());
    let agree = any::<Option<bool>>();
    (name(), 0usize..200, figure(), refused, agree).prop_map(
        |(name, replicas, cpus, refused, agree)| Station {
            replicas,
            agree,
            refused,
            ..station(&name, cpus, 1)
        },
    )
}

/// Rows of stations that the report has and of some that it has not.
fn any_report() -> impl Strategy<Value = RunReport> {
    let stations = proptest::collection::vec(any_station(), 1..6);
    let rows = proptest::collection::vec((any_row(), 0usize..8), 1..20);
    (stations, rows).prop_map(|(stations, rows)| {
        let mut report = report_of(row("two", "sequential", 1));
        report.rows = rows
            .into_iter()
            .map(|(row, index)| match stations.get(index) {
                Some(station) => Row {
                    station: station.name.clone(),
                    ..row
                },
                None => row,
            })
            .collect();
        report.stations = stations;
        report
    })
}

/// Whether nothing on the line could have gone to the next one.
fn is_one_word(line: &str) -> bool {
    line.split_whitespace().count() == 1
}

fn without_colour(text: &str) -> String {
    let mut plain = String::new();
    let mut rest = text.chars();
    while let Some(c) = rest.next() {
        if c == ESCAPE {
            rest.by_ref().find(|c| *c == 'm');
        } else {
            plain.push(c);
        }
    }
    plain
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    #[test]
    fn no_line_is_wider_than_the_width(report in any_report(), width in 40usize..240) {
        for line in render(&report, &style(width)).lines() {
            prop_assert!(line.width() <= width || is_one_word(line), "{}: {:?}", width, line);
            prop_assert_eq!(line.trim_end(), line);
        }
    }

    #[test]
    fn nothing_is_cut(report in any_report(), width in 40usize..240) {
        let text = render(&report, &style(width));
        let words: Vec<&str> = text.split_whitespace().collect();
        let said = |part: &str| part.split_whitespace().all(|word| words.contains(&word));
        for row in &report.rows {
            let station = format!("{}:", row.station);
            prop_assert!(said(&station), "{}", row.station);
            prop_assert!(said(row.not_run.as_deref().unwrap_or_default()), "{:?}", row.not_run);
            if let Some(verdict) = &row.verdict {
                let parts = [&verdict.text, &verdict.evidence, &verdict.next, &verdict.also[0].text];
                prop_assert!(parts.into_iter().all(|part| said(part)), "{:?}", verdict);
            }
        }
    }

    #[test]
    fn colour_changes_nothing_but_the_colour(report in any_report(), width in 40usize..240) {
        let plain = render(&report, &style(width));
        let colored = render(&report, &Style { color: true, ..style(width) });
        prop_assert!(!plain.contains(ESCAPE), "{}", plain);
        prop_assert!(colored.contains(ESCAPE), "{}", colored);
        prop_assert_eq!(without_colour(&colored), plain);
    }

    #[test]
    fn ascii_is_ascii(report in any_report(), width in 40usize..240) {
        let text = render(&report, &Style { unicode: false, ..style(width) });
        prop_assert!(text.is_ascii(), "{}", text);
        for line in text.lines() {
            prop_assert!(line.width() <= width || is_one_word(line), "{}: {:?}", width, line);
        }
    }
}
