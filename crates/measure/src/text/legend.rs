//! How to read the table.

use super::bar::{self, State};
use super::paragraph::Paragraph;
use super::style::Style;
use super::table::{Column, Layout, table};
use crate::report::{Row, RunReport};
use crate::verdict::words::count;
use std::collections::BTreeMap;

/// What the bar's cells, the brackets and the marks mean, and what was left
/// out for want of room. Empty when there are no rows.
pub fn legend(report: &RunReport, style: &Style) -> String {
    if report.rows.is_empty() {
        return String::new();
    }
    let layout = Layout::fitting(report, style);
    let mut text = String::new();
    if layout.columns.contains(&Column::Bar) {
        text.push_str(&states(report, style));
    }
    let notes = [
        brackets(report),
        baseline(report),
        unknown(report, style),
        left_out(&layout, style),
    ];
    for note in notes.into_iter().flatten() {
        text.push_str(&Paragraph::new(note).render(style));
    }
    text
}

/// The states that some row shows, a line each.
fn states(report: &RunReport, style: &Style) -> String {
    let budgets: Vec<_> = report.rows.iter().filter_map(|r| r.time_budget).collect();
    let mut text = String::new();
    for state in State::ALL {
        if budgets.iter().any(|budget| bar::shows(budget, state)) {
            let paragraph = Paragraph::new(meaning(state))
                .head(state.glyph(style).to_string(), state.paint())
                .indent(2);
            text.push_str(&paragraph.render(style));
        }
    }
    if let Some(hidden) = hidden_steal(report) {
        text.push_str(&Paragraph::new(hidden).indent(2).render(style));
    }
    text
}

/// That stolen time hides in running, where it does in some row.
pub fn hidden_steal(report: &RunReport) -> Option<&'static str> {
    let budgets = || report.rows.iter().filter_map(|row| row.time_budget);
    let told = budgets().any(|budget| budget.stolen.is_some());
    budgets().any(|budget| budget.stolen.is_none()).then_some({
        if told {
            "In some rows time that the hypervisor stole cannot be told from running."
        } else {
            "Time that the hypervisor stole cannot be told from running here."
        }
    })
}

/// What a state means, after its name.
pub fn meaning(state: State) -> &'static str {
    match state {
        State::Running => "running: on a CPU",
        State::Throttled => "throttled: ready to run, kept off the CPUs by the quota",
        State::Runnable => "runnable: ready to run, but no CPU was free",
        State::Blocked => "blocked: not ready, waiting for something else",
        State::Stolen => "stolen: the hypervisor had taken the CPU away",
    }
}

/// Which interval stands in brackets: the range of so many samples.
pub fn brackets(report: &RunReport) -> Option<String> {
    let coverages: BTreeMap<usize, f64> = report
        .rows
        .iter()
        .filter_map(|row: &Row| Some((row.samples.len(), row.wall_seconds?.coverage)))
        .collect();
    let ranges: Vec<String> = coverages
        .iter()
        .map(|(samples, coverage)| range(*samples, *coverage))
        .collect();
    (!ranges.is_empty()).then(|| {
        format!(
            "wall: the time for one job, median of the samples; in brackets {}.",
            ranges.join("; ")
        )
    })
}

fn range(samples: usize, coverage: f64) -> String {
    if coverage <= 0.0 {
        return format!("nothing where there is {}", count(samples, "sample"));
    }
    let percent = format!("{:.1}", coverage * 100.0);
    let percent = percent.trim_end_matches(".0");
    format!(
        "the range of {}, a {percent} % interval of the median",
        count(samples, "sample")
    )
}

fn baseline(report: &RunReport) -> Option<String> {
    report.rows.iter().any(|row| row.baseline).then(|| {
        "* baseline: speedup is its wall ÷ the row's, efficiency is speedup ÷ workers, and the \
         prediction is made from its CPU time and the row's limits."
            .to_owned()
    })
}

fn unknown(report: &RunReport, style: &Style) -> Option<String> {
    table(report, style)
        .contains('?')
        .then(|| "? is what is unknown.".to_owned())
}

fn left_out(layout: &Layout, style: &Style) -> Option<String> {
    (!layout.left_out.is_empty()).then(|| {
        format!(
            "Left out for want of room in {} columns: {}.",
            style.width(),
            layout.left_out.join(", ")
        )
    })
}
