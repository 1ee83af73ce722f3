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
mod pauses;
mod postgres;
mod row;
mod run_id;
mod sink;
mod writer;

pub use postgres::{BadDatabase, Database};
pub use row::Row;
pub use run_id::{BadRunId, RunId};

use crate::outcome::Outcome;
use crate::seen::UrlSet;
use sink::Sink;
use std::path::PathBuf;
use std::str::FromStr;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Mutex, MutexGuard, OnceLock, PoisonError};
use std::time::{Duration, Instant};
use tokio::sync::{mpsc, oneshot, watch};
use writer::{Phase, Writer};

/// How many outcomes wait for the writer at most, beside the batch that it
/// writes: some megabytes, and less than two seconds of fetching here.
const BUFFERED_ROWS: usize = 1024;

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

/// An open store. Dropping it stores what is buffered, unseen.
#[derive(Debug)]
pub struct Opened {
    done: UrlSet,
    sender: Sender,
    phase: watch::Sender<Phase>,
    ended: oneshot::Receiver<()>,
}

/// A way into an open store.
#[derive(Debug, Clone)]
pub struct Sender {
    rows: mpsc::Sender<Row>,
    state: Arc<State>,
    kept: Option<Arc<Kept>>,
    /// The store is `none`: nothing need be handed over.
    discards: bool,
}

/// What was put, in that order, kept in memory too: for whoever bounds how much
/// that is.
#[derive(Debug, Default)]
pub struct Kept(Mutex<Vec<Row>>);

/// What the writer and those who wait for it tell each other.
#[derive(Debug, Default)]
struct State {
    taken: AtomicU64,
    stored: AtomicU64,
    away_since: Mutex<Option<Instant>>,
    failed: OnceLock<StoreFailed>,
}

/// How the store is doing.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct StoreState {
    /// Outcomes stored by this run.
    pub stored: u64,
    /// Outcomes taken and not stored yet.
    pub waiting: u64,
    /// How long it has been out of reach; `None` while it is not.
    pub away_for: Option<Duration>,
}

/// What was kept.
#[derive(Debug, Clone, PartialEq, Eq)]
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

/// Opens a store, on a thread of its own.
pub async fn open(target: Target) -> Result<Opened, StoreFailed> {
    let (rows, received) = mpsc::channel(BUFFERED_ROWS);
    let (phase, phases) = watch::channel(Phase::Running);
    let (opened, opening) = oneshot::channel();
    let (end, ended) = oneshot::channel();
    let state = Arc::<State>::default();
    let of_writer = state.clone();
    let discards = target.choice == StoreChoice::None;
    let work = async move || {
        match Sink::open(target).await {
            Ok((sink, done)) => {
                if opened.send(Ok(done)).is_ok() {
                    Writer::new(sink, received, phases, of_writer).run().await;
                }
            }
            Err(failed) => drop(opened.send(Err(failed))),
        }
        let _ = end.send(());
    };
    std::thread::Builder::new()
        .name("store".into())
        .spawn(|| on_this_thread(work))
        .map_err(|error| StoreFailed(format!("no thread for the store: {error}")))?;
    let done = opening
        .await
        .unwrap_or_else(|_| Err(StoreFailed("the store's thread ended".into())))?;
    Ok(Opened {
        done,
        sender: Sender {
            rows,
            state,
            kept: None,
            discards,
        },
        phase,
        ended,
    })
}

/// A runtime of its own, so that the store goes on whatever the fetching
/// threads do with theirs.
fn on_this_thread(work: impl AsyncFnOnce()) {
    match tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
    {
        Ok(runtime) => runtime.block_on(work()),
        Err(error) => tracing::error!(%error, "the store's thread has no runtime"),
    }
}

impl Opened {
    /// The URLs that have an outcome of this run already; none unless it is resumed.
    pub fn done(&self) -> &UrlSet {
        &self.done
    }

    /// A way in; it waits when the buffer is full.
    pub fn sender(&self) -> Sender {
        self.sender.clone()
    }

    /// Stores what is buffered, until `deadline` from now; then gives it up.
    pub async fn finish(self, deadline: Duration) -> Stored {
        self.phase.send_replace(Phase::Ending);
        if tokio::time::timeout(deadline, self.ended).await.is_err() {
            self.phase.send_replace(Phase::Abandoned);
        }
        let state = self.sender.state;
        let rows = state.stored.load(Ordering::Acquire);
        Stored {
            rows,
            lost: state.taken.load(Ordering::Acquire).saturating_sub(rows),
            failed: state.failed.get().cloned(),
        }
    }
}

impl Sender {
    /// The same way, on which what is put is kept too.
    #[must_use]
    pub fn keeping(self, kept: Arc<Kept>) -> Self {
        Self {
            kept: Some(kept),
            ..self
        }
    }

    /// Hands over an outcome; waits while the buffer is full. When that is
    /// given up, the outcome does not count as taken.
    pub async fn put(&self, outcome: Outcome) -> Result<(), StoreFailed> {
        if self.discards {
            self.state.taken.fetch_add(1, Ordering::AcqRel);
            self.state.stored.fetch_add(1, Ordering::AcqRel);
            if let Some(kept) = &self.kept {
                kept.rows().push(Row::from(outcome));
            }
            return Ok(());
        }
        let row = Row::from(outcome);
        let permit = self.rows.reserve().await;
        let permit = permit.map_err(|_| self.state.why_ended())?;
        self.state.taken.fetch_add(1, Ordering::AcqRel);
        if let Some(kept) = &self.kept {
            kept.rows().push(row.clone());
        }
        permit.send(row);
        Ok(())
    }

    /// How the store is doing.
    pub fn state(&self) -> StoreState {
        let stored = self.state.stored.load(Ordering::Acquire);
        let taken = self.state.taken.load(Ordering::Acquire);
        StoreState {
            stored,
            waiting: taken.saturating_sub(stored),
            away_for: self.state.away().map(|since| since.elapsed()),
        }
    }
}

impl Kept {
    /// How many there are.
    pub fn len(&self) -> usize {
        self.rows().len()
    }

    /// Whether there are none.
    pub fn is_empty(&self) -> bool {
        self.rows().is_empty()
    }

    /// At most `count` of them, without the first `skipped`.
    pub fn some(&self, skipped: usize, count: usize) -> Vec<Row> {
        let rows = self.rows();
        rows.iter().skip(skipped).take(count).cloned().collect()
    }

    fn rows(&self) -> MutexGuard<'_, Vec<Row>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl State {
    fn away(&self) -> Option<Instant> {
        *self
            .away_since
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
    }

    fn set_away(&self, since: Option<Instant>) {
        *self
            .away_since
            .lock()
            .unwrap_or_else(PoisonError::into_inner) = since;
    }

    fn why_ended(&self) -> StoreFailed {
        let failed = self.failed.get().cloned();
        failed.unwrap_or_else(|| StoreFailed("the store was closed".into()))
    }
}

#[cfg(test)]
mod tests;
