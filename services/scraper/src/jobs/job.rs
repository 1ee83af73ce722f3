//! One job.

use super::api::{ScrapeJob, ScrapeState};
use crate::crawl::Control;
use crate::progress::Progress;
use crate::store::{Kept, RunId, Sender};
use futures_util::FutureExt as _;
use std::panic::AssertUnwindSafe;
use std::sync::{Arc, OnceLock};
use std::time::{Duration, Instant};
use tokio::sync::watch;

/// How a job ended.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum End {
    Done,
    Cancelled,
    Failed(String),
}

/// A job, while it goes on and after.
#[derive(Debug)]
pub(super) struct Job {
    id: RunId,
    urls: u64,
    store: &'static str,
    pub progress: Arc<Progress>,
    pub control: Arc<Control>,
    kept: Arc<Kept>,
    sender: OnceLock<Sender>,
    started: Instant,
    ended: watch::Sender<Option<(End, Duration)>>,
}

impl Job {
    /// One that has just begun; what it counts is counted in `all` too.
    pub fn new(id: RunId, urls: u64, store: &'static str, all: &Arc<Progress>) -> Self {
        Self {
            id,
            urls,
            store,
            progress: Arc::new(Progress::part_of(all.clone())),
            control: Control::new(),
            kept: Arc::default(),
            sender: OnceLock::new(),
            started: Instant::now(),
            ended: watch::Sender::new(None),
        }
    }

    /// Its name, which is also its run's in the store.
    pub fn id(&self) -> &RunId {
        &self.id
    }

    /// How many URLs it has.
    pub fn urls(&self) -> u64 {
        self.urls
    }

    /// How many of them have an outcome.
    pub fn done(&self) -> u64 {
        self.progress.done()
    }

    pub fn kept(&self) -> Arc<Kept> {
        self.kept.clone()
    }

    /// Outcomes go there.
    pub fn storing_in(&self, sender: Sender) {
        let _ = self.sender.set(sender);
    }

    /// Waits for the end that `work` comes to, and tells it. A panic is an end
    /// too: nobody could stop or forget a job that seems to go on.
    pub async fn follow(&self, work: impl Future<Output = End>, lock: impl Sized) {
        let end = AssertUnwindSafe(work).catch_unwind().await;
        let end = end.unwrap_or_else(|_| {
            tracing::error!(job = %self.id, "the job's task panicked");
            End::Failed("the job met a defect of the service, whose log says which".into())
        });
        // Free before anybody hears of the end: the next one may come at once.
        drop(lock);
        self.end(end);
    }

    fn end(&self, end: End) {
        let seconds = self.started.elapsed();
        self.ended.send_replace(Some((end, seconds)));
    }

    pub fn is_under_way(&self) -> bool {
        self.ended.borrow().is_none()
    }

    /// Waits until it has ended.
    pub async fn ended(&self) {
        // Fails only when the other end is gone, which is here.
        let _ = self.ended.subscribe().wait_for(Option::is_some).await;
    }

    /// How much of it is done, 0 to 1.
    pub fn share(&self) -> f64 {
        (self.done() as f64 / self.urls.max(1) as f64).min(1.0)
    }

    /// What is told of it.
    pub fn view(&self) -> ScrapeJob {
        let ended = self.ended.borrow().clone();
        let elapsed = ended
            .as_ref()
            .map_or_else(|| self.started.elapsed(), |(_, elapsed)| *elapsed);
        let (state, error) = match ended {
            None => (ScrapeState::Running, None),
            Some((End::Done, _)) => (ScrapeState::Done, None),
            Some((End::Cancelled, _)) => (ScrapeState::Cancelled, None),
            Some((End::Failed(why), _)) => (ScrapeState::Failed, Some(why)),
        };
        let (progress, done) = (&self.progress, self.done());
        let seconds = elapsed.as_secs_f64();
        let failed = progress.failed_by_kind();
        let storing = self.sender.get().map(Sender::state);
        ScrapeJob {
            id: self.id.to_string(),
            state,
            error,
            store: self.store.into(),
            urls: self.urls,
            done,
            pages: progress.pages.get(),
            failed: failed
                .map(|(kind, count)| (kind.name().into(), count))
                .collect(),
            stored: storing.map_or(0, |storing| storing.stored),
            store_away_seconds: storing
                .and_then(|storing| storing.away_for)
                .map(|away| away.as_secs_f64()),
            requests: progress.requests.get(),
            in_flight: progress.in_flight(),
            bytes: progress.bytes.get(),
            seconds,
            seconds_left: (state == ScrapeState::Running && done > 0)
                .then(|| seconds / done as f64 * self.urls.saturating_sub(done) as f64),
        }
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;
    use std::time::SystemTime;

    #[tokio::test]
    async fn a_job_whose_task_panics_has_failed() {
        let all = Arc::default();
        let job = Job::new(RunId::new(SystemTime::now()), 5, "none", &all);
        let lock = Arc::new(());

        let defect = async {
            tokio::task::yield_now().await;
            panic!("a defect")
        };
        job.follow(defect, lock.clone()).await;

        assert!(!job.is_under_way());
        assert_eq!(job.view().state, ScrapeState::Failed);
        assert!(job.view().error.unwrap().contains("defect"));
        assert_eq!(Arc::strong_count(&lock), 1, "the next may begin");
    }
}
