//! An open store.

use super::row::Row;
use super::sender::{Sender, State};
use super::sink::Sink;
use super::writer::{Phase, Writer};
use super::{StoreChoice, StoreFailed, Stored, Target};
use crate::seen::UrlSet;
use std::sync::Arc;
use std::time::Duration;
use tokio::sync::{mpsc, oneshot, watch};

/// How many outcomes wait for the writer at most, beside the batch that it
/// writes: some megabytes, and less than two seconds of fetching here.
pub(super) const BUFFERED_ROWS: usize = 1024;

/// An open store. Dropping it stores what is buffered, unseen.
#[derive(Debug)]
pub struct Opened {
    done: UrlSet,
    sender: Sender,
    writing: Option<Writing>,
}

/// The thread that writes.
#[derive(Debug)]
struct Writing {
    phase: watch::Sender<Phase>,
    ended: oneshot::Receiver<()>,
}

/// Opens a store, on a thread of its own.
pub async fn open(target: Target) -> Result<Opened, StoreFailed> {
    if target.choice == StoreChoice::None && !target.resume {
        return Ok(nowhere());
    }
    let (rows, received) = mpsc::channel(BUFFERED_ROWS);
    let (phase, phases) = watch::channel(Phase::Running);
    let (opened, opening) = oneshot::channel();
    let (end, ended) = oneshot::channel();
    let state = Arc::<State>::default();
    let of_writer = state.clone();
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
        sender: Sender::new(Some(rows), state),
        writing: Some(Writing { phase, ended }),
    })
}

/// A store that only counts.
fn nowhere() -> Opened {
    Opened {
        done: UrlSet::default(),
        sender: Sender::new(None::<mpsc::Sender<Row>>, Arc::default()),
        writing: None,
    }
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
        self.finish_unless(tokio::time::sleep(deadline)).await
    }

    /// Stores what is buffered, until `given_up` ends.
    pub async fn finish_unless(self, given_up: impl Future<Output = ()>) -> Stored {
        if let Some(Writing { phase, ended }) = self.writing {
            phase.send_replace(Phase::Ending);
            tokio::select! {
                biased;
                _ = ended => {}
                () = given_up => {
                    phase.send_replace(Phase::Abandoned);
                }
            }
        }
        self.sender.stored()
    }
}
