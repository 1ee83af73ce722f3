//! The runtime that a service's `serve` runs on, and what its end means to the shell.

use std::future::Future;
use std::process::ExitCode;

/// Runs `service` on a multi-threaded tokio runtime: exit code 0 when it ends well, else 1 and one line on stderr.
///
/// Work that is left on blocking threads does not hold the process back
/// (dropping a runtime would wait for it): what may be waited for is decided
/// by the drain.
pub fn run<F>(service: F) -> ExitCode
where
    F: Future<Output = anyhow::Result<()>>,
{
    let runtime = match tokio::runtime::Builder::new_multi_thread()
        .enable_all()
        .build()
    {
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
    ExitCode::FAILURE
}
