//! The runner of the labs: drives a lab's stations, measures them, and says
//! what bound the work.

mod check;
mod compose;
mod config;
mod explain;
mod history;
mod labs;
mod model;
mod progress;
mod run;
mod runner;
mod station;
mod survey;

use config::{Cli, Command};
use std::process::ExitCode;

/// Refused as asked: bad options, an unknown station, a limit that cannot be.
#[derive(Debug, thiserror::Error)]
#[error("{0}")]
struct Refused(String);

/// The person stopped it before anything was measured.
#[derive(Debug, thiserror::Error)]
#[error("interrupted before the first whole round: nothing was measured")]
struct Interrupted;

/// The exit code of a run that a signal ended: 128 + SIGINT.
const EXIT_INTERRUPTED: u8 = 130;

fn main() -> ExitCode {
    let cli: Cli = service_kit::config::parse();
    let ended = match cli.command {
        Command::Run(args) => run::run(&args),
        Command::Check(args) => return check::run(&args),
        Command::Explain(args) => explain::explain(&args),
        Command::Act(args) => run::act(&args),
    };
    ended.unwrap_or_else(|error| {
        eprintln!("✗ {error:#}");
        if error.is::<Interrupted>() {
            ExitCode::from(EXIT_INTERRUPTED)
        } else if error.is::<Refused>() {
            ExitCode::from(service_kit::config::EXIT_BAD_CONFIG)
        } else {
            ExitCode::FAILURE
        }
    })
}
