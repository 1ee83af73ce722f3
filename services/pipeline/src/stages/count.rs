//! `count`: the words of a window of items, counted.

use std::collections::BTreeMap;

/// `word=count` of each word in `payloads`, in the order of the words, a space
/// apart. Words are what ASCII white space parts, whatever their bytes.
pub fn count<'p>(payloads: impl IntoIterator<Item = &'p [u8]>) -> Vec<u8> {
    let mut counts: BTreeMap<&[u8], u64> = BTreeMap::new();
    for payload in payloads {
        let words = payload.split(u8::is_ascii_whitespace);
        for word in words.filter(|word| !word.is_empty()) {
            *counts.entry(word).or_default() += 1;
        }
    }
    let mut text = Vec::new();
    for (word, count) in counts {
        if !text.is_empty() {
            text.push(b' ');
        }
        text.extend_from_slice(word);
        text.extend_from_slice(format!("={count}").as_bytes());
    }
    text
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::count;

    #[test]
    fn words_of_all_items_are_counted_together() {
        let window: [&[u8]; 3] = [b"to be or", b"not to be", b""];
        assert_eq!(count(window), b"be=2 not=1 or=1 to=2");
        assert_eq!(count([]), b"");
        assert_eq!(count([b"\xff \xff".as_slice()]), b"\xff=2");
    }
}
