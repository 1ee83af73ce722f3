//! A bounded queue between two stages of one process.

use crate::item::Item;
use crossbeam_channel::{Receiver, Sender, bounded};
use std::sync::Arc;
use std::sync::atomic::{AtomicI64, Ordering};

/// Items that go through a queue together.
pub(super) type Batch = Vec<Item>;

/// The most items that go together: enough that a hop's cost is shared by many.
const MOST_TOGETHER: u64 = 512;

/// What is in a queue now, in items.
#[derive(Debug, Default)]
pub struct Depth {
    /// Below 0 for a moment, where a batch is taken before it was counted.
    now: AtomicI64,
}

/// The end that gives.
#[derive(Debug, Clone)]
pub(super) struct Give {
    channel: Sender<Batch>,
    depth: Arc<Depth>,
    /// The most items of a batch.
    pub(super) together: usize,
}

/// The end that takes.
#[derive(Debug, Clone)]
pub(super) struct Take {
    channel: Receiver<Batch>,
    depth: Arc<Depth>,
}

/// A queue of at most `capacity` items. They go in batches of a quarter of it at
/// most, so that both ends can work at once.
pub(super) fn queue(capacity: u64) -> (Give, Take) {
    let together = (capacity / 4).clamp(1, MOST_TOGETHER);
    let (give, take) = bounded((capacity / together) as usize);
    let depth = Arc::new(Depth::default());
    let give = Give {
        channel: give,
        depth: depth.clone(),
        together: together as usize,
    };
    let take = Take {
        channel: take,
        depth,
    };
    (give, take)
}

impl Depth {
    /// Items in the queue now; a batch that is being taken may be counted still.
    pub fn now(&self) -> u64 {
        self.now.load(Ordering::Relaxed).max(0) as u64
    }

    fn rise(&self, batch: usize) {
        self.now.fetch_add(signed(batch), Ordering::Relaxed);
    }

    fn fall(&self, batch: usize) {
        self.now.fetch_sub(signed(batch), Ordering::Relaxed);
    }
}

/// A batch is never that large.
fn signed(batch: usize) -> i64 {
    i64::try_from(batch).unwrap_or(i64::MAX)
}

impl Give {
    /// Puts a batch in at once; gives it back when there is no room, or nobody takes.
    pub(super) fn try_give(&self, batch: Batch) -> Result<(), Batch> {
        let items = batch.len();
        let given = self.channel.try_send(batch);
        given.map_err(crossbeam_channel::TrySendError::into_inner)?;
        self.depth.rise(items);
        Ok(())
    }

    /// Waits for room; `false` when nobody takes any more.
    pub(super) fn give(&self, batch: Batch) -> bool {
        let items = batch.len();
        let given = self.channel.send(batch).is_ok();
        if given {
            self.depth.rise(items);
        }
        given
    }
}

impl Take {
    /// The next batch, if one is there.
    pub(super) fn try_take(&self) -> Option<Batch> {
        self.taken(self.channel.try_recv().ok())
    }

    /// Waits for the next batch; `None` when no more will come.
    pub(super) fn take(&self) -> Option<Batch> {
        self.taken(self.channel.recv().ok())
    }

    /// What is in the queue.
    pub(super) fn depth(&self) -> Arc<Depth> {
        self.depth.clone()
    }

    fn taken(&self, batch: Option<Batch>) -> Option<Batch> {
        self.depth.fall(batch.as_ref().map_or(0, Vec::len));
        batch
    }
}
