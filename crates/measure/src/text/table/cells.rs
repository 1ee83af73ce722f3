//! The cells of a row.

use super::{Column, Layout};
use crate::duration::{duration, durations};
use crate::report::{Interval, Row, RunReport};
use crate::text::bar;
use crate::text::figures::{NONE, UNKNOWN, two_decimals};
use crate::text::names::{scaled, work, workers};
use crate::text::style::Style;
use crate::verdict::words::kind;

pub(super) fn cells(report: &RunReport, style: &Style, layout: &Layout, row: &Row) -> Vec<String> {
    let text = |column: &Column| match drawing(*column, row) {
        // Marks must reach the bar untouched; all else could be anything.
        Some(marks) => marks,
        None => style.plain(&cell(report, style, layout, *column, row)),
    };
    layout.columns.iter().map(text).collect()
}

fn cell(report: &RunReport, style: &Style, layout: &Layout, column: Column, row: &Row) -> String {
    match column {
        Column::Strategy if row.baseline => format!("{} *", work(report, row)),
        Column::Strategy => work(report, row),
        Column::Workers => workers(report, row),
        Column::Wall if row.not_run.is_some() && row.rounds.is_empty() => "not run".to_owned(),
        Column::Wall => {
            let shown = figure(row, row.wall_seconds, |w| {
                scaled(row).to_owned() + &wall(&w, layout.wall_interval)
            });
            let mark = row.lost_after().map(|_| format!(" {}", style.cross()));
            shown + &mark.unwrap_or_default()
        }
        // It would be predicted from itself.
        Column::Predicted if row.baseline => NONE.to_owned(),
        Column::Predicted => figure(row, row.predicted_wall_seconds, |w| {
            wall(&w, layout.predicted_interval)
        }),
        Column::Speedup => figure(row, row.speedup, |s| two_decimals(s.median)),
        Column::Efficiency => figure(row, row.efficiency, two_decimals),
        Column::CpusUsed => figure(row, row.cpus_used, two_decimals),
        Column::Verdict => figure(row, row.verdict.as_ref(), |v| kind(v.kind).to_owned()),
        Column::Bar | Column::Percentages => figure(row, None::<&str>, str::to_owned),
    }
}

/// The marks of a bar or of percentages.
fn drawing(column: Column, row: &Row) -> Option<String> {
    let budget = row.time_budget.as_ref()?;
    match column {
        Column::Bar => bar::bar(budget),
        Column::Percentages => bar::percentages(budget),
        _ => None,
    }
}

/// A figure that is absent is unknown, or cannot be there when the row did not
/// run; it is never zero.
fn figure<T>(row: &Row, figure: Option<T>, text: impl Fn(T) -> String) -> String {
    match figure {
        Some(figure) => text(figure),
        None if row.not_run.is_some() => NONE.to_owned(),
        None => UNKNOWN.to_owned(),
    }
}

fn wall(wall: &Interval, with_interval: bool) -> String {
    if with_interval {
        durations(wall)
    } else {
        duration(wall.median)
    }
}
