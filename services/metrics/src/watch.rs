//! `metrics watch`: the host again and again, as a frame in the terminal.

mod cores;
mod frame;
mod line;
mod screen;

use crate::config::WatchConfig;
use crate::names::{Asker, Names};
use crate::rates::{self, HostUse};
use crate::reading::{Host, Reading};
use frame::View;
use screen::{Output, Told};
use std::time::Duration;

/// The first frame comes soon, over a shorter interval than the others.
const FIRST: Duration = Duration::from_millis(300);

/// Shows frames until it is told to end, or until nobody reads them.
pub async fn run(config: WatchConfig) -> anyhow::Result<()> {
    let host = Host::at(config.watched.places);
    let names = Names::default();
    let asker = Asker::new(
        names.clone(),
        config.watched.stations.0,
        host.tree().clone(),
    );
    let mut output = Output::open()?;
    tokio::spawn(asker.keep_asking());
    let mut earlier = host.read();
    let mut shown: Option<(Reading, Reading)> = None;
    let mut due = tokio::time::Instant::now() + FIRST.min(config.interval);
    loop {
        let told = tokio::select! {
            told = output.told() => Some(told),
            () = tokio::time::sleep_until(due) => None,
        };
        match told {
            Some(Told::End) => return Ok(()),
            // The same figures again, in the new size.
            Some(Told::Redraw) => {}
            None => {
                let later = host.read();
                shown = Some((earlier, later.clone()));
                earlier = later;
                due = tokio::time::Instant::now() + config.interval;
            }
        }
        let Some((before, now)) = &shown else {
            continue;
        };
        let view = View {
            used: HostUse::between(before, now),
            containers: rates::containers(before, now, |one| names.of(&one.id)),
            reading: now,
        };
        if !output.show(|size| frame::lines(&view, size))? {
            return Ok(());
        }
    }
}
