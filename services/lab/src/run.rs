//! `lab run` and `lab act`: from options to stations and back to a saved run.

use crate::config::{ActArgs, Place, RunArgs, Verb, list};
use crate::history::History;
use crate::labs::{Lab, Options};
use crate::progress::Progress;
use crate::runner::Runner;
use crate::station::docker::Docker;
use crate::station::{Action, Stations};
use crate::{EXIT_INTERRUPTED, local, model, now, report};
use measure::report::RunReport;
use measure::text;
use service_kit::terminal;
use std::path::Path;
use std::process::ExitCode;
use tokio::sync::watch;

/// Runs a lab, prints what came of it and keeps it.
pub fn run(args: &RunArgs) -> anyhow::Result<ExitCode> {
    let lab = args.place.lab()?;
    let options = args.narrowed.options(lab)?;
    let script = args.local.script;
    script.map_or(Ok(()), local::end_with)?;
    let locked = args.local.local.then(|| local::lock(script));
    let _lock = locked.transpose()?;
    let results = args.results();
    let history = History::of(&results, lab.name());
    history.prepare()?;
    let progress = Progress::new();

    let mut report = on_a_runtime(async {
        let interrupted = interruption()?;
        let stations = stations(args, (lab, &options), &results, interrupted.clone()).await?;
        let now = now::Writer::new(&args.control(), &progress);
        let runner = Runner {
            lab,
            stations: stations.as_ref(),
            options: &options,
            progress: &progress,
            interrupted,
            engine: Some(args.engine.clone()).filter(|engine| !engine.is_empty()),
            now: &now,
        };
        runner.run().await
    })?;
    if report.rows.iter().all(|row| row.rounds.is_empty()) && report.partial {
        return Err(crate::Interrupted.into());
    }
    let (before, compared_with) = history.predecessor(&report);
    report.compared_with = compared_with;
    if let Some(before) = &before {
        report.changes = measure::changes::changes(before, &report);
    }
    // Printed first: a full disk must not cost the person what was measured. And
    // kept whatever became of that.
    let printed = terminal::print(&text::render(&report, &terminal::style()));
    let code = keep(&history, &report)?;
    printed?;
    Ok(code)
}

/// Saves a run and its page. A page that cannot be written costs neither the
/// run nor what was printed.
fn keep(history: &History, report: &RunReport) -> anyhow::Result<ExitCode> {
    let file = history.save(report)?;
    terminal::print(&format!("\nThe whole run: {}\n", report::shown(&file)))?;
    match report::write(report, &file) {
        Ok(page) => {
            terminal::print(&format!("As a page:     {}\n", report::shown(&page)))?;
            Ok(exit_code(report))
        }
        Err(error) => {
            eprintln!("✗ {error:#}\n  The run itself is kept; once that is mended: make report");
            Ok(ExitCode::FAILURE)
        }
    }
}

/// Does something to a station.
pub fn act(args: &ActArgs) -> anyhow::Result<ExitCode> {
    let stations = backend(&args.place)?;
    let action = match args.verb {
        Verb::Scale => Action::Scale(args.replicas.unwrap_or(1)),
        Verb::Crash => Action::Crash,
        Verb::Kill => Action::Kill,
        Verb::Pause => Action::Pause,
        Verb::Resume => Action::Resume,
    };
    on_a_runtime(stations.act(&args.station, action))?;
    Ok(ExitCode::SUCCESS)
}

/// The stations of the run: containers that are up already, or local processes
/// that start now and end when the result is dropped.
async fn stations(
    args: &RunArgs,
    asked: (&dyn Lab, &Options),
    results: &Path,
    mut interrupted: watch::Receiver<bool>,
) -> anyhow::Result<Box<dyn Stations>> {
    if !args.local.local {
        return Ok(Box::new(backend(&args.place)?));
    }
    tokio::select! {
        stations = local::start(asked, &args.local, results) => Ok(Box::new(stations?)),
        _ = interrupted.wait_for(|&stop| stop) => Err(crate::Interrupted.into()),
    }
}

fn backend(place: &Place) -> anyhow::Result<Docker> {
    let (stations, around) = model::stations(&place.model, &list(&place.stations))?;
    Ok(Docker::new(stations, around, &place.control))
}

/// One thread is enough for a runner that mostly waits, and the CPUs are the
/// stations'.
pub fn on_a_runtime<T>(work: impl Future<Output = anyhow::Result<T>>) -> anyhow::Result<T> {
    tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()?
        .block_on(work)
}

/// Turns true at the first SIGINT or SIGTERM; the second ends the process.
fn interruption() -> anyhow::Result<watch::Receiver<bool>> {
    let shutdown = service_kit::shutdown::Shutdown::on_signals()?;
    let (sender, receiver) = watch::channel(false);
    tokio::spawn(async move {
        shutdown.begun().await;
        // The receiver may be gone: then the run has ended by itself.
        let _ = sender.send(true);
        std::future::pending::<()>().await;
    });
    Ok(receiver)
}

/// Zero when the lab ran whole and what must hold held; never by speed.
fn exit_code(report: &RunReport) -> ExitCode {
    if report.partial {
        ExitCode::from(EXIT_INTERRUPTED)
    } else if report.invariants.iter().all(|invariant| invariant.held) {
        ExitCode::SUCCESS
    } else {
        ExitCode::FAILURE
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;
    use measure::made;

    #[test]
    fn a_page_that_cannot_be_written_fails_the_run_and_keeps_it() {
        let folder = tempfile::tempdir().unwrap();
        let history = History::of(folder.path(), "lab-primes");
        let run = made::report(Vec::new(), Vec::new());
        let kept = folder
            .path()
            .join("lab-primes")
            .join(run.started.replace(':', "-"));

        assert_eq!(keep(&history, &run).unwrap(), ExitCode::SUCCESS);
        assert!(kept.join("report.html").is_file());

        // Something else stands where the page should.
        std::fs::remove_file(kept.join("report.html")).unwrap();
        std::fs::remove_file(kept.join("run.json")).unwrap();
        std::fs::create_dir(kept.join("report.html")).unwrap();
        assert_eq!(keep(&history, &run).unwrap(), ExitCode::FAILURE);
        assert!(kept.join("run.json").is_file());
    }
}
