//! The runs of a lab, a line each.

use measure::made::{interval, report, row, station};
use measure::report::{Interval, Row, RunReport};
use measure::text::{Style, past_runs};

/// A run whose rows, the baseline first, have these speedups.
fn run(speedups: &[Interval]) -> RunReport {
    let strategies = ["sequential", "executor", "channels"];
    let rows = strategies.iter().zip(speedups).enumerate();
    let rows = rows.map(|(at, (strategy, &speedup))| Row {
        baseline: at == 0,
        speedup: Some(speedup),
        ..row("two", strategy, at.max(1))
    });
    report(vec![station("two", None)], rows.collect())
}

fn line(run: RunReport) -> String {
    let style = Style {
        width: 200,
        color: false,
        unicode: true,
    };
    let text = past_runs(&[run], &style);
    text.lines().last().unwrap().trim_end().to_owned()
}

#[test]
fn the_best_row_is_named_only_where_one_was_faster_than_the_baseline() {
    let one = interval(1.0, 1.0, 1.0);
    let best = line(run(&[
        one,
        interval(1.5, 1.4, 1.6),
        interval(1.9, 1.8, 2.0),
    ]));
    assert!(
        best.ends_with("1.90 ×: two · channels · 2 workers"),
        "{best}"
    );
    let slower = interval(0.52, 0.5, 0.54);
    let unsure = interval(1.02, 0.97, 1.05);
    for others in [&[slower][..], &[unsure], &[slower, unsure]] {
        let none = line(run(&[&[one], others].concat()));
        assert!(
            none.ends_with("no row was faster than the baseline"),
            "{none}"
        );
    }
    assert!(line(run(&[one])).ends_with('–'), "there is nothing to tell");
}
