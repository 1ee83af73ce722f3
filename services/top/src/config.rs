//! What it can be told.

use crate::stations::{Named, Names};
use clap::Parser;
use service_kit::config::interval_within;
use std::path::PathBuf;
use std::time::Duration;

/// The shortest and the longest time between two refreshes.
const INTERVALS: std::ops::RangeInclusive<Duration> =
    Duration::from_millis(200)..=Duration::from_mins(10);

/// What the stations use right now, beside what they may.
///
/// Full screen, until q; keys are explained with ?. With --once or --json it
/// needs no terminal.
#[derive(Debug, Parser)]
#[command(name = "lab-top", version)]
pub struct Cli {
    /// Print one frame as text, from two readings one interval apart, and end
    #[arg(long)]
    pub once: bool,

    /// Print a JSON object per refresh, one a line, until interrupted; its
    /// shape stands in docs/top.md
    #[arg(long)]
    pub json: bool,

    /// The time between two refreshes, such as 1s or 500ms
    #[arg(long, default_value = "1s", value_parser = interval)]
    pub interval: Duration,

    /// The file in which the runner tells of its run
    #[arg(long, env = "LAB_NOW", default_value = "results/.run/control/now.json")]
    pub now: PathBuf,

    /// Stations to show beside those of the run, separated by blanks or commas:
    /// a name on the Compose network, or name=host:port of the admin endpoints
    #[arg(long = "station", env = "LAB_STATIONS")]
    pub stations: Vec<Names>,

    /// No colours; any value but an empty one
    #[arg(long, env = "NO_COLOR", default_value = "", hide = true)]
    pub no_color: String,
}

impl Cli {
    /// The stations named.
    pub fn named(&self) -> Vec<Named> {
        self.stations
            .iter()
            .flat_map(|names| names.0.clone())
            .collect()
    }
}

fn interval(text: &str) -> Result<Duration, String> {
    interval_within(text, &INTERVALS)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_options_are_whole() {
        use clap::CommandFactory;
        Cli::command().debug_assert();
    }
}
