//! What the service can be told.

use crate::shape::{MOST_THREADS, Shape, Strategy, WorkerRule};
use clap::{Args, Parser};
use service_kit::config::{Addresses, ServeArgs, count_within, interval_within};
use std::net::SocketAddr;
use std::time::Duration;

/// The largest loop that may be asked for, whatever `--max-work` says: some
/// minutes of one CPU.
const MOST_WORK: u64 = 1_000_000_000_000;

/// A prefork HTTP server: a master, and as many workers as told on one port.
#[derive(Debug, Parser)]
#[command(name = "cluster", version)]
pub enum Cli {
    /// Serve with a family of workers until SIGTERM or SIGINT; SIGHUP replaces
    /// them one after another
    Serve(Box<ServeConfig>),
    /// Ask a running `serve` whether it is ready
    Healthcheck(Addresses),
    /// A worker; the master starts these
    #[command(hide = true)]
    Worker {
        /// Its orders, as JSON
        orders: String,
    },
}

/// Options of `serve`.
#[derive(Debug, Args)]
#[command(
    mut_arg("host", |host| host.visible_alias("api-host")),
    mut_arg("port", |port| port.long("api-port"))
)]
pub struct ServeConfig {
    /// Where the API listens, and the limits of a request
    #[command(flatten)]
    pub serve: ServeArgs,

    /// TCP port that the workers serve, 0 to 65535; 0 lets the kernel choose
    #[arg(
        id = "served-port",
        long = "port",
        env = "CLUSTER_PORT",
        value_name = "PORT",
        default_value_t = 3000
    )]
    pub served_port: u16,

    /// How many workers: auto (as many as use the whole CPU budget), nproc (the
    /// CPUs that the host shows), 2n+1 (of those n, as gunicorn recommends), or
    /// a number from 1 to 256
    #[arg(
        long,
        env = "CLUSTER_WORKERS",
        default_value = "auto",
        allow_negative_numbers = true
    )]
    pub workers: WorkerRule,

    /// Runtime threads of each worker, 1 to 256
    #[arg(long, env = "CLUSTER_THREADS", default_value = "1", allow_negative_numbers = true, value_parser = threads)]
    pub threads: usize,

    /// How the workers share the port
    #[arg(long, env = "CLUSTER_STRATEGY", value_enum, default_value_t)]
    pub strategy: Strategy,

    /// What serving is allowed
    #[command(flatten)]
    pub serving: Serving,

    /// Only one measured run of this name goes on at a time: name them apart
    /// where several stations share one network namespace. Answers carry it as
    /// the replica's name [default: the host name; of the lock: cluster]
    #[arg(long, env = "STATION_NAME")]
    pub station: Option<String>,
}

/// What each worker allows its clients.
#[derive(Debug, Clone, Args)]
pub struct Serving {
    /// Additions that a request costs when it does not say, 0 to `--max-work`
    #[arg(long, env = "CLUSTER_WORK", default_value = "1e7", allow_negative_numbers = true, value_parser = work)]
    pub work: u64,

    /// The most additions that `?work=` may ask for, at most 10^12
    #[arg(long, env = "CLUSTER_MAX_WORK", default_value = "1e9", allow_negative_numbers = true, value_parser = work)]
    pub max_work: u64,

    /// Connections of one worker at once; more are answered 503 with
    /// Retry-After, 1 to 100000
    #[arg(long, env = "CLUSTER_MAX_CONNECTIONS", default_value_t = 10_000, value_parser = clap::value_parser!(u32).range(1..=100_000))]
    pub max_connections: u32,

    /// How long a connection may wait for its next request, 100ms to 1h
    #[arg(long, env = "CLUSTER_KEEP_ALIVE", default_value = "75s", value_parser = interval)]
    pub keep_alive: Duration,

    /// How long a request's head may take from its first byte on, 100ms to 1h
    #[arg(long, env = "CLUSTER_HEADER_TIMEOUT", default_value = "10s", value_parser = interval)]
    pub header_timeout: Duration,
}

impl ServeConfig {
    /// Where the workers serve.
    pub fn served(&self) -> SocketAddr {
        SocketAddr::new(self.serve.addresses.host, self.served_port)
    }

    /// The family to begin with.
    pub fn shape(&self, budget: &cpu_budget::CpuBudget) -> Result<Shape, String> {
        Ok(Shape {
            workers: self.workers.resolve(budget)?,
            threads: self.threads,
            strategy: self.strategy,
        })
    }

    /// The name of the replica, which answers carry.
    pub fn replica(&self) -> String {
        let hostname = || std::fs::read_to_string("/proc/sys/kernel/hostname").unwrap_or_default();
        let name = self.station.clone().unwrap_or_else(hostname);
        name.trim().to_owned()
    }

    /// The name of the lock on measured runs.
    pub fn lock_name(&self) -> String {
        let own = self.station.clone();
        own.unwrap_or_else(|| env!("CARGO_PKG_NAME").to_owned())
    }
}

fn threads(text: &str) -> Result<usize, String> {
    count_within(text, 1..=MOST_THREADS as u64).map(|threads| threads as usize)
}

fn work(text: &str) -> Result<u64, String> {
    count_within(text, 0..=MOST_WORK)
}

fn interval(text: &str) -> Result<Duration, String> {
    interval_within(
        text,
        &(Duration::from_millis(100)..=Duration::from_hours(1)),
    )
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]

    use super::*;
    use clap::CommandFactory as _;

    fn parsed(arguments: &[&str]) -> Result<ServeConfig, clap::Error> {
        let all = ["cluster", "serve"].iter().chain(arguments);
        let Cli::Serve(config) = Cli::try_parse_from(all)? else {
            panic!("serve is a command");
        };
        Ok(*config)
    }

    #[test]
    fn the_command_line_is_consistent() {
        Cli::command().debug_assert();
        let config = parsed(&["--api-host", "0.0.0.0", "--port", "1", "--api-port", "2"]).unwrap();
        assert_eq!(config.served().to_string(), "0.0.0.0:1");
        assert_eq!(config.serve.addresses.api().to_string(), "0.0.0.0:2");
        assert_eq!(config.serve.addresses.admin_port, 9000);
        assert_eq!(config.serving.work, 10_000_000);
    }

    #[test]
    fn what_is_out_of_range_is_refused() {
        for wrong in [
            ["--workers", "0"],
            ["--workers", "-1"],
            ["--workers", "257"],
            ["--workers", "1.5"],
            ["--workers", "many"],
            ["--workers", "3n+1"],
            ["--threads", "0"],
            ["--threads", "257"],
            ["--strategy", "fork"],
            ["--work", "-1"],
            ["--max-work", "1e13"],
            ["--max-connections", "0"],
            ["--keep-alive", "0"],
            ["--header-timeout", "2h"],
            ["--port", "70000"],
        ] {
            assert!(parsed(&wrong).is_err(), "{wrong:?}");
        }
    }

    #[test]
    fn a_station_gives_the_replica_and_the_lock_their_name() {
        let named = parsed(&["--station", "cluster-two-1"]).unwrap();
        assert_eq!(named.replica(), "cluster-two-1");
        assert_eq!(named.lock_name(), "cluster-two-1");
    }
}
