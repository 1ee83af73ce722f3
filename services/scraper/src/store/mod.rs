//! Where outcomes are kept: PostgreSQL, a file with a line of JSON for each, or nowhere.
//!
//! Outcomes go through a bounded buffer to a thread of its own, which writes
//! them in batches. Where PostgreSQL is away the thread tries again, the
//! buffer fills, and who has an outcome to put waits: so fetching slows down
//! and nothing is lost. A batch that is written twice leaves one row per run
//! and URL.
//!
//! `PostgreSQL`: the table `pages`, whose columns `migrations/` describes. A
//! file: a line for each, the same columns, `hash` in hexadecimal,
//! `fetched_at` as RFC 3339.

mod ndjson;
mod opened;
mod pauses;
mod postgres;
mod row;
mod run_id;
mod sender;
mod sink;
mod writer;

pub use opened::{Opened, open};
pub use postgres::{BadDatabase, Database};
pub use row::Row;
pub use run_id::{BadRunId, RunId};
pub use sender::{Kept, Sender, StoreState};

use std::path::PathBuf;
use std::str::FromStr;

/// Where to keep outcomes.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum StoreChoice {
    /// Nowhere.
    None,
    /// A file with a line of JSON for each.
    Ndjson(PathBuf),
    /// PostgreSQL.
    Postgres,
}

/// What to open.
#[derive(Debug, Clone)]
pub struct Target {
    /// Where to keep outcomes.
    pub choice: StoreChoice,
    /// Which PostgreSQL; needed for [`StoreChoice::Postgres`] alone.
    pub database: Option<Database>,
    /// Which run they belong to.
    pub run: RunId,
    /// Whether to find out what the store has of this run already.
    pub resume: bool,
}

/// What was kept.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Stored {
    /// Outcomes stored by this run; with `none`, those taken.
    pub rows: u64,
    /// Outcomes taken that could not be stored, or not in time.
    pub lost: u64,
    /// Why the store gave up; `None` when it did not, though it may have been late.
    pub failed: Option<StoreFailed>,
}

/// Why nothing can be stored, or nothing more.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{0}")]
pub struct StoreFailed(pub String);

impl FromStr for StoreChoice {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        match text.split_once(':') {
            None if text == "none" => Ok(Self::None),
            None if text == "postgres" => Ok(Self::Postgres),
            Some(("ndjson", file)) if !file.is_empty() => Ok(Self::Ndjson(file.into())),
            Some(("postgres" | "postgresql", _)) => {
                Err("must be postgres alone; --database-url says which".into())
            }
            _ => Err("must be none, postgres or ndjson:FILE".into()),
        }
    }
}

#[cfg(test)]
mod tests;
