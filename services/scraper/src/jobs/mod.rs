//! `POST /scrape`: a list of URLs, or an origin's pages, as a job.
//!
//! A job is a run like any other, so there is one at a time and none beside a
//! measured one. Its results are kept in memory, which is bounded, until newer
//! jobs take their place, whatever the store.

mod api;
mod job;
mod request;
mod routes;

pub use api::{ScrapeApi, ScrapeJob, ScrapeJobs, ScrapeResult, ScrapeResults};
pub use request::ScrapeRequest;
pub use routes::router;

use crate::crawl::{Crawl, CrawlFailed, Feed, Stage};
use crate::fetch::{Options, Shared};
use crate::guard::Guard;
use crate::parse::Kernel;
use crate::progress::Progress;
use crate::store::{self, Database, RunId, Stored, Target};
use job::{End, Job};
use request::Plan;
use service_kit::runlock::{RunLock, RunLockError};
use service_kit::shutdown::Shutdown;
use std::collections::VecDeque;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, SystemTime};
use tokio::sync::oneshot;

/// How many jobs are kept, the one that goes on included.
const MOST_JOBS: usize = 8;

/// What the results of those that have ended take at most, bytes; one that goes
/// on may come to as much again, with 10,000 of the longest URLs and titles.
const MOST_KEPT_BYTES: usize = 32 << 20;

/// How long the store gets at the end of a job: it may be away at that moment.
const STORE_AT_THE_END: Duration = Duration::from_mins(1);

/// How long it gets when a job was stopped: whoever did that waits for the next.
const STORE_WHEN_CANCELLED: Duration = Duration::from_secs(5);

/// What URLs under way get to finish when the service must end, and then what
/// is in the store's buffer.
const DRAIN: Duration = Duration::from_millis(750);

/// How long a job takes to end once the service must.
pub const ENDS_WITHIN: Duration = Duration::from_secs(2);

/// By which rules jobs are done.
#[derive(Debug, Clone)]
pub struct Settings {
    /// The name of the lock on measured runs.
    pub station: String,
    /// What may be fetched: always asked, whoever sends the job.
    pub guard: Guard,
    /// For the store `postgres`.
    pub database: Option<Database>,
    /// How pages are fetched.
    pub options: Options,
    /// What is counted of all runs of this process.
    pub all: Arc<Progress>,
}

/// The jobs of this process.
#[derive(Debug)]
pub struct Jobs {
    settings: Settings,
    shutdown: Shutdown,
    /// The newest is the last.
    kept: Mutex<VecDeque<Arc<Job>>>,
}

/// Why no job was begun.
#[derive(Debug, thiserror::Error)]
enum Refused {
    #[error("a measured run or another job is going on; two at once would spoil both")]
    Busy(Option<Arc<Job>>),
    #[error("the job could not be begun")]
    Failed(#[source] anyhow::Error),
}

impl Jobs {
    /// None yet.
    pub fn new(settings: Settings, shutdown: Shutdown) -> Arc<Self> {
        Arc::new(Self {
            settings,
            shutdown,
            kept: Mutex::default(),
        })
    }

    /// Waits until no job goes on; at the end of the service, so that what was
    /// fetched is stored.
    pub async fn ended(&self) {
        while let Some(job) = self.under_way() {
            job.ended().await;
        }
    }

    /// Begins a job.
    fn start(self: &Arc<Self>, plan: Plan) -> Result<Arc<Job>, Refused> {
        let lock = RunLock::try_acquire(&self.settings.station).map_err(|error| match error {
            RunLockError::Busy { .. } => Refused::Busy(self.under_way()),
            error @ RunLockError::Unusable { .. } => Refused::Failed(error.into()),
        })?;
        let run = RunId::new(SystemTime::now());
        let job = Arc::new(Job::new(
            run,
            plan.urls(),
            plan.store_name(),
            &self.settings.all,
        ));
        self.keep(job.clone());
        let (jobs, of_task) = (self.clone(), job.clone());
        tokio::spawn(async move {
            of_task.follow(jobs.to_its_end(&of_task, plan), lock).await;
        });
        Ok(job)
    }

    /// How a job ended, in words for its client; the log has the cause.
    async fn to_its_end(&self, job: &Arc<Job>, plan: Plan) -> End {
        match self.work(job, plan).await {
            Ok(stored) if stored.failed.is_some() || stored.lost > 0 => {
                let cause = match stored.failed {
                    Some(failed) => failed.to_string(),
                    None => "the job was ended before the store had all of it".into(),
                };
                tracing::error!(job = %job.id(), cause, lost = stored.lost, "outcomes were not stored");
                End::Failed(format!(
                    "{} outcomes could not be stored; the service's log says why",
                    stored.lost
                ))
            }
            Ok(_) if job.done() < job.urls() => End::Cancelled,
            Ok(_) => End::Done,
            Err(error) => {
                tracing::error!(job = %job.id(), error = format!("{error:#}"), "the job failed");
                End::Failed("the job could not be done; the service's log says why".into())
            }
        }
    }

    async fn work(&self, job: &Arc<Job>, plan: Plan) -> anyhow::Result<Stored> {
        let opening = store::open(Target {
            choice: plan.store_choice(),
            database: self.settings.database.clone(),
            run: job.id().clone(),
            resume: false,
        });
        // A database may be waited for.
        let opened = tokio::select! {
            biased;
            opened = opening => opened?,
            () = job.control.reached(Stage::Draining) => return Ok(Stored::default()),
            _ = self.shutdown.begun() => return Ok(Stored::default()),
        };
        let sender = opened.sender().keeping(job.kept());
        job.storing_in(sender.clone());
        let crawl = Arc::new(Crawl {
            mode: plan.mode,
            concurrency: plan.concurrency,
            kernel: plan.kernel,
            parsers: parsers(plan.kernel),
            fetch: Arc::new(self.rules(job, &plan)),
            store: sender,
            control: job.control.clone(),
            measured: None,
        });
        let crawled = self.crawled(job, crawl, plan.into_feed()).await;
        let stored = opened.finish_unless(self.store_is_given_up(job)).await;
        if self.shutdown.has_begun() {
            let (done, urls, lost) = (job.done(), job.urls(), stored.lost);
            tracing::warn!(job = %job.id(), done, urls, lost, "the job was cut off");
        }
        crawled.map(|()| stored)
    }

    fn rules(&self, job: &Job, plan: &Plan) -> Shared {
        let options = Options {
            per_host: plan.per_host().or(self.settings.options.per_host),
            ..self.settings.options.clone()
        };
        Shared::new(options, self.settings.guard.clone(), job.progress.clone())
    }

    /// Ends when the store is waited for no longer: sooner once somebody waits
    /// for the job's end, whenever that is.
    async fn store_is_given_up(&self, job: &Job) {
        let when_cancelled = async {
            job.control.reached(Stage::Cancelled).await;
            tokio::time::sleep(STORE_WHEN_CANCELLED).await;
        };
        let when_told_to_end = async {
            self.shutdown.begun().await;
            tokio::time::sleep(DRAIN).await;
        };
        tokio::select! {
            () = when_told_to_end => {}
            () = when_cancelled => {}
            () = tokio::time::sleep(STORE_AT_THE_END) => {}
        }
    }

    /// Fetches on threads of its own, until that is done or the service must end.
    async fn crawled(&self, job: &Job, crawl: Arc<Crawl>, feed: Feed) -> anyhow::Result<()> {
        let (sender, mut ended) = oneshot::channel();
        std::thread::Builder::new()
            .name("crawl".into())
            .spawn(move || sender.send(crawl.run(feed)))?;
        let told_to_end = async {
            self.shutdown.begun().await;
            job.control.drain();
            tokio::time::sleep(DRAIN).await;
            job.control.cancel();
            std::future::pending::<()>().await;
        };
        let ended = tokio::select! {
            ended = &mut ended => ended,
            () = told_to_end => unreachable!("it never ends"),
        };
        match ended {
            // The store says itself why it failed.
            Ok(Ok(_) | Err(CrawlFailed::Store(_))) => Ok(()),
            Ok(Err(error)) => Err(error.into()),
            Err(_) => Err(anyhow::anyhow!("the job's thread panicked")),
        }
    }

    /// Keeps `job`, and of the others the newest.
    fn keep(&self, job: Arc<Job>) {
        let mut kept = self.kept();
        kept.push_back(job);
        let bytes = |kept: &VecDeque<Arc<Job>>| -> usize {
            kept.iter().map(|job| job.kept().bytes()).sum()
        };
        while kept.len() > MOST_JOBS || bytes(&kept) > MOST_KEPT_BYTES {
            kept.pop_front();
        }
    }

    fn find(&self, id: &str) -> Option<Arc<Job>> {
        let kept = self.kept();
        kept.iter().find(|job| job.id().as_str() == id).cloned()
    }

    fn all(&self) -> Vec<Arc<Job>> {
        self.kept().iter().cloned().collect()
    }

    fn under_way(&self) -> Option<Arc<Job>> {
        let kept = self.kept();
        kept.iter().find(|job| job.is_under_way()).cloned()
    }

    /// Drops a job that has ended.
    fn forget(&self, id: &str) {
        self.kept().retain(|job| job.id().as_str() != id);
    }

    fn kept(&self) -> MutexGuard<'_, VecDeque<Arc<Job>>> {
        self.kept.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

fn parsers(kernel: Kernel) -> usize {
    match kernel {
        Kernel::Heavy => cpu_budget::CpuBudget::read().advice().uses_whole_budget,
        Kernel::None | Kernel::Light => 1,
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;
    use crate::guard::AllowList;
    use crate::outcome::Outcome;
    use crate::store::Row;

    /// A job that has ended, with some 10 MB of results.
    fn large() -> Arc<Job> {
        let job = Job::new(RunId::new(SystemTime::now()), 5000, "none", &Arc::default());
        let url: url::Url = format!("http://h/{}", "a".repeat(2000)).parse().unwrap();
        for _ in 0..5000 {
            job.kept().push(Row::from(Outcome {
                url: url.clone(),
                status: None,
                error: None,
                attempts: 1,
                page: None,
                bytes: 0,
                elapsed: Duration::ZERO,
                fetched_at: SystemTime::UNIX_EPOCH,
            }));
        }
        Arc::new(job)
    }

    #[test]
    fn of_large_results_only_the_newest_are_kept() {
        let settings = Settings {
            station: String::new(),
            guard: Guard::new(AllowList::default()),
            database: None,
            options: Options::default(),
            all: Arc::default(),
        };
        let jobs = Jobs::new(settings, Shutdown::new());
        let all: Vec<_> = (0..5).map(|_| large()).collect();

        for job in &all {
            jobs.keep(job.clone());
        }

        let kept = jobs.all();
        let bytes: usize = kept.iter().map(|job| job.kept().bytes()).sum();
        assert!((20_000_000..=MOST_KEPT_BYTES).contains(&bytes), "{bytes}");
        assert!(Arc::ptr_eq(kept.last().unwrap(), &all[4]));
    }
}
