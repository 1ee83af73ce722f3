//! A frame in a view as lines of a terminal. Pure.

mod bar;
mod figures;
mod head;
mod help;
mod host;
mod table;

use crate::frame::Frame;
use crate::view::View;
use measure::text::State;
use ratatui::buffer::Buffer;
use ratatui::layout::{Alignment, Rect};
use ratatui::style::Color;
use ratatui::text::{Line, Span};
use ratatui::widgets::Widget;

/// The least columns and lines in which anything can be read.
pub const LEAST: (u16, u16) = (60, 12);

/// What the terminal can show.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Look {
    /// Whether colours are wanted. Without, nothing is lost but the colours.
    pub color: bool,
}

/// Lines around the replicas: the table's heads, the line below it, the legend, the keys.
const AROUND: usize = 4;

/// Draws all of it into an area.
pub fn draw(frame: &Frame, view: &View, look: Look, area: Rect, buffer: &mut Buffer) {
    if area.width < LEAST.0 || area.height < LEAST.1 {
        return too_small(area, buffer);
    }
    let width = usize::from(area.width);
    let height = usize::from(area.height);
    let mut lines = head::lines(frame, view, look, width);
    if view.help {
        lines.extend(help::lines(look));
    } else {
        let page = page(frame, view, look, area);
        let from = view.offset.min(frame.replicas.len().saturating_sub(page));
        lines.extend(table::lines(frame, view, look, width, from..from + page));
        lines.push(below(frame, from, page, look));
        lines.extend(host_lines(frame, look, area));
        lines.resize(height.saturating_sub(2), Line::default());
        lines.push(legend(look));
    }
    lines.resize(height - 1, Line::default());
    lines.push(keys(view, look));
    for (row, line) in area.rows().zip(lines) {
        line.render(row, buffer);
    }
}

/// How many replicas are seen at a time in an area.
pub fn page(frame: &Frame, view: &View, look: Look, area: Rect) -> usize {
    let head = head::lines(frame, view, look, usize::from(area.width)).len();
    let around = head + AROUND + host_lines(frame, look, area).len();
    usize::from(area.height).saturating_sub(around).max(1)
}

fn host_lines(frame: &Frame, look: Look, area: Rect) -> Vec<Line<'static>> {
    let room = host::room(frame, area.height);
    host::lines(frame, look, usize::from(area.width), room)
}

/// All of it as text, as high as it needs to be.
pub fn text(frame: &Frame, width: usize) -> String {
    let look = Look { color: false };
    let view = View::default();
    let mut lines = head::lines(frame, &view, look, width);
    lines.extend(table::lines(
        frame,
        &view,
        look,
        width,
        0..frame.replicas.len(),
    ));
    lines.push(Line::default());
    lines.extend(host::lines(frame, look, width, usize::MAX));
    lines.push(legend(look));
    let mut text = String::new();
    for line in lines {
        let line: String = line
            .spans
            .iter()
            .map(|span| span.content.as_ref())
            .collect();
        text.push_str(line.trim_end());
        text.push('\n');
    }
    text
}

fn too_small(area: Rect, buffer: &mut Buffer) {
    let said = [
        format!("{} × {} is too small:", area.width, area.height),
        format!("{} × {} is the least.", LEAST.0, LEAST.1),
        "q quits".to_owned(),
    ];
    for (row, line) in area.rows().zip(said) {
        Line::raw(line).render(row, buffer);
    }
}

/// Which replicas are seen, where not all of them are.
fn below(frame: &Frame, from: usize, page: usize, look: Look) -> Line<'static> {
    let all = frame.replicas.len();
    if all <= page {
        return Line::default();
    }
    let said = format!("{} to {} of {all} replicas", from + 1, from + page);
    Line::styled(said, look.dim()).alignment(Alignment::Right)
}

/// What the characters of the table mean.
fn legend(look: Look) -> Line<'static> {
    let mut spans = Vec::new();
    for state in State::ALL {
        let name = measure::text::meaning(state);
        let name = name.split(':').next().unwrap_or(name);
        spans.push(Span::styled(
            bar::glyph(state).to_string(),
            bar::paint(state, look),
        ));
        spans.push(Span::styled(format!(" {name}  "), look.dim()));
    }
    spans.push(Span::styled(
        format!("{} measured now", table::MEASURED),
        look.dim(),
    ));
    Line::from(spans)
}

fn keys(view: &View, look: Look) -> Line<'static> {
    if view.help {
        return Line::styled("any key goes back, q quits", look.dim());
    }
    let sort = format!("sort: {}", view.sort.name());
    let pause = if view.paused { "go on" } else { "pause" };
    let keys = [
        ("q", "quit"),
        ("s", sort.as_str()),
        ("r", "reverse"),
        ("p", pause),
        ("?", "help"),
        ("↑↓", "scroll"),
    ];
    let spans = keys.iter().flat_map(|(key, does)| {
        [
            Span::styled(key.to_string(), look.style(Color::Cyan)),
            Span::raw(format!(" {does}  ")),
        ]
    });
    spans.collect()
}

#[cfg(test)]
mod tests;
