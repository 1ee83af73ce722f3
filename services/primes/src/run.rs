//! `primes run`: measures here and now, without any other component: a
//! sequential baseline and the strategy asked for, in interleaved rounds.

use crate::config::{Format, RunConfig};
use crate::sample::{Sample, Taken};
use crate::workload::{Control, Job, Shard, Strategy};
use anyhow::{Context, bail};
use cpu_budget::{Cgroup, clock::monotonic_seconds};
use indicatif::{ProgressBar, ProgressStyle};
use measure::calibration;
use measure::report::{
    Backend, Declared, Host, Invariant, ReplicaAccount, Round, Row, RunReport, SCHEMA, Station,
};
use measure::text::{self, Style};
use service_kit::admin::BudgetReport;
use service_kit::config::EXIT_BAD_CONFIG;
use service_kit::runlock::RunLock;
use std::collections::BTreeMap;
use std::io::IsTerminal;
use std::process::ExitCode;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

/// The exit code of a run that Ctrl-C ended: 128 + SIGINT.
const EXIT_INTERRUPTED: u8 = 130;

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
            eprintln!("✗ --{}: {error}", error.field());
            return Ok(ExitCode::from(EXIT_BAD_CONFIG));
        }
    };
    let _lock = RunLock::try_acquire(&config.station)?;
    let interrupted = Interruption::install()?;
    let cgroup = Cgroup::of_this_process();
    let mut bench = Bench::new(config, job, &cgroup, interrupted);
    let report = bench.run()?;
    match config.format {
        Format::Json => println!("{}", serde_json::to_string_pretty(&report)?),
        Format::Table => print!("{}", text::render(&report, &style())),
    }
    if report.partial {
        return Ok(ExitCode::from(EXIT_INTERRUPTED));
    }
    let held = report.invariants.iter().all(|invariant| invariant.held);
    Ok(if held { ExitCode::SUCCESS } else { ExitCode::FAILURE })
}
