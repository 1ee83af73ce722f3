//! Lines no longer than the page.

/// Wraps `text` at `width` characters. The first line begins with `first`, the
/// others with as many spaces; a word longer than a line stands alone. ANSI
/// colour codes take no room.
pub(super) fn hanging(first: &str, text: &str, width: usize) -> String {
    let indent = " ".repeat(visible(first));
    let mut lines = String::from(first);
    let mut column = visible(first);
    let mut line_is_empty = true;
    for word in text.split_whitespace() {
        let length = visible(word);
        if !line_is_empty && column + 1 + length > width {
            lines.push('\n');
            lines.push_str(&indent);
            column = indent.len();
            line_is_empty = true;
        }
        if !line_is_empty {
            lines.push(' ');
            column += 1;
        }
        lines.push_str(word);
        column += length;
        line_is_empty = false;
    }
    lines.push('\n');
    lines
}

/// How many characters a text shows.
pub(super) fn visible(text: &str) -> usize {
    let mut shown = 0;
    let mut in_code = false;
    for character in text.chars() {
        match character {
            '\x1b' => in_code = true,
            'm' if in_code => in_code = false,
            _ if in_code => {}
            _ => shown += 1,
        }
    }
    shown
}
