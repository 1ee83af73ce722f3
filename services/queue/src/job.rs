//! A job: what is asked for, what has become of it.

use serde::de::Error as _;
use serde::{Deserialize, Deserializer, Serialize, Serializer};
use serde_json::Value;
use serde_json::value::RawValue;
use std::collections::BTreeMap;
use std::fmt;
use std::str::FromStr;
use std::time::Duration;
use utoipa::ToSchema;

/// The most urgent priority; 0 is the least.
pub const MOST_URGENT: u8 = 9;

/// How many priorities there are.
pub const PRIORITIES: usize = MOST_URGENT as usize + 1;

/// The priority of who names none.
pub const USUAL_PRIORITY: u8 = 5;

/// How often a job is tried where nothing else is said.
pub const USUAL_ATTEMPTS: u32 = 3;

/// How long a job is kept after it has ended, where nothing else is said.
pub const USUAL_RETENTION: Duration = Duration::from_hours(1);

/// A job's number: ascending in the order of acceptance, below 2^53. Outwards it
/// is text, since it names a thing and is not reckoned with.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, ToSchema)]
#[schema(value_type = String, example = "1795324800000000")]
pub struct JobId(pub u64);

impl fmt::Display for JobId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

impl FromStr for JobId {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let digits = (1..=16).contains(&text.len()) && text.bytes().all(|b| b.is_ascii_digit());
        let number = digits.then(|| text.parse().ok()).flatten();
        number
            .map(Self)
            .ok_or_else(|| "must be a job's id: 1 to 16 digits".into())
    }
}

impl Serialize for JobId {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl<'de> Deserialize<'de> for JobId {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = String::deserialize(deserializer)?;
        text.parse().map_err(D::Error::custom)
    }
}

/// JSON as it was written: numbers of any size stay exact.
#[derive(Debug, Clone, Serialize, Deserialize, ToSchema)]
#[serde(transparent)]
#[schema(value_type = Value)]
pub struct JsonText(Box<RawValue>);

impl JsonText {
    /// The JSON that `text` is.
    ///
    /// # Errors
    /// When it is none.
    pub fn parse(text: String) -> Result<Self, serde_json::Error> {
        RawValue::from_string(text).map(Self)
    }

    /// Its text.
    pub fn get(&self) -> &str {
        self.0.get()
    }
}

impl PartialEq for JsonText {
    fn eq(&self, other: &Self) -> bool {
        self.get() == other.get()
    }
}

/// Where a job is. It goes from one to another in one step, by a script, or not
/// at all.
#[derive(
    Debug,
    Clone,
    Copy,
    PartialEq,
    Eq,
    PartialOrd,
    Ord,
    Hash,
    Serialize,
    Deserialize,
    ToSchema,
    clap::ValueEnum,
)]
#[serde(rename_all = "lowercase")]
pub enum State {
    /// It is not due yet, and was never tried.
    Scheduled,
    /// It waits for a worker.
    Ready,
    /// A worker has it, on a lease.
    Active,
    /// Its last try failed; it waits for the next one.
    Failed,
    /// It was done, and has a result.
    Succeeded,
    /// It was given up, and has an error. A person may retry or drop it.
    Dead,
    /// Somebody cancelled it.
    Cancelled,
}

impl State {
    /// All of them.
    pub const ALL: [Self; 7] = [
        Self::Scheduled,
        Self::Ready,
        Self::Active,
        Self::Failed,
        Self::Succeeded,
        Self::Dead,
        Self::Cancelled,
    ];

    /// Its name, as in an answer.
    pub fn name(self) -> &'static str {
        match self {
            Self::Scheduled => "scheduled",
            Self::Ready => "ready",
            Self::Active => "active",
            Self::Failed => "failed",
            Self::Succeeded => "succeeded",
            Self::Dead => "dead",
            Self::Cancelled => "cancelled",
        }
    }

    /// The one of that name.
    pub fn named(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|state| state.name() == name)
    }

    /// Whether it stays there by itself.
    pub fn is_final(self) -> bool {
        matches!(self, Self::Succeeded | Self::Dead | Self::Cancelled)
    }

    /// Its letter in Redis.
    pub(crate) fn letter(self) -> char {
        match self {
            Self::Scheduled => 's',
            Self::Ready => 'r',
            Self::Active => 'a',
            Self::Failed => 'f',
            Self::Succeeded => 'o',
            Self::Dead => 'd',
            Self::Cancelled => 'x',
        }
    }

    /// The one with that letter.
    pub(crate) fn lettered(letter: &str) -> Option<Self> {
        let mut letters = letter.chars();
        let (letter, None) = (letters.next()?, letters.next()) else {
            return None;
        };
        Self::ALL.into_iter().find(|state| state.letter() == letter)
    }
}

/// When a job is due.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Start {
    /// At once.
    Now,
    /// So long after it was accepted.
    After(Duration),
    /// At this moment of Redis' clock.
    At {
        /// Microseconds since 1970.
        unix_micros: u64,
    },
}

/// How long a job waits after a try that failed: twice as long each time, up to
/// a cap, less up to a half by chance, so that jobs that failed together do not
/// come back together.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Backoff {
    /// After the first try.
    pub first: Duration,
    /// The cap.
    pub most: Duration,
}

impl Default for Backoff {
    fn default() -> Self {
        Self {
            first: Duration::from_secs(1),
            most: Duration::from_mins(1),
        }
    }
}

impl Backoff {
    /// The longest wait after so many tries have failed.
    pub fn longest_after(&self, failed: u32) -> Duration {
        let doublings = failed.saturating_sub(1).min(31);
        self.first.saturating_mul(1 << doublings).min(self.most)
    }
}

/// A job that is to be accepted. [`crate::spec::JobSpec`] makes checked ones.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NewJob {
    /// Its type.
    pub kind: String,
    /// JSON, for the work.
    pub payload: String,
    /// 0 to 9, 9 the most urgent.
    pub priority: u8,
    /// When it is due.
    pub start: Start,
    /// How often it is tried.
    pub attempts: u32,
    /// How long it waits between two tries.
    pub backoff: Backoff,
    /// How long a try may take.
    pub timeout: Option<Duration>,
    /// It is dead if no worker has taken it so long after it was accepted.
    pub ttl: Option<Duration>,
    /// A second job of the same key is the first one.
    pub key: Option<String>,
    /// How long it is kept after it has succeeded or was cancelled.
    pub retention: Duration,
    /// A hash in which its success is counted, in the same step.
    pub effect: Option<String>,
}

impl NewJob {
    /// A job of that type with nothing said but its payload.
    pub fn new(kind: &str, payload: &Value) -> Self {
        Self {
            kind: kind.into(),
            payload: payload.to_string(),
            priority: USUAL_PRIORITY,
            start: Start::Now,
            attempts: USUAL_ATTEMPTS,
            backoff: Backoff::default(),
            timeout: None,
            ttl: None,
            key: None,
            retention: USUAL_RETENTION,
            effect: None,
        }
    }
}

/// A job that was accepted.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, ToSchema)]
pub struct Submitted {
    /// Its id.
    pub id: JobId,
    /// Its state: dead at once when its type is unknown.
    pub state: State,
    /// It was there: a job of the same idempotency key.
    pub existing: bool,
}

/// A job, and what has become of it. Moments are seconds since 1970 by Redis' clock.
#[derive(Debug, Clone, PartialEq, Serialize, ToSchema)]
pub struct Job {
    /// Its id.
    pub id: JobId,
    /// Its type.
    #[serde(rename = "type")]
    pub kind: String,
    /// What it was given.
    pub payload: JsonText,
    /// Where it is.
    pub state: State,
    /// 0 to 9, 9 the most urgent.
    pub priority: u8,
    /// Tries that failed.
    pub attempt: u32,
    /// How often it is tried.
    pub attempts: u32,
    /// How often it was lost with its worker.
    pub losses: u32,
    /// When it was accepted.
    pub created_at: f64,
    /// Since when it is ready, or was when it was taken.
    pub ready_at: Option<f64>,
    /// When it will be due, while it is scheduled or failed.
    pub due_at: Option<f64>,
    /// When a worker took it last.
    pub started_at: Option<f64>,
    /// When it came to its final state.
    pub finished_at: Option<f64>,
    /// Which worker has it, or had it last.
    pub worker: Option<String>,
    /// How much of it is done, 0 to 1, where its work tells.
    pub progress: Option<f64>,
    /// What came of it.
    #[schema(value_type = Value)]
    pub result: Option<JsonText>,
    /// Why its last try failed, or why it is dead.
    pub error: Option<String>,
    /// Its idempotency key.
    #[serde(rename = "idempotency_key")]
    pub key: Option<String>,
}

/// What became of a request to cancel a job.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Cancelled {
    /// It is cancelled now.
    Now {
        /// Where it was.
        was: State,
    },
    /// It is in this final state.
    Already(State),
    /// There is no such job.
    Unknown,
}

/// Which jobs to list.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Listing {
    /// In this state only.
    pub state: Option<State>,
    /// Of this type only.
    pub kind: Option<String>,
    /// Where to go on: [`Page::next`] of the page before.
    pub after: Option<String>,
    /// The most jobs, 1 to [`MOST_LISTED`].
    pub limit: usize,
}

/// The most jobs of a page.
pub const MOST_LISTED: usize = 1000;

impl Default for Listing {
    fn default() -> Self {
        Self {
            state: None,
            kind: None,
            after: None,
            limit: 100,
        }
    }
}

/// Some of the jobs that were asked for. It may be shorter than asked for, and
/// even empty, and still not be the last: only `next` tells.
#[derive(Debug, Clone, PartialEq, Serialize, ToSchema)]
pub struct Page {
    /// They.
    pub jobs: Vec<Job>,
    /// Where to go on; null: there are no more.
    pub next: Option<String>,
}

/// What the queue holds and has done. Counts are from its beginning.
#[derive(Debug, Clone, PartialEq, Default, Serialize, ToSchema)]
pub struct Stats {
    /// Jobs that wait: scheduled, ready and failed ones.
    pub waiting: u64,
    /// Jobs there are, by state; those that ended are forgotten after a time.
    pub by_state: BTreeMap<State, u64>,
    /// Ready ones by priority, from 0 on.
    #[schema(value_type = Vec<u64>)]
    pub by_priority: [u64; PRIORITIES],
    /// How long the longest waiting one is ready; null: none is.
    pub oldest_seconds: Option<f64>,
    /// What was ever done.
    pub totals: Totals,
    /// How much is done now; null until ten seconds are known.
    pub rates: Option<Rates>,
    /// The workers that were heard of within the last minute.
    pub workers: Vec<WorkerInfo>,
}

/// What was ever done.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, ToSchema)]
pub struct Totals {
    /// Jobs accepted.
    pub submitted: u64,
    /// Jobs done.
    pub succeeded: u64,
    /// Jobs given up.
    pub died: u64,
    /// Jobs cancelled.
    pub cancelled: u64,
    /// Tries that failed.
    pub failed_tries: u64,
    /// Leases that ran out.
    pub lost: u64,
    /// Completions, failures and extensions with a token that was not the current one.
    pub refused: u64,
    /// Dead jobs given another chance.
    pub retried: u64,
    /// Dead jobs removed.
    pub dropped: u64,
}

impl Stats {
    /// Whether every job that was accepted is accounted for: it is somewhere, or
    /// it has ended.
    pub fn adds_up(&self) -> bool {
        let now = |state| self.by_state.get(&state).copied().unwrap_or(0);
        let present = self.waiting + now(State::Active) + now(State::Dead);
        let totals = &self.totals;
        let ended = totals.succeeded + totals.cancelled + totals.dropped;
        self.waiting == now(State::Scheduled) + now(State::Ready) + now(State::Failed)
            && now(State::Ready) == self.by_priority.iter().sum::<u64>()
            && totals.submitted == present + ended
            && totals.died == totals.retried + totals.dropped + now(State::Dead)
    }
}

/// Jobs a second over the last ten seconds.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, ToSchema)]
pub struct Rates {
    /// Accepted.
    pub submitted: f64,
    /// Ended: succeeded, dead or cancelled.
    pub finished: f64,
}

/// What a worker last said of itself.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct WorkerInfo {
    /// Its name.
    #[serde(default)]
    pub name: String,
    /// How long ago that was.
    #[serde(default)]
    pub seen_seconds: f64,
    /// Threads for CPU jobs.
    pub threads: u32,
    /// Jobs it works on.
    pub active: u32,
    /// Jobs it has, those it works on among them.
    pub held: u32,
    /// Jobs it has done.
    pub done: u64,
    /// Tries that failed.
    pub failed: u64,
    /// What was refused for an old token.
    pub refused: u64,
}

/// Something that happened to a job.
#[derive(Debug, Clone, PartialEq, Serialize, ToSchema)]
pub struct Event {
    /// Its place among all events: later ones are greater as [`Seq`].
    #[schema(value_type = String, example = "1795324800000-0-0")]
    pub seq: Seq,
    /// When, seconds since 1970 by Redis' clock.
    pub at: f64,
    /// Of which job.
    pub id: JobId,
    /// The job's type.
    #[serde(rename = "type")]
    pub kind: String,
    /// What.
    #[serde(flatten)]
    pub what: What,
}

/// An event's place among all events.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Default)]
pub struct Seq {
    /// Milliseconds since 1970.
    pub millis: u64,
    /// Among those of the millisecond.
    pub step: u64,
    /// Among those of the step.
    pub part: u32,
}

impl Seq {
    /// The part that stands for all parts of a step.
    pub const WHOLE: u32 = u32::MAX;

    /// Behind all parts of its step.
    #[must_use]
    pub fn whole(self) -> Self {
        Self {
            part: Self::WHOLE,
            ..self
        }
    }
}

impl fmt::Display for Seq {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}-{}-{}", self.millis, self.step, self.part)
    }
}

impl FromStr for Seq {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let mut parts = text.split('-');
        let mut read = || {
            let seq = Self {
                millis: parts.next()?.parse().ok()?,
                step: parts.next()?.parse().ok()?,
                part: parts.next()?.parse().ok()?,
            };
            parts.next().is_none().then_some(seq)
        };
        read().ok_or_else(|| "must be the id of an event, such as 1795324800000-0-0".into())
    }
}

impl Serialize for Seq {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

/// What happened to a job.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, ToSchema)]
#[serde(rename_all = "lowercase")]
pub enum What {
    /// It came to this state.
    State(State),
    /// So much of it is done, 0 to 1.
    Progress(f64),
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    #[test]
    fn states_are_read_as_they_are_written() {
        for state in State::ALL {
            assert_eq!(State::named(state.name()), Some(state));
            assert_eq!(State::lettered(&state.letter().to_string()), Some(state));
        }
        assert_eq!(State::lettered("ss"), None);
        assert_eq!(State::lettered(""), None);
    }

    #[test]
    fn numbers_of_any_size_stay_exact() {
        let json = r#"{"sum":333333283333335000000}"#;
        let text = JsonText::parse(json.into()).unwrap();
        assert_eq!(serde_json::to_string(&text).unwrap(), json);
        assert!(JsonText::parse("{".into()).is_err());
    }

    #[test]
    fn an_id_is_digits() {
        assert_eq!("17".parse(), Ok(JobId(17)));
        for text in ["", "-1", "1.5", "abc", "99999999999999999", "+1", " 1"] {
            assert!(text.parse::<JobId>().is_err(), "{text:?}");
        }
    }

    #[test]
    fn events_are_in_order() {
        let text = ["5-0-2", "5-0-10", "5-1-0", "40-0-0"];
        let seqs = text.map(|text| text.parse::<Seq>().unwrap());
        assert!(seqs.is_sorted());
        assert_eq!(seqs.map(|seq| seq.to_string()), text);
        assert!("5-0".parse::<Seq>().is_err());
    }

    #[test]
    fn the_wait_doubles_up_to_its_cap() {
        let backoff = Backoff::default();
        let seconds = [1, 2, 3, 6, 7, 40, u32::MAX].map(|n| backoff.longest_after(n).as_secs());
        assert_eq!(seconds, [1, 2, 4, 32, 60, 60, 60]);
    }
}
