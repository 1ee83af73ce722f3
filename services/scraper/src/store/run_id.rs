//! The name of a run.

use super::row::writable;
use std::fmt;
use std::str::FromStr;
use std::time::SystemTime;

const LONGEST: usize = 64;

/// The name of a run: what its outcomes are stored under, and `--resume` takes.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct RunId(String);

/// Why a text names no run.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("a run's name has 1 to {LONGEST} letters, digits, dots, dashes and underscores")]
pub struct BadRunId;

impl RunId {
    /// A new one, which tells when the run began.
    pub fn new(now: SystemTime) -> Self {
        let time = humantime::format_rfc3339_seconds(writable(now)).to_string();
        let time = time.replace([':', 'Z'], "");
        let random = uuid::Uuid::new_v4().simple().to_string();
        Self(format!("{time}-{}", &random[..6]))
    }

    /// The name.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl FromStr for RunId {
    type Err = BadRunId;

    fn from_str(text: &str) -> Result<Self, BadRunId> {
        let plain = |byte: u8| byte.is_ascii_alphanumeric() || b".-_".contains(&byte);
        if (1..=LONGEST).contains(&text.len()) && text.bytes().all(plain) {
            Ok(Self(text.into()))
        } else {
            Err(BadRunId)
        }
    }
}

impl fmt::Display for RunId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;
    use std::time::Duration;

    #[test]
    fn a_new_name_tells_when_and_can_be_given_back() {
        let moment = SystemTime::UNIX_EPOCH + Duration::from_hours(490_000);

        let (one, other) = (RunId::new(moment), RunId::new(moment));

        assert!(one.as_str().starts_with("2025-11-24T160000-"), "{one}");
        assert_ne!(one, other);
        assert_eq!(one.to_string().parse(), Ok(one));
    }

    #[test]
    fn what_could_not_be_a_file_name_names_no_run() {
        for text in ["", "a b", "a/b", "ä", "a\n", &"x".repeat(65)] {
            assert_eq!(text.parse::<RunId>(), Err(BadRunId), "{text:?}");
        }
        assert!("x".repeat(64).parse::<RunId>().is_ok());
    }
}
