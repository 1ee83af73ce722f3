//! Options of `run`.

use super::WorkArgs;
use crate::job::NewJob;
use crate::spec::{JobSpec, MOST_PAYLOAD_BYTES};
use clap::{Args, ValueEnum};
use serde_json::value::RawValue;
use service_kit::config::count_within;

/// Jobs to be done in this process.
#[derive(Debug, Args)]
pub struct RunConfig {
    /// Their type: fibonacci, primes, sleep, sum_squares, fail, panic or noop
    #[arg(value_name = "TYPE")]
    pub kind: String,

    /// What the work is given, JSON, such as '{"n": 30}'
    #[arg(long, default_value = "{}", value_parser = data)]
    pub data: String,

    /// How many such jobs, 1 to 1000000 (10^6)
    #[arg(long, default_value = "1", allow_negative_numbers = true, value_parser = jobs)]
    pub jobs: u64,

    /// Their priority, 0 to 9, 9 the most urgent
    #[arg(long)]
    pub priority: Option<u64>,

    /// How often each is tried, 1 to 1000 [default: 3]
    #[arg(long)]
    pub attempts: Option<u64>,

    /// Seconds to wait after the first try that failed; twice as long after each [default: 1]
    #[arg(long)]
    pub backoff_seconds: Option<f64>,

    /// Seconds that a try may take [default: any]
    #[arg(long)]
    pub timeout_seconds: Option<f64>,

    /// How they are done
    #[command(flatten)]
    pub work: WorkArgs,

    /// Print the results, a line each, in the jobs' order
    #[arg(long)]
    pub print: bool,

    /// A table for people, or JSON
    #[arg(long, value_enum, default_value_t)]
    pub format: Format,

    /// Seconds that jobs under way get to finish after Ctrl-C or SIGTERM, 0 to 3600
    #[arg(long, env = "DRAIN_SECONDS", default_value = "5", allow_negative_numbers = true, value_parser = seconds)]
    pub drain_seconds: f64,
}

/// What is printed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, ValueEnum)]
pub enum Format {
    /// A table.
    #[default]
    Table,
    /// JSON.
    Json,
}

impl RunConfig {
    /// One of the jobs.
    ///
    /// # Errors
    /// Which field cannot be, and why.
    pub fn job(&self) -> Result<NewJob, String> {
        let data = RawValue::from_string(self.data.clone());
        let spec = JobSpec {
            data: Some(data.map_err(|error| error.to_string())?),
            priority: self.priority,
            attempts: self.attempts,
            backoff_seconds: self.backoff_seconds,
            timeout_seconds: self.timeout_seconds,
            ..JobSpec::of(&self.kind)
        };
        spec.checked().map_err(|invalid| invalid.to_string())
    }
}

fn data(text: &str) -> Result<String, String> {
    if text.len() > MOST_PAYLOAD_BYTES {
        return Err(format!("must be at most {MOST_PAYLOAD_BYTES} bytes"));
    }
    match serde_json::from_str::<&RawValue>(text) {
        Ok(_) => Ok(text.to_owned()),
        Err(error) => Err(format!("must be JSON, such as {{\"n\": 30}}: {error}")),
    }
}

fn jobs(text: &str) -> Result<u64, String> {
    count_within(text, 1..=1_000_000)
}

fn seconds(text: &str) -> Result<f64, String> {
    match text.parse::<f64>() {
        Ok(seconds) if (0.0..=3600.0).contains(&seconds) => Ok(seconds),
        _ => Err("must be a number of seconds from 0 to 3600".into()),
    }
}
