//! The cores of a host in so many lines and columns: a bar each, or where they
//! are too many for that, a character each.

use super::line::{Line, Paint};
use crate::rates::{CpuUse, HostUse};

/// A bar shorter than this shows nothing.
const SHORTEST_BAR: usize = 4;

/// `100.0%`
const FIGURE: usize = 6;

/// Between two cores in a line.
const GAP: usize = 2;

/// Bars wider than this say no more.
const WIDE_CELL: usize = 60;

/// From idle to busy; each stands for an eighth of a core.
const LEVELS: [char; 8] = ['▁', '▂', '▃', '▄', '▅', '▆', '▇', '█'];

/// The lines of the cores: at most `rows` where all fit into them.
pub fn lines(online: &[usize], used: &HostUse, columns: usize, rows: usize) -> Vec<Line> {
    let Some(highest) = online.iter().max() else {
        return vec![Line::of(
            Paint::Plain,
            "no CPU is known: /proc/stat cannot be read",
        )];
    };
    let label = highest.to_string().len();
    let narrowest = label + 2 + SHORTEST_BAR + FIGURE;
    let most = (columns + GAP) / (narrowest + GAP);
    let fewest = (columns / WIDE_CELL).clamp(1, online.len());
    let beside = (fewest..=most).find(|beside| online.len().div_ceil(*beside) <= rows);
    match beside {
        Some(beside) => bars(online, used, columns, label, beside),
        None => levels(online, used, columns, label),
    }
}

/// Downwards first, as htop has it.
fn bars(
    online: &[usize],
    used: &HostUse,
    columns: usize,
    label: usize,
    beside: usize,
) -> Vec<Line> {
    let height = online.len().div_ceil(beside);
    let cell = (columns + GAP) / beside - GAP;
    let row = |row: usize| {
        let mut line = Line::default();
        for (column, cpu) in online.iter().skip(row).step_by(height).enumerate() {
            let gap = if column == 0 { 0 } else { GAP };
            line = line
                .and(Paint::Plain, " ".repeat(gap))
                .and(Paint::Quiet, format!("{cpu:>label$}"))
                .join(bar(used.per_core.get(cpu), cell - label));
        }
        line
    };
    (0..height).map(row).collect()
}

/// `[||||||     42.1%]`, so many columns wide.
pub fn bar(used: Option<&CpuUse>, width: usize) -> Line {
    let inner = width - 2 - FIGURE;
    let shares = used.map_or([0.0; 4], |used| {
        [used.user, used.nice, used.system, used.steal]
    });
    let paints = [Paint::User, Paint::Nice, Paint::System, Paint::Steal];
    let mut line = Line::of(Paint::Strong, "[");
    let (mut sum, mut drawn) = (0.0, 0);
    for (share, paint) in shares.into_iter().zip(paints) {
        sum += share;
        let upto = ((sum * inner as f64).round() as usize).min(inner);
        // What the hypervisor took is told from use without colours too.
        let mark = if paint == Paint::Steal { "!" } else { "|" };
        line = line.and(paint, mark.repeat(upto - drawn));
        drawn = upto;
    }
    let figure = used.map_or("?".to_owned(), |used| {
        format!("{:.1}%", used.busy().min(1.0) * 100.0)
    });
    line.and(Paint::Plain, " ".repeat(inner - drawn))
        .and(Paint::Plain, format!("{figure:>FIGURE$}"))
        .and(Paint::Strong, "]")
}

/// A line for each so many cores: the number of the first, and how busy each is.
fn levels(online: &[usize], used: &HostUse, columns: usize, label: usize) -> Vec<Line> {
    // Eight to a group, so that a core's number can be counted out.
    const GROUP: usize = 8;
    let groups = (columns.saturating_sub(label) / (GROUP + 1)).max(1);
    let rows = online.chunks(groups * GROUP).map(|row| {
        let mut line = Line::of(Paint::Quiet, format!("{:>label$}", row[0]));
        for group in row.chunks(GROUP) {
            line = line.and(Paint::Plain, " ");
            for cpu in group {
                line = line.join(level(used.per_core.get(cpu)));
            }
        }
        line
    });
    rows.collect()
}

fn level(used: Option<&CpuUse>) -> Line {
    let Some(used) = used else {
        return Line::of(Paint::Plain, "?");
    };
    let step = (used.busy() * LEVELS.len() as f64) as usize;
    let paint = if used.system > used.user + used.nice {
        Paint::System
    } else {
        Paint::User
    };
    Line::of(paint, LEVELS[step.min(LEVELS.len() - 1)])
}
