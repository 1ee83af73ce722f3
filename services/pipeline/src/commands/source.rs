//! `pipeline source`: items for a pipeline whose stages serve over Redis.

use super::{bad_input, ended, failed, signals};
use crate::config::{Format, SourceConfig};
use crate::metrics::Metrics;
use crate::pace::{self, Pace};
use crate::source::Origin;
use crate::stages::Stage;
use crate::streams::{Fed, FeedFailed, Feeder, Run, Server};
use service_kit::shutdown::Shutdown;
use service_kit::terminal;
use std::process::ExitCode;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

/// Runs the command.
pub fn source(config: &SourceConfig) -> ExitCode {
    let prepared = (|| {
        let declaration = config.declaration.declaration()?;
        let server = config.redis.server(&declaration.name)?;
        let id = config.run.clone();
        let id = id.unwrap_or_else(|| uuid::Uuid::new_v4().simple().to_string()[..12].to_owned());
        let run = Run::new(id, &declaration, config.keep);
        Ok::<_, String>((server, run, config.items.origin()?))
    })();
    match prepared {
        Ok((server, run, origin)) => match fed(config, server, run, origin) {
            Ok(code) => code,
            Err(error) => failed(&format!("{error:#}")),
        },
        Err(reason) => bad_input(&reason),
    }
}

fn fed(
    config: &SourceConfig,
    server: Server,
    run: Run,
    mut origin: Origin,
) -> anyhow::Result<ExitCode> {
    let (_runtime, shutdown) = signals()?;
    let stop = Arc::new(AtomicBool::new(false));
    follow(&shutdown, &stop);
    let metrics = Metrics::new()?;
    let started = pace::now();
    let counts = metrics.counts(Stage::Source);
    let feeder = Feeder {
        server,
        run,
        pace: Pace {
            rate: config.items.rate,
            started,
        },
        counts: &counts,
        stop: &stop,
        measured: None,
    };
    match feeder.feed(&mut origin) {
        Err(FeedFailed::Origin(error)) => {
            return Ok(bad_input(&format!("the items cannot be read: {error}")));
        }
        result => result?,
    };
    let fed = feeder.wait(&stop)?;
    let refused = origin.refused();
    let summary = super::Summary::of_fed(&fed, &feeder.run, seconds(&fed, started), refused.count);
    let text = match config.format {
        Format::Json => serde_json::to_string_pretty(&summary)? + "\n",
        Format::Table => summary.table(),
    };
    terminal::print(&text)?;
    Ok(ended(&summary, refused, shutdown.cause()))
}

/// Until the mark was at the end or, where it never came there, until now.
fn seconds(fed: &Fed, started: u64) -> f64 {
    let end = fed.state.done.get(&Stage::Sink).copied();
    end.unwrap_or_else(pace::now).saturating_sub(started) as f64 / 1e9
}

/// Sets `stop` when a signal comes.
fn follow(shutdown: &Shutdown, stop: &Arc<AtomicBool>) {
    let (shutdown, stop) = (shutdown.clone(), stop.clone());
    std::thread::spawn(move || {
        while !shutdown.has_begun() {
            std::thread::sleep(std::time::Duration::from_millis(20));
        }
        stop.store(true, Ordering::Relaxed);
    });
}
