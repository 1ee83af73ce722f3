//! `pipeline run`: the whole pipeline in this process.

use super::{bad_input, ended, failed, signals};
use crate::config::{Format, RunConfig};
use crate::declaration::Declaration;
use crate::in_process::{self, Control, Plan, Report, Watch};
use crate::item::Item;
use crate::metrics::Metrics;
use crate::source::Origin;
use cpu_budget::clock::monotonic_seconds;
use service_kit::sampling::Roster;
use service_kit::shutdown::Shutdown;
use service_kit::terminal;
use std::io::Write as _;
use std::process::ExitCode;
use std::time::Duration;

/// How many dead letters are shown.
const LETTERS_SHOWN: usize = 10;

/// How often it is looked whether the time for draining is over.
const LOOK: Duration = Duration::from_millis(20);

/// Runs the command.
pub fn run(config: &RunConfig) -> ExitCode {
    let prepared = config.declaration.declaration().and_then(|declaration| {
        let origin = config.items.origin()?;
        Ok((declaration, origin))
    });
    let (declaration, mut origin) = match prepared {
        Ok(prepared) => prepared,
        Err(reason) => return bad_input(&reason),
    };
    match measured(config, declaration, &mut origin) {
        Ok(code) => code,
        Err(error) => failed(&format!("{error:#}")),
    }
}

fn measured(
    config: &RunConfig,
    declaration: Declaration,
    origin: &mut Origin,
) -> anyhow::Result<ExitCode> {
    let plan = plan(config, declaration);
    let (runtime, shutdown) = signals()?;
    let roster = Roster::new(plan.all_threads());
    let mut watch = Watch::new(&plan.declaration, roster, &Metrics::new()?);
    watch.started = monotonic_seconds();
    runtime.spawn(stop(
        shutdown.clone(),
        watch.control.clone(),
        Duration::from_secs_f64(config.drain_seconds),
    ));
    let mut report = in_process::run(&plan, origin, &watch)?;
    runtime.shutdown_background();
    if let Some(error) = report.source_failed.take() {
        return Ok(bad_input(&format!("the items cannot be read: {error}")));
    }
    if config.print {
        print_results(&mut report.results)?;
    }
    let refused = origin.refused();
    let summary = super::Summary::of_report(&report, watch.started, refused.count);
    let text = match config.format {
        Format::Json => serde_json::to_string_pretty(&summary)? + "\n",
        Format::Table => summary.table(),
    };
    if config.print {
        // The results alone are standard output then.
        eprint!("{text}");
    } else {
        terminal::print(&text)?;
    }
    show_letters(&report);
    Ok(ended(&summary, refused, shutdown.cause()))
}

fn plan(config: &RunConfig, declaration: Declaration) -> Plan {
    let stages = declaration.inner();
    let threads = stages
        .iter()
        .map(|stage| (*stage, config.work.threads.of(*stage)));
    let poison = stages
        .iter()
        .filter_map(|stage| Some((*stage, config.work.poison_of(*stage)?)));
    Plan {
        threads: threads.collect(),
        poison: poison.collect(),
        tries: config.work.tries,
        rate: config.items.rate,
        keep: config.print,
        declaration,
    }
}

/// Stops the run when a signal comes: first its source, then all of it.
async fn stop(shutdown: Shutdown, control: Control, drain: Duration) {
    shutdown.begun().await;
    control.drain();
    tokio::time::sleep(drain.max(LOOK)).await;
    control.cancel();
}

fn print_results(results: &mut [Item]) -> anyhow::Result<()> {
    results.sort_by_key(|item| item.seq);
    let mut output = std::io::BufWriter::new(std::io::stdout().lock());
    for item in results {
        let written = output
            .write_all(&item.payload)
            .and_then(|()| output.write_all(b"\n"));
        if matches!(&written, Err(error) if error.kind() == std::io::ErrorKind::BrokenPipe) {
            return Ok(());
        }
        written?;
    }
    output.flush()?;
    Ok(())
}

fn show_letters(report: &Report) {
    for letter in report.letters.first.iter().take(LETTERS_SHOWN) {
        let payload = String::from_utf8_lossy(&letter.item.payload);
        let shown: String = payload.chars().take(60).collect();
        eprintln!(
            "dead letter: item {} {shown:?}: {}",
            letter.item.seq, letter.error
        );
    }
}
