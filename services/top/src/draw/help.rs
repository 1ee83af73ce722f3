//! What `?` explains.

use super::{Look, bar};
use measure::text::{State, meaning};
use ratatui::style::{Color, Modifier, Style};
use ratatui::text::{Line, Span};

const KEYS: [(&str, &str); 6] = [
    ("q  Esc  Ctrl-C", "end"),
    ("s", "sort by station, by used of granted, by throttled"),
    ("r", "the other way round"),
    ("p", "hold the picture; asking goes on"),
    ("↑ ↓ PgUp PgDn Home End", "scroll through the replicas"),
    ("? h", "this help"),
];

const COLUMNS: [(&str, &str); 5] = [
    ("declared", "the CPU quota in the Compose file"),
    (
        "effective",
        "CPUs granted by the kernel: least of quota, cpuset, host",
    ),
    (
        "CPUs used",
        "against those granted: a full bar is all of its quota",
    ),
    (
        "throttled",
        "of the quota's 0.1 s periods, those in which it ran out",
    ),
    ("memory", "in use against its limit, in MiB (M) or GiB (G)"),
];

/// Its lines.
pub fn lines(look: Look) -> Vec<Line<'static>> {
    let heading = |text| Line::styled(text, Style::new().add_modifier(Modifier::BOLD));
    let entry = |width: usize, name: &'static str, text: &'static str| {
        Line::from(vec![
            Span::styled(format!("  {name:<width$}"), look.style(Color::Cyan)),
            Span::raw(text),
        ])
    };
    let mut lines = vec![heading("Keys")];
    lines.extend(KEYS.map(|(name, text)| entry(24, name, text)));
    lines.push(heading("Columns"));
    lines.extend(COLUMNS.map(|(name, text)| entry(11, name, text)));
    lines.push(heading("Worker time, since the refresh before"));
    lines.extend(State::ALL.map(|state| {
        let glyph = Span::styled(bar::glyph(state).to_string(), bar::paint(state, look));
        Line::from(vec![
            Span::raw("  "),
            glyph,
            Span::raw(format!(" {}", meaning(state))),
        ])
    }));
    lines.push(Line::raw("– is what is unknown: never 0"));
    lines
}
