//! Text as it must stand in HTML and SVG.

use measure::text::is_unit;
use std::fmt::{Display, Formatter, Result, Write};

/// A text that came from somewhere: station names are what a person wrote in a
/// file. Safe between tags and in quoted attributes. A number and its unit stay
/// on one line.
pub(crate) struct Text<T>(pub(crate) T);

impl<T: AsRef<str>> Display for Text<T> {
    fn fmt(&self, f: &mut Formatter<'_>) -> Result {
        let text = self.0.as_ref();
        let mut before = ' ';
        for (at, c) in text.char_indices() {
            match c {
                ' ' if before.is_ascii_digit() && begins_with_unit(&text[at + 1..]) => {
                    f.write_char('\u{a0}')?;
                }
                '&' => f.write_str("&amp;")?,
                '<' => f.write_str("&lt;")?,
                '>' => f.write_str("&gt;")?,
                '"' => f.write_str("&quot;")?,
                '\'' => f.write_str("&#39;")?,
                '\n' | '\t' => f.write_char(' ')?,
                // No browser takes these, not even written as a reference.
                c if c.is_control() => f.write_char('\u{fffd}')?,
                c => f.write_char(c)?,
            }
            before = c;
        }
        Ok(())
    }
}

fn begins_with_unit(rest: &str) -> bool {
    rest.split(char::is_whitespace).next().is_some_and(is_unit)
}

/// Text in which words between backticks, as the terminal shows them, are code.
pub(crate) fn with_code(text: &str) -> String {
    let parts = text.split('`');
    if parts.clone().count() % 2 == 0 {
        // A backtick without its other one is itself.
        return Text(text).to_string();
    }
    (0..).zip(parts).html(|(index, part)| match index % 2 {
        0 => Text(part).to_string(),
        _ => format!("<code>{}</code>", Text(part)),
    })
}

/// Puts the HTML of each item behind that of the one before.
pub(crate) trait EachHtml: Iterator + Sized {
    /// The HTML of all items.
    fn html(self, mut of: impl FnMut(Self::Item) -> String) -> String {
        self.fold(String::new(), |all, item| all + &of(item))
    }
}

impl<I: Iterator> EachHtml for I {}

/// A section with its heading, or nothing where there is nothing to say.
pub(crate) fn section(id: &str, heading: &str, content: &str) -> String {
    if content.is_empty() {
        return String::new();
    }
    format!("<section id=\"{id}\">\n<h2>{heading}</h2>\n{content}</section>\n")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_html_would_read_as_its_own_is_text() {
        let text = Text("<b a=\"1\" b='2'>&amp;</b>\u{0}\n");
        let expected = "&lt;b a=&quot;1&quot; b=&#39;2&#39;&gt;&amp;amp;&lt;/b&gt;\u{fffd} ";
        assert_eq!(text.to_string(), expected);
    }

    #[test]
    fn a_number_and_its_unit_stay_on_one_line() {
        let text = Text("2 workers, 0.5 CPUs: 321 ms, 2.4 × (99 %), 4 sums").to_string();
        let expected = "2 workers, 0.5\u{a0}CPUs: 321\u{a0}ms, 2.4\u{a0}× (99\u{a0}%), 4 sums";
        assert_eq!(text, expected);
    }

    #[test]
    fn words_between_backticks_are_code() {
        assert_eq!(
            with_code("shows `<a>` and `b`."),
            "shows <code>&lt;a&gt;</code> and <code>b</code>."
        );
        assert_eq!(with_code("one ` alone"), "one ` alone");
    }
}
