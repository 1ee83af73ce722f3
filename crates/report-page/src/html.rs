//! Text as it must stand in HTML and SVG.

use std::fmt::{Display, Formatter, Result, Write};

/// A text that came from somewhere: station names are what a person wrote in a
/// file. Safe between tags and in quoted attributes.
pub(crate) struct Text<T>(pub(crate) T);

impl<T: AsRef<str>> Display for Text<T> {
    fn fmt(&self, f: &mut Formatter<'_>) -> Result {
        for c in self.0.as_ref().chars() {
            match c {
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
        }
        Ok(())
    }
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
}
