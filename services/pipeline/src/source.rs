//! Where items come from: made by number, or read line by line.

use crate::item::mix;
use std::io::{self, BufRead};

/// Bytes that an item may have, where nothing else is said.
pub const USUAL_CAP_BYTES: usize = 1024 * 1024;

/// The most that may be allowed: Redis takes no string above 512 MiB.
pub const MOST_CAP_BYTES: usize = 256 * 1024 * 1024;

/// Words that made items consist of.
const WORDS: [&str; 16] = [
    "stage", "queue", "item", "worker", "batch", "stream", "mark", "redis", "core", "quota",
    "period", "wait", "claim", "depth", "room", "sink",
];

/// Where the items of a run come from. Item `seq` is the same whenever it is
/// asked for, so a source that was killed goes on where it was.
pub enum Origin {
    /// So many items of so many bytes each.
    Made {
        /// How many.
        items: u64,
        /// Bytes of each.
        bytes: usize,
    },
    /// The lines of a file or of standard input.
    Lines(Lines),
}

/// Lines as items.
pub struct Lines {
    reader: Box<dyn BufRead + Send>,
    cap: usize,
    /// The line that was read last, from 1.
    line: u64,
    /// Lines above the cap: how many, and the first of them.
    refused: RefusedLines,
}

/// Lines that were refused.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct RefusedLines {
    /// How many.
    pub count: u64,
    /// The first one's number, from 1; 0 where there is none.
    pub first: u64,
}

impl Origin {
    /// The payload of item `seq`, asked for in order; `None` after the last one.
    ///
    /// # Errors
    /// When the file cannot be read.
    pub fn payload(&mut self, seq: u64) -> io::Result<Option<Vec<u8>>> {
        match self {
            Self::Made { items, bytes } => Ok((seq < *items).then(|| made(seq, *bytes))),
            Self::Lines(lines) => lines.next(),
        }
    }

    /// How many items there will be, where that is known.
    pub fn items(&self) -> Option<u64> {
        match self {
            Self::Made { items, .. } => Some(*items),
            Self::Lines(_) => None,
        }
    }

    /// What was refused so far.
    pub fn refused(&self) -> RefusedLines {
        match self {
            Self::Made { .. } => RefusedLines::default(),
            Self::Lines(lines) => lines.refused,
        }
    }
}

/// Some words and the number, as long as asked for.
fn made(seq: u64, bytes: usize) -> Vec<u8> {
    let mut payload = Vec::with_capacity(bytes + WORDS[0].len() + 1);
    let mut choice = mix(seq);
    while payload.len() < bytes {
        payload.extend_from_slice(WORDS[(choice % WORDS.len() as u64) as usize].as_bytes());
        payload.push(b' ');
        choice = choice.rotate_right(4) ^ (choice << 1);
    }
    payload.truncate(bytes);
    payload
}

impl Lines {
    /// The lines of `reader`; those of more than `cap` bytes are refused.
    pub fn new(reader: Box<dyn BufRead + Send>, cap: usize) -> Self {
        Self {
            reader,
            cap,
            line: 0,
            refused: RefusedLines::default(),
        }
    }

    fn next(&mut self) -> io::Result<Option<Vec<u8>>> {
        loop {
            let mut line = Vec::new();
            // One more than the cap, and what ends the line.
            let most = self.cap as u64 + 2;
            let read = io::Read::take(&mut self.reader, most).read_until(b'\n', &mut line)?;
            if read == 0 {
                return Ok(None);
            }
            self.line += 1;
            let whole = line.last() == Some(&b'\n');
            if whole {
                line.pop();
                if line.last() == Some(&b'\r') {
                    line.pop();
                }
            }
            if line.len() <= self.cap {
                return Ok(Some(line));
            }
            if !whole {
                self.skip_line()?;
            }
            self.refused.count += 1;
            if self.refused.first == 0 {
                self.refused.first = self.line;
            }
        }
    }

    /// Passes over the rest of a line, however long it is, with no memory for it.
    fn skip_line(&mut self) -> io::Result<()> {
        loop {
            let ready = self.reader.fill_buf()?;
            if ready.is_empty() {
                return Ok(());
            }
            let end = ready.iter().position(|byte| *byte == b'\n');
            let used = end.map_or(ready.len(), |end| end + 1);
            self.reader.consume(used);
            if end.is_some() {
                return Ok(());
            }
        }
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;
    use proptest::prelude::*;
    use std::io::Cursor;

    fn lines(text: &[u8], cap: usize) -> (Vec<Vec<u8>>, RefusedLines) {
        let mut origin = Origin::Lines(Lines::new(Box::new(Cursor::new(text.to_vec())), cap));
        let mut items = Vec::new();
        while let Some(item) = origin.payload(items.len() as u64).unwrap() {
            items.push(item);
        }
        (items, origin.refused())
    }

    #[test]
    fn lines_are_items_whatever_their_bytes() {
        let (items, refused) = lines(b"one\r\n\n\xff\xfe\nlast", 4);
        assert_eq!(items, [b"one".as_slice(), b"", b"\xff\xfe", b"last"]);
        assert_eq!(refused.count, 0);
    }

    #[test]
    fn a_line_above_the_cap_is_refused_and_the_rest_flows() {
        let text = [
            vec![b'a'; 5],
            b"\nabcd\r\n".to_vec(),
            vec![b'b'; 100_000],
            b"\nok".to_vec(),
        ];
        let (items, refused) = lines(&text.concat(), 4);
        assert_eq!(items, [b"abcd".as_slice(), b"ok"]);
        assert_eq!(refused, RefusedLines { count: 2, first: 1 });
    }

    #[test]
    fn made_items_have_their_size_and_are_the_same_again() {
        for bytes in [0, 1, 32, 1000] {
            assert_eq!(made(7, bytes).len(), bytes);
            assert_eq!(made(7, bytes), made(7, bytes));
        }
        assert_ne!(made(7, 32), made(8, 32));
        let mut origin = Origin::Made { items: 2, bytes: 0 };
        assert_eq!(origin.payload(1).unwrap(), Some(vec![]));
        assert_eq!(origin.payload(2).unwrap(), None);
    }

    proptest! {
        #[test]
        fn each_line_is_an_item_or_refused(text: Vec<u8>, cap in 0..20_usize) {
            let mut expected: Vec<&[u8]> = text.split(|byte| *byte == b'\n').collect();
            if expected.last().is_some_and(|rest| rest.is_empty()) {
                expected.pop();
            }
            let (items, refused) = lines(&text, cap);
            prop_assert_eq!(items.len() as u64 + refused.count, expected.len() as u64);
            prop_assert!(items.iter().all(|item| item.len() <= cap));
        }
    }
}
