//! A job as a person asks for it, and what it must be.

use crate::job::{
    Backoff, MOST_URGENT, NewJob, Start, USUAL_ATTEMPTS, USUAL_PRIORITY, USUAL_RETENTION,
};
use serde::Deserialize;
use serde_json::value::RawValue;
use std::ops::RangeInclusive;
use std::time::Duration;
use utoipa::ToSchema;

/// The largest payload.
pub const MOST_PAYLOAD_BYTES: usize = 65_536;

/// The most jobs that are accepted together.
pub const MOST_BATCH: usize = 1000;

/// The longest name: a type, a key, an effect.
const MOST_NAME_BYTES: usize = 128;

/// The longest anything may wait: a year.
const LONGEST_SECONDS: f64 = 365.0 * 86_400.0;

/// The last moment that a job may be due at: the year 2200.
const LAST_MOMENT_SECONDS: f64 = 7_258_118_400.0;

/// A job to be accepted.
#[derive(Debug, Clone, Deserialize, ToSchema)]
#[serde(
    deny_unknown_fields,
    expecting = "an object such as {\"type\": \"fibonacci\", \"data\": {\"n\": 30}}"
)]
pub struct JobSpec {
    /// Its type: fibonacci, primes, sleep, sum_squares, fail, panic or noop.
    #[serde(rename = "type")]
    #[schema(example = "fibonacci")]
    pub kind: String,
    /// What the work is given; any JSON of at most 65,536 bytes.
    #[serde(default)]
    #[schema(value_type = serde_json::Value, example = json!({"n": 30}))]
    pub data: Option<Box<RawValue>>,
    /// 0 to 9, 9 the most urgent [default: 5].
    #[serde(default)]
    #[schema(minimum = 0, maximum = 9)]
    pub priority: Option<u64>,
    /// Seconds until it is due.
    #[serde(default)]
    #[schema(minimum = 0)]
    pub delay_seconds: Option<f64>,
    /// When it is due, seconds since 1970, by Redis' clock.
    #[serde(default)]
    #[schema(minimum = 0)]
    pub run_at: Option<f64>,
    /// How often it is tried, 1 to 1000 [default: 3].
    #[serde(default)]
    #[schema(minimum = 1, maximum = 1000)]
    pub attempts: Option<u64>,
    /// Seconds to wait after the first try that failed; twice as long after each [default: 1].
    #[serde(default)]
    #[schema(minimum = 0)]
    pub backoff_seconds: Option<f64>,
    /// The longest such wait, seconds [default: 60].
    #[serde(default)]
    #[schema(minimum = 0)]
    pub backoff_most_seconds: Option<f64>,
    /// Seconds that a try may take.
    #[serde(default)]
    #[schema(exclusive_minimum = 0)]
    pub timeout_seconds: Option<f64>,
    /// Seconds after which it is dead if no worker has taken it.
    #[serde(default)]
    #[schema(exclusive_minimum = 0)]
    pub ttl_seconds: Option<f64>,
    /// A second job of the same key is the first one, as long as that is kept.
    #[serde(default)]
    pub idempotency_key: Option<String>,
    /// Seconds that it is kept after it has ended [default: 3600].
    #[serde(default)]
    #[schema(minimum = 0)]
    pub retention_seconds: Option<f64>,
    /// A hash in Redis in which its success is counted, under its id, in the same step.
    #[serde(default)]
    pub effect: Option<String>,
}

/// A field that cannot be.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{field} {reason}")]
pub struct Invalid {
    /// Which.
    pub field: &'static str,
    /// What it must be, as the end of a sentence that names it.
    pub reason: String,
}

impl JobSpec {
    /// A job of that type with nothing else said.
    pub fn of(kind: &str) -> Self {
        Self {
            kind: kind.into(),
            data: None,
            priority: None,
            delay_seconds: None,
            run_at: None,
            attempts: None,
            backoff_seconds: None,
            backoff_most_seconds: None,
            timeout_seconds: None,
            ttl_seconds: None,
            idempotency_key: None,
            retention_seconds: None,
            effect: None,
        }
    }

    /// The job, if it can be.
    ///
    /// # Errors
    /// The first field that cannot.
    pub fn checked(&self) -> Result<NewJob, Invalid> {
        kind(&self.kind)?;
        let whole = |field, value: Option<u64>, usual, allowed: RangeInclusive<u64>| {
            let value = value.unwrap_or(usual);
            let within = allowed.contains(&value);
            let (least, most) = (allowed.start(), allowed.end());
            let refusal = || {
                invalid(
                    field,
                    format!("must be a whole number from {least} to {most}"),
                )
            };
            within.then_some(value).ok_or_else(refusal)
        };
        let usual = u64::from(USUAL_PRIORITY);
        let priority = whole("priority", self.priority, usual, 0..=u64::from(MOST_URGENT))?;
        let usual = u64::from(USUAL_ATTEMPTS);
        let attempts = whole("attempts", self.attempts, usual, 1..=1000)?;
        let of = Backoff::default();
        let first = seconds("backoff_seconds", self.backoff_seconds)?.unwrap_or(of.first);
        let most = seconds("backoff_most_seconds", self.backoff_most_seconds)?;
        let key = optional_name("idempotency_key", self.idempotency_key.as_ref())?;
        let effect = optional_name("effect", self.effect.as_ref())?;
        let retention = seconds("retention_seconds", self.retention_seconds)?;
        Ok(NewJob {
            kind: self.kind.clone(),
            payload: self.payload()?,
            priority: priority as u8,
            start: self.start()?,
            attempts: attempts as u32,
            backoff: Backoff {
                first,
                most: most.unwrap_or(of.most.max(first)),
            },
            timeout: positive("timeout_seconds", self.timeout_seconds)?,
            ttl: positive("ttl_seconds", self.ttl_seconds)?,
            key,
            retention: retention.unwrap_or(USUAL_RETENTION),
            effect,
        })
    }

    fn payload(&self) -> Result<String, Invalid> {
        let payload = self.data.as_ref().map_or("{}", |data| data.get());
        if payload.len() > MOST_PAYLOAD_BYTES {
            let reason = format!("must be at most {MOST_PAYLOAD_BYTES} bytes of JSON");
            return Err(invalid("data", reason));
        }
        Ok(payload.to_owned())
    }

    fn start(&self) -> Result<Start, Invalid> {
        match (seconds("delay_seconds", self.delay_seconds)?, self.run_at) {
            (Some(_), Some(_)) => Err(invalid("run_at", "excludes delay_seconds".into())),
            (Some(delay), None) if !delay.is_zero() => Ok(Start::After(delay)),
            (_, None) => Ok(Start::Now),
            (None, Some(at)) if (0.0..=LAST_MOMENT_SECONDS).contains(&at) => Ok(Start::At {
                unix_micros: (at * 1e6) as u64,
            }),
            (None, Some(_)) => {
                let reason = format!("must be seconds since 1970, 0 to {LAST_MOMENT_SECONDS}");
                Err(invalid("run_at", reason))
            }
        }
    }
}

fn invalid(field: &'static str, reason: String) -> Invalid {
    Invalid { field, reason }
}

fn seconds(field: &'static str, value: Option<f64>) -> Result<Option<Duration>, Invalid> {
    match value {
        // NaN is in no range, so it is refused with the rest.
        Some(value) if !(0.0..=LONGEST_SECONDS).contains(&value) => {
            let reason = format!("must be a number of seconds from 0 to {LONGEST_SECONDS}");
            Err(invalid(field, reason))
        }
        value => Ok(value.map(Duration::from_secs_f64)),
    }
}

/// As [`seconds`], but no shorter than the millisecond that Redis keeps.
fn positive(field: &'static str, value: Option<f64>) -> Result<Option<Duration>, Invalid> {
    let duration = seconds(field, value)?;
    if duration.is_some_and(|duration| duration < Duration::from_millis(1)) {
        return Err(invalid(field, "must be at least 0.001".into()));
    }
    Ok(duration)
}

/// A type is part of events, where commas and colons stand between words.
fn kind(text: &str) -> Result<(), Invalid> {
    name("type", text)?;
    if text.contains([',', ':']) {
        return Err(invalid("type", "must be without commas and colons".into()));
    }
    Ok(())
}

fn optional_name(field: &'static str, text: Option<&String>) -> Result<Option<String>, Invalid> {
    text.map(|text| name(field, text).map(|()| text.clone()))
        .transpose()
}

fn name(field: &'static str, text: &str) -> Result<(), Invalid> {
    let fits = |c: char| !c.is_control() && !c.is_whitespace();
    if (1..=MOST_NAME_BYTES).contains(&text.len()) && text.chars().all(fits) {
        return Ok(());
    }
    let reason = format!("must be 1 to {MOST_NAME_BYTES} bytes without blanks");
    Err(invalid(field, reason))
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    fn spec(json: &str) -> JobSpec {
        serde_json::from_str(json).unwrap()
    }

    #[test]
    fn nothing_said_is_the_usual() {
        let job = spec(r#"{"type": "noop"}"#).checked().unwrap();
        let usual = NewJob::new("noop", &serde_json::json!({}));
        assert_eq!(job, usual);
    }

    #[test]
    fn all_that_is_said_is_kept() {
        let job = spec(
            r#"{"type": "sleep", "data": {"seconds": 1}, "priority": 9, "delay_seconds": 2.5,
                "attempts": 7, "backoff_seconds": 90, "timeout_seconds": 4, "ttl_seconds": 60,
                "idempotency_key": "k", "retention_seconds": 0, "effect": "e"}"#,
        );
        let expected = NewJob {
            kind: "sleep".into(),
            payload: r#"{"seconds": 1}"#.into(),
            priority: 9,
            start: Start::After(Duration::from_millis(2500)),
            attempts: 7,
            // The cap is never below the first wait.
            backoff: Backoff {
                first: Duration::from_secs(90),
                most: Duration::from_secs(90),
            },
            timeout: Some(Duration::from_secs(4)),
            ttl: Some(Duration::from_mins(1)),
            key: Some("k".into()),
            retention: Duration::ZERO,
            effect: Some("e".into()),
        };
        assert_eq!(job.checked().unwrap(), expected);
    }

    #[test]
    fn what_cannot_be_is_named() {
        for (field, json) in [
            ("type", r#"{"type": ""}"#),
            ("type", r#"{"type": "a b"}"#),
            ("priority", r#"{"type": "noop", "priority": 10}"#),
            ("attempts", r#"{"type": "noop", "attempts": 0}"#),
            ("delay_seconds", r#"{"type": "noop", "delay_seconds": -1}"#),
            ("run_at", r#"{"type": "noop", "run_at": 1e300}"#),
            (
                "run_at",
                r#"{"type": "noop", "run_at": 1, "delay_seconds": 1}"#,
            ),
            (
                "timeout_seconds",
                r#"{"type": "noop", "timeout_seconds": 0}"#,
            ),
            ("ttl_seconds", r#"{"type": "noop", "ttl_seconds": 1e-9}"#),
            ("type", r#"{"type": "a:b"}"#),
            (
                "idempotency_key",
                r#"{"type": "noop", "idempotency_key": "a b"}"#,
            ),
        ] {
            assert_eq!(spec(json).checked().unwrap_err().field, field, "{json}");
        }
        let large = format!(
            r#"{{"type": "noop", "data": "{}"}}"#,
            "x".repeat(MOST_PAYLOAD_BYTES)
        );
        assert_eq!(spec(&large).checked().unwrap_err().field, "data");
    }
}
