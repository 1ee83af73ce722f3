//! What the reader's terminal can show.

/// Narrower than this no line can be laid out.
const NARROWEST: usize = 40;

/// The width of a terminal that does not tell its own.
const TERMINAL_WIDTH: usize = 80;

/// The width where nothing wraps by itself: a file or a pipe. The narrowest at
/// which the table has all of its columns.
const FILE_WIDTH: usize = 120;

/// Running text wider than this is hard to read, however wide the terminal.
const PROSE_WIDTH: usize = 110;

/// What the reader's terminal can show.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Style {
    /// Columns of a line; fewer than 40 are taken as 40.
    pub width: usize,
    /// Whether ANSI colour codes are understood and wanted.
    pub color: bool,
    /// Whether characters beyond ASCII can be shown.
    pub unicode: bool,
}

impl Style {
    /// The style for an output: whether it is a terminal, whether the person
    /// wants no colour (`NO_COLOR`), and its width where that is known (some
    /// pseudo-terminals give 0 instead of saying that they do not know).
    pub fn detect(is_terminal: bool, no_color: bool, term_width: Option<usize>) -> Self {
        let assumed = if is_terminal {
            TERMINAL_WIDTH
        } else {
            FILE_WIDTH
        };
        Self {
            width: term_width.filter(|width| *width > 0).unwrap_or(assumed),
            color: is_terminal && !no_color,
            unicode: true,
        }
    }

    pub(super) fn width(&self) -> usize {
        self.width.max(NARROWEST)
    }

    pub(super) fn prose_width(&self) -> usize {
        self.width().min(PROSE_WIDTH)
    }

    /// Text without what could drive the terminal or what it cannot show. All
    /// text passes through here before it is measured.
    pub(super) fn plain(&self, text: &str) -> String {
        let mut plain = String::with_capacity(text.len());
        for c in text.chars() {
            match c {
                c if c.is_control() => plain.push(' '),
                // The layout of the table uses these for its own marks.
                '\u{e000}'..='\u{f8ff}' => plain.push('?'),
                c if c.is_ascii() || self.unicode => plain.push(c),
                c => plain.push_str(ascii(c)),
            }
        }
        plain
    }

    /// Text between the codes of a colour, where colours are wanted.
    pub(super) fn paint(&self, paint: Paint, text: &str) -> String {
        if !self.color || paint == Paint::None || text.is_empty() {
            return text.to_owned();
        }
        format!("\u{1b}[{}m{text}\u{1b}[0m", paint.code())
    }

    /// A section's first line.
    pub(super) fn heading(&self, text: &str) -> String {
        format!("{}\n", self.paint(Paint::Bold, &self.plain(text)))
    }

    /// Marks something that is as it should be.
    pub(super) fn tick(&self) -> &'static str {
        if self.unicode { "✓" } else { "ok" }
    }

    /// Marks something that is not.
    pub(super) fn cross(&self) -> &'static str {
        if self.unicode { "✗" } else { "!!" }
    }
}

fn ascii(c: char) -> &'static str {
    match c {
        '×' => "x",
        '÷' => "/",
        '→' => "->",
        '–' | '—' | '−' | '·' => "-",
        '≥' => ">=",
        '≤' => "<=",
        '≠' => "!=",
        '±' => "+-",
        'µ' => "u",
        'π' => "pi",
        '…' => "...",
        '‘' | '’' => "'",
        '“' | '”' => "\"",
        '\u{a0}' | '\u{202f}' => " ",
        _ => "?",
    }
}

/// A colour of the terminal's own palette, or a weight.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Paint {
    None,
    Bold,
    Dim,
    Green,
    Red,
    Yellow,
}

impl Paint {
    fn code(self) -> &'static str {
        match self {
            Self::None => "0",
            Self::Bold => "1",
            Self::Dim => "2",
            Self::Green => "32",
            Self::Red => "31",
            Self::Yellow => "33",
        }
    }
}
