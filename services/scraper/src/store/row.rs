//! An outcome as it is stored.

use super::RunId;
use crate::outcome::Outcome;
use serde::{Deserialize, Serialize};
use std::time::{Duration, SystemTime};

/// The longest title that is kept: with it the buffer's size is bounded.
const LONGEST_TITLE_BYTES: usize = 1024;

/// An outcome as it is stored: the table's columns but `run`.
#[derive(Debug, Clone, PartialEq)]
pub struct Row {
    /// Normalised, as asked for.
    pub url: String,
    /// The status of the last answer; `None`: there was none.
    pub status: Option<u16>,
    /// Why there is no page; `None`: there is one.
    pub error: Option<&'static str>,
    /// How often it was asked for.
    pub attempts: u32,
    /// `None`: it has none, or was not parsed.
    pub title: Option<String>,
    /// How many links; `None`: not parsed.
    pub links: Option<u32>,
    /// How many words; `None`: not parsed.
    pub words: Option<u64>,
    /// Of the last body, decompressed, as far as it was read.
    pub bytes: u64,
    /// BLAKE3 of the body; `None`: not parsed.
    pub hash: Option<[u8; 32]>,
    /// From when it was taken up to the end of the last attempt, waits for its
    /// host and pauses included.
    pub elapsed_seconds: f64,
    /// When the last attempt ended; a moment in the years 1970 to 9999.
    pub fetched_at: SystemTime,
}

/// A row as a line of JSON.
#[derive(Serialize)]
struct Line<'a> {
    run: &'a str,
    url: &'a str,
    status: Option<u16>,
    error: Option<&'a str>,
    attempts: u32,
    title: Option<&'a str>,
    links: Option<u32>,
    words: Option<u64>,
    bytes: u64,
    hash: Option<String>,
    elapsed_seconds: f64,
    fetched_at: String,
}

/// What of a line tells whose it is.
#[derive(Deserialize)]
pub(super) struct LineKey {
    pub run: String,
    pub url: String,
}

impl From<Outcome> for Row {
    fn from(outcome: Outcome) -> Self {
        let (title, links, words, hash) = match outcome.page {
            Some(page) => (
                page.title,
                Some(page.links),
                Some(page.words),
                Some(page.hash),
            ),
            None => (None, None, None, None),
        };
        Self {
            url: outcome.url.into(),
            status: outcome.status,
            error: outcome.error.map(crate::outcome::ErrorKind::name),
            attempts: outcome.attempts,
            title: title.map(storable),
            links,
            words,
            bytes: outcome.bytes,
            hash,
            elapsed_seconds: outcome.elapsed.as_secs_f64(),
            fetched_at: writable(outcome.fetched_at),
        }
    }
}

/// `title` without what PostgreSQL's text cannot hold, and not longer than is kept.
fn storable(mut title: String) -> String {
    if title.contains('\0') {
        title = title.replace('\0', "\u{fffd}");
    }
    title.truncate(title.floor_char_boundary(LONGEST_TITLE_BYTES));
    title
}

/// `time`, within the years that can be written: 1970 to 9999.
pub(super) fn writable(time: SystemTime) -> SystemTime {
    let last = SystemTime::UNIX_EPOCH + Duration::from_secs(253_402_300_799);
    time.clamp(SystemTime::UNIX_EPOCH, last)
}

impl Row {
    /// Appends it as a line of JSON.
    pub(super) fn write_line(&self, run: &RunId, out: &mut Vec<u8>) {
        let line = Line {
            run: run.as_str(),
            url: &self.url,
            status: self.status,
            error: self.error,
            attempts: self.attempts,
            title: self.title.as_deref(),
            links: self.links,
            words: self.words,
            bytes: self.bytes,
            hash: self.hash_text(),
            elapsed_seconds: self.elapsed_seconds,
            fetched_at: self.fetched_at_text(),
        };
        serde_json::to_writer(&mut *out, &line).expect("texts and numbers are JSON");
        out.push(b'\n');
    }

    /// The memory that it takes, bytes.
    pub(super) fn kept_bytes(&self) -> usize {
        let title = self.title.as_ref().map_or(0, String::capacity);
        size_of::<Self>() + self.url.capacity() + title
    }

    /// Its hash in hexadecimal.
    pub fn hash_text(&self) -> Option<String> {
        let hash = self.hash.map(blake3::Hash::from);
        hash.map(|hash| hash.to_string())
    }

    /// When it was fetched, as RFC 3339.
    pub fn fetched_at_text(&self) -> String {
        humantime::format_rfc3339_micros(self.fetched_at).to_string()
    }

    /// Microseconds since 1970; PostgreSQL's timestamps have no finer ones.
    pub(super) fn fetched_at_micros(&self) -> i64 {
        let since = self.fetched_at.duration_since(SystemTime::UNIX_EPOCH);
        since.map_or(0, |since| {
            i64::try_from(since.as_micros()).unwrap_or(i64::MAX)
        })
    }
}

#[cfg(test)]
mod tests;
