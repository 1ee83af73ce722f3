//! The commands beside `serve`.

mod dead;
mod run;
mod source;
mod summary;

pub use dead::dead;
pub use run::run;
pub use source::source;
pub use summary::{StageSummary, Summary};

use crate::source::RefusedLines;
use service_kit::config::EXIT_BAD_CONFIG;
use service_kit::shutdown::{Cause, Shutdown};
use std::process::ExitCode;
use tokio::runtime::Runtime;

/// Ends a command whose input cannot be.
fn bad_input(reason: &str) -> ExitCode {
    eprintln!("✗ {reason}");
    ExitCode::from(EXIT_BAD_CONFIG)
}

fn failed(reason: &str) -> ExitCode {
    eprintln!("✗ {reason}");
    ExitCode::FAILURE
}

/// Signals as a handle; they are heard as long as the runtime lives.
fn signals() -> std::io::Result<(Runtime, Shutdown)> {
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .worker_threads(1)
        .enable_all()
        .build()?;
    let entered = runtime.enter();
    let shutdown = Shutdown::on_signals()?;
    drop(entered);
    Ok((runtime, shutdown))
}

/// What the exit code says of a run, and a line about what is not as it should be.
fn ended(summary: &Summary, refused: RefusedLines, cause: Option<Cause>) -> ExitCode {
    if refused.count > 0 {
        eprintln!(
            "✗ {} lines are larger than an item may be (--max-item-bytes), the first one line {}: they were refused",
            refused.count, refused.first
        );
    }
    if !summary.exact && cause.is_none() {
        eprintln!(
            "✗ {} items went in and {} came out, {} are among the dead letters: not the same ones, each once",
            summary.given, summary.arrived, summary.dead
        );
        return ExitCode::FAILURE;
    }
    if let Some(cause) = cause {
        eprintln!(
            "✗ interrupted by {}: {} of the {} items given are at the sink",
            cause.name(),
            summary.arrived,
            summary.given
        );
        return ExitCode::from(cause.exit_code());
    }
    if summary.dead > 0 {
        eprintln!("✗ {} items are among the dead letters", summary.dead);
    }
    if summary.dead > 0 || refused.count > 0 {
        ExitCode::FAILURE
    } else {
        ExitCode::SUCCESS
    }
}
