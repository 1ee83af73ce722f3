//! The way of one URL: fetched, parsed, stored.

use super::pool::Parsers;
use super::{Control, Crawl, Mode, Stage, clock};
use crate::fetch::{Fetched, Fetcher};
use crate::outcome::{ErrorKind, Outcome, Page};
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;
use std::time::SystemTime;
use url::Url;

/// Parsing more than this is too long for a thread that serves other requests
/// meanwhile.
const LARGE: usize = 256 * 1024;

/// What a thread does with its URLs.
pub(super) struct Pages {
    crawl: Arc<Crawl>,
    fetcher: Fetcher,
    parsers: Option<Parsers>,
}

impl Pages {
    /// For the runtime that it is used on.
    pub(super) fn new(crawl: &Arc<Crawl>, parsers: Option<Parsers>) -> Self {
        Self {
            fetcher: Fetcher::new(crawl.fetch.clone(), crawl.connections()),
            crawl: crawl.clone(),
            parsers,
        }
    }

    /// How the run is stopped.
    pub(super) fn control(&self) -> &Control {
        &self.crawl.control
    }

    /// Takes one URL all the way, unless the run is cancelled meanwhile.
    pub(super) async fn page(&self, url: Url) {
        tokio::select! {
            biased;
            () = self.whole_way(url) => {}
            () = self.crawl.control.reached(Stage::Cancelled) => {}
        }
    }

    async fn whole_way(&self, url: Url) {
        let fetched = self.fetcher.fetch(&url).await;
        let (fetched, page) = self.parse(fetched).await;
        let outcome = outcome(url, fetched, page);
        let (error, bytes) = (outcome.error, outcome.bytes);
        match self.crawl.store.put(outcome).await {
            // Not before: a run that is stopped while the store is full has lost
            // no account of this one, and says that it is left.
            Ok(()) => self.crawl.fetch.progress.ended(error, bytes),
            Err(failed) => self.crawl.control.fail(failed),
        }
        clock::put_down();
    }

    async fn parse(&self, mut fetched: Fetched) -> (Fetched, Option<Page>) {
        let kernel = self.crawl.kernel;
        // Not taken along where nothing is left of it but the outcome.
        let body = match std::mem::replace(&mut fetched.body, Err(ErrorKind::Internal)) {
            Ok(body) => body,
            Err(error) => {
                fetched.body = Err(error);
                return (fetched, None);
            }
        };
        let is_large = body.content.len() > LARGE && self.crawl.mode == Mode::Async;
        // A fault in the parser costs one page.
        let parse = move || {
            let parse = || kernel.parse(&body.content, body.content_type.as_deref());
            catch_unwind(AssertUnwindSafe(parse)).ok()
        };
        let page = match &self.parsers {
            Some(parsers) => parsers.parse(parse).await,
            None if is_large => tokio::task::spawn_blocking(parse).await.ok().flatten(),
            None => parse(),
        };
        match page {
            Some(page) => {
                fetched.body = Ok(crate::fetch::Body::default());
                (fetched, page)
            }
            // The parser panicked.
            None => (fetched, None),
        }
    }
}

fn outcome(url: Url, fetched: Fetched, page: Option<Page>) -> Outcome {
    Outcome {
        url,
        status: fetched.status,
        error: fetched.body.err(),
        attempts: fetched.attempts,
        page,
        bytes: fetched.bytes,
        elapsed: fetched.elapsed,
        fetched_at: SystemTime::now(),
    }
}
