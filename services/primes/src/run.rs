//! `primes run`: measures here and now, without any other component: a
//! sequential baseline and the strategy asked for, in interleaved rounds.

use crate::config::{Format, RunConfig};
use crate::sample::{Sample, Taken};
use crate::workload::{Control, Job, Shard, Strategy};
use anyhow::Context;
use cpu_budget::{Cgroup, CpuBudget};
use indicatif::{ProgressBar, ProgressStyle};
use measure::calibration;
use measure::report::{Invariant, Round, Row, RunReport};
use measure::text;
use service_kit::config::EXIT_BAD_CONFIG;
use service_kit::host::report_here;
use service_kit::runlock::RunLock;
use service_kit::sampling::WorkerTime;
use service_kit::shutdown::{Cause, Shutdown};
use service_kit::terminal;
use std::io::IsTerminal;
use std::process::ExitCode;
use std::sync::Arc;
use std::time::{Duration, SystemTime};

/// How often the bar is drawn anew: seldom, since drawing costs CPU that is
/// being measured.
const REDRAW: Duration = Duration::from_secs(1);

/// Runs it and prints what came of it.
pub fn run(config: &RunConfig) -> ExitCode {
    measured(config).unwrap_or_else(|error| {
        eprintln!("✗ {error:#}");
        ExitCode::FAILURE
    })
}

fn measured(config: &RunConfig) -> anyhow::Result<ExitCode> {
    let job = match Job::new(config.from, config.limit, config.kernel, Shard::WHOLE) {
        Ok(job) => job,
        Err(error) => {
            eprintln!("bad configuration: {error}");
            return Ok(ExitCode::from(EXIT_BAD_CONFIG));
        }
    };
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .worker_threads(1)
        .enable_all()
        .build()
        .context("cannot start a thread for signals")?;
    let _entered = runtime.enter();
    let shutdown = Shutdown::on_signals()?;
    let _lock = RunLock::try_acquire(&config.station)
        .context("two at once would spoil both figures, so this one was not started")?;
    let report = Bench::new(config, job, shutdown.clone()).run()?;
    if report.rows.iter().any(|row| row.rounds.is_empty()) {
        eprintln!("✗ interrupted before the first whole round: nothing was measured");
        return Ok(interrupted(&shutdown));
    }
    match config.format {
        Format::Json => terminal::print(&(serde_json::to_string_pretty(&report)? + "\n"))?,
        Format::Table => terminal::print(&text::render(&report, &terminal::style()))?,
    }
    if report.partial {
        let (kept, asked) = (report.rows[0].rounds.len(), config.rounds);
        eprintln!("✗ interrupted: {kept} of {asked} rounds were measured");
        return Ok(interrupted(&shutdown));
    }
    let held = report.invariants.iter().all(|invariant| invariant.held);
    Ok(if held {
        ExitCode::SUCCESS
    } else {
        ExitCode::FAILURE
    })
}

/// The exit code of a run that a signal ended: 130 after Ctrl-C.
fn interrupted(shutdown: &Shutdown) -> ExitCode {
    let cause = shutdown.cause().unwrap_or(Cause::Interrupt);
    ExitCode::from(cause.exit_code())
}

/// One measured run in this process.
struct Bench<'a> {
    config: &'a RunConfig,
    cgroup: Cgroup,
    budget: CpuBudget,
    time: WorkerTime,
    samples: Vec<Sample>,
    shutdown: Shutdown,
    bar: ProgressBar,
}

impl<'a> Bench<'a> {
    /// The baseline, and the strategy asked for unless it is the same.
    fn new(config: &'a RunConfig, job: Job, shutdown: Shutdown) -> Self {
        let cgroup = Cgroup::of_this_process();
        let budget = cgroup.budget();
        let sample = |strategy: Strategy, workers| Sample {
            job: job.for_workers(workers),
            strategy,
            workers,
            repeats: 1,
            start: service_kit::sampling::Start::Aligned,
        };
        let asked = sample(config.strategy, config.workers.resolve(&budget));
        let mut samples = vec![sample(Strategy::Sequential, 1)];
        if (asked.strategy, asked.workers) != (Strategy::Sequential, 1) {
            samples.push(asked);
        }
        let bar = if std::io::stderr().is_terminal() {
            let style = ProgressStyle::with_template("{bar:24} {msg}")
                .expect("the template is a constant that parses");
            ProgressBar::new(u64::from(config.rounds) * samples.len() as u64)
                .with_style(style.progress_chars("━━─"))
        } else {
            ProgressBar::hidden()
        };
        bar.enable_steady_tick(REDRAW);
        Self {
            config,
            time: WorkerTime::new(cgroup.clone()),
            cgroup,
            budget,
            samples,
            shutdown,
            bar,
        }
    }

    /// Calibrates, measures, and draws the report. A run that was interrupted
    /// keeps its whole rounds.
    fn run(mut self) -> anyhow::Result<RunReport> {
        let started = SystemTime::now();
        self.calibrate()?;
        let mut rows: Vec<Row> = self.samples.iter().map(|sample| self.row(sample)).collect();
        let partial = !self.measure(&mut rows)?;
        self.bar.finish_and_clear();
        let mut report = report_here("primes run", &self.config.station, started);
        report.partial = partial;
        report.parameters = self.parameters();
        report.rows = rows;
        report.invariants.push(same_answers(&report));
        measure::analysis::analyse(&mut report);
        Ok(report)
    }

    fn parameters(&self) -> std::collections::BTreeMap<String, serde_json::Value> {
        let config = self.config;
        [
            ("limit", config.limit.into()),
            ("from", config.from.into()),
            ("kernel", config.kernel.name().into()),
            ("rounds", config.rounds.into()),
            ("min_seconds", config.min_seconds.into()),
        ]
        .map(|(name, value)| (name.to_owned(), value))
        .into()
    }

    fn row(&self, sample: &Sample) -> Row {
        Row {
            station: self.config.station.clone(),
            strategy: sample.strategy.name().into(),
            kernel: self.config.kernel.name().into(),
            workers: sample.workers,
            baseline: (sample.strategy, sample.workers) == (Strategy::Sequential, 1),
            ..Row::default()
        }
    }

    /// Finds out how often each sample must do the job.
    fn calibrate(&mut self) -> anyhow::Result<()> {
        for index in 0..self.samples.len() {
            loop {
                let sample = self.samples[index];
                self.bar
                    .set_message(format!("calibrating {}", sample.strategy.name()));
                let Some(taken) = self.take(&sample)? else {
                    return Ok(());
                };
                let probe = round_of(0, &sample, taken);
                let granted = self.budget.effective_cpus().unwrap_or(f64::INFINITY);
                let granted = granted.min(sample.strategy.threads(sample.workers) as f64);
                let job = calibration::sustained_repeat_seconds(&probe, granted);
                let next = calibration::next_repeats(
                    sample.repeats,
                    probe.wall_seconds(),
                    job,
                    self.config.min_seconds,
                );
                self.samples[index].repeats = next.repeats();
                if next.is_final() {
                    break;
                }
            }
        }
        Ok(())
    }

    /// Measures all rounds; `false` when it was interrupted.
    fn measure(&self, rows: &mut [Row]) -> anyhow::Result<bool> {
        for round in 0..self.config.rounds {
            let mut taken = Vec::new();
            for sample in &self.samples {
                let (number, rounds) = (round + 1, self.config.rounds);
                let (name, workers) = (sample.strategy.name(), sample.workers);
                self.bar
                    .set_message(format!("round {number} of {rounds} · {name} · {workers}"));
                let Some(sample_taken) = self.take(sample)? else {
                    return Ok(false);
                };
                taken.push(sample_taken);
                self.bar.inc(1);
            }
            for ((row, sample), taken) in rows.iter_mut().zip(&self.samples).zip(taken) {
                row.work_shares.clone_from(&taken.work_shares);
                row.rounds.push(round_of(round, sample, taken));
            }
            if self.bar.is_hidden() {
                // Nobody sees a bar: one line per round tells a log how far it is.
                eprintln!("round {} of {} is measured", round + 1, self.config.rounds);
            }
        }
        Ok(true)
    }

    /// Takes one sample; `None` when it was interrupted.
    fn take(&self, sample: &Sample) -> anyhow::Result<Option<Taken>> {
        let control = Arc::new(Control::default());
        let watching = {
            let (control, shutdown) = (control.clone(), self.shutdown.clone());
            tokio::spawn(async move {
                shutdown.begun().await;
                control.cancel();
            })
        };
        let taken = sample.take(&self.cgroup, &control, &self.time);
        watching.abort();
        if control.is_cancelled() || self.shutdown.has_begun() {
            return Ok(None);
        }
        Ok(Some(taken.context(
            "the workers could not be had: fewer may fit the limits of threads, processes and memory",
        )?))
    }
}

fn round_of(round: u32, sample: &Sample, taken: Taken) -> Round {
    Round {
        round,
        repeats: sample.repeats,
        replicas: vec![taken.account],
        ..Round::default()
    }
}

/// The strategy found as many primes as the baseline. A sample without an
/// answer is none that agrees.
fn same_answers(report: &RunReport) -> Invariant {
    let rounds = report.rows.iter().flat_map(|row| &row.rounds);
    let mut answers: Vec<_> = rounds.map(|round| round.replicas[0].answer).collect();
    answers.dedup();
    let (held, detail) = match answers.as_slice() {
        [] => (false, "not checked: there is no sample".into()),
        [Some(count)] => (true, format!("every sample found {count} primes")),
        several if several.contains(&None) => (
            false,
            "a sample has no one answer: its repeats came to different counts".into(),
        ),
        several => (
            false,
            format!(
                "samples found different counts: {:?}",
                several.iter().flatten().collect::<Vec<_>>()
            ),
        ),
    };
    Invariant {
        name: "same answers".into(),
        held,
        detail,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use measure::report::ReplicaAccount;

    fn held(answers: &[Option<u64>]) -> bool {
        let mut report = report_here("primes run", "here", SystemTime::now());
        let sample = |&answer| Round {
            round: 0,
            repeats: 1,
            replicas: vec![ReplicaAccount {
                answer,
                ..ReplicaAccount::default()
            }],
            ..Round::default()
        };
        report.rows = vec![Row {
            rounds: answers.iter().map(sample).collect(),
            ..Row::default()
        }];
        same_answers(&report).held
    }

    #[test]
    fn answers_that_differ_or_are_missing_do_not_hold() {
        assert!(held(&[Some(25), Some(25)]));
        assert!(!held(&[Some(25), Some(24)]));
        assert!(!held(&[None, None]));
        assert!(!held(&[Some(25), None]));
        assert!(!held(&[]));
    }
}
