//! The stages of pipelines: where their threads' time went, and what the queues
//! before them held.

use super::figures::{NONE, UNKNOWN, digits, percent};
use super::names::row_name;
use super::paragraph::Paragraph;
use super::plain_table::plain_table;
use super::style::Style;
use crate::duration::duration;
use crate::report::{BlockedBy, Row, RunReport, StageFigures, TimeBudget};

/// What stands above the stages' columns.
pub const STAGE_HEADS: [&str; 12] = [
    "row",
    "stage",
    "threads",
    "CPU ms",
    "waits ms",
    "can do/s",
    "busy",
    "running",
    "throttled",
    "ready",
    "no input",
    "no room",
];

/// How to read them.
pub const STAGE_NOTE: &str = "CPU ms and waits ms are what one item took of a CPU and of waiting \
    for a lookup or for Redis. Can do/s is what the model gives the stage by itself: replicas × \
    the lesser of quota ÷ CPU time and threads ÷ (CPU time + wait), with what an item cost in the \
    baseline's sample of the same round. Busy is the share of its threads' time in which they had \
    something to do; the one that always has sets the pace. The rest are shares of the same time: \
    on a CPU, stopped by the quota, ready without a free CPU, and blocked on an empty queue before \
    or a full one behind.";

/// What stands above the queues' columns.
pub const QUEUE_HEADS: [&str; 8] = [
    "row",
    "queue of",
    "items",
    "by L = λW",
    "at most",
    "in queue",
    "in stage",
    "over time",
];

/// How to read them.
pub const QUEUE_NOTE: &str = "Items are those in the queue before the stage, on average over \
    time; over Redis also those that the stage has taken and not yet moved on. By L = λW (Little's \
    law) is what they must come to by how many came per second and how long each was there. In \
    queue and in stage are an item's mean times; in one process the first begins when an item's \
    batch is made, though there may be no room for it yet. Over time are tenths of one sample, against the \
    most of the row's queues.";

/// A line for each stage of each row that is a pipeline's.
pub fn stage_lines(report: &RunReport) -> Vec<Vec<String>> {
    lines(report, |figures, _| stage_cells(figures), false)
}

/// A line for each queue of each row that is a pipeline's; the last cell is the
/// queue over time by `draw`, from shares of the most.
pub fn queue_lines(report: &RunReport, draw: impl Fn(&[f64]) -> String) -> Vec<Vec<String>> {
    lines(
        report,
        |figures, most| queue_cells(figures, most, &draw),
        true,
    )
}

fn lines(
    report: &RunReport,
    cells: impl Fn(&StageFigures, f64) -> Vec<String>,
    of_queues: bool,
) -> Vec<Vec<String>> {
    let rows = report.rows.iter().filter_map(|row| {
        let stages = &row.pipeline.as_ref()?.stages;
        Some((row, stages.get(usize::from(of_queues)..)?))
    });
    let of_row = |(row, stages): (&Row, &[StageFigures])| -> Vec<Vec<String>> {
        let over_time = stages.iter().flat_map(|s| &s.queue_items_over_time);
        let most = over_time.copied().fold(0.0, f64::max);
        let line = |(index, stage): (usize, &StageFigures)| {
            // The row's name stands once.
            let name = if index == 0 {
                row_label(report, row)
            } else {
                String::new()
            };
            let mut line = vec![name];
            line.extend(cells(stage, most));
            line
        };
        stages.iter().enumerate().map(line).collect()
    };
    rows.flat_map(of_row).collect()
}

/// The strategy is what rows of pipelines differ in.
fn row_label(report: &RunReport, row: &Row) -> String {
    let alone = report
        .rows
        .iter()
        .filter(|other| other.strategy == row.strategy)
        .count()
        == 1;
    if alone {
        row.strategy.clone()
    } else {
        row_name(report, row)
    }
}

fn known(figure: Option<f64>, text: impl Fn(f64) -> String) -> String {
    figure.map_or_else(|| UNKNOWN.to_owned(), text)
}

fn stage_cells(figures: &StageFigures) -> Vec<String> {
    let state =
        |share: fn(&TimeBudget) -> f64| known(figures.time_budget.as_ref().map(share), percent);
    let cause =
        |share: fn(&BlockedBy) -> f64| known(figures.blocked_by.as_ref().map(share), percent);
    vec![
        figures.stage.clone(),
        format!("{} × {}", figures.replicas, figures.threads),
        known(figures.cpu_ms_per_item, digits),
        known(figures.wait_ms_per_item, digits),
        known(figures.capacity_per_second, digits),
        known(figures.utilisation, percent),
        state(|b| b.running),
        state(|b| b.throttled),
        state(|b| b.runnable),
        cause(|b| b.input),
        cause(|b| b.output),
    ]
}

fn queue_cells(figures: &StageFigures, most: f64, draw: impl Fn(&[f64]) -> String) -> Vec<String> {
    let shares: Vec<f64> = figures
        .queue_items_over_time
        .iter()
        .map(|items| if most > 0.0 { items / most } else { 0.0 })
        .collect();
    vec![
        figures.stage.clone(),
        known(figures.queue_items, digits),
        known(figures.queue_items_by_law, digits),
        known(figures.queue_items_most, |items| format!("{items:.0}")),
        known(figures.queue_seconds, duration),
        known(figures.stage_seconds, duration),
        if shares.is_empty() {
            NONE.to_owned()
        } else {
            draw(&shares)
        },
    ]
}

/// Both tables. Empty where no row is a pipeline's.
pub fn pipelines(report: &RunReport, style: &Style) -> String {
    let stages = stage_lines(report);
    if stages.is_empty() {
        return String::new();
    }
    let mut text = style.heading("Stages: where their threads' time went");
    text.push_str(&plain_table(style, &STAGE_HEADS, &STAGE_HEADS[2..], stages));
    text.push_str(&Paragraph::new(STAGE_NOTE).render(style));
    text.push('\n');
    text.push_str(&style.heading("Queues: what was in them, and for how long"));
    let queues = queue_lines(report, |shares| spark(shares, style));
    text.push_str(&plain_table(
        style,
        &QUEUE_HEADS,
        &QUEUE_HEADS[2..7],
        queues,
    ));
    text.push_str(&Paragraph::new(QUEUE_NOTE).render(style));
    text
}

/// Shares of 1 as a line of bars.
fn spark(shares: &[f64], style: &Style) -> String {
    let bars: Vec<char> = if style.unicode {
        " ▁▂▃▄▅▆▇█"
    } else {
        " .:-=+*#@"
    }
    .chars()
    .collect();
    let top = bars.len() - 1;
    let bar = |share: &f64| {
        let height = (share.clamp(0.0, 1.0) * top as f64).round() as usize;
        // Whatever is in a queue is seen.
        let least = usize::from(*share > 0.0);
        bars[height.max(least)]
    };
    let drawn: String = shares.iter().map(bar).collect();
    format!("|{drawn}|")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_queue_over_time_is_a_line_of_bars_and_whatever_is_in_it_is_seen() {
        let plain = Style::detect(false, false, None);
        let ascii = Style {
            unicode: false,
            ..plain
        };
        assert_eq!(spark(&[0.0, 0.01, 0.5, 1.0, 7.0], &ascii), "| .=@@|");
    }
}
