//! What the terminal that reads us can show.

/// Width of a page that is no terminal: all columns fit.
const PLAIN_WIDTH: usize = 140;

/// Below this the table cannot be read, however it is cut.
const LEAST_WIDTH: usize = 60;

/// Width and looks of the text.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Style {
    /// Characters per line.
    pub width: usize,
    /// ANSI colours.
    pub color: bool,
    /// Block characters in bars; else ASCII.
    pub unicode: bool,
}

/// What a stretch of text says.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Tone {
    Heading,
    Good,
    Bad,
    Name,
}

impl Style {
    /// For standard output as it is: colours on a terminal unless NO_COLOR is
    /// set (<https://no-color.org>).
    pub fn detect(is_terminal: bool, no_color: bool, terminal_width: Option<usize>) -> Self {
        Self {
            width: terminal_width.unwrap_or(PLAIN_WIDTH).max(LEAST_WIDTH),
            color: is_terminal && !no_color,
            unicode: true,
        }
    }

    /// The text in its tone, where there are colours.
    pub(super) fn paint(&self, tone: Tone, text: &str) -> String {
        if !self.color {
            return text.to_owned();
        }
        let code = match tone {
            Tone::Heading => "1",
            Tone::Good => "32",
            Tone::Bad => "31",
            Tone::Name => "36",
        };
        format!("\x1b[{code}m{text}\x1b[0m")
    }
}
