//! The runs of a lab, a line each.

use super::figures::{NONE, UNKNOWN, count, two_decimals};
use super::names::row_name;
use super::plain_table::plain_table;
use super::style::Style;
use crate::duration::duration;
use crate::figures::names;
use crate::report::{Backend, Interval, Row, RunReport};
use crate::serving::is_of_servers;

/// The runs in the order given: when, where, what was changed, and the figures
/// to know them by. Empty without runs.
pub fn past_runs(runs: &[RunReport], style: &Style) -> String {
    if runs.is_empty() {
        return String::new();
    }
    let heads = ["started", "where", "rows", "changed"];
    if runs.iter().any(is_of_servers) {
        let heads = [&heads[..], &["most requests/s"]].concat();
        return plain_table(style, &heads, &[], runs.iter().map(served_line));
    }
    let heads = [&heads[..], &["baseline", "best speedup"]].concat();
    plain_table(style, &heads, &["baseline"], runs.iter().map(line))
}

/// A run of servers, which have neither baseline nor speedup.
fn served_line(run: &RunReport) -> Vec<String> {
    let rates = run.rows.iter().filter_map(|row| {
        let rate = row.figures.get(names::REQUESTS_PER_SECOND)?;
        rate.is_finite().then_some((row, *rate))
    });
    let most = rates.max_by(|(_, one), (_, other)| one.total_cmp(other));
    let mut line = common(run);
    line.push(most.map_or_else(
        || NONE.to_owned(),
        |(row, rate)| format!("{rate:.0}: {}", row_name(run, row)),
    ));
    line
}

fn common(run: &RunReport) -> Vec<String> {
    vec![run.started.clone(), place(run), size(run), changed(run)]
}

fn line(run: &RunReport) -> Vec<String> {
    let baseline = run.rows.iter().find(|row| row.baseline);
    let wall = baseline.and_then(|row| row.wall_seconds);
    let mut line = common(run);
    line.push(wall.map_or_else(|| UNKNOWN.to_owned(), |wall| duration(wall.median)));
    line.push(best(run));
    line
}

/// `Docker, 2 CPUs (AMD EPYC)`.
fn place(run: &RunReport) -> String {
    let backend = match run.backend {
        Backend::Docker => "Docker",
        Backend::Local => "local processes",
        Backend::InProcess => "in process",
    };
    let cpus = run.host.cpus.map(|cpus| count(cpus, "CPU"));
    let cpus = cpus.unwrap_or_else(|| format!("{UNKNOWN} CPUs"));
    match &run.host.model {
        Some(model) => format!("{backend}, {cpus} ({model})"),
        None => format!("{backend}, {cpus}"),
    }
}

/// How much was measured, and what must be known before it is compared.
fn size(run: &RunReport) -> String {
    let rows = run.rows.iter().filter(|row| !row.rounds.is_empty()).count();
    let rounds = run
        .rows
        .iter()
        .map(|row| row.rounds.len())
        .max()
        .unwrap_or(0);
    let mut size = format!("{rows} × {rounds}");
    if run.quick {
        size.push_str(", quick");
    }
    if run.partial {
        size.push_str(", partial");
    }
    if run.invariants.iter().any(|invariant| !invariant.held) {
        size.push_str(", failed");
    }
    size
}

fn changed(run: &RunReport) -> String {
    let knobs: Vec<String> = run
        .changes
        .iter()
        .map(|c| format!("{} {} {} → {}", c.subject, c.knob, c.before, c.after))
        .collect();
    if knobs.is_empty() {
        NONE.to_owned()
    } else {
        knobs.join("; ")
    }
}

/// The row with the highest speedup, of those that were faster than the
/// baseline in all of the interval.
fn best(run: &RunReport) -> String {
    let rows = run.rows.iter().filter(|row| !row.baseline);
    let speedups = rows.filter_map(|row| Some((row, row.speedup.filter(is_finite)?)));
    let speedups: Vec<(&Row, Interval)> = speedups.collect();
    if speedups.is_empty() {
        return NONE.to_owned();
    }
    let faster = speedups
        .into_iter()
        .filter(|(_, speedup)| speedup.low > 1.0);
    let best = faster.max_by(|(_, one), (_, other)| one.median.total_cmp(&other.median));
    best.map_or_else(
        || "no row was faster than the baseline".to_owned(),
        |(row, speedup)| {
            let times = two_decimals(speedup.median);
            format!("{times} ×: {}", row_name(run, row))
        },
    )
}

fn is_finite(interval: &Interval) -> bool {
    [interval.low, interval.median]
        .iter()
        .all(|end| end.is_finite())
}
