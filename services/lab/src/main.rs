//! The runner of the labs: drives a lab's stations, measures them, and says
//! what bound the work.

mod check;
mod compose;
mod config;
mod enter;
mod explain;
mod export;
mod history;
mod hold;
mod labs;
mod local;
mod model;
mod now;
mod past;
mod progress;
mod report;
mod run;
mod runner;
mod station;
mod stats;
mod survey;
mod top;

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

/// The lab's Compose file cannot run as it stands, which has been said.
#[derive(Debug, thiserror::Error)]
#[error("the lab cannot run as it stands; nothing was started")]
struct BadFile;

/// Another run is going on.
#[derive(Debug, thiserror::Error)]
#[error("{0}")]
struct Busy(String);

/// Try again later (sysexits.h, `EX_TEMPFAIL`).
const EXIT_BUSY: u8 = 75;

/// The exit code of a run that a signal ended: 128 + SIGINT.
const EXIT_INTERRUPTED: u8 = 130;

fn main() -> ExitCode {
    let cli: Cli = service_kit::config::parse();
    let ended = match cli.command {
        Command::Run(args) => run::run(&args),
        Command::Check(args) => check::run(&args),
        Command::Explain(args) => explain::explain(&args),
        Command::Report(args) => report::report(&args),
        Command::History(args) => past::history(&args),
        Command::Compare(args) => past::compare(&args),
        Command::Act(args) => run::act(&args),
        Command::Means(args) => local::means(&args),
        Command::Stats => stats::stats(),
        Command::Top(args) => top::top(&args),
        Command::Hold(args) => hold::hold(&args),
        Command::Export(args) => export::export(&args),
        Command::Enter(args) => enter::enter(&args),
    };
    ended.unwrap_or_else(|error| {
        eprintln!("✗ {error:#}");
        if error.is::<Interrupted>() {
            ExitCode::from(EXIT_INTERRUPTED)
        } else if error.is::<BadFile>() {
            ExitCode::from(check::EXIT_BAD_FILE)
        } else if error.is::<Busy>() {
            ExitCode::from(EXIT_BUSY)
        } else if error.is::<Refused>() {
            ExitCode::from(service_kit::config::EXIT_BAD_CONFIG)
        } else {
            ExitCode::FAILURE
        }
    })
}
