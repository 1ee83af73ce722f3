//! The replicas, a line each.

use super::figures::{self, limit, memory, percent, used};
use super::{Look, bar};
use crate::frame::{Frame, Presence, Replica};
use crate::view::View;
use ratatui::style::{Color, Modifier, Style};
use ratatui::text::{Line, Span};
use std::ops::Range;
use unicode_width::UnicodeWidthStr;

/// Stands behind the station that is measured at this moment.
pub const MEASURED: char = '◂';

/// Stands between a declared quota and what was applied instead.
const DISAGREES: &str = "≠";

/// From this share of its periods on a station counts as stopped by its quota,
/// as for the alert of Prometheus.
const MUCH: f64 = 0.25;

/// The narrowest and the widest bar of CPUs used.
const BAR: (usize, usize) = (4, 24);

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Column {
    Name,
    Declared,
    Effective,
    Used,
    Throttled,
    Time,
    Percentages,
    Memory,
    Row,
}

use Column::{Declared, Effective, Memory, Name, Percentages, Row, Throttled, Time, Used};

/// Their order on a line.
const ALL: [Column; 9] = [
    Name,
    Declared,
    Effective,
    Used,
    Throttled,
    Time,
    Percentages,
    Memory,
    Row,
];

/// What is left out for want of room, first to last.
const LESS: [Column; 5] = [Row, Percentages, Memory, Declared, Effective];

/// Which columns there is room for, and how wide the two are that can change.
#[derive(Debug, PartialEq, Eq)]
struct Layout {
    columns: Vec<Column>,
    name: usize,
    bar: usize,
}

impl Layout {
    fn fitting(width: usize, name: usize) -> Self {
        let mut layout = Self {
            columns: ALL.to_vec(),
            name,
            bar: BAR.0,
        };
        for column in LESS {
            if layout.needed() <= width {
                break;
            }
            layout.columns.retain(|kept| *kept != column);
        }
        let left = width.saturating_sub(layout.needed());
        layout.bar = (layout.bar + left).min(BAR.1);
        layout
    }

    /// The columns' widths and a blank behind each but the last.
    fn needed(&self) -> usize {
        let widths: usize = self
            .columns
            .iter()
            .map(|column| self.width(*column) + 1)
            .sum();
        widths - 1
    }

    fn width(&self, column: Column) -> usize {
        match column {
            Name => self.name,
            Declared => "declared".len(),
            Effective => "effective".len(),
            Used => self.bar + " 0.50".len(),
            Throttled => "throttled".len(),
            Time => bar::TIME,
            Percentages => 19,
            Memory => "128/256M".len(),
            Row => 24,
        }
    }

    fn head(&self, column: Column) -> &'static str {
        match column {
            Name => "station",
            Declared => "declared",
            Effective => "effective",
            Used if self.width(Used) < "CPUs used of granted".len() => "CPUs used",
            Used => "CPUs used of granted",
            Throttled => "throttled",
            Time => "worker time",
            Percentages => "in %",
            Memory => "memory",
            Row => "measured now",
        }
    }
}

/// Their heads and those of them that are in `range`, in the view's order.
pub fn lines(
    frame: &Frame,
    view: &View,
    look: Look,
    width: usize,
    range: Range<usize>,
) -> Vec<Line<'static>> {
    let names = frame
        .replicas
        .iter()
        .map(|replica| name(replica, frame).width());
    let longest = names.max().unwrap_or(0).max("station".len());
    let layout = Layout::fitting(width, longest);
    let mut lines = vec![heads(&layout)];
    let replicas = view.sorted(frame).into_iter();
    let seen = replicas.skip(range.start).take(range.len());
    lines.extend(seen.map(|replica| line(replica, frame, &layout, look)));
    lines
}

/// The station, and which of its replicas where it has several.
fn name(replica: &Replica, frame: &Frame) -> String {
    let mut replicas = frame.replicas.iter();
    let others =
        replicas.any(|other| other.station == replica.station && other.address != replica.address);
    let which = if others {
        format!(" {}", figures::replica(replica.address))
    } else {
        String::new()
    };
    format!("{}{which}", replica.station)
}

/// What figures are right-aligned in is right-aligned itself.
fn heads(layout: &Layout) -> Line<'static> {
    let heads = layout.columns.iter().map(|&column| {
        let (width, head) = (layout.width(column), layout.head(column));
        match column {
            Declared | Effective | Throttled | Memory => format!("{head:>width$}"),
            _ => format!("{head:<width$}"),
        }
    });
    let text = heads.collect::<Vec<_>>().join(" ");
    Line::styled(
        text.trim_end().to_owned(),
        Style::new().add_modifier(Modifier::UNDERLINED),
    )
}

fn line(replica: &Replica, frame: &Frame, layout: &Layout, look: Look) -> Line<'static> {
    if replica.state == Presence::Away {
        return away(replica, frame, layout, look);
    }
    let mut spans = Vec::new();
    for &column in &layout.columns {
        let width = layout.width(column);
        let cell = cell(replica, frame, column, layout, look);
        let used: usize = cell.iter().map(Span::width).sum();
        let blank = Span::raw(" ".repeat(width.saturating_sub(used)));
        match column {
            Declared | Effective | Throttled | Memory => {
                spans.push(blank);
                spans.extend(cell);
            }
            _ => {
                spans.extend(cell);
                spans.push(blank);
            }
        }
        spans.push(gap(replica, column, look));
    }
    Line::from(spans)
}

/// What stands behind a column.
fn gap(replica: &Replica, column: Column, look: Look) -> Span<'static> {
    match column {
        Name if replica.under_way => Span::styled(MEASURED.to_string(), look.style(Color::Cyan)),
        Declared if replica.disagrees() => Span::styled(DISAGREES, look.style(Color::Red)),
        _ => Span::raw(" "),
    }
}

fn cell(
    replica: &Replica,
    frame: &Frame,
    column: Column,
    layout: &Layout,
    look: Look,
) -> Vec<Span<'static>> {
    match column {
        Name => vec![Span::raw(name(replica, frame))],
        Declared => vec![Span::raw(limit(replica.declared_cpus))],
        Effective => vec![Span::raw(limit(replica.effective_cpus))],
        Used => {
            let share = replica.used_of_granted();
            let mut spans = bar::share(share, layout.bar, Color::Green, look);
            spans.push(Span::raw(format!("{:>5}", used(replica.used_cpus))));
            spans
        }
        Throttled => {
            let style = match replica.throttled_share {
                Some(share) if share > MUCH => look.style(Color::Red).add_modifier(Modifier::BOLD),
                Some(share) if share > 0.0 => look.style(Color::Yellow),
                _ => Style::new(),
            };
            vec![Span::styled(percent(replica.throttled_share), style)]
        }
        Time => match (&replica.worker_time, replica.workers) {
            (Some(budget), _) => bar::time(budget, look),
            (None, Some(0.0)) => vec![Span::styled("no worker", look.dim())],
            (None, _) => vec![Span::raw(figures::UNKNOWN)],
        },
        Percentages => {
            let budget = replica.worker_time.as_ref();
            budget.map_or_else(Vec::new, |budget| bar::percentages(budget, look))
        }
        Memory => vec![Span::raw(memory(
            replica.memory_bytes,
            replica.memory_limit_bytes,
        ))],
        Row => vec![Span::raw(measured(replica, frame))],
    }
}

/// The row under way, where it is this station's.
fn measured(replica: &Replica, frame: &Frame) -> String {
    let row = frame.run.as_ref().and_then(|run| run.row.as_ref());
    row.filter(|_| replica.under_way)
        .map_or(String::new(), |row| {
            format!("{} × {} {}", row.workers, row.strategy, row.kernel)
        })
}

fn away(replica: &Replica, frame: &Frame, layout: &Layout, look: Look) -> Line<'static> {
    let name = name(replica, frame);
    let seconds = figures::ago(replica.away_seconds);
    let said = format!(
        "{name:<width$} away: no answer for {seconds}",
        width = layout.name
    );
    Line::styled(said, look.dim())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn at_80_columns_the_longest_station_of_a_lab_has_all_but_the_wide_columns() {
        let layout = Layout::fitting(80, "primes-one-and-half".len());
        let kept = [Name, Declared, Effective, Used, Throttled, Time, Memory];
        assert_eq!(layout.columns, kept);
        assert!(layout.needed() <= 80);
    }

    #[test]
    fn the_bar_takes_what_is_left_and_room_brings_columns() {
        let layout = Layout::fitting(160, 20);
        assert_eq!(layout.columns, ALL);
        assert_eq!(layout.bar, BAR.1);
        let layout = Layout::fitting(62, 19);
        assert_eq!(layout.columns, [Name, Effective, Used, Throttled, Time]);
        assert_eq!(layout.needed(), 62);
        let layout = Layout::fitting(60, 30);
        assert_eq!(layout.columns, [Name, Used, Throttled, Time]);
    }
}
