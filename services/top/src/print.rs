//! One frame as text, and the stream of `--json`.

use crate::config::Cli;
use crate::draw;
use crate::frame::Frame;
use crate::gather::Gatherer;
use crate::watch::Watch;
use anyhow::Context;
use service_kit::shutdown::Shutdown;
use service_kit::terminal;
use std::io::{ErrorKind, Write};
use std::process::ExitCode;
use tokio::time::{MissedTickBehavior, interval};

/// Prints one frame, or one after the other until interrupted.
pub async fn print(cli: &Cli) -> anyhow::Result<ExitCode> {
    let shutdown = Shutdown::on_signals().context("signals cannot be caught")?;
    let mut gatherer = Gatherer::new(cli.now.clone(), cli.named());
    let mut watch = Watch::default();
    let mut refreshes = interval(cli.interval);
    refreshes.set_missed_tick_behavior(MissedTickBehavior::Delay);
    // Rates need two readings: what the first one finds is not printed.
    let mut first = true;
    loop {
        let round = async {
            refreshes.tick().await;
            gatherer.round().await
        };
        let round = tokio::select! {
            round = round => round,
            cause = shutdown.begun() => return Ok(ExitCode::from(cause.exit_code())),
        };
        let frame = watch.take(round);
        if std::mem::take(&mut first) {
            continue;
        }
        if cli.json {
            if !line(&frame)? {
                return Ok(ExitCode::SUCCESS);
            }
        } else {
            terminal::print(&draw::text(&frame, terminal::style().width))?;
        }
        if cli.once {
            return Ok(found(&frame));
        }
    }
}

/// A frame on one line; whether there is still somebody who reads.
fn line(frame: &Frame) -> anyhow::Result<bool> {
    let mut text = serde_json::to_string(frame)?;
    text.push('\n');
    let mut output = std::io::stdout().lock();
    match output
        .write_all(text.as_bytes())
        .and_then(|()| output.flush())
    {
        Err(error) if error.kind() == ErrorKind::BrokenPipe => Ok(false),
        written => written
            .context("standard output cannot be written")
            .map(|()| true),
    }
}

/// Nothing to see is a failure for who asked for one look.
fn found(frame: &Frame) -> ExitCode {
    if frame.replicas.is_empty() {
        eprintln!("✗ no station answers; start a lab first: make lab-primes");
        return ExitCode::FAILURE;
    }
    ExitCode::SUCCESS
}
