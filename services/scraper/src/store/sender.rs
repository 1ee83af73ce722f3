//! The way into an open store.

use super::row::Row;
use super::{StoreFailed, Stored};
use crate::outcome::Outcome;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, OnceLock, PoisonError};
use std::time::{Duration, Instant};
use tokio::sync::mpsc;

/// A way into an open store.
#[derive(Debug, Clone)]
pub struct Sender {
    /// `None`: outcomes are counted and stored nowhere.
    rows: Option<mpsc::Sender<Row>>,
    state: Arc<State>,
    kept: Option<Arc<Kept>>,
}

/// What was put, in that order, kept in memory too: for whoever bounds how much
/// that is.
#[derive(Debug, Default)]
pub struct Kept(Mutex<Rows>);

#[derive(Debug, Default)]
struct Rows {
    rows: Vec<Row>,
    bytes: usize,
}

/// What the writer and those who wait for it tell each other.
#[derive(Debug, Default)]
pub(super) struct State {
    taken: AtomicU64,
    pub stored: AtomicU64,
    away_since: Mutex<Option<Instant>>,
    pub failed: OnceLock<StoreFailed>,
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

impl Sender {
    pub(super) fn new(rows: Option<mpsc::Sender<Row>>, state: Arc<State>) -> Self {
        Self {
            rows,
            state,
            kept: None,
        }
    }

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
        let Some(rows) = &self.rows else {
            if let Some(kept) = &self.kept {
                kept.push(Row::from(outcome));
            }
            self.state.taken.fetch_add(1, Ordering::AcqRel);
            self.state.stored.fetch_add(1, Ordering::AcqRel);
            return Ok(());
        };
        let permit = rows.reserve().await;
        let permit = permit.map_err(|_| self.state.why_ended())?;
        let row = Row::from(outcome);
        if let Some(kept) = &self.kept {
            kept.push(row.clone());
        }
        self.state.taken.fetch_add(1, Ordering::AcqRel);
        permit.send(row);
        Ok(())
    }

    /// How the store is doing.
    pub fn state(&self) -> StoreState {
        let (stored, taken) = self.state.counts();
        StoreState {
            stored,
            waiting: taken.saturating_sub(stored),
            away_for: self.state.away().map(|since| since.elapsed()),
        }
    }

    /// What it came to.
    pub(super) fn stored(&self) -> Stored {
        let (stored, taken) = self.state.counts();
        Stored {
            rows: stored,
            lost: taken.saturating_sub(stored),
            failed: self.state.failed.get().cloned(),
        }
    }
}

impl Kept {
    /// How many there are.
    pub fn len(&self) -> usize {
        self.lock().rows.len()
    }

    /// Whether there are none.
    pub fn is_empty(&self) -> bool {
        self.lock().rows.is_empty()
    }

    /// How much memory they take, bytes.
    pub fn bytes(&self) -> usize {
        self.lock().bytes
    }

    /// At most `count` of them, without the first `skipped`.
    pub fn some(&self, skipped: usize, count: usize) -> Vec<Row> {
        let kept = self.lock();
        kept.rows
            .iter()
            .skip(skipped)
            .take(count)
            .cloned()
            .collect()
    }

    pub(crate) fn push(&self, row: Row) {
        let mut kept = self.lock();
        kept.bytes += row.kept_bytes();
        kept.rows.push(row);
    }

    fn lock(&self) -> MutexGuard<'_, Rows> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl State {
    /// Outcomes stored, and taken.
    fn counts(&self) -> (u64, u64) {
        // In this order: what is stored was taken before.
        let stored = self.stored.load(Ordering::Acquire);
        (stored, self.taken.load(Ordering::Acquire))
    }

    /// Since when the store has been out of reach.
    pub fn away(&self) -> Option<Instant> {
        *self
            .away_since
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
    }

    pub fn set_away(&self, since: Option<Instant>) {
        *self
            .away_since
            .lock()
            .unwrap_or_else(PoisonError::into_inner) = since;
    }

    pub fn why_ended(&self) -> StoreFailed {
        let failed = self.failed.get().cloned();
        failed.unwrap_or_else(|| StoreFailed("the store was closed".into()))
    }
}
