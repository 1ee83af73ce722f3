//! Where a run's URLs come from: a few at a time, however many there are.

use std::collections::VecDeque;
use tokio::sync::mpsc;
use url::Url;

/// Batches that may lie ready.
const READY: usize = 4;

/// The URLs of a run, in order.
#[derive(Debug)]
pub enum Feed {
    /// `/page/1` to `/page/N` of one origin; needs no memory for them.
    Pages {
        /// The origin.
        origin: Url,
        /// The next page's number.
        next: u64,
        /// The last page's number.
        last: u64,
    },
    /// What another thread reads, from a file or a pipe.
    Queue {
        /// Batches of them.
        batches: mpsc::Receiver<Vec<Url>>,
        /// The rest of the batch that was taken last.
        rest: VecDeque<Url>,
    },
}

/// The other end of a [`Feed::Queue`].
pub type FeedSender = mpsc::Sender<Vec<Url>>;

/// A queue with both its ends.
pub fn feed() -> (FeedSender, Feed) {
    let (sender, batches) = mpsc::channel(READY);
    let rest = VecDeque::new();
    (sender, Feed::Queue { batches, rest })
}

impl Feed {
    /// The pages of an origin.
    pub fn pages(origin: Url, count: u64) -> Self {
        Self::Pages {
            origin,
            next: 1,
            last: count,
        }
    }

    /// The URLs of a list.
    pub fn list(urls: Vec<Url>) -> Self {
        // A closed queue with all of it taken already.
        let (_, batches) = mpsc::channel(1);
        Self::Queue {
            batches,
            rest: urls.into(),
        }
    }

    /// The next URL; `None` after the last one.
    pub async fn next(&mut self) -> Option<Url> {
        match self {
            Self::Pages { origin, next, last } => {
                if *next > *last {
                    return None;
                }
                let mut page = origin.clone();
                page.set_path(&format!("/page/{next}"));
                *next += 1;
                Some(page)
            }
            Self::Queue { batches, rest } => loop {
                if let Some(url) = rest.pop_front() {
                    return Some(url);
                }
                *rest = batches.recv().await?.into();
            },
        }
    }
}
