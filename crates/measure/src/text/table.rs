//! The table: one line per row, as many columns as the page has room for.

use super::bar::{bar, legend};
use super::figures::{declared, effective, interval, known, seconds};
use super::wrap::hanging;
use super::{Style, style::Tone};
use crate::report::{Row, RunReport, Station};
use comfy_table::{Cell, CellAlignment, ContentArrangement, Table, presets};

/// How many characters the bar has.
const BAR_CELLS: usize = 10;

/// One column: its head, how it is aligned, and when it goes on a narrow page
/// (the highest first; 0 stays).
struct Column {
    head: &'static str,
    right: bool,
    goes: u8,
    cell: fn(&Row, Option<&Station>, &Style) -> String,
}

const COLUMNS: [Column; 13] = [
    Column {
        head: "station",
        right: false,
        goes: 0,
        cell: |row, _, _| row.station.clone(),
    },
    Column {
        head: "declared",
        right: false,
        goes: 3,
        cell: |_, station, _| known(station, declared),
    },
    Column {
        head: "effective",
        right: false,
        goes: 6,
        cell: |_, station, _| known(station, |station| effective(&station.effective)),
    },
    Column {
        head: "sees",
        right: true,
        goes: 8,
        cell: |_, station, _| {
            known(station.and_then(|s| s.believed_cpus), |cpus| {
                cpus.to_string()
            })
        },
    },
    Column {
        head: "strategy",
        right: false,
        goes: 0,
        cell: |row, _, _| row.strategy.clone(),
    },
    Column {
        head: "workers",
        right: true,
        goes: 0,
        cell: |row, station, _| match station.map_or(1, |station| station.replicas) {
            1 => row.workers.to_string(),
            replicas => format!("{replicas} × {}", row.workers),
        },
    },
    Column {
        head: "wall",
        right: false,
        goes: 0,
        cell: |row, _, _| known(row.wall_seconds, interval),
    },
    Column {
        head: "predicted",
        right: true,
        goes: 2,
        cell: |row, _, _| {
            if row.baseline {
                return "baseline".into();
            }
            known(row.predicted_wall_seconds, |wall| seconds(wall.median))
        },
    },
    Column {
        head: "speedup",
        right: true,
        goes: 1,
        cell: |row, _, _| known(row.speedup, |speedup| format!("{:.2}", speedup.median)),
    },
    Column {
        head: "eff.",
        right: true,
        goes: 7,
        cell: |row, _, _| known(row.efficiency, |share| format!("{share:.2}")),
    },
    Column {
        head: "CPUs",
        right: true,
        goes: 5,
        cell: |row, _, _| known(row.cpus_used, |cpus| format!("{cpus:.2}")),
    },
    Column {
        head: "time",
        right: false,
        goes: 0,
        cell: |row, _, style| known(row.time_budget, |budget| bar(&budget, BAR_CELLS, style)),
    },
    Column {
        head: "% run thr rdy blk",
        right: false,
        goes: 4,
        cell: |row, _, _| {
            known(row.time_budget, |b| {
                let percent = |share: f64| format!("{:>3.0}", share * 100.0);
                let shares = [b.running, b.throttled, b.runnable, b.blocked];
                format!("  {}", shares.map(percent).join(" "))
            })
        },
    },
];

/// The table of the measured rows, then those that were not run, with why.
pub(super) fn table(report: &RunReport, style: &Style) -> String {
    let measured: Vec<_> = report
        .rows
        .iter()
        .filter(|row| row.wall_seconds.is_some())
        .collect();
    let mut text = String::new();
    if !measured.is_empty() {
        text.push_str(&fitting(report, &measured, style));
        text.push('\n');
        text.push_str(&hanging("", &legend(style), style.width));
        text.push_str(&hanging("", &what_columns_mean(&measured), style.width));
    }
    for (names, why) in not_run(report) {
        let mark = style.paint(Tone::Bad, "✗ ");
        text.push_str(&hanging(&mark, &format!("{names}: {why}"), style.width));
    }
    text
}

/// The table with as many columns as fit.
fn fitting(report: &RunReport, rows: &[&Row], style: &Style) -> String {
    let most = COLUMNS.iter().map(|column| column.goes).max().unwrap_or(0);
    for leave_out_from in (0..=most).rev() {
        let columns: Vec<_> = COLUMNS
            .iter()
            .filter(|c| c.goes <= leave_out_from)
            .collect();
        let table = build(report, rows, &columns, style);
        let text = table.trim_fmt();
        let widest = text.lines().map(|line| line.chars().count()).max();
        if widest.is_none_or(|widest| widest <= style.width) {
            return text;
        }
    }
    let columns: Vec<_> = COLUMNS.iter().filter(|c| c.goes == 0).collect();
    let mut table = build(report, rows, &columns, style);
    table
        .set_content_arrangement(ContentArrangement::Dynamic)
        .set_width(u16::try_from(style.width).unwrap_or(u16::MAX));
    table.trim_fmt()
}

fn build(report: &RunReport, rows: &[&Row], columns: &[&Column], style: &Style) -> Table {
    let mut table = Table::new();
    table.load_style(presets::NOTHING);
    table.set_content_arrangement(ContentArrangement::Disabled);
    let align = |column: &Column, text: String| {
        let side = if column.right {
            CellAlignment::Right
        } else {
            CellAlignment::Left
        };
        Cell::new(text).set_alignment(side)
    };
    table.set_header(
        columns
            .iter()
            .map(|column| align(column, column.head.into())),
    );
    let mut above = "";
    for row in rows {
        let station = report.stations.iter().find(|s| s.name == row.station);
        let same = above == row.station;
        above = &row.station;
        table.add_row(columns.iter().enumerate().map(|(index, column)| {
            // What the rows of one station share stands once; these columns
            // come first, before the strategy.
            let of_station = column.head != "strategy" && index < position_of_strategy(columns);
            let text = if same && of_station {
                String::new()
            } else {
                (column.cell)(row, station, style)
            };
            align(column, text)
        }));
    }
    table
}

fn position_of_strategy(columns: &[&Column]) -> usize {
    columns
        .iter()
        .position(|c| c.head == "strategy")
        .unwrap_or(0)
}

fn what_columns_mean(rows: &[&Row]) -> String {
    let Some((rounds, wall)) = rows
        .iter()
        .find_map(|row| Some((row.samples.len(), row.wall_seconds?)))
    else {
        return String::new();
    };
    format!(
        "wall: one job's median (and the {:.1} % interval of {rounds} round{}); \
         predicted: from the baseline's CPU time and the limits alone; \
         speedup: baseline ÷ wall; eff.: speedup ÷ workers; CPUs: CPU time ÷ wall; \
         sees: the CPUs that the runtime believes in.",
        wall.coverage * 100.0,
        if rounds == 1 { "" } else { "s" }
    )
}

/// Rows that have no (more) figures, those with one reason together.
fn not_run(report: &RunReport) -> Vec<(String, String)> {
    let mut reasons: Vec<(Vec<String>, String)> = Vec::new();
    for row in &report.rows {
        let Some(why) = &row.not_run else { continue };
        let name = format!("{} · {} · {}", row.station, row.strategy, row.workers);
        match reasons.iter_mut().find(|(_, reason)| reason == why) {
            Some((names, _)) => names.push(name),
            None => reasons.push((vec![name], why.clone())),
        }
    }
    reasons
        .into_iter()
        .map(|(names, why)| (names.join(", "), why))
        .collect()
}
