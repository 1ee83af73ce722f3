//! What the terminal that reads us can show.

use measure::text::Style;
use std::io::IsTerminal;

/// Colour and width of standard output.
pub fn style() -> Style {
    let no_color = std::env::var_os("NO_COLOR").is_some_and(|value| !value.is_empty());
    let columns = std::env::var("COLUMNS")
        .ok()
        .and_then(|text| text.parse().ok());
    let terminal = console::Term::stdout();
    let width = terminal.size_checked().map(|(_, width)| usize::from(width));
    Style::detect(std::io::stdout().is_terminal(), no_color, width.or(columns))
}
