//! Running text, wrapped, with the lines after the first indented.

use super::style::{Paint, Style};
use unicode_width::UnicodeWidthStr;

/// What stays on one line with the number before it.
const UNITS: [&str; 6] = ["%", "s", "ms", "×", "CPU", "CPUs"];

/// A paragraph: a head that may be coloured, and the text that follows it.
#[derive(Debug)]
pub(super) struct Paragraph {
    indent: usize,
    head: String,
    paint: Paint,
    text: String,
}

impl Paragraph {
    pub(super) fn new(text: impl Into<String>) -> Self {
        Self {
            indent: 0,
            head: String::new(),
            paint: Paint::None,
            text: text.into(),
        }
    }

    /// Columns left free before the first line; the others have two more.
    pub(super) fn indent(self, indent: usize) -> Self {
        Self { indent, ..self }
    }

    /// What the paragraph begins with.
    pub(super) fn head(self, head: impl Into<String>, paint: Paint) -> Self {
        Self {
            head: head.into(),
            paint,
            ..self
        }
    }

    /// Whole lines within the style's width; a word that is wider stands on a
    /// line of its own and stays whole, so that a path can still be copied.
    pub(super) fn render(&self, style: &Style) -> String {
        let head = words(&style.plain(&self.head));
        let text = words(&style.plain(&self.text));
        let room = style.prose_width();
        let mut lines = String::new();
        let mut line = Line::new(style, self.indent);
        let painted = head.iter().map(|word| (word, self.paint));
        for (word, paint) in painted.chain(text.iter().map(|word| (word, Paint::None))) {
            if !line.fits(word, room) {
                line.end(&mut lines);
                line = Line::new(style, self.indent + 2);
            }
            line.push(word, paint);
        }
        line.end(&mut lines);
        lines
    }
}

/// A line under way: runs of words of one colour.
struct Line<'a> {
    style: &'a Style,
    indent: usize,
    width: usize,
    runs: Vec<(String, Paint)>,
}

impl<'a> Line<'a> {
    fn new(style: &'a Style, indent: usize) -> Self {
        Self {
            style,
            indent,
            width: indent,
            runs: Vec::new(),
        }
    }

    /// A first word always fits: on the next line it would have no more room.
    fn fits(&self, word: &str, room: usize) -> bool {
        self.runs.is_empty() || self.width + 1 + word.width() <= room
    }

    fn push(&mut self, word: &str, paint: Paint) {
        self.width += word.width() + usize::from(!self.runs.is_empty());
        match self.runs.last_mut() {
            Some((run, last)) if *last == paint => {
                run.push(' ');
                run.push_str(word);
            }
            _ => self.runs.push((word.to_owned(), paint)),
        }
    }

    fn end(self, lines: &mut String) {
        if self.runs.is_empty() {
            return;
        }
        let painted: Vec<String> = self
            .runs
            .iter()
            .map(|(run, paint)| self.style.paint(*paint, run))
            .collect();
        lines.push_str(&" ".repeat(self.indent));
        lines.push_str(&painted.join(" "));
        lines.push('\n');
    }
}

/// The words of a text, a number and its unit being one.
fn words(text: &str) -> Vec<String> {
    let mut words: Vec<String> = Vec::new();
    for word in text.split_whitespace() {
        match words.last_mut() {
            Some(number) if is_unit(word) && is_number(number) => {
                number.push(' ');
                number.push_str(word);
            }
            _ => words.push(word.to_owned()),
        }
    }
    words
}

/// Whether a word stays on one line with a number before it: `ms`, `CPUs,`.
pub fn is_unit(word: &str) -> bool {
    UNITS.contains(&word.trim_end_matches([',', ';', '.', ':', ')']))
}

/// A word that is one already joined to its unit has a space in it.
fn is_number(word: &str) -> bool {
    word.ends_with(|c: char| c.is_ascii_digit()) && !word.contains(' ')
}

#[cfg(test)]
mod tests {
    use super::*;

    const STYLE: Style = Style {
        width: 40,
        color: false,
        unicode: true,
    };

    #[test]
    fn lines_after_the_first_hang_by_two() {
        let text = "one two three four five six seven eight nine ten";
        let lines = Paragraph::new(text).indent(2).render(&STYLE);
        let expected = "  one two three four five six seven\n    eight nine ten\n";
        assert_eq!(lines, expected);
    }

    #[test]
    fn a_unit_stays_with_its_number() {
        let text = "the quota was used up and it kept at 75 % of";
        let lines = Paragraph::new(text).render(&STYLE);
        assert_eq!(lines, "the quota was used up and it kept at\n  75 % of\n");
    }

    #[test]
    fn a_word_wider_than_the_line_stays_whole() {
        let path = "/a/path/that/is/certainly/longer/than/forty/columns";
        let lines = Paragraph::new(format!("see {path} there")).render(&STYLE);
        assert_eq!(lines, format!("see\n  {path}\n  there\n"));
    }

    #[test]
    fn a_head_is_coloured_on_each_of_its_lines_and_nothing_else() {
        let style = Style {
            color: true,
            ..STYLE
        };
        let lines = Paragraph::new("text")
            .head("a head that takes more room than one line", Paint::Red)
            .render(&style);
        let first = "\u{1b}[31ma head that takes more room than one\u{1b}[0m";
        assert_eq!(lines, format!("{first}\n  \u{1b}[31mline\u{1b}[0m text\n"));
    }

    #[test]
    fn nothing_in_a_text_drives_the_terminal() {
        let lines = Paragraph::new("a\u{1b}[2Jb\r\nc\u{e000}").render(&STYLE);
        assert_eq!(lines, "a [2Jb c?\n");
    }
}
