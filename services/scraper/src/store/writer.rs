//! Takes outcomes from the buffer and writes them in batches, again and again
//! where that fails for a while.

use super::StoreFailed;
use super::pauses::pauses;
use super::row::Row;
use super::sender::State;
use super::sink::{Sink, Trouble};
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::{Duration, Instant};
use tokio::sync::{mpsc, watch};

/// The most rows of one batch.
const BATCH_ROWS: usize = 256;

/// How long a batch waits for more rows. A kill loses what came in it, and no
/// more than the buffer's size is taken in it: 20000 rows a second.
const LINGER: Duration = Duration::from_millis(50);

/// Pauses between attempts while the store is away.
const FIRST_PAUSE: Duration = Duration::from_millis(50);
const LONGEST_PAUSE: Duration = Duration::from_secs(1);

/// How long the store may be away. A restart takes seconds; whoever waits for
/// longer wants to know.
const PATIENCE: Duration = Duration::from_mins(2);

/// How far the store's life is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Phase {
    Running,
    /// What is buffered is the last.
    Ending,
    /// Nobody waits any more.
    Abandoned,
}

pub(super) struct Writer {
    sink: Sink,
    rows: mpsc::Receiver<Row>,
    phases: watch::Receiver<Phase>,
    state: Arc<State>,
    patience: Duration,
}

/// Why a batch was not written.
enum Unwritten {
    /// Nobody waits for it any more: that is no fault of the store.
    GivenUp,
    Failed(StoreFailed),
}

impl Writer {
    pub fn new(
        sink: Sink,
        rows: mpsc::Receiver<Row>,
        phases: watch::Receiver<Phase>,
        state: Arc<State>,
    ) -> Self {
        Self {
            sink,
            rows,
            phases,
            state,
            patience: PATIENCE,
        }
    }

    /// Writes until the store ends, or cannot be written to.
    pub async fn run(mut self) {
        let mut batch = Vec::with_capacity(BATCH_ROWS);
        while self.gather(&mut batch).await {
            match self.write(&batch).await {
                Ok(()) => {}
                Err(Unwritten::GivenUp) => return,
                Err(Unwritten::Failed(failed)) => {
                    self.fail(failed);
                    return;
                }
            }
            let rows = batch.len() as u64;
            self.state.stored.fetch_add(rows, Ordering::AcqRel);
            batch.clear();
        }
        if let Err(trouble) = self.sink.close().await {
            let _ = self.state.failed.set(StoreFailed(trouble.text));
        }
    }

    /// Notes why; those who wait to put something are told when the buffer is dropped.
    fn fail(self, failed: StoreFailed) {
        tracing::error!(%failed, "the store gave up");
        let _ = self.state.failed.set(failed);
    }

    /// Fills `batch`; `false` when there is nothing more to come.
    async fn gather(&mut self, batch: &mut Vec<Row>) -> bool {
        self.wait_for_some(batch).await;
        if !batch.is_empty() && batch.len() < BATCH_ROWS && !self.rows.is_closed() {
            // Without a look at the buffer: each row would wake this thread, which
            // costs the one that fetches a good part of a page.
            tokio::select! {
                () = tokio::time::sleep(LINGER) => {}
                () = reached(&mut self.phases, Phase::Ending) => {}
            }
        }
        while batch.len() < BATCH_ROWS
            && let Ok(row) = self.rows.try_recv()
        {
            batch.push(row);
        }
        !batch.is_empty()
    }

    /// Takes what is in the buffer once there is something; nothing at its end.
    async fn wait_for_some(&mut self, batch: &mut Vec<Row>) {
        tokio::select! {
            biased;
            _ = self.rows.recv_many(batch, BATCH_ROWS) => return,
            () = reached(&mut self.phases, Phase::Ending) => {}
        }
        // Closed, it gives what is in it, and what is just being put, and then
        // nothing.
        self.rows.close();
        self.rows.recv_many(batch, BATCH_ROWS).await;
    }

    /// Writes `batch`, however often that takes.
    async fn write(&mut self, batch: &[Row]) -> Result<(), Unwritten> {
        let mut pauses = pauses(FIRST_PAUSE, LONGEST_PAUSE);
        loop {
            let written = tokio::select! {
                written = self.sink.write(batch) => written,
                () = abandoned(&mut self.phases) => return Err(Unwritten::GivenUp),
            };
            let Err(trouble) = written else {
                self.back();
                return Ok(());
            };
            self.endure(trouble).map_err(Unwritten::Failed)?;
            let pause = pauses.next().unwrap_or(LONGEST_PAUSE);
            tokio::select! {
                () = tokio::time::sleep(pause) => {}
                () = abandoned(&mut self.phases) => return Err(Unwritten::GivenUp),
            }
        }
    }

    /// Whether `trouble` may be waited out.
    fn endure(&self, trouble: Trouble) -> Result<(), StoreFailed> {
        if !trouble.passes {
            return Err(StoreFailed(trouble.text));
        }
        let Some(since) = self.state.away() else {
            tracing::warn!(trouble = trouble.text, "the store is away: trying again");
            self.state.set_away(Some(Instant::now()));
            return Ok(());
        };
        if since.elapsed() < self.patience {
            return Ok(());
        }
        let seconds = self.patience.as_secs();
        Err(StoreFailed(format!(
            "the store was away for more than {seconds} s: {}",
            trouble.text
        )))
    }

    fn back(&self) {
        if let Some(since) = self.state.away() {
            let seconds = since.elapsed().as_secs_f64();
            tracing::info!(seconds, "the store is back");
            self.state.set_away(None);
        }
    }
}

/// Waits until `phase`, or until nobody is left who could say so.
async fn reached(phases: &mut watch::Receiver<Phase>, phase: Phase) {
    let _ = phases.wait_for(|now| *now >= phase).await;
}

/// Waits until nobody waits any more. A store that was dropped is still written out.
async fn abandoned(phases: &mut watch::Receiver<Phase>) {
    if phases
        .wait_for(|now| *now == Phase::Abandoned)
        .await
        .is_err()
    {
        std::future::pending::<()>().await;
    }
}

#[cfg(test)]
mod tests;

#[cfg(test)]
pub(super) use tests::Scripted;
