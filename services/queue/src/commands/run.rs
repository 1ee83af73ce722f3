//! `queue run`: jobs done in this process, by the same threads as a worker's.

use crate::config::{Format, RunConfig};
use crate::job::{Job, JobId, NewJob, State, Totals};
use crate::metrics::Metrics;
use crate::spec::MOST_BATCH;
use crate::store::memory::Memory;
use crate::store::{Accepted, Place, Store};
use crate::worker::{Crew, Shared};
use anyhow::Context as _;
use comfy_table::{CellAlignment, Table, presets};
use cpu_budget::Cgroup;
use serde::Serialize;
use service_kit::latency::{Latency, LatencyFigures};
use service_kit::shutdown::Shutdown;
use service_kit::terminal;
use std::io::Write as _;
use std::process::ExitCode;
use std::time::{Duration, Instant};

/// How often it is looked whether all is done.
const LOOK_EVERY: Duration = Duration::from_millis(10);

/// How many errors are shown.
const ERRORS_SHOWN: usize = 10;

/// What a run came to.
#[derive(Debug, Serialize)]
struct Summary {
    /// Type of the jobs.
    #[serde(rename = "type")]
    kind: String,
    /// How many there were.
    jobs: u64,
    /// Threads for CPU jobs.
    threads: usize,
    /// From the first acceptance until the last was done, or the run was ended.
    seconds: f64,
    /// Jobs a second that succeeded.
    rate: f64,
    /// Where the jobs are.
    totals: Totals,
    /// Accepted until done, of jobs that succeeded.
    latency: LatencyFigures,
}

/// Runs the command.
pub fn run(config: &RunConfig, job: &NewJob) -> ExitCode {
    match measured(config, job) {
        Ok(code) => code,
        Err(error) => {
            eprintln!("✗ {error:#}");
            ExitCode::FAILURE
        }
    }
}

fn measured(config: &RunConfig, job: &NewJob) -> anyhow::Result<ExitCode> {
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .worker_threads(1)
        .enable_all()
        .build()?;
    let shutdown = runtime.block_on(async { Shutdown::on_signals() })?;
    let mut memory = Memory::new();
    let advice = Cgroup::of_this_process().budget().advice();
    let settings = config.work.settings(advice.uses_whole_budget);
    let place = Place::Memory(memory.clone());
    let shared = Shared::new(place, settings, "run".into(), Metrics::new()?);
    let began = Instant::now();
    let crew = Crew::start(&shared).context("threads could not be had")?;
    let ids = submit(&mut memory, job, config.jobs)?;
    while !is_done(&mut memory)? && !shutdown.has_begun() {
        std::thread::sleep(LOOK_EVERY);
    }
    let seconds = began.elapsed().as_secs_f64();
    crew.stop(Duration::from_secs_f64(config.drain_seconds));
    let jobs = ids.chunks(MOST_BATCH).map(|ids| memory.get(ids));
    let jobs: Vec<Vec<Option<Job>>> = jobs.collect::<Result<_, _>>()?;
    let jobs: Vec<Job> = jobs.into_iter().flatten().flatten().collect();
    let summary = Summary::of(
        job,
        &jobs,
        settings.threads,
        seconds,
        memory.stats()?.totals,
    );
    show(config, &summary, &jobs)?;
    runtime.shutdown_background();
    Ok(match shutdown.cause() {
        Some(cause) if summary.totals.succeeded < config.jobs => ExitCode::from(cause.exit_code()),
        _ if summary.totals.succeeded < config.jobs => ExitCode::FAILURE,
        _ => ExitCode::SUCCESS,
    })
}

fn submit(memory: &mut Memory, job: &NewJob, jobs: u64) -> anyhow::Result<Vec<JobId>> {
    let batch = vec![job.clone(); MOST_BATCH];
    let mut ids = Vec::with_capacity(jobs as usize);
    while (ids.len() as u64) < jobs {
        let left = (jobs - ids.len() as u64).min(MOST_BATCH as u64);
        for accepted in memory.submit(&[&batch[..left as usize]], u64::MAX)? {
            match accepted {
                Accepted::All(jobs) => ids.extend(jobs.iter().map(|job| job.id)),
                refused => anyhow::bail!("the jobs were refused: {refused:?}"),
            }
        }
    }
    Ok(ids)
}

fn is_done(memory: &mut Memory) -> anyhow::Result<bool> {
    let stats = memory.stats()?;
    let active = stats.by_state.get(&State::Active).copied().unwrap_or(0);
    Ok(stats.waiting + active == 0)
}

impl Summary {
    fn of(job: &NewJob, jobs: &[Job], threads: usize, seconds: f64, totals: Totals) -> Self {
        let mut latency = Latency::default();
        for job in jobs.iter().filter(|job| job.state == State::Succeeded) {
            let took = job.finished_at.unwrap_or(job.created_at) - job.created_at;
            latency.record((took * 1e9) as u64, 1);
        }
        Self {
            kind: job.kind.clone(),
            jobs: jobs.len() as u64,
            threads,
            seconds,
            rate: totals.succeeded as f64 / seconds,
            totals,
            latency: latency.figures(),
        }
    }

    fn table(&self) -> String {
        let mut table = Table::new();
        table.load_style(presets::NOTHING);
        let millis = |seconds: Option<f64>| {
            seconds.map_or("?".into(), |seconds| format!("{:.2} ms", seconds * 1e3))
        };
        let left = self.jobs - self.totals.succeeded - self.totals.died;
        for (name, value) in [
            ("type", self.kind.clone()),
            ("jobs", self.jobs.to_string()),
            ("succeeded", self.totals.succeeded.to_string()),
            ("dead", self.totals.died.to_string()),
            ("not done", left.to_string()),
            ("tries that failed", self.totals.failed_tries.to_string()),
            ("threads", self.threads.to_string()),
            ("wall", format!("{:.3} s", self.seconds)),
            ("jobs a second", format!("{:.0}", self.rate)),
            (
                "accepted until done, median",
                millis(self.latency.p50_seconds),
            ),
            (
                "accepted until done, 99 of 100",
                millis(self.latency.p99_seconds),
            ),
        ] {
            table.add_row([name.to_owned(), value]);
        }
        if let Some(column) = table.column_mut(1) {
            column.set_cell_alignment(CellAlignment::Right);
        }
        format!("{table}\n")
    }
}

fn show(config: &RunConfig, summary: &Summary, jobs: &[Job]) -> anyhow::Result<()> {
    if config.print {
        print_results(jobs)?;
    }
    let text = match config.format {
        Format::Json => serde_json::to_string_pretty(summary)? + "\n",
        Format::Table => summary.table(),
    };
    if config.print {
        // The results alone are standard output then.
        eprint!("{text}");
    } else {
        terminal::print(&text)?;
    }
    let dead = jobs.iter().filter(|job| job.state == State::Dead);
    for job in dead.take(ERRORS_SHOWN) {
        let error = job.error.as_deref().unwrap_or("?");
        eprintln!("✗ dead: job {}: {error}", job.id);
    }
    Ok(())
}

/// A line each; `null` for a job without a result.
fn print_results(jobs: &[Job]) -> anyhow::Result<()> {
    let mut output = std::io::BufWriter::new(std::io::stdout().lock());
    for job in jobs {
        let result = job.result.as_ref().map_or("null", |result| result.get());
        let written = writeln!(output, "{result}");
        if matches!(&written, Err(error) if error.kind() == std::io::ErrorKind::BrokenPipe) {
            return Ok(());
        }
        written?;
    }
    output.flush()?;
    Ok(())
}
