//! `load run` and `load search`: here and now, for people or as JSON.

mod bar;
mod table;

use crate::answer::RunAnswer;
use crate::config::{CommonArgs, Format, RunConfig, SearchConfig};
use crate::engine::{self, Control, Outside};
use crate::request::Wrong;
use crate::steps;
use anyhow::Context;
use bar::Bar;
use cpu_budget::clock::monotonic_seconds;
use serde::Serialize;
use service_kit::config::EXIT_BAD_CONFIG;
use service_kit::open_files;
use service_kit::shutdown::Shutdown;
use service_kit::terminal;
use std::process::ExitCode;
use std::sync::Arc;

/// Does one run and prints what came of it.
pub fn run(config: &RunConfig) -> ExitCode {
    ended(&config.common, |outside| {
        let plan = config.request().plan(&outside.allow, monotonic_seconds());
        let plan = match plan {
            Ok(plan) => plan,
            Err(wrong) => return Ok(Err(wrong)),
        };
        let control = interruptible()?;
        let bar = Bar::start(&plan, control.clone())?;
        let measured = engine::run(&plan, outside, &control);
        bar.finish();
        let measured = measured?;
        let answer = RunAnswer::new(&plan, &measured);
        Ok(Ok(match config.common.format() {
            Format::Json => json(&answer)?,
            Format::Table => table::of_run(&plan, &answer, measured.cancelled),
        }))
    })
}

/// Searches for a rate and prints what came of it.
pub fn search(config: &SearchConfig) -> ExitCode {
    ended(&config.common, |outside| {
        let search = match config.request().search(&outside.allow) {
            Ok(search) => search,
            Err(wrong) => return Ok(Err(wrong)),
        };
        let control = interruptible()?;
        let format = config.common.format();
        let answer = steps::search(&search, outside, &control, |step| {
            if format == Format::Table {
                eprintln!("{}", table::of_step(step));
            }
        })?;
        Ok(Ok(match format {
            Format::Json => json(&answer)?,
            Format::Table => table::of_search(&answer),
        }))
    })
}

/// Prints what `work` gives, or says why it gives nothing.
fn ended(
    common: &CommonArgs,
    work: impl FnOnce(&Outside) -> anyhow::Result<Result<String, Wrong>>,
) -> ExitCode {
    open_files::allow_many();
    let outside = match common.sending.outside() {
        Ok(outside) => outside,
        Err(reason) => return bad_input(&reason),
    };
    match work(&outside) {
        Ok(Ok(text)) => match terminal::print(&text) {
            Ok(()) => ExitCode::SUCCESS,
            Err(error) => failed(&error.into()),
        },
        Ok(Err(wrong)) => bad_input(&wrong.detail),
        Err(error) => failed(&error),
    }
}

fn bad_input(reason: &str) -> ExitCode {
    eprintln!("bad configuration: {reason}");
    ExitCode::from(EXIT_BAD_CONFIG)
}

fn failed(error: &anyhow::Error) -> ExitCode {
    eprintln!("✗ {error:#}");
    ExitCode::FAILURE
}

fn json(answer: &impl Serialize) -> anyhow::Result<String> {
    Ok(serde_json::to_string_pretty(answer)? + "\n")
}

/// A control that Ctrl-C and SIGTERM cancel.
fn interruptible() -> anyhow::Result<Arc<Control>> {
    let control = Arc::new(Control::default());
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .context("cannot listen to signals")?;
    let of_thread = control.clone();
    let shutdown = runtime.block_on(async { Shutdown::on_signals() })?;
    std::thread::Builder::new()
        .name("signals".into())
        .spawn(move || {
            runtime.block_on(shutdown.begun());
            of_thread.cancel();
            // A second one ends the process, for which the runtime must live on.
            runtime.block_on(std::future::pending::<()>());
        })
        .context("cannot listen to signals")?;
    Ok(control)
}
