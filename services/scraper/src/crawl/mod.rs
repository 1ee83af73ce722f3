//! Many URLs, in one of three modes: one after another, on threads, async.
//! Each URL goes the same way: fetched, parsed, stored.

mod clock;
mod control;
mod feed;
mod mode;
mod on_threads;
mod pages;
mod pool;
mod turns;

pub use clock::Measured;
pub use control::{Control, Stage};
pub use feed::{Feed, FeedSender, feed};
pub use mode::Mode;

use crate::fetch::Shared;
use crate::parse::Kernel;
use crate::store::{Sender, StoreFailed};
use measure::report::WorkerAccount;
use std::io;
use std::sync::Arc;
use turns::Turns;

/// Connections to all hosts together that may be idle.
const MOST_IDLE: usize = 512;

/// A run over many URLs.
pub struct Crawl {
    /// How it waits.
    pub mode: Mode,
    /// How many pages at once, at most.
    pub concurrency: usize,
    /// How pages are parsed.
    pub kernel: Kernel,
    /// Threads that parse, where that is work for threads of their own.
    pub parsers: usize,
    /// By which rules they are fetched.
    pub fetch: Arc<Shared>,
    /// Where outcomes go.
    pub store: Sender,
    /// How it is stopped.
    pub control: Arc<Control>,
    /// Whether its threads' time is accounted for.
    pub measured: Option<Measured>,
}

/// Why a run ended before its URLs did.
#[derive(Debug, thiserror::Error)]
pub enum CrawlFailed {
    /// Threads could not be had.
    #[error("threads could not be had: {0}")]
    Threads(#[from] io::Error),
    /// Nothing more can be stored.
    #[error(transparent)]
    Store(#[from] StoreFailed),
}

impl Crawl {
    /// Works through `feed` on threads of its own; this one waits. Ends when
    /// every URL has its outcome or the run was stopped. The accounts are those
    /// of its threads, where they are measured.
    pub fn run(self: &Arc<Self>, feed: Feed) -> Result<Vec<WorkerAccount>, CrawlFailed> {
        let ended = match self.mode {
            Mode::Sequential => on_threads::one(self, feed, 1),
            Mode::Async => on_threads::one(self, feed, self.concurrency),
            Mode::Threads => on_threads::many(self, feed),
        };
        match self.control.store_failed() {
            Some(failed) => Err(failed.into()),
            None => Ok(ended?),
        }
    }

    /// How many threads it works on.
    pub fn threads(&self) -> usize {
        self.mode.threads(self.concurrency) + self.pool_size()
    }

    /// The URLs of `feed`, of no host more at once than it may be asked for.
    fn turns(&self, feed: Feed) -> Turns {
        Turns::new(feed, self.fetch.per_host())
    }

    /// How many connections each of its clients may keep open: those in use, and
    /// its part of the idle ones.
    fn connections(&self) -> usize {
        let clients = self.mode.threads(self.concurrency).max(1);
        let in_use = self.mode.at_once(self.concurrency).div_ceil(clients);
        in_use + (MOST_IDLE / clients).max(1)
    }

    /// Threads that do nothing but parse.
    fn pool_size(&self) -> usize {
        if self.mode == Mode::Async && self.kernel == Kernel::Heavy {
            self.parsers.max(1)
        } else {
            0
        }
    }
}
