//! The runtime that a service's `serve` runs on, and what its end means to the shell.

use std::future::Future;
use std::process::ExitCode;

/// An error that ends the process with an exit code of its own.
#[derive(Debug, thiserror::Error)]
#[error("{message}")]
pub struct Fatal {
    /// What the shell gets.
    pub exit_code: u8,
    /// What happened, why, and what to do now.
    pub message: String,
}

/// Runs `service` on a multi-threaded tokio runtime: exit code 0 when it ends well, else 1 (or that of a [`Fatal`]) and one line on stderr.
///
/// Work that is left on blocking threads does not hold the process back
/// (dropping a runtime would wait for it): what may be waited for is decided
/// by the drain.
pub fn run<F>(service: F) -> ExitCode
where
    F: Future<Output = anyhow::Result<()>>,
{
    run_on(tokio::runtime::Builder::new_multi_thread(), service)
}

/// As [`run`], on the calling thread alone: for a process that mostly waits, and
/// whose memory counts.
pub fn run_on_one_thread<F>(service: F) -> ExitCode
where
    F: Future<Output = anyhow::Result<()>>,
{
    run_on(tokio::runtime::Builder::new_current_thread(), service)
}

fn run_on<F>(mut builder: tokio::runtime::Builder, service: F) -> ExitCode
where
    F: Future<Output = anyhow::Result<()>>,
{
    let runtime = match builder.enable_all().build() {
        Ok(runtime) => runtime,
        Err(error) => return failed(&anyhow::Error::new(error).context("cannot start threads")),
    };
    let ended = runtime.block_on(service);
    runtime.shutdown_background();
    match ended {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => failed(&error),
    }
}

fn failed(error: &anyhow::Error) -> ExitCode {
    eprintln!("error: {error:#}");
    let fatal = error.downcast_ref::<Fatal>();
    fatal.map_or(ExitCode::FAILURE, |fatal| ExitCode::from(fatal.exit_code))
}
