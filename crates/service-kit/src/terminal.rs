//! What is printed, and what the terminal that reads it can show.

use measure::text::Style;
use std::io::{ErrorKind, IsTerminal, Write};

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

/// Writes to standard output. `print!` panics where that cannot be written, and
/// a full disk must not cost what comes after. A reader that has gone, as
/// `head` does, has what it wanted.
pub fn print(text: &str) -> std::io::Result<()> {
    let mut output = std::io::stdout().lock();
    let written = output
        .write_all(text.as_bytes())
        .and_then(|()| output.flush());
    match written {
        Err(error) if error.kind() == ErrorKind::BrokenPipe => Ok(()),
        Err(error) => Err(std::io::Error::new(
            error.kind(),
            format!("standard output cannot be written: {error}"),
        )),
        Ok(()) => Ok(()),
    }
}
