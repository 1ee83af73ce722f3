//! One frame of `watch`: pure, from two readings to lines.

use super::cores;
use super::line::{Line, Paint};
use crate::rates::{ContainerUse, HostUse};
use crate::reading::Reading;
use crate::words::{bytes, decimals, limit, of_limit, percent, told_apart};

/// What a frame shows.
pub struct View<'v> {
    /// How the CPUs spent the interval.
    pub used: HostUse,
    /// The containers, those first that matter most.
    pub containers: Vec<ContainerUse>,
    /// What is of this moment.
    pub reading: &'v Reading,
}

/// The room for a frame.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Size {
    /// Characters in a line.
    pub columns: usize,
    /// Lines; `None`: as many as it takes.
    pub rows: Option<usize>,
    /// Whether a person sits before it, who may press q.
    pub is_screen: bool,
}

/// Where nothing limits the lines, so many for cores look well.
const ROWS_OF_CORES: usize = 24;

/// So many containers get their lines before the cores get more of theirs.
const FIRST_CONTAINERS: usize = 5;

/// The frame, no line wider and, where they are limited, no more lines than
/// there is room for.
pub fn lines(view: &View, size: Size) -> Vec<Line> {
    let mut lines = vec![
        head(view, size),
        load(view, size.columns),
        memory(view, size.columns),
    ];
    let listed = view.containers.len().min(FIRST_CONTAINERS);
    // Their heads, and a blank line above.
    let for_containers = if listed == 0 { 0 } else { listed + 2 };
    let taken = lines.len() + for_containers;
    let rows = size
        .rows
        .map_or(ROWS_OF_CORES, |rows| rows.saturating_sub(taken).max(1));
    let online: Vec<usize> = view
        .reading
        .cpus
        .iter()
        .flat_map(|all| all.per_cpu.keys().copied())
        .collect();
    lines.extend(cores::lines(&online, &view.used, size.columns, rows));
    let left = size.rows.map(|rows| rows.saturating_sub(lines.len()));
    lines.extend(containers(&view.containers, size.columns, left));
    lines.truncate(size.rows.unwrap_or(usize::MAX));
    lines
}

fn head(view: &View, size: Size) -> Line {
    let total = view.used.total.as_ref();
    let cpus = view
        .reading
        .cpus
        .as_ref()
        .map_or("?".to_owned(), |all| all.per_cpu.len().to_string());
    let mut pieces = vec![
        Line::of(
            Paint::Strong,
            format!("CPU {}", percent(total.map(|used| used.busy() * 100.0))),
        )
        .and(Paint::Plain, format!(" of {cpus}")),
        Line::of(
            Paint::Steal,
            format!("stolen {}", percent(total.map(|used| used.steal * 100.0))),
        ),
        switches(view),
        Line::of(Paint::Quiet, format!("over {:.1} s", view.used.seconds)),
    ];
    if size.is_screen {
        pieces.push(Line::of(Paint::Quiet, "q ends"));
    }
    Line::fitting(pieces, size.columns)
}

fn switches(view: &View) -> Line {
    let switches = view.used.context_switches_per_second;
    let switches = switches.map_or("?".to_owned(), |switches| format!("{switches:.0}"));
    Line::of(Paint::Plain, format!("switches {switches}/s"))
}

fn load(view: &View, columns: usize) -> Line {
    let known = view
        .reading
        .load
        .map(|loads| loads.map(|load| format!("{load:.2}")));
    let [one, five, fifteen] = known.unwrap_or_else(|| ["?", "?", "?"].map(str::to_owned));
    let pieces = [
        Line::of(Paint::Plain, "load ").and(Paint::Strong, one),
        Line::of(Paint::Plain, five),
        Line::of(Paint::Plain, fifteen),
        Line::of(Paint::Quiet, "(1, 5, 15 minutes)"),
    ];
    Line::fitting(pieces, columns)
}

fn memory(view: &View, columns: usize) -> Line {
    let memory = view.reading.memory;
    let share = memory.and_then(|memory| memory.used_percent());
    let total = memory.map_or("?".to_owned(), |memory| bytes(memory.total_bytes));
    let pieces = [
        Line::of(Paint::Plain, "memory ").and(Paint::Strong, percent(share)),
        Line::of(Paint::Plain, format!("of {total}")),
    ];
    Line::fitting(pieces, columns)
}

/// A blank line, their heads and a line each, as far as there is room; then how
/// many there was none for.
fn containers(all: &[ContainerUse], columns: usize, rows: Option<usize>) -> Vec<Line> {
    let room = rows.unwrap_or(usize::MAX);
    // Below that no container would stand under the heads.
    if all.is_empty() || room < 3 {
        return Vec::new();
    }
    let shown = if all.len() + 2 <= room {
        all.len()
    } else {
        room - 3
    };
    let mut lines = vec![Line::default(), heads(columns)];
    let names = || all.iter().map(|one| one.name.as_str());
    lines.extend(all.iter().take(shown).map(|one| {
        let name = told_apart(&one.name, &one.id, names());
        container(name, one, columns)
    }));
    if shown < all.len() {
        let words = [
            format!("… {} more", all.len() - shown),
            "for a higher terminal".to_owned(),
        ];
        lines.push(Line::fitting(
            words.map(|word| Line::of(Paint::Quiet, word)),
            columns,
        ));
    }
    lines
}

/// How wide a name may be, given how wide the line.
fn name_width(columns: usize) -> usize {
    (columns / 3).clamp(8, 24)
}

fn heads(columns: usize) -> Line {
    let name = format!("{:<1$}", "container", name_width(columns));
    row(
        &name,
        ["CPUs", "quota", "throttled", "memory"].map(|head| (Paint::Quiet, head.to_owned())),
        columns,
    )
}

fn container(mut name: String, one: &ContainerUse, columns: usize) -> Line {
    let width = name_width(columns);
    if name.chars().count() > width {
        name = name.chars().take(width - 1).chain(['…']).collect();
    }
    let throttled = one.throttled_share.filter(|share| *share > 0.0);
    let cells = [
        (Paint::Strong, decimals(one.cpus_used)),
        (Paint::Plain, limit(one.quota_cpus)),
        (
            throttled.map_or(Paint::Plain, |_| Paint::Throttled),
            one.throttled_share
                .map_or("–".to_owned(), |share| percent(Some(share * 100.0))),
        ),
        (
            Paint::Plain,
            of_limit(one.memory_bytes, one.memory_limit_bytes),
        ),
    ];
    row(&format!("{name:<width$}"), cells, columns)
}

/// Cells under their heads; those that do not fit are left out whole.
fn row(name: &str, cells: [(Paint, String); 4], columns: usize) -> Line {
    const WIDTHS: [usize; 4] = [7, 7, 9, 20];
    let cells = cells.into_iter().zip(WIDTHS);
    let cells = cells.map(|((paint, text), width)| Line::of(paint, format!("{text:>width$}")));
    let name = Line::of(Paint::Plain, name);
    Line::fitting(std::iter::once(name).chain(cells), columns)
}

#[cfg(test)]
mod tests;
