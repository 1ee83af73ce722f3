//! `scraper run`: a list of URLs, or an origin's pages, here and now.

mod bar;
mod input;
mod summary;

use crate::config::{Format, RunConfig};
use crate::crawl::{Control, Crawl, CrawlFailed};
use crate::fetch::Shared;
use crate::guard::{AllowList, Entry, Guard};
use crate::progress::Progress;
use crate::resources;
use crate::source::Found;
use crate::store::{self, Opened, RunId, StoreChoice, Stored, Target};
use anyhow::Context;
use bar::Bar;
use input::Input;
use service_kit::config::EXIT_BAD_CONFIG;
use service_kit::shutdown::{Cause, Shutdown};
use service_kit::terminal;
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

/// With `--urls` and no other word, as many requests to one host as a browser sends.
const PER_HOST: usize = 6;

/// Runs it and prints what came of it.
pub fn run(config: &RunConfig) -> ExitCode {
    resources::allow_many_files();
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
    let store = store::open(target)
        .await
        .context("the store cannot be opened")?;
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
        let (sender, mut crawled) = oneshot::channel();
        std::thread::Builder::new()
            .name("crawl".into())
            .spawn(move || sender.send(crawl.run(feed)))
            .context("no thread for the run")?;
        let crawled = self.watch(&bar, &mut crawled).await;
        bar.finish();
        let patience = if self.shutdown.has_begun() {
            Duration::from_secs_f64(self.config.drain_seconds)
        } else {
            STORE_AT_THE_END
        };
        let stored = store.finish(patience).await;
        crawled?;
        // A list that cannot be read to its end is no list that was fetched.
        let read = if self.shutdown.has_begun() {
            Ok(())
        } else {
            read.ended().await
        };
        self.report(&stored, read)
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

    /// Shows how far it is until it ends, and stops it when told to.
    async fn watch(
        &self,
        bar: &Bar,
        crawled: &mut oneshot::Receiver<Result<Vec<measure::report::WorkerAccount>, CrawlFailed>>,
    ) -> anyhow::Result<()> {
        let mut redraw = tokio::time::interval(REDRAW);
        let drain = async {
            self.shutdown.begun().await;
            self.control.drain();
            tokio::time::sleep(Duration::from_secs_f64(self.config.drain_seconds)).await;
            self.control.cancel();
            std::future::pending::<()>().await;
        };
        tokio::pin!(drain);
        loop {
            tokio::select! {
                ended = &mut *crawled => {
                    ended.context("the run's thread panicked")??;
                    return Ok(());
                }
                () = &mut drain => {}
                _ = redraw.tick() => bar.draw(self.started.elapsed(), self.shutdown.has_begun()),
            }
        }
    }

    fn report(&self, stored: &Stored, read: Result<(), String>) -> anyhow::Result<ExitCode> {
        let summary = Summary::of(self, stored);
        let text = match self.config.format {
            Format::Json => serde_json::to_string_pretty(&summary)? + "\n",
            Format::Table => summary.table(),
        };
        terminal::print(&text)?;
        if let Some(failed) = &stored.failed {
            anyhow::bail!("the store gave up: {failed}");
        }
        if let Some(cause) = self.shutdown.cause() {
            eprintln!("✗ {}", summary.left_behind(cause.name()));
            return Ok(interrupted(cause));
        }
        if stored.lost > 0 {
            anyhow::bail!(
                "{} outcomes could not be stored in time{}",
                stored.lost,
                summary.how_to_resume()
            );
        }
        if let Err(reason) = read {
            return Ok(bad_input(&reason));
        }
        let counts = self.found.counts();
        if counts.bad_lines > 0 {
            let of = self
                .config
                .urls
                .as_ref()
                .map(ToString::to_string)
                .unwrap_or_default();
            return Ok(bad_input(&format!(
                "{} lines of {of} are no URLs; all others were fetched",
                counts.bad_lines
            )));
        }
        if counts.given + counts.done_before == 0 {
            let of = self
                .config
                .urls
                .as_ref()
                .map(ToString::to_string)
                .unwrap_or_default();
            return Ok(bad_input(&format!("{of} holds no URL")));
        }
        Ok(ExitCode::SUCCESS)
    }
}

fn interrupted(cause: Cause) -> ExitCode {
    ExitCode::from(cause.exit_code())
}
