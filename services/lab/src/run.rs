//! `lab run` and `lab act`: from options to stations and back to a saved run.

use crate::config::{ActArgs, Place, RunArgs, Verb, list};
use crate::history::History;
use crate::progress::Progress;
use crate::runner::Runner;
use crate::station::docker::Docker;
use crate::station::{Action, Stations};
use crate::{EXIT_INTERRUPTED, model};
use measure::report::RunReport;
use measure::text;
use service_kit::terminal;
use std::process::ExitCode;
use tokio::sync::watch;

/// Runs a lab, prints what came of it and keeps it.
pub fn run(args: &RunArgs) -> anyhow::Result<ExitCode> {
    let lab = args.place.lab()?;
    let options = args.options()?;
    let stations = backend(&args.place)?;
    let history = History::of(&args.results, lab.name());
    let before = history.latest();
    let progress = Progress::new();

    let mut report = on_a_runtime(async {
        let runner = Runner {
            lab,
            stations: &stations,
            options: &options,
            progress: &progress,
            interrupted: interruption()?,
            engine: Some(args.engine.clone()).filter(|engine| !engine.is_empty()),
        };
        runner.run().await
    })?;
    if report.rows.iter().all(|row| row.rounds.is_empty()) && report.partial {
        return Err(crate::Interrupted.into());
    }
    if let Some(before) = &before {
        report.changes = measure::changes::changes(before, &report);
    }
    print!("{}", text::render(&report, &terminal::style()));
    // Printed first: a full disk must not cost the person what was measured.
    let file = history.save(&report)?;
    // /results is the checkout's results/, for the person outside the container.
    let shown = file.strip_prefix("/").unwrap_or(&file);
    println!("\nThe whole run: {}", shown.display());
    Ok(exit_code(&report))
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

fn backend(place: &Place) -> anyhow::Result<Docker> {
    let stations = model::stations(&place.model, &list(&place.stations))?;
    Ok(Docker::new(stations, &place.control))
}

/// One thread is enough for a runner that mostly waits, and the CPUs are the
/// stations'.
fn on_a_runtime<T>(work: impl Future<Output = anyhow::Result<T>>) -> anyhow::Result<T> {
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
