//! A line of a frame: pieces of text, each with its colour, of known width.

/// What a piece of text is, which is what its colour says.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Paint {
    Plain,
    /// What stands around the figures.
    Quiet,
    Strong,
    /// Programs, as in htop.
    User,
    /// Programs at lowered priority.
    Nice,
    /// The kernel.
    System,
    /// The hypervisor took it.
    Steal,
    /// The quota stopped it.
    Throttled,
}

impl Paint {
    /// The code of ECMA-48's "select graphic rendition".
    fn code(self) -> &'static str {
        match self {
            Self::Plain => "0",
            Self::Quiet => "2",
            Self::Strong => "1",
            Self::User => "32",
            Self::Nice => "34",
            Self::System | Self::Throttled => "31",
            Self::Steal => "36",
        }
    }
}

/// One line.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Line(Vec<(Paint, String)>);

impl Line {
    /// A line of one piece.
    pub fn of(paint: Paint, text: impl Into<String>) -> Self {
        Self::default().and(paint, text)
    }

    /// The line and another piece behind it.
    #[must_use]
    pub fn and(mut self, paint: Paint, text: impl Into<String>) -> Self {
        self.0.push((paint, text.into()));
        self
    }

    /// The line and another behind it.
    #[must_use]
    pub fn join(mut self, other: Self) -> Self {
        self.0.extend(other.0);
        self
    }

    /// As many of these as fit into `width`, with two blanks between: the rest
    /// is left out whole, so that no figure is cut.
    pub fn fitting(pieces: impl IntoIterator<Item = Self>, width: usize) -> Self {
        let mut line = Self::default();
        for piece in pieces {
            let gap = if line.0.is_empty() { 0 } else { 2 };
            if line.width() + gap + piece.width() > width {
                break;
            }
            line = line.and(Paint::Plain, " ".repeat(gap)).join(piece);
        }
        line
    }

    /// Columns that it takes. All our text is of characters one column wide.
    pub fn width(&self) -> usize {
        self.0.iter().map(|(_, text)| text.chars().count()).sum()
    }

    /// As it is printed.
    pub fn print(&self, color: bool) -> String {
        let mut printed = String::new();
        for (paint, text) in &self.0 {
            if color && *paint != Paint::Plain && !text.is_empty() {
                let code = paint.code();
                printed.extend(["\u{1b}[", code, "m", text, "\u{1b}[0m"]);
            } else {
                printed.push_str(text);
            }
        }
        printed.truncate(printed.trim_end_matches(' ').len());
        printed
    }
}
