//! What became of one URL.

use serde::{Deserialize, Serialize};
use std::time::{Duration, SystemTime};
use url::Url;

/// What became of one URL: a page, or why there is none.
#[derive(Debug, Clone, PartialEq)]
pub struct Outcome {
    /// Normalised, as asked for: not where redirects led.
    pub url: Url,
    /// The status of the last answer; `None` when there was none.
    pub status: Option<u16>,
    /// Why there is no page; `None` when there is one.
    pub error: Option<ErrorKind>,
    /// How often it was asked for; redirects followed are no attempts.
    pub attempts: u32,
    /// What the page holds; `None` when there is no page, or it was not parsed.
    pub page: Option<Page>,
    /// Bytes of the last body, decompressed, as far as it was read.
    pub bytes: u64,
    /// From when it was taken up to the end, waits for its host included.
    pub elapsed: Duration,
    /// When it ended.
    pub fetched_at: SystemTime,
}

/// What a page holds.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Page {
    /// The text of its `<title>`, white space made single spaces, no control characters.
    pub title: Option<String>,
    /// How many `<a href>` it has.
    pub links: u32,
    /// How many words its text has.
    pub words: u64,
    /// BLAKE3 of the body, decompressed.
    pub hash: [u8; 32],
}

/// Why there is no page.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum ErrorKind {
    /// Its host has no address.
    Dns,
    /// No connection: refused, unreachable, not in time.
    Connect,
    /// No trusted connection.
    Tls,
    /// Connected, but the answer did not come in time.
    Timeout,
    /// The connection broke before the answer's end.
    Reset,
    /// What came was no HTTP.
    Protocol,
    /// An answer that is no page: 4xx or 5xx.
    Status,
    /// Sent on too often.
    TooManyRedirects,
    /// Sent on in a circle.
    RedirectLoop,
    /// Sent on to nowhere: no `Location`, or one that is no URL.
    BadRedirect,
    /// More bytes than allowed, as sent or decompressed.
    BodyTooLarge,
    /// Its content encoding is unknown or broken.
    Decode,
    /// robots.txt asks not to fetch it.
    Robots,
    /// The guard does not allow it.
    Refused,
    /// A fault of the scraper itself.
    Internal,
}

impl ErrorKind {
    /// All of them.
    pub const ALL: [Self; 15] = [
        Self::Dns,
        Self::Connect,
        Self::Tls,
        Self::Timeout,
        Self::Reset,
        Self::Protocol,
        Self::Status,
        Self::TooManyRedirects,
        Self::RedirectLoop,
        Self::BadRedirect,
        Self::BodyTooLarge,
        Self::Decode,
        Self::Robots,
        Self::Refused,
        Self::Internal,
    ];

    /// Its name in tables, metrics and stores.
    pub fn name(self) -> &'static str {
        match self {
            Self::Dns => "dns",
            Self::Connect => "connect",
            Self::Tls => "tls",
            Self::Timeout => "timeout",
            Self::Reset => "reset",
            Self::Protocol => "protocol",
            Self::Status => "status",
            Self::TooManyRedirects => "too_many_redirects",
            Self::RedirectLoop => "redirect_loop",
            Self::BadRedirect => "bad_redirect",
            Self::BodyTooLarge => "body_too_large",
            Self::Decode => "decode",
            Self::Robots => "robots",
            Self::Refused => "refused",
            Self::Internal => "internal",
        }
    }
}

impl Outcome {
    /// Whether there is a page.
    pub fn succeeded(&self) -> bool {
        self.error.is_none()
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    #[test]
    fn each_kind_has_one_name_which_is_also_that_in_json() {
        for (place, kind) in ErrorKind::ALL.into_iter().enumerate() {
            assert_eq!(kind as usize, place);
            assert_eq!(serde_json::to_value(kind).unwrap(), kind.name());
        }
    }
}
