//! The shapes of what jobs answer.

use crate::store::Row;
use serde::Serialize;
use std::collections::BTreeMap;
use utoipa::{OpenApi, ToSchema};

/// The part of the API's description that is about jobs.
#[derive(OpenApi)]
#[openapi(
    paths(
        super::routes::scrape,
        super::routes::jobs,
        super::routes::job,
        super::routes::cancel,
        super::routes::events,
        super::routes::results,
    ),
    components(schemas(
        super::ScrapeRequest,
        ScrapeJob,
        ScrapeJobs,
        ScrapeState,
        ScrapeResult,
        ScrapeResults
    ))
)]
pub struct ScrapeApi;

/// How a job is doing.
#[derive(Debug, Clone, PartialEq, Serialize, ToSchema)]
pub struct ScrapeJob {
    /// Its name, which is also its run's in the store.
    pub id: String,
    /// How far it is.
    pub state: ScrapeState,
    /// Why it failed; null unless it did.
    pub error: Option<String>,
    /// Where its outcomes are stored.
    pub store: String,
    /// How many different URLs it has.
    pub urls: u64,
    /// How many of them have an outcome.
    pub done: u64,
    /// How many of these are pages.
    pub pages: u64,
    /// How many are not, by kind of error.
    pub failed: BTreeMap<String, u64>,
    /// How many outcomes are stored.
    pub stored: u64,
    /// How long the store has been out of reach; null while it is not.
    pub store_away_seconds: Option<f64>,
    /// Requests that were sent, redirects, retries and robots.txt included.
    pub requests: u64,
    /// Requests under way.
    pub in_flight: u64,
    /// Bytes of pages, decompressed.
    pub bytes: u64,
    /// Seconds since it began, or from there to its end.
    pub seconds: f64,
    /// Seconds that the rest may take at the rate so far; null while nobody knows.
    pub seconds_left: Option<f64>,
}

/// How far a job is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, ToSchema)]
#[serde(rename_all = "kebab-case")]
pub enum ScrapeState {
    /// It goes on.
    Running,
    /// Every URL has its outcome, stored.
    Done,
    /// It was stopped before that.
    Cancelled,
    /// Something of its own failed; not: a page.
    Failed,
}

/// The jobs that are kept.
#[derive(Debug, Clone, PartialEq, Serialize, ToSchema)]
pub struct ScrapeJobs {
    /// The newest is the last.
    pub jobs: Vec<ScrapeJob>,
}

/// A page of a job's results, in the order in which they came.
#[derive(Debug, Clone, PartialEq, Serialize, ToSchema)]
pub struct ScrapeResults {
    /// Its number, from 1.
    pub page: u64,
    /// How many there are so far.
    pub pages: u64,
    /// How many results there are so far.
    pub total: u64,
    /// Those of this page.
    pub results: Vec<ScrapeResult>,
}

/// What became of one URL.
#[derive(Debug, Clone, PartialEq, Serialize, ToSchema)]
pub struct ScrapeResult {
    /// Normalised, as asked for: not where redirects led.
    pub url: String,
    /// HTTP status of the last answer; null: there was none.
    pub status: Option<u16>,
    /// Why there is no page, such as timeout; null: there is one.
    pub error: Option<String>,
    /// How often it was asked for.
    pub attempts: u32,
    /// Null: it has none, or was not parsed.
    pub title: Option<String>,
    /// How many links; null: not parsed.
    pub links: Option<u32>,
    /// How many words; null: not parsed.
    pub words: Option<u64>,
    /// Bytes of the last body, decompressed, as far as it was read.
    pub bytes: u64,
    /// BLAKE3 of the body in hexadecimal; null: not parsed.
    pub hash: Option<String>,
    /// From when it was taken up to the end of the last attempt, waits for its
    /// host and pauses included.
    pub elapsed_seconds: f64,
    /// When that was (RFC 3339).
    pub fetched_at: String,
}

impl From<Row> for ScrapeResult {
    fn from(row: Row) -> Self {
        Self {
            status: row.status,
            error: row.error.map(Into::into),
            attempts: row.attempts,
            links: row.links,
            words: row.words,
            bytes: row.bytes,
            hash: row.hash_text(),
            elapsed_seconds: row.elapsed_seconds,
            fetched_at: row.fetched_at_text(),
            title: row.title,
            url: row.url,
        }
    }
}
