//! What the service can be told.

use crate::workload::{Kernel, LARGEST_LIMIT, Strategy};
use clap::{Args, Parser, ValueEnum};
use service_kit::config::{Addresses, ServeArgs, count, count_within};

/// Counts primes in parallel, seven ways, under whatever CPU limit it is given.
#[derive(Debug, Parser)]
#[command(name = "primes", version)]
pub enum Cli {
    /// Serve measured runs over HTTP until SIGTERM or SIGINT
    Serve(ServeConfig),
    /// Measure here and now: a sequential baseline beside the strategy asked for
    ///
    /// Needs nothing else: no container, no other service. Each round takes one
    /// sample of both. Ctrl-C ends it and keeps the whole rounds (exit code 130).
    Run(RunConfig),
    /// Ask a running `serve` whether it is ready
    Healthcheck(Addresses),
    /// One part of a job in a process of its own; the strategy `processes` starts these
    #[command(hide = true)]
    Child {
        /// The task, as JSON
        task: String,
    },
}

/// Options of `serve`.
#[derive(Debug, Args)]
pub struct ServeConfig {
    /// Where to listen, and the limits of a request
    #[command(flatten)]
    pub serve: ServeArgs,

    /// Only one measured run of this name goes on at a time: name them apart
    /// where several stations share one network namespace
    #[arg(long, env = "STATION_NAME", default_value = "primes")]
    pub station: String,
}

/// Options of `run`.
#[derive(Debug, Args)]
pub struct RunConfig {
    /// Count the primes below this, such as 2000000 or 2e6, 1 to 10^12
    #[arg(long, default_value = "2e6", allow_negative_numbers = true, value_parser = limit)]
    pub limit: u64,

    /// Start at this number
    #[arg(long, default_value = "0", allow_negative_numbers = true, value_parser = count)]
    pub from: u64,

    /// What computes it
    #[arg(long, value_enum, default_value_t)]
    pub kernel: Kernel,

    /// How the work is shared out
    #[arg(long, value_enum, default_value_t)]
    pub strategy: Strategy,

    /// How many workers, 1 to 1024; auto: as many as use the whole budget
    #[arg(long, default_value = "auto", allow_negative_numbers = true, value_parser = workers)]
    pub workers: Workers,

    /// How many rounds, 1 to 100; six make the range of the samples a 96.9 % interval
    #[arg(long, default_value_t = 6, allow_negative_numbers = true, value_parser = clap::value_parser!(u32).range(1..=100))]
    pub rounds: u32,

    /// The job is repeated until a sample lasts this long, 0.01 to 600
    #[arg(long, default_value = "2", allow_negative_numbers = true, value_parser = seconds)]
    pub min_seconds: f64,

    /// A table for people, or a run report as JSON
    #[arg(long, value_enum, default_value_t)]
    pub format: Format,

    /// Only one measured run of this name goes on at a time: name them apart
    /// where several stations share one network namespace
    #[arg(long, env = "STATION_NAME", default_value = "primes")]
    pub station: String,
}

/// How many workers.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Workers {
    /// As many as use the whole CPU budget.
    Auto,
    /// This many.
    Exactly(usize),
}

/// The most workers: more than any host's CPUs, fewer than a container's
/// limit of processes and threads.
pub const MOST_WORKERS: u64 = 1024;

/// What `run` prints.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, ValueEnum)]
pub enum Format {
    /// A table, where the time went, the verdict.
    #[default]
    Table,
    /// The run report.
    Json,
}

impl Workers {
    /// How many that is under `budget`.
    pub fn resolve(self, budget: &cpu_budget::CpuBudget) -> usize {
        match self {
            Self::Auto => budget.advice().uses_whole_budget,
            Self::Exactly(workers) => workers,
        }
    }
}

fn limit(text: &str) -> Result<u64, String> {
    count_within(text, 1..=LARGEST_LIMIT)
}

fn workers(text: &str) -> Result<Workers, String> {
    if text == "auto" {
        return Ok(Workers::Auto);
    }
    match count(text) {
        Ok(workers @ 1..=MOST_WORKERS) => Ok(Workers::Exactly(workers as usize)),
        _ => Err(format!(
            "must be auto or a whole number from 1 to {MOST_WORKERS}"
        )),
    }
}

fn seconds(text: &str) -> Result<f64, String> {
    match text.parse::<f64>() {
        Ok(seconds) if (0.01..=600.0).contains(&seconds) => Ok(seconds),
        _ => Err("must be a number of seconds from 0.01 to 600".into()),
    }
}
