//! Patterns of robots.txt.

use std::fmt::Write as _;

/// Whether `pattern` matches the beginning of `path`: `*` is any text, `$` at
/// its end the path's end. Takes at most pattern × path steps, whatever either
/// holds: both come from strangers.
pub(super) fn matches(pattern: &str, path: &str) -> bool {
    let (pattern, to_end) = match pattern.strip_suffix('$') {
        Some(pattern) => (pattern, true),
        None => (pattern, false),
    };
    let mut parts = pattern.split('*');
    let first = parts.next().unwrap_or("");
    let Some(mut rest) = path.strip_prefix(first) else {
        return false;
    };
    let mut parts: Vec<&str> = parts.collect();
    let last = if to_end { parts.pop() } else { None };
    // The earliest place for each part leaves the most for those after it.
    for part in parts {
        match rest.find(part) {
            Some(at) => rest = &rest[at + part.len()..],
            None => return false,
        }
    }
    match last {
        Some(last) => rest.ends_with(last),
        None => !to_end || rest.is_empty(),
    }
}

/// A path or pattern with its escapes in one spelling: undone where they are
/// printable ASCII without a meaning here, else with capital digits; what is
/// not ASCII is escaped.
pub(super) fn one_spelling(text: &str) -> String {
    let bytes = text.as_bytes();
    let mut out = String::with_capacity(bytes.len());
    let mut at = 0;
    while at < bytes.len() {
        let escaped = (bytes[at] == b'%')
            .then(|| hex(bytes.get(at + 1..at + 3)?))
            .flatten();
        match escaped {
            Some(byte) if byte.is_ascii_graphic() && !b"%*$/?#".contains(&byte) => {
                out.push(char::from(byte));
            }
            Some(byte) => escape(&mut out, byte),
            None if bytes[at].is_ascii() => out.push(char::from(bytes[at])),
            None => escape(&mut out, bytes[at]),
        }
        at += if escaped.is_some() { 3 } else { 1 };
    }
    out
}

fn escape(out: &mut String, byte: u8) {
    let _ = write!(out, "%{byte:02X}"); // a String takes it all
}

fn hex(digits: &[u8]) -> Option<u8> {
    let digits = std::str::from_utf8(digits).ok()?;
    if !digits.bytes().all(|digit| digit.is_ascii_hexdigit()) {
        return None;
    }
    u8::from_str_radix(digits, 16).ok()
}
