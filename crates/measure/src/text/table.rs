//! The table: a line for each station's limits, below it a line for each row.

mod cells;
mod columns;

pub(super) use columns::{Column, Layout};

use super::bar;
use super::limits::limits;
use super::names::{by_station, row_name, row_names, station};
use super::paragraph::Paragraph;
use super::style::{Paint, Style};
use crate::report::{Row, RunReport};
use cells::cells;
use comfy_table::{CellAlignment, ContentArrangement, LineStyle, Table, TableStyle};

/// Stands in the table for a station's line, which spans all columns: cells
/// that span are nothing the table's layout knows.
const STATION: &str = "\u{e010}";

/// Columns that a row's first cell is indented by below its station.
const INDENT: u16 = 2;

/// The stations in the report's order with their measured rows, columns being
/// left out where the width does not suffice; below it why rows did not run, or
/// not to the end.
/// Empty when there are no rows.
pub fn table(report: &RunReport, style: &Style) -> String {
    if report.rows.is_empty() {
        return String::new();
    }
    let layout = Layout::fitting(report, style);
    let stations = by_station(report);
    let mut lines = stations.iter().map(|(name, _)| head(report, style, name));
    let mut text = String::new();
    for line in laid_out(report, style, &layout).lines() {
        if line.trim() == STATION {
            text.push_str(&lines.next().unwrap_or_default());
        } else {
            text.push_str(bar::draw(line.trim_end(), style).as_str());
            text.push('\n');
        }
    }
    text + &not_run(report, style) + &void(report, style)
}

/// The rounds of which rows have no sample.
fn void(report: &RunReport, style: &Style) -> String {
    let paragraphs = void_rounds(report).into_iter().map(|(name, why)| {
        let head = format!("! {name}:");
        Paragraph::new(why).head(head, Paint::Yellow).render(style)
    });
    paragraphs.collect()
}

/// The rows that have no sample of some rounds, since their load was not what it
/// should have been, each with those rounds and the reason.
pub fn void_rounds(report: &RunReport) -> Vec<(String, String)> {
    let rows = report.rows.iter();
    let some = rows.filter(|row| !row.void.is_empty() && !row.rounds.is_empty());
    let told = some.map(|row| {
        let rounds: Vec<String> = row.void.iter().map(|v| (v.round + 1).to_string()).collect();
        let which = if rounds.len() == 1 { "round" } else { "rounds" };
        let text = format!(
            "no sample in {which} {}: {}",
            rounds.join(", "),
            row.void[0].why
        );
        (row_name(report, row), text)
    });
    told.collect()
}

fn head(report: &RunReport, style: &Style, name: &str) -> String {
    let limits = station(report, name).map_or_else(
        || "of which the report says nothing".to_owned(),
        |station| limits(report, station),
    );
    Paragraph::new(limits)
        .head(format!("{name}:"), Paint::Bold)
        .render(style)
}

/// The table with marks for the stations' lines and for the bars' cells.
fn laid_out(report: &RunReport, style: &Style, layout: &Layout) -> Table {
    let rule = if style.unicode { '─' } else { '-' };
    let rule = LineStyle::none().fill(rule);
    let mut table = Table::new();
    table
        .load_style(TableStyle::new().header_separator(rule))
        .set_content_arrangement(ContentArrangement::Dynamic)
        .set_width(u16::try_from(style.width()).unwrap_or(u16::MAX))
        .set_header(layout.columns.iter().map(|column| column.header(report)));
    for (_, rows) in by_station(report) {
        table.add_row([STATION]);
        for row in rows {
            table.add_row(cells(report, style, layout, row));
        }
    }
    let last = layout.columns.len() - 1;
    for (index, column) in table.column_iter_mut().enumerate() {
        let left = if index == 0 { INDENT } else { 0 };
        let right = if index == last { 0 } else { layout.gap };
        column.set_padding((left, right));
        if layout.columns[index].is_number() {
            column.set_cell_alignment(CellAlignment::Right);
        }
    }
    table
}

/// Why rows have no figures, or only of their first rounds, but for what [`super::disagreements`] has said of
/// their station.
fn not_run(report: &RunReport, style: &Style) -> String {
    let mut reasons: Vec<(&str, Vec<&Row>)> = Vec::new();
    for row in &report.rows {
        let Some(reason) = row.not_run.as_deref() else {
            continue;
        };
        let refused = station(report, &row.station).and_then(|s| s.refused.as_deref());
        if refused == Some(reason) {
            continue;
        }
        match reasons.iter_mut().find(|(same, _)| *same == reason) {
            Some((_, rows)) => rows.push(row),
            None => reasons.push((reason, vec![row])),
        }
    }
    let paragraphs = reasons.iter().map(|(reason, rows)| {
        // A lost row's name says how far it came.
        let none = rows.iter().all(|row| row.lost_after().is_none());
        let not_run = if none { " not run:" } else { ":" };
        let head = format!("{} {}{not_run}", style.cross(), row_names(report, rows));
        Paragraph::new(*reason).head(head, Paint::Red).render(style)
    });
    paragraphs.collect()
}
