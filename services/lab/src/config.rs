//! What the runner can be told.

use crate::Refused;
use crate::labs::{LABS, Lab, Options, by_name};
use clap::{Args, Parser, Subcommand};
use service_kit::config::count;
use service_kit::problem::nearest;
use std::path::PathBuf;

/// Runs a lab, checks its Compose file, or explains a saved run.
#[derive(Debug, Parser)]
#[command(name = "lab", version)]
pub struct Cli {
    /// What to do
    #[command(subcommand)]
    pub command: Command,
}

/// What to do.
#[derive(Debug, Subcommand)]
pub enum Command {
    /// Measure a lab's stations and say what bound the work
    Run(RunArgs),
    /// Check a lab's Compose file against this host
    Check(crate::check::CheckArgs),
    /// Give the verdicts of a saved run again, from its raw rounds alone
    Explain(ExplainArgs),
    /// Do something to a station: scale, crash, kill, pause, resume
    Act(ActArgs),
}

/// Which lab, and where its pieces are.
#[derive(Debug, Args)]
pub struct Place {
    /// The lab, `lab-<topic>`
    #[arg(long, env = "LAB")]
    pub lab: String,

    /// The resolved lab, as `docker compose config --format json` prints it
    #[arg(long, env = "LAB_MODEL", default_value = "/run/parlab/model.json")]
    pub model: PathBuf,

    /// Its stations that can run here, in the order of the Compose file,
    /// separated by spaces
    #[arg(long, env = "LAB_STATIONS", default_value = "")]
    pub stations: String,

    /// The folder shared with the host script, for what the runner asks of it
    #[arg(long, env = "LAB_CONTROL", default_value = "/run/parlab/control")]
    pub control: PathBuf,
}

/// Options of `run`. An empty value is as good as none: Compose passes on
/// every variable, set or not.
#[derive(Debug, Args)]
pub struct RunArgs {
    /// Which lab
    #[command(flatten)]
    pub place: Place,

    /// Where runs are kept
    #[arg(long, env = "LAB_RESULTS", default_value = "/results")]
    pub results: PathBuf,

    /// The container engine and its version, for the report
    #[arg(long, env = "LAB_ENGINE", default_value = "")]
    pub engine: String,

    /// A short run: 1 for fewer rows and rounds
    #[arg(long, env = "QUICK", default_value = "")]
    pub quick: String,

    /// Only these stations, separated by commas
    #[arg(long, env = "STATION", default_value = "")]
    pub station: String,

    /// Only these strategies, separated by commas
    #[arg(long, env = "STRATEGY", default_value = "")]
    pub strategy: String,

    /// Only these worker counts, separated by commas
    #[arg(long, env = "WORKERS", default_value = "")]
    pub workers: String,

    /// What computes the job
    #[arg(long, env = "KERNEL", default_value = "")]
    pub kernel: String,

    /// The job's size, such as 2000000 or 2e6
    #[arg(long, env = "LIMIT", default_value = "")]
    pub limit: String,

    /// How many rounds
    #[arg(long, env = "ROUNDS", default_value = "")]
    pub rounds: String,
}

/// Options of `explain`.
#[derive(Debug, Args)]
pub struct ExplainArgs {
    /// A saved run
    pub run: PathBuf,

    /// Print the report as JSON instead
    #[arg(long)]
    pub json: bool,
}

/// Options of `act`.
#[derive(Debug, Args)]
pub struct ActArgs {
    /// Which lab
    #[command(flatten)]
    pub place: Place,

    /// What to do
    #[arg(value_enum)]
    pub verb: Verb,

    /// The station to do it to
    pub station: String,

    /// How many replicas, for `scale`
    #[arg(required_if_eq("verb", "scale"))]
    pub replicas: Option<usize>,
}

/// What can be done to a station.
#[derive(Debug, Clone, Copy, PartialEq, Eq, clap::ValueEnum)]
pub enum Verb {
    /// Let it run so many replicas
    Scale,
    /// Its processes die; the restart policy brings it back
    Crash,
    /// It is stopped for good
    Kill,
    /// Its processes are frozen
    Pause,
    /// And thawed
    Resume,
}

impl Place {
    /// The lab that was asked for.
    pub fn lab(&self) -> Result<&'static dyn Lab, Refused> {
        by_name(&self.lab).ok_or_else(|| {
            let names = LABS.iter().map(|lab| lab.name());
            let meant = nearest(&self.lab, names.clone());
            let hint = meant.map_or(String::new(), |name| format!("; did you mean {name}?"));
            let names: Vec<_> = names.collect();
            Refused(format!(
                "there is no lab {:?}{hint} (there are {})",
                self.lab,
                names.join(", ")
            ))
        })
    }
}

impl RunArgs {
    /// What was narrowed or changed, checked.
    pub fn options(&self) -> Result<Options, Refused> {
        let quick = match self.quick.as_str() {
            "" | "0" | "false" | "no" => false,
            "1" | "true" | "yes" => true,
            other => return Err(bad("QUICK", other, "1 or 0")),
        };
        let workers = list(&self.workers)
            .iter()
            .map(|text| match text.parse() {
                Ok(workers @ 1..=1024) => Ok(workers),
                _ => Err(bad(
                    "WORKERS",
                    text,
                    "whole numbers from 1 to 1024, such as 1,2,4",
                )),
            })
            .collect::<Result<_, _>>()?;
        let rounds = match self.rounds.as_str() {
            "" => None,
            text => match text.parse() {
                Ok(rounds @ 1..=100) => Some(rounds),
                _ => return Err(bad("ROUNDS", text, "a whole number from 1 to 100")),
            },
        };
        let limit = match self.limit.as_str() {
            "" => None,
            text => Some(count(text).map_err(|why| Refused(format!("LIMIT={text}: {why}")))?),
        };
        Ok(Options {
            quick,
            stations: list(&self.station),
            strategies: list(&self.strategy),
            workers,
            kernel: list(&self.kernel).into_iter().next(),
            limit,
            rounds,
        })
    }
}

/// The words of a list separated by commas or spaces.
pub fn list(text: &str) -> Vec<String> {
    text.split([',', ' ', '\n'])
        .filter(|word| !word.is_empty())
        .map(str::to_owned)
        .collect()
}

fn bad(knob: &str, value: &str, allowed: &str) -> Refused {
    Refused(format!("{knob}={value}: must be {allowed}"))
}
