//! All figures, a line for each row.

use crate::html::{EachHtml, Text};
use crate::verdicts::anchor;
use measure::durations;
use measure::report::{Row, RunReport};
use measure::serving::is_of_servers;
use measure::text::figures::{NONE, UNKNOWN, percent, two_decimals};
use measure::text::names::{by_station, scaled, station, work, workers, workers_head};
use measure::text::{State, brackets, limits, shares, void_rounds};

/// Columns of a line.
const COLUMNS: [&str; 13] = [
    "strategy",
    "workers",
    "wall",
    "predicted",
    "speed&shy;up",
    "effi&shy;ciency",
    "CPUs used",
    "verdict",
    "running",
    "throttled",
    "runnable",
    "blocked",
    "stolen",
];

/// Those that are drawn from the time of a job.
const OF_JOBS: std::ops::Range<usize> = 2..6;

/// The columns before the states.
const BEFORE_STATES: usize = 8;

/// The states to show: stolen time only where some row tells it from running.
fn shown(report: &RunReport) -> &'static [State] {
    let budgets = report
        .rows
        .iter()
        .filter_map(|row| row.time_budget.as_ref());
    let told = budgets.into_iter().any(|budget| budget.stolen.is_some());
    if told { &State::ALL } else { &State::ALL[..4] }
}

/// The columns shown: a server's samples have no job whose time could be told.
fn columns(report: &RunReport) -> Vec<&'static str> {
    let mut all = COLUMNS[..BEFORE_STATES + shown(report).len()].to_vec();
    all[1] = workers_head(report);
    if is_of_servers(report) {
        all.drain(OF_JOBS);
    }
    all
}

/// The table with its caption; it scrolls within its box where the page is narrow.
pub(crate) fn table(report: &RunReport) -> String {
    if report.rows.is_empty() {
        return "<p>No row was measured.</p>\n".to_owned();
    }
    let heads: String = columns(report).iter().html(|head| {
        let class = if *head == "verdict" {
            " class=\"verdict\""
        } else {
            ""
        };
        format!("<th scope=\"col\"{class}>{head}</th>")
    });
    let bodies: String = by_station(report)
        .iter()
        .html(|(name, rows)| body(report, name, rows));
    format!(
        "<div class=\"scroll\" role=\"region\" aria-label=\"All figures\" tabindex=\"0\">\n<table>\n\
         <caption><span>{}</span></caption>\n<thead><tr>{heads}</tr></thead>\n{bodies}</table>\n</div>\n{}",
        Text(caption(report)),
        void(report)
    )
}

/// The rounds of which rows have no sample.
fn void(report: &RunReport) -> String {
    void_rounds(report)
        .iter()
        .html(|(name, why)| format!("<p><strong>{}</strong>: {}</p>\n", Text(name), Text(why)))
}

fn caption(report: &RunReport) -> String {
    let mut notes: Vec<String> = brackets(report).into_iter().collect();
    if report.rows.iter().any(|row| row.baseline) {
        notes.push(
            "* baseline: speedup is its wall ÷ the row's, efficiency is speedup ÷ workers, and the \
             prediction is made from its CPU time and the row's limits."
                .to_owned(),
        );
    }
    notes.push(format!(
        "The last columns are shares of worker time. {UNKNOWN}: unknown; {NONE}: cannot be there."
    ));
    notes.join(" ")
}

fn body(report: &RunReport, name: &str, rows: &[&Row]) -> String {
    let limits = station(report, name).map_or_else(
        || "of which the report says nothing".to_owned(),
        |station| limits(report, station),
    );
    let lines: String = rows.iter().html(|row| line(report, row));
    format!(
        "<tbody>\n<tr class=\"station\"><th scope=\"rowgroup\" colspan=\"{}\"><span>{}</span> \
         <small>{}</small></th></tr>\n{lines}</tbody>\n",
        columns(report).len(),
        Text(name),
        Text(limits),
    )
}

fn line(report: &RunReport, row: &Row) -> String {
    let baseline = if row.baseline { " *" } else { "" };
    let head = format!(
        "<th scope=\"row\">{}{baseline}</th><td>{}</td>",
        Text(work(report, row)),
        Text(workers(report, row))
    );
    if let Some(reason) = &row.not_run {
        // What was measured before it ended still stands to the left.
        let wall = if is_of_servers(report) {
            String::new()
        } else {
            let wall = figure(row, row.wall_seconds, |wall| durations(&wall));
            format!("<td>{wall}</td>")
        };
        let rest = columns(report).len() - 2 - usize::from(!wall.is_empty());
        return format!(
            "<tr>{head}{wall}<td class=\"not-run\" colspan=\"{rest}\">not run: {}</td></tr>\n",
            Text(reason)
        );
    }
    let predicted = if row.baseline {
        NONE.to_owned()
    } else {
        figure(row, row.predicted_wall_seconds, |wall| durations(&wall))
    };
    let figures = [
        figure(row, row.wall_seconds, |wall| {
            scaled(row).to_owned() + &durations(&wall)
        }),
        predicted,
        figure(row, row.speedup, |s| two_decimals(s.median)),
        figure(row, row.efficiency, two_decimals),
        figure(row, row.cpus_used, two_decimals),
    ];
    let of_jobs = OF_JOBS.len() * usize::from(is_of_servers(report));
    let cell = |figure| format!("<td>{figure}</td>");
    format!(
        "<tr>{head}{}<td class=\"verdict\">{}</td>{}</tr>\n",
        figures.into_iter().skip(of_jobs).html(cell),
        verdict(report, row),
        states(report, row).into_iter().html(cell)
    )
}

/// The share of each state. Stolen time that cannot be told from running is
/// unknown, not none.
fn states(report: &RunReport, row: &Row) -> Vec<String> {
    let budget = row.time_budget.as_ref();
    let shares = budget.and_then(shares);
    let known = |state: State| {
        state != State::Stolen || budget.is_some_and(|budget| budget.stolen.is_some())
    };
    shown(report)
        .iter()
        .map(|&state| {
            figure(row, shares.filter(|_| known(state)), |s| {
                percent(s[state as usize])
            })
        })
        .collect()
}

fn verdict(report: &RunReport, row: &Row) -> String {
    let link = row.verdict.as_ref().zip(anchor(report, row));
    link.map_or_else(
        || UNKNOWN.to_owned(),
        |(verdict, anchor)| format!("<a href=\"#{anchor}\">{}</a>", verdict.kind),
    )
}

fn figure<T>(row: &Row, figure: Option<T>, text: impl Fn(T) -> String) -> String {
    match figure {
        Some(figure) => Text(text(figure)).to_string(),
        None if row.not_run.is_some() => NONE.to_owned(),
        None => UNKNOWN.to_owned(),
    }
}
