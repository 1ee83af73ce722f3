//! A list of URLs, read as it comes: a million lines need no more memory than
//! what tells them apart.

use crate::crawl::FeedSender;
use crate::seen::UrlSet;
use crate::target::{MOST_BYTES, normalise};
use std::io::{self, BufRead, BufReader, Read};
use std::sync::atomic::{AtomicU64, Ordering};
use url::Url;

/// URLs that go on together.
const BATCH: usize = 256;

/// The longest line that is read as a whole; what is longer is no URL anyway.
const LONGEST_LINE: usize = 4 * MOST_BYTES;

/// Bad lines that are named one by one.
const NAMED: u64 = 10;

/// What was found in a list, while it is read.
#[derive(Debug, Default)]
pub struct Found {
    given: AtomicU64,
    duplicates: AtomicU64,
    done_before: AtomicU64,
    bad: AtomicU64,
}

/// The same as numbers.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, serde::Serialize)]
pub struct Counts {
    /// Different URLs that were passed on to be fetched.
    pub given: u64,
    /// Lines whose URL was there before.
    pub duplicates: u64,
    /// URLs that have an outcome from the run that is resumed.
    pub done_before: u64,
    /// Lines that are no URL.
    pub bad_lines: u64,
}

impl Found {
    /// So many URLs are given by a list that is not read line by line.
    pub fn given(&self, urls: u64) {
        self.given.store(urls, Ordering::Relaxed);
    }

    /// As of now.
    pub fn counts(&self) -> Counts {
        Counts {
            given: self.given.load(Ordering::Relaxed),
            duplicates: self.duplicates.load(Ordering::Relaxed),
            done_before: self.done_before.load(Ordering::Relaxed),
            bad_lines: self.bad.load(Ordering::Relaxed),
        }
    }
}

/// Reads `list` to its end, or until nobody takes its URLs any more, which is
/// `false`: each that was not there before goes to `feed`. Empty lines and those that begin with
/// `#` say nothing. `complain` is told what is wrong with a line.
pub fn read(
    list: impl Read,
    done: &UrlSet,
    feed: &FeedSender,
    found: &Found,
    mut complain: impl FnMut(&str),
) -> io::Result<bool> {
    let mut list = BufReader::with_capacity(64 * 1024, list);
    let mut seen = UrlSet::default();
    let mut batch = Vec::new();
    let mut line = Vec::new();
    let mut number = 0_u64;
    loop {
        // Who types a list, or has another program write it, sees each line
        // fetched when it is there.
        let waits = batch.len() >= BATCH || !list.buffer().contains(&b'\n');
        if waits && !batch.is_empty() && feed.blocking_send(std::mem::take(&mut batch)).is_err() {
            return Ok(false);
        }
        line.clear();
        if !next_line(&mut list, &mut line)? {
            break;
        }
        number += 1;
        match url_of(&line) {
            Ok(None) => {}
            Ok(Some(url)) if !seen.insert(&url) => {
                found.duplicates.fetch_add(1, Ordering::Relaxed);
            }
            Ok(Some(url)) if done.contains(&url) => {
                found.done_before.fetch_add(1, Ordering::Relaxed);
            }
            Ok(Some(url)) => {
                found.given.fetch_add(1, Ordering::Relaxed);
                batch.push(url);
            }
            Err(reason) => {
                if found.bad.fetch_add(1, Ordering::Relaxed) < NAMED {
                    complain(&format!("line {number}: {reason}"));
                }
            }
        }
    }
    let more = found.counts().bad_lines.saturating_sub(NAMED);
    if more > 0 {
        complain(&format!("and {more} more such lines"));
    }
    if !batch.is_empty() {
        // Nobody there any more: the run was stopped.
        let _ = feed.blocking_send(batch);
    }
    Ok(true)
}

fn url_of(line: &[u8]) -> Result<Option<Url>, String> {
    if line.len() >= LONGEST_LINE {
        return Err(format!("is longer than {MOST_BYTES} bytes"));
    }
    let text = std::str::from_utf8(line).map_err(|_| "is not UTF-8".to_owned())?;
    let text = trimmed(text);
    if says_nothing(text) {
        return Ok(None);
    }
    let url = normalise(text).map_err(|error| format!("{:?} {error}", shortened(text)))?;
    Ok(Some(url))
}

fn trimmed(text: &str) -> &str {
    text.trim_start_matches('\u{feff}').trim()
}

fn says_nothing(trimmed: &str) -> bool {
    trimmed.is_empty() || trimmed.starts_with('#')
}

/// How many lines of `list` are to say something: reading 100 MB takes a moment.
pub fn count(list: impl Read) -> io::Result<u64> {
    let mut list = BufReader::with_capacity(64 * 1024, list);
    let (mut lines, mut line) = (0, Vec::new());
    while next_line(&mut list, &mut line)? {
        let nothing = std::str::from_utf8(&line).is_ok_and(|text| says_nothing(trimmed(text)));
        lines += u64::from(!nothing || line.len() >= LONGEST_LINE);
        line.clear();
    }
    Ok(lines)
}

fn shortened(text: &str) -> String {
    const SHOWN: usize = 80;
    if text.chars().count() <= SHOWN {
        return text.to_owned();
    }
    text.chars().take(SHOWN).chain(['…']).collect()
}

/// Reads a line without its end; of one that is too long the beginning. `false`:
/// there is none.
fn next_line(list: &mut impl BufRead, line: &mut Vec<u8>) -> io::Result<bool> {
    let mut any = false;
    loop {
        let buffer = match list.fill_buf() {
            Err(error) if error.kind() == io::ErrorKind::Interrupted => continue,
            buffer => buffer?,
        };
        if buffer.is_empty() {
            return Ok(any);
        }
        any = true;
        let end = buffer.iter().position(|byte| *byte == b'\n');
        let part = &buffer[..end.unwrap_or(buffer.len())];
        let room = LONGEST_LINE.saturating_sub(line.len());
        line.extend_from_slice(&part[..part.len().min(room)]);
        let used = end.map_or(buffer.len(), |end| end + 1);
        list.consume(used);
        if end.is_some() {
            return Ok(true);
        }
    }
}

#[cfg(test)]
mod tests;
