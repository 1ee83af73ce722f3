//! The host's CPUs: a bar for each, in columns; where they are too many, a
//! character for each.

use super::figures::{self, percent};
use super::{Look, bar};
use crate::frame::{Core, Frame};
use ratatui::style::{Color, Modifier, Style};
use ratatui::text::{Line, Span};

/// The narrowest and the widest bar of a CPU.
const BAR: (usize, usize) = (5, 20);

/// What stands around a bar: `cpu191 `, ` 100%`, and two columns to the next.
const AROUND: usize = 7 + 5 + 2;

/// How busy a CPU is, from not to wholly, in one character.
const LEVELS: [char; 8] = ['▁', '▂', '▃', '▄', '▅', '▆', '▇', '█'];

/// From this share on a CPU counts as stolen from where it has one character:
/// what the verdict `host` is given from on.
const STOLEN: f64 = 0.03;

/// How many lines the host may have of a terminal of this height: a third, and
/// more where the replicas need less.
pub fn room(frame: &Frame, height: u16) -> usize {
    let height = usize::from(height);
    let left = height.saturating_sub(8 + frame.replicas.len());
    (height / 3).max(left)
}

/// The title, and the CPUs in as many lines as there are.
pub fn lines(frame: &Frame, look: Look, width: usize, room: usize) -> Vec<Line<'static>> {
    let mut lines = vec![title(&frame.host)];
    let with_bars = 1 + frame.host.len().div_ceil(columns(width));
    if with_bars <= room {
        lines.extend(bars(&frame.host, look, width));
    } else {
        lines.extend(characters(&frame.host, look, width));
        lines.truncate(room.max(1));
    }
    lines
}

fn title(host: &[Core]) -> Line<'static> {
    let said = if host.is_empty() {
        format!("host: {}", figures::UNKNOWN)
    } else {
        let sum = |share: fn(&Core) -> f64| host.iter().map(share).sum::<f64>();
        let s = if host.len() == 1 { "" } else { "s" };
        let busy = sum(|core| core.busy_share);
        let stolen = sum(|core| core.stolen_share);
        format!(
            "host: {} CPU{s}, {busy:.2} busy, {stolen:.2} stolen by other machines",
            host.len()
        )
    };
    Line::styled(said, Style::new().add_modifier(Modifier::BOLD))
}

fn columns(width: usize) -> usize {
    // The last column needs no space behind it.
    ((width + 2) / (BAR.0 + AROUND)).max(1)
}

fn bars(host: &[Core], look: Look, width: usize) -> Vec<Line<'static>> {
    let columns = columns(width).min(host.len()).max(1);
    let cells = ((width + 2) / columns)
        .saturating_sub(AROUND)
        .clamp(BAR.0, BAR.1);
    // Downwards first, as one reads a list.
    let lines = host.len().div_ceil(columns);
    (0..lines)
        .map(|line| {
            let cores = host.iter().skip(line).step_by(lines);
            cores.flat_map(|core| one(core, cells, look)).collect()
        })
        .collect()
}

fn one(core: &Core, cells: usize, look: Look) -> Vec<Span<'static>> {
    let stolen = (core.stolen_share * cells as f64).round() as usize;
    let stolen = stolen.min(cells);
    let others = cells - stolen;
    // Of what the hypervisor left.
    let busy = core.busy_share * cells as f64 / others.max(1) as f64;
    let mut spans = vec![Span::raw(format!("{:<7}", format!("cpu{}", core.cpu)))];
    let [full, rest]: [Span; 2] = bar::share(Some(busy), others, Color::Green, look)
        .try_into()
        .unwrap_or_default();
    spans.push(full);
    spans.push(Span::styled("!".repeat(stolen), look.style(Color::Magenta)));
    spans.push(rest);
    spans.push(Span::raw(format!(
        "{:>5}  ",
        percent(Some(core.busy_share))
    )));
    spans
}

fn characters(host: &[Core], look: Look, width: usize) -> Vec<Line<'static>> {
    // Behind a name such as cpu128–191.
    let most = width.saturating_sub(12).max(1);
    let each = [128, 64, 32, 16].into_iter().find(|each| *each <= most);
    host.chunks(each.unwrap_or(most))
        .map(|cores| group(cores, look))
        .collect()
}

fn group(cores: &[Core], look: Look) -> Line<'static> {
    let (first, last) = (
        cores.first().map_or(0, |c| c.cpu),
        cores.last().map_or(0, |c| c.cpu),
    );
    let mut spans = vec![Span::raw(format!("{:<12}", format!("cpu{first}–{last}")))];
    spans.extend(cores.iter().map(|core| {
        if core.stolen_share >= STOLEN {
            return Span::styled("!", look.style(Color::Magenta));
        }
        let level = (core.busy_share.clamp(0.0, 1.0) * 7.0).round() as usize;
        Span::styled(LEVELS[level].to_string(), look.style(Color::Green))
    }));
    Line::from(spans)
}
