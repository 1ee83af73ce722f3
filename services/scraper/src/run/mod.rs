//! `scraper run`: a list of URLs, or an origin's pages, here and now.

mod bar;
mod ended;
mod input;
mod summary;

use crate::config::RunConfig;
use crate::crawl::{Control, Crawl, CrawlFailed};
use crate::fetch::Shared;
use crate::guard::{AllowList, Entry, Guard};
use crate::progress::Progress;
use crate::source::Found;
use crate::store::{self, Opened, RunId, StoreChoice, Target};
use anyhow::Context;
use bar::Bar;
use ended::Ended;
use input::Input;
use service_kit::config::EXIT_BAD_CONFIG;
use service_kit::open_files;
use service_kit::shutdown::Shutdown;
use std::process::ExitCode;
use std::sync::Arc;
use std::time::{Duration, Instant, SystemTime};
use summary::Summary;
use tokio::sync::oneshot;

/// How often what a person sees is drawn anew.
const REDRAW: Duration = Duration::from_millis(200);

/// How long the store gets for what it holds when nothing hurries: it may be
/// away at just that moment.
const STORE_AT_THE_END: Duration = Duration::from_mins(1);

/// How long threads that compute something get once all is given up.
const THREADS_AFTER_CANCEL: Duration = Duration::from_secs(1);

/// With `--urls` and no other word, as many requests to one host as a browser sends.
const PER_HOST: usize = 6;

type Crawled = Result<Vec<measure::report::WorkerAccount>, CrawlFailed>;

/// Runs it and prints what came of it.
pub fn run(config: &RunConfig) -> ExitCode {
    open_files::allow_many();
    ended(config).unwrap_or_else(|error| {
        eprintln!("✗ {error:#}");
        ExitCode::FAILURE
    })
}

fn ended(config: &RunConfig) -> anyhow::Result<ExitCode> {
    let target = match target(config) {
        Ok(target) => target,
        Err(reason) => return Ok(bad_input(&reason)),
    };
    let input = match Input::open(config) {
        Ok(input) => input,
        Err(reason) => return Ok(bad_input(&reason)),
    };
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .worker_threads(1)
        .enable_all()
        .build()
        .context("cannot start a thread for signals")?;
    let code = runtime.block_on(scraped(config, target, input));
    // A list on standard input may still be waited for.
    runtime.shutdown_background();
    code
}

fn bad_input(reason: &str) -> ExitCode {
    eprintln!("bad configuration: {reason}");
    ExitCode::from(EXIT_BAD_CONFIG)
}

fn target(config: &RunConfig) -> Result<Target, String> {
    let database = config.database.database()?;
    if config.store == StoreChoice::Postgres && database.is_none() {
        return Err("--store postgres needs --database-url (SCRAPER_DATABASE_URL)".into());
    }
    if config.store == StoreChoice::None && config.resume.is_some() {
        return Err("--resume needs the --store that has the run's outcomes".into());
    }
    let new = || RunId::new(SystemTime::now());
    Ok(Target {
        choice: config.store.clone(),
        database,
        run: config.resume.clone().unwrap_or_else(new),
        resume: config.resume.is_some(),
    })
}

fn guard(config: &RunConfig) -> Guard {
    if config.allow_private {
        return Guard::unrestricted();
    }
    // Who names an origin means it, wherever it is.
    let origin = config.origin.as_ref().and_then(Entry::of);
    Guard::new(AllowList::new(origin.into_iter().chain([Entry::any()])))
}

/// A run while it goes on.
struct Running<'a> {
    config: &'a RunConfig,
    run: RunId,
    control: Arc<Control>,
    progress: Arc<Progress>,
    found: Arc<Found>,
    shutdown: Shutdown,
    started: Instant,
}

async fn scraped(config: &RunConfig, target: Target, input: Input) -> anyhow::Result<ExitCode> {
    let shutdown = Shutdown::on_signals()?;
    let run = target.run.clone();
    // A database may be waited for.
    let store = tokio::select! {
        biased;
        opened = store::open(target) => opened.context("the store cannot be opened")?,
        cause = shutdown.begun() => {
            let name = cause.name();
            eprintln!("✗ interrupted by {name} while the store was opened: nothing was fetched");
            return Ok(ExitCode::from(cause.exit_code()));
        }
    };
    say_run(config, &run, store.done().len());
    let running = Running {
        config,
        run,
        control: Control::new(),
        progress: Arc::default(),
        found: Arc::default(),
        shutdown,
        started: Instant::now(),
    };
    running.finished(store, input).await
}

/// Which run it is, before anything can end it: a killed one says nothing.
fn say_run(config: &RunConfig, run: &RunId, done: usize) {
    if config.store == StoreChoice::None {
        return;
    }
    match &config.resume {
        None => eprintln!("run {run}; --resume {run} goes on with it"),
        Some(_) if done == 0 => eprintln!("nothing is stored of run {run}, so all is fetched"),
        Some(_) => eprintln!("run {run} goes on: {done} URLs have their outcome"),
    }
}

impl Running<'_> {
    async fn finished(self, store: Opened, input: Input) -> anyhow::Result<ExitCode> {
        let (progress, found) = (self.progress.clone(), self.found.clone());
        let bar = Bar::new(input.lines(), progress, found, store.sender());
        let (feed, read) = input.feed(store.done(), self.found.clone(), bar.complainer())?;
        let crawl = self.crawl(&store);
        let (sender, crawled) = oneshot::channel();
        std::thread::Builder::new()
            .name("crawl".into())
            .spawn(move || sender.send(crawl.run(feed)))
            .context("no thread for the run")?;
        let crawled = self.shown(&bar, self.crawled(crawled)).await;
        let stored = store.finish_unless(self.store_is_given_up());
        let stored = self.shown(&bar, stored).await;
        bar.finish();
        Ended {
            summary: Summary::of(&self, &stored),
            store_failed: stored.failed,
            crawled,
            cause: self.shutdown.cause(),
            read: read.ended(),
        }
        .report(self.config)
    }

    fn crawl(&self, store: &Opened) -> Arc<Crawl> {
        let per_host = self.config.urls.is_some().then_some(PER_HOST);
        let options = self.config.fetch.options(per_host);
        let budget = cpu_budget::CpuBudget::read();
        Arc::new(Crawl {
            mode: self.config.mode,
            concurrency: self.config.concurrency,
            kernel: self.config.parse,
            parsers: budget.advice().uses_whole_budget,
            fetch: Arc::new(Shared::new(
                options,
                guard(self.config),
                self.progress.clone(),
            )),
            store: store.sender(),
            control: self.control.clone(),
            measured: None,
        })
    }

    /// Waits for the end of the fetching, and stops it when told to.
    async fn crawled(&self, crawled: oneshot::Receiver<Crawled>) -> anyhow::Result<()> {
        tokio::select! {
            biased;
            ended = crawled => {
                ended.context("the run's thread panicked")??;
            }
            () = self.stopped() => {}
        }
        Ok(())
    }

    /// Once told to end: lets what is under way finish, then gives it up.
    async fn stopped(&self) {
        self.shutdown.begun().await;
        self.control.drain();
        tokio::time::sleep(self.drain()).await;
        self.control.cancel();
        tokio::time::sleep(THREADS_AFTER_CANCEL).await;
    }

    /// Ends when the store is waited for no longer: sooner once told to end,
    /// whenever that is.
    async fn store_is_given_up(&self) {
        tokio::select! {
            biased;
            _ = self.shutdown.begun() => tokio::time::sleep(self.drain()).await,
            () = tokio::time::sleep(STORE_AT_THE_END) => {}
        }
    }

    fn drain(&self) -> Duration {
        Duration::from_secs_f64(self.config.drain_seconds)
    }

    /// Shows how far it is until `work` ends.
    async fn shown<T>(&self, bar: &Bar, work: impl Future<Output = T>) -> T {
        let mut redraw = tokio::time::interval(REDRAW);
        tokio::pin!(work);
        loop {
            tokio::select! {
                biased;
                done = &mut work => return done,
                _ = redraw.tick() => bar.draw(self.started.elapsed(), self.shutdown.has_begun()),
            }
        }
    }
}
