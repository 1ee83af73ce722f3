//! One sample: an origin's pages, fetched a fixed number of times.

use super::api::RequestedStore;
use crate::crawl::{Control, Crawl, CrawlFailed, Feed, Measured, Mode, Stage};
use crate::fetch::{Options, Shared};
use crate::guard::Guard;
use crate::parse::Kernel;
use crate::progress::Progress;
use crate::resources;
use crate::store::{self, Database, Opened, RunId, Sender, StoreFailed, Stored, Target};
use cpu_budget::Cgroup;
use cpu_budget::clock::monotonic_seconds;
use measure::report::{ReplicaAccount, WorkerAccount};
use serde::Serialize;
use service_kit::sampling::{Start, Window, WorkerTime, add_job, end_at};
use std::sync::Arc;
use std::time::{Duration, SystemTime};
use tokio::runtime::Handle;
use url::Url;
use utoipa::ToSchema;

/// How long the store gets at a sample's end for what it holds.
const STORE_AT_THE_END: Duration = Duration::from_secs(30);

/// What is measured.
#[derive(Debug, Clone)]
pub struct Sample {
    /// Whose pages.
    pub origin: Url,
    /// How many.
    pub pages: u64,
    /// How it waits for them.
    pub mode: Mode,
    /// How many at once.
    pub workers: usize,
    /// How they are parsed.
    pub kernel: Kernel,
    /// Where outcomes are kept.
    pub store: RequestedStore,
    /// How often it is done, back to back.
    pub repeats: u32,
    /// How the clock is started.
    pub start: Start,
}

/// With what it is measured.
#[derive(Debug)]
pub struct Bench {
    /// Where the kernel's counters are.
    pub cgroup: Cgroup,
    /// Where the workers' time can be seen meanwhile.
    pub time: WorkerTime,
    /// What may be fetched.
    pub guard: Guard,
    /// The PostgreSQL, where one is known.
    pub database: Option<Database>,
    /// By which rules pages are fetched.
    pub options: Options,
    /// What opens and closes the store.
    pub runtime: Handle,
}

/// What a sample came to, all repeats together.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, ToSchema)]
pub struct Figures {
    /// Pages that came.
    pub pages: u64,
    /// Requests sent.
    pub requests: u64,
    /// Pages that did not come.
    pub failed_pages: u64,
    /// The most requests at once.
    pub highest_in_flight: u64,
    /// Bytes of the pages, decompressed.
    pub bytes: u64,
    /// The most memory that was resident; null where the kernel does not tell.
    pub memory_peak_bytes: Option<u64>,
    /// Outcomes stored; 0 with the store `none`.
    pub stored: u64,
}

/// A sample, taken.
#[derive(Debug, Clone)]
pub struct Taken {
    /// What the workers and the kernel counted.
    pub account: ReplicaAccount,
    /// What it came to.
    pub figures: Figures,
}

/// Why a sample could not be taken.
#[derive(Debug, thiserror::Error)]
pub enum SampleFailed {
    /// Its threads could not be had, or nothing more could be stored.
    #[error(transparent)]
    Crawl(#[from] CrawlFailed),
    /// The store could not be opened.
    #[error("the store cannot be opened: {0}")]
    Store(#[from] StoreFailed),
}

/// The repeats so far.
#[derive(Default)]
struct Repeats {
    workers: Vec<WorkerAccount>,
    /// How many pages came in each.
    pages: Vec<u64>,
}

impl Sample {
    /// Takes the sample on threads of its own, while this one waits. When
    /// cancelled, what was done so far is accounted for. Counts in `progress`.
    pub fn take(
        &self,
        bench: &Bench,
        control: &Arc<Control>,
        progress: &Arc<Progress>,
    ) -> Result<Taken, SampleFailed> {
        let (file, store) = self.open(bench)?;
        let mut crawl = self.crawl(bench, store.sender(), control, progress);
        let live = bench.time.watch(crawl.threads());
        resources::forget_memory_peak();
        let window = Window::open(
            &bench.cgroup,
            crawl.threads(),
            self.start,
            control.cancelled(),
        );
        live.opened(&window);
        let started = window.started();
        let (mut store, mut stored) = (Some(store), None);
        let (mut repeats, mut ended) = (Repeats::default(), started);
        for repeat in 1..=self.repeats {
            let before = progress.pages.get();
            live.job_started(ended);
            crawl.measured = Some(Measured {
                roster: live.roster().clone(),
                started: ended,
            });
            let job = Arc::new(crawl);
            let workers = job.run(Feed::pages(self.origin.clone(), self.pages))?;
            crawl = Arc::into_inner(job).expect("its threads have ended");
            let is_last = repeat == self.repeats || control.stage() > Stage::Running;
            if let Some(store) = store.take_if(|_| is_last) {
                // What is not stored yet is work of the job.
                stored = Some(bench.runtime.block_on(store.finish(STORE_AT_THE_END)));
            }
            ended = repeats.add(
                workers,
                ended,
                is_last && self.store != RequestedStore::None,
            );
            repeats.pages.push(progress.pages.get() - before);
            if is_last {
                break;
            }
        }
        let window = window.close(ended);
        live.closed();
        let memory_peak_bytes = resources::memory_peak_bytes();
        let stored = stored.as_ref();
        let answer = repeats.answer(stored);
        let account = window.account(repeats.workers, 0.0);
        live.settle(&account);
        drop(file);
        Ok(Taken {
            account: ReplicaAccount { answer, ..account },
            figures: Figures {
                pages: progress.pages.get(),
                requests: progress.requests.get(),
                failed_pages: progress.failed(),
                highest_in_flight: progress.highest_in_flight(),
                bytes: progress.bytes.get(),
                memory_peak_bytes,
                stored: match self.store {
                    RequestedStore::None => 0,
                    _ => stored.map_or(0, |stored| stored.rows),
                },
            },
        })
    }

    fn open(&self, bench: &Bench) -> Result<(TemporaryFile, Opened), SampleFailed> {
        let run = RunId::new(SystemTime::now());
        let file = TemporaryFile(std::env::temp_dir().join(format!("{run}.ndjson")));
        let target = Target {
            choice: self.store.choice(&file.0),
            database: bench.database.clone(),
            run,
            resume: false,
        };
        let store = bench.runtime.block_on(store::open(target))?;
        Ok((file, store))
    }

    fn crawl(
        &self,
        bench: &Bench,
        store: Sender,
        control: &Arc<Control>,
        progress: &Arc<Progress>,
    ) -> Crawl {
        let fetch = Shared::new(bench.options.clone(), bench.guard.clone(), progress.clone());
        Crawl {
            mode: self.mode,
            concurrency: self.workers,
            kernel: self.kernel,
            parsers: bench.cgroup.budget().advice().uses_whole_budget,
            fetch: Arc::new(fetch),
            store,
            control: control.clone(),
            measured: None,
        }
    }
}

impl Repeats {
    /// Adds the accounts of a job that began then; returns when it ended: with
    /// its last page, or `now` where something came after that.
    fn add(&mut self, mut workers: Vec<WorkerAccount>, started: f64, now: bool) -> f64 {
        let last = workers.iter().map(|worker| worker.ended_seconds);
        let last = last.fold(started, f64::max);
        let ended = if now || last <= started {
            monotonic_seconds()
        } else {
            last
        };
        for worker in &mut workers {
            end_at(worker, started, ended);
        }
        if self.workers.is_empty() {
            self.workers = workers;
        } else {
            for (sum, worker) in self.workers.iter_mut().zip(&workers) {
                add_job(sum, worker);
            }
        }
        ended
    }

    /// How many pages came and were stored in each; `None` where that differs,
    /// or nobody knows which of them are stored.
    fn answer(&self, stored: Option<&Stored>) -> Option<u64> {
        let (first, others) = self.pages.split_first()?;
        let all_stored = stored.is_some_and(|stored| stored.lost == 0 && stored.failed.is_none());
        (all_stored && others.iter().all(|pages| pages == first)).then_some(*first)
    }
}

/// A file that is removed when dropped, if it was made.
struct TemporaryFile(std::path::PathBuf);

impl Drop for TemporaryFile {
    fn drop(&mut self) {
        let _ = std::fs::remove_file(&self.0);
    }
}
