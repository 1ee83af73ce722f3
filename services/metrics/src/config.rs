//! What the monitor can be told.

use crate::names::Station;
use clap::{Args, Parser};
use service_kit::config::{Addresses, ServeArgs, interval_within};
use std::path::{Path, PathBuf};
use std::time::Duration;

/// The monitor: a host's CPUs, memory and containers, in a terminal and for Prometheus.
#[derive(Debug, Parser)]
#[command(name = "metrics", version)]
pub enum Cli {
    /// Serve the figures to Prometheus until SIGTERM or SIGINT
    Serve(ServeConfig),
    /// Measure for one interval, print what was found and end
    Snapshot(SnapshotConfig),
    /// Show a bar per core and the containers, again and again, until q or Ctrl-C
    ///
    /// Where the output is no terminal, one frame is printed after the other.
    Watch(WatchConfig),
    /// Ask a running `serve` whether it is ready
    Healthcheck(Addresses),
}

/// Options of `serve`.
#[derive(Debug, Args)]
// The course's port for its monitor.
#[command(mut_arg("port", |port| port.default_value("8000")))]
pub struct ServeConfig {
    /// Where to listen, and the limits of a request
    #[command(flatten)]
    pub serve: ServeArgs,

    /// What to watch
    #[command(flatten)]
    pub watched: Watched,
}

/// Options of `snapshot`.
#[derive(Debug, Args)]
pub struct SnapshotConfig {
    /// Over how long to measure, 100ms to 1h
    #[arg(long, default_value = "1s", allow_negative_numbers = true, value_parser = interval)]
    pub interval: Duration,

    /// How many processes to name, 0 to 1000
    #[arg(long, default_value_t = 10, allow_negative_numbers = true, value_parser = clap::value_parser!(u16).range(0..=1000))]
    pub top: u16,

    /// Print JSON, in the shape of docs/snapshot.schema.json
    #[arg(long)]
    pub json: bool,

    /// What to watch
    #[command(flatten)]
    pub watched: Watched,
}

/// Options of `watch`.
#[derive(Debug, Args)]
pub struct WatchConfig {
    /// How long a frame stands, and over how long its figures are measured, 100ms to 1h
    #[arg(long, default_value = "1s", allow_negative_numbers = true, value_parser = interval)]
    pub interval: Duration,

    /// What to watch
    #[command(flatten)]
    pub watched: Watched,
}

/// What is watched: where the kernel's files are, and who tells names.
#[derive(Debug, Clone, Args)]
pub struct Watched {
    /// Where the kernel's files are
    #[command(flatten)]
    pub places: Places,

    /// Stations that are asked which container they run in, as `name` or
    /// `name:port` separated by commas; the port is that of their admin
    /// endpoints, 9000 unless given
    #[arg(long, env = "METRICS_STATIONS", default_value = "", value_parser = stations)]
    pub stations: Stations,
}

/// Where the kernel's files are. A container sees the host's processes and
/// groups only where they are mounted into it, say at /host/proc.
#[derive(Debug, Clone, Args)]
pub struct Places {
    /// The host's /proc
    #[arg(long, env = "METRICS_PROC", default_value = "/proc")]
    pub proc: PathBuf,

    /// The host's /sys, for the frequencies; a container's own shows them too
    #[arg(long, env = "METRICS_SYS", default_value = "/sys")]
    pub sys: PathBuf,

    /// The host's cgroup tree
    #[arg(long, env = "METRICS_CGROUP", default_value = "/sys/fs/cgroup")]
    pub cgroup: PathBuf,
}

/// The stations that are asked.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Stations(pub Vec<Station>);

impl Places {
    /// A file of /proc.
    pub fn proc(&self, file: impl AsRef<Path>) -> Option<String> {
        std::fs::read_to_string(self.proc.join(file)).ok()
    }
}

fn stations(text: &str) -> Result<Stations, String> {
    let names = text
        .split(',')
        .map(str::trim)
        .filter(|name| !name.is_empty());
    let stations: Result<_, _> = names.map(Station::parse).collect();
    Ok(Stations(stations?))
}

fn interval(text: &str) -> Result<Duration, String> {
    // Below, a CPU counts too few ticks of 10 ms to tell its use.
    interval_within(
        text,
        &(Duration::from_millis(100)..=Duration::from_hours(1)),
    )
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::{Cli, stations};
    use clap::{CommandFactory as _, Parser as _};

    #[test]
    fn the_command_line_is_consistent_and_serves_on_the_courses_port() {
        Cli::command().debug_assert();
        let Ok(Cli::Serve(config)) = Cli::try_parse_from(["metrics", "serve"]) else {
            panic!("serve is a command");
        };
        assert_eq!(config.serve.addresses.port, 8000);
        assert_eq!(config.serve.addresses.admin_port, 9000);
    }

    #[test]
    fn stations_are_names_with_or_without_a_port() {
        let found = stations("primes-half, primes-fleet:9100,").unwrap().0;
        let found: Vec<_> = found
            .iter()
            .map(|one| (one.name.as_str(), one.port))
            .collect();
        assert_eq!(found, [("primes-half", 9000), ("primes-fleet", 9100)]);
        assert_eq!(stations("").unwrap().0, []);
        for bad in ["a b", "a:", "a:70000", ":9000", "http://a", "a/b"] {
            assert!(stations(bad).unwrap_err().contains("must be"), "{bad}");
        }
    }
}
