//! How many bytes of bodies a run holds at once.
//!
//! A body takes its share as it grows, so that small pages are not held back by
//! what a large one might become. Pages that hold a part and wait for more would
//! wait for each other: so one page at a time, whoever is first, may go on to its
//! end whatever that takes. It ends by its own deadlines, and the next one may.

use std::sync::Arc;
use tokio::sync::{OwnedSemaphorePermit, Semaphore};

/// What is counted: a byte each would be more than a semaphore can.
const UNIT: usize = 4096;

/// The bytes that all bodies of a run may have at once.
#[derive(Debug)]
pub(super) struct Memory {
    shared: Arc<Semaphore>,
    units: usize,
    /// One permit: for the page that may take more than is left.
    first: Arc<Semaphore>,
}

/// What one body holds; given back when dropped.
#[derive(Debug, Default)]
pub struct Held {
    bytes: usize,
    shared: Option<OwnedSemaphorePermit>,
    first: Option<OwnedSemaphorePermit>,
}

impl Memory {
    /// So many bytes in all, where a page alone may come to `largest`: that is
    /// set apart for the first page, and where it is most of it, a quarter is
    /// left for the others.
    pub(super) fn new(bytes: usize, largest: usize) -> Self {
        let units = bytes.saturating_sub(largest).max(bytes / 4).div_ceil(UNIT);
        let units = units.clamp(1, Semaphore::MAX_PERMITS);
        Self {
            shared: Arc::new(Semaphore::new(units)),
            units,
            first: Arc::new(Semaphore::new(1)),
        }
    }

    /// Waits until `held` may hold `bytes` in all.
    pub(super) async fn grow(&self, held: &mut Held, bytes: usize) {
        if bytes <= held.bytes || held.first.is_some() {
            return;
        }
        let more = (bytes - held.bytes).div_ceil(UNIT);
        let asked = u32::try_from(more).ok().filter(|_| more <= self.units);
        let now = asked.and_then(|more| self.shared.clone().try_acquire_many_owned(more).ok());
        if let Some(permit) = now {
            held.take(permit, more);
            return;
        }
        let when_there_is_room = async {
            match asked {
                Some(more) => self.shared.clone().acquire_many_owned(more).await.ok(),
                // More than there ever is.
                None => std::future::pending().await,
            }
        };
        // Neither is ever closed.
        tokio::select! {
            biased;
            Some(permit) = when_there_is_room => held.take(permit, more),
            Ok(permit) = self.first.clone().acquire_owned() => held.first = Some(permit),
            else => {}
        }
    }
}

impl Held {
    fn take(&mut self, permit: OwnedSemaphorePermit, units: usize) {
        self.bytes += units * UNIT;
        match &mut self.shared {
            Some(shared) => shared.merge(permit),
            None => self.shared = Some(permit),
        }
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;
    use std::sync::atomic::{AtomicUsize, Ordering};
    use std::time::Duration;

    const LARGEST: usize = 64 * UNIT;

    /// Pages that all grow step by step to `LARGEST`: the most that they held at once.
    async fn most_at_once(memory: &Memory, pages: usize) -> usize {
        let (now, most) = (AtomicUsize::new(0), AtomicUsize::new(0));
        let page = async || {
            let (mut held, mut has) = (Held::default(), 0);
            for step in [4, 8, 16, 32, 64] {
                memory.grow(&mut held, step * UNIT).await;
                now.fetch_add(step * UNIT - has, Ordering::Relaxed);
                has = step * UNIT;
                most.fetch_max(now.load(Ordering::Relaxed), Ordering::Relaxed);
                tokio::task::yield_now().await;
            }
            now.fetch_sub(has, Ordering::Relaxed);
        };
        let all = futures_util::future::join_all((0..pages).map(|_| page()));
        tokio::time::timeout(Duration::from_secs(30), all)
            .await
            .unwrap();
        most.into_inner()
    }

    #[tokio::test]
    async fn pages_that_all_grow_to_the_largest_keep_within_it_and_all_end() {
        for bytes in [4 * LARGEST, 2 * LARGEST, LARGEST, LARGEST / 8, 1, 0] {
            let memory = Memory::new(bytes, LARGEST);
            let bound = bytes.max(LARGEST + bytes / 4 + UNIT);

            let most = most_at_once(&memory, 200).await;

            assert!(most <= bound, "{bytes}: {most}");
            assert_eq!(memory.shared.available_permits(), memory.units);
            assert_eq!(memory.first.available_permits(), 1);
        }
    }

    #[tokio::test]
    async fn small_pages_do_not_wait_for_what_others_might_become() {
        let memory = Memory::new(4 * LARGEST, LARGEST);
        let mut pages: Vec<_> = (0..3 * 64).map(|_| Held::default()).collect();

        for held in &mut pages {
            let grown = tokio::time::timeout(Duration::ZERO, memory.grow(held, 100));
            grown.await.unwrap();
        }

        assert_eq!(memory.shared.available_permits(), 0);
    }
}
