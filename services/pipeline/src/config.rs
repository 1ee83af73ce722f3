//! What the service can be told.

mod declared;
mod items;
mod redis;
mod work;

pub use declared::DeclarationArgs;
pub use items::ItemArgs;
pub use redis::RedisArgs;
pub use work::{PerStage, WorkArgs};

use crate::stages::Stage;
use clap::{Args, Parser, Subcommand, ValueEnum};
use service_kit::config::{Addresses, ServeArgs};

/// Stages with a queue between each two: over Redis, a process each, or all in one process.
#[derive(Debug, Parser)]
#[command(name = "pipeline", version)]
pub enum Cli {
    /// Serve one stage over Redis, or the whole pipeline in this process, until SIGTERM or SIGINT
    Serve(Box<ServeConfig>),
    /// Run the whole pipeline here, in this process, over bounded queues
    ///
    /// Needs nothing else: no container, no Redis. Exit codes: 0 when each item
    /// came to the sink once, 1 when some are among the dead letters or were
    /// refused, 64 for bad input, 130 after Ctrl-C, 143 after SIGTERM. Both let
    /// what is under way finish, for --drain-seconds.
    Run(Box<RunConfig>),
    /// Give items to a pipeline whose stages serve over Redis, and wait until all are at its sink
    ///
    /// Exit codes as of `run`. A source that was killed goes on where it was when
    /// it is given the same --run.
    Source(Box<SourceConfig>),
    /// Look after items that no try got through a stage
    Dead(DeadConfig),
    /// Ask a running `serve` whether it is ready
    Healthcheck(Addresses),
}

/// Options of `serve`.
#[derive(Debug, Args)]
pub struct ServeConfig {
    /// Where to listen, and the limits of a request
    #[command(flatten)]
    pub serve: ServeArgs,

    /// Which stage this is; the whole pipeline in one process when none is named
    #[arg(long, env = "PIPELINE_STAGE", value_enum)]
    pub stage: Option<Stage>,

    /// Only one measured run of this name goes on at a time: name them apart
    /// where several stations share one network namespace
    #[arg(long, env = "STATION_NAME")]
    pub station: Option<String>,

    /// The pipeline
    #[command(flatten)]
    pub declaration: DeclarationArgs,

    /// How stages work
    #[command(flatten)]
    pub work: WorkArgs,

    /// The Redis between the stages
    #[command(flatten)]
    pub redis: RedisArgs,
}

impl ServeConfig {
    /// What tells this station from others in the same network namespace.
    pub fn station(&self) -> String {
        let of_stage = || match self.stage {
            Some(stage) => format!("pipeline-{}", stage.name()),
            None => "pipeline".into(),
        };
        self.station.clone().unwrap_or_else(of_stage)
    }
}

/// Options of `run`.
#[derive(Debug, Args)]
pub struct RunConfig {
    /// Where items come from
    #[command(flatten)]
    pub items: ItemArgs,

    /// The pipeline
    #[command(flatten)]
    pub declaration: DeclarationArgs,

    /// How stages work
    #[command(flatten)]
    pub work: WorkArgs,

    /// Print the results, a line each, in the items' order
    #[arg(long)]
    pub print: bool,

    /// A table for people, or JSON
    #[arg(long, value_enum, default_value_t)]
    pub format: Format,

    /// Seconds that items under way get to reach the sink after Ctrl-C or SIGTERM, 0 to 3600
    #[arg(long, env = "DRAIN_SECONDS", default_value = "5", allow_negative_numbers = true, value_parser = seconds)]
    pub drain_seconds: f64,
}

/// Options of `source`.
#[derive(Debug, Args)]
pub struct SourceConfig {
    /// Where items come from
    #[command(flatten)]
    pub items: ItemArgs,

    /// The pipeline
    #[command(flatten)]
    pub declaration: DeclarationArgs,

    /// The Redis between the stages
    #[command(flatten)]
    pub redis: RedisArgs,

    /// The run's id; one that was begun goes on [default: a new one]
    #[arg(long, value_name = "RUN", value_parser = run_id)]
    pub run: Option<String>,

    /// Keep the results of the first so many items, 0 to 1000000 (10^6)
    #[arg(long, default_value = "0", allow_negative_numbers = true, value_parser = keep)]
    pub keep: u64,

    /// A table for people, or JSON
    #[arg(long, value_enum, default_value_t)]
    pub format: Format,
}

/// Options of `dead`.
#[derive(Debug, Args)]
pub struct DeadConfig {
    /// What to do
    #[command(subcommand)]
    pub act: DeadAct,
}

/// What can be done about dead letters.
#[derive(Debug, Subcommand)]
pub enum DeadAct {
    /// Show them: stage, run, tries, error, item
    List(Letters),
    /// Give them back to the queues of their stages
    Retry(Letters),
    /// Throw them away
    Drop(Letters),
}

/// Which dead letters.
#[derive(Debug, Args)]
pub struct Letters {
    /// Their ids, as `dead list` shows them; all when none is named
    pub ids: Vec<String>,

    /// The pipeline's name
    #[arg(long, env = "PIPELINE_NAME", default_value = "pipeline")]
    pub name: String,

    /// The Redis between the stages
    #[command(flatten)]
    pub redis: RedisArgs,

    /// Lines for people, or one JSON object a line
    #[arg(long, value_enum, default_value_t)]
    pub format: Format,
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

/// The most results that a run keeps.
pub const MOST_KEPT: u64 = 1_000_000;

fn keep(text: &str) -> Result<u64, String> {
    service_kit::config::count_within(text, 0..=MOST_KEPT)
}

fn seconds(text: &str) -> Result<f64, String> {
    match text.parse::<f64>() {
        Ok(seconds) if (0.0..=3600.0).contains(&seconds) => Ok(seconds),
        _ => Err("must be a number of seconds from 0 to 3600".into()),
    }
}

/// Reads a run's id: part of keys, and a word of an entry.
///
/// # Errors
/// What it must be.
pub fn run_id(text: &str) -> Result<String, String> {
    let fits = |c: char| c.is_ascii_alphanumeric() || c == '-' || c == '_';
    if (1..=64).contains(&text.len()) && text.chars().all(fits) {
        Ok(text.to_owned())
    } else {
        Err("must be 1 to 64 letters, digits, - or _".into())
    }
}
