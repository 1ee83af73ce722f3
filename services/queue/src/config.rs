//! What the service can be told.

mod run;

pub use run::{Format, RunConfig};

use crate::socket::SocketArgs;
use crate::store::redis::Server;
use crate::worker::Settings;
use clap::{Args, Parser};
use redis_link::Address;
use service_kit::config::{Addresses, ServeArgs, count_within, interval_within};
use std::path::PathBuf;
use std::time::Duration;

/// A job queue over Redis: priorities, retries, leases with fencing tokens; or all in one process.
#[derive(Debug, Parser)]
#[command(name = "queue", version)]
pub enum Cli {
    /// Accept jobs over HTTP and WebSocket until SIGTERM or SIGINT
    Serve(Box<ServeConfig>),
    /// Do the jobs of a queue until SIGTERM or SIGINT
    ///
    /// Both let what is under way finish, for --drain-seconds; what is not done
    /// then goes back at once, for other workers.
    Worker(Box<WorkerConfig>),
    /// Do jobs here, in this process
    ///
    /// Needs nothing else: no container, no Redis. Exit codes: 0 when all
    /// succeeded, 1 when some are dead, 64 for bad input, 130 after Ctrl-C, 143
    /// after SIGTERM.
    Run(Box<RunConfig>),
    /// Ask a running `serve` or `worker` whether it is ready
    Healthcheck(Addresses),
}

/// Options of `serve`.
#[derive(Debug, Args)]
pub struct ServeConfig {
    /// Where to listen, and the limits of a request
    #[command(flatten)]
    pub serve: ServeArgs,

    /// The queue
    #[command(flatten)]
    pub queue: QueueArgs,

    /// Jobs that may wait at once; more are refused until some are done, 1 to 100000000
    #[arg(long, env = "QUEUE_MAX_DEPTH", default_value = "1000000", allow_negative_numbers = true, value_parser = depth)]
    pub max_depth: u64,

    /// The WebSocket
    #[command(flatten)]
    pub socket: SocketArgs,
}

/// Options of `worker`.
#[derive(Debug, Args)]
pub struct WorkerConfig {
    /// Where to listen, and the limits of a request
    #[command(flatten)]
    pub serve: ServeArgs,

    /// The queue
    #[command(flatten)]
    pub queue: QueueArgs,

    /// How it works
    #[command(flatten)]
    pub work: WorkArgs,

    /// Only one measured run of this name goes on at a time: name them apart
    /// where several stations share one network namespace
    #[arg(long, env = "STATION_NAME", default_value = "queue-worker")]
    pub station: String,
}

/// Which queue.
#[derive(Debug, Clone, Args)]
pub struct QueueArgs {
    /// Redis, such as redis://host:6379
    #[arg(
        long,
        env = "QUEUE_REDIS_URL",
        default_value = "redis://127.0.0.1:6379",
        hide_env_values = true
    )]
    pub redis_url: String,

    /// A file that holds its password and nothing else
    #[arg(long, env = "QUEUE_REDIS_PASSWORD_FILE", value_name = "FILE")]
    pub redis_password_file: Option<PathBuf>,

    /// The queue's name: 1 to 64 letters, digits, - or _
    #[arg(long, env = "QUEUE_NAME", default_value = "jobs", value_parser = name)]
    pub name: String,
}

/// How jobs are done.
#[derive(Debug, Clone, Args)]
pub struct WorkArgs {
    /// Threads for CPU jobs, 1 to 256 [default: as many as use the CPU budget without being stopped]
    #[arg(long, env = "QUEUE_THREADS", allow_negative_numbers = true, value_parser = threads)]
    pub threads: Option<usize>,

    /// I/O jobs at once, 0 to 10000
    #[arg(long, env = "QUEUE_IO", default_value = "100", allow_negative_numbers = true, value_parser = io)]
    pub io: usize,

    /// The most CPU jobs that wait in a worker for a thread, 0 to 1000; as many as
    /// take it 20 ms, if that is fewer
    #[arg(long, env = "QUEUE_PREFETCH", default_value = "500", allow_negative_numbers = true, value_parser = prefetch)]
    pub prefetch: usize,

    /// How long nothing may be heard of a job's worker until another may take it, 100ms to 10m
    #[arg(long, env = "QUEUE_LEASE", default_value = "10s", value_parser = lease)]
    pub lease: Duration,

    /// How long a job must wait to count for one priority more, 0s to 1d; 0s: first
    /// come, first served, whatever the priority
    #[arg(long, env = "QUEUE_AGEING", default_value = "10s", value_parser = ageing)]
    pub ageing: Duration,
}

impl QueueArgs {
    /// The queue's place in Redis.
    ///
    /// # Errors
    /// What is wrong with the URL, or the file.
    pub fn server(&self) -> Result<Server, String> {
        let file = self.redis_password_file.as_deref();
        let address = Address::configured(&self.redis_url, file, "QUEUE")?;
        Ok(Server::new(address, &self.name))
    }
}

impl WorkArgs {
    /// How a worker works, where the CPU budget suggests so many threads.
    pub fn settings(&self, suggested: usize) -> Settings {
        Settings {
            threads: self.threads.unwrap_or(suggested),
            io: self.io,
            prefetch: self.prefetch,
            lease: self.lease,
            ageing: self.ageing,
        }
    }
}

fn depth(text: &str) -> Result<u64, String> {
    count_within(text, 1..=100_000_000)
}

fn threads(text: &str) -> Result<usize, String> {
    count_within(text, 1..=256).map(|count| count as usize)
}

fn io(text: &str) -> Result<usize, String> {
    count_within(text, 0..=10_000).map(|count| count as usize)
}

fn prefetch(text: &str) -> Result<usize, String> {
    count_within(text, 0..=1000).map(|count| count as usize)
}

fn lease(text: &str) -> Result<Duration, String> {
    let allowed = Duration::from_millis(100)..=Duration::from_mins(10);
    interval_within(text, &allowed)
}

fn ageing(text: &str) -> Result<Duration, String> {
    interval_within(text, &(Duration::ZERO..=Duration::from_hours(24)))
}

fn name(text: &str) -> Result<String, String> {
    let fits = |c: char| c.is_ascii_alphanumeric() || c == '-' || c == '_';
    if (1..=64).contains(&text.len()) && text.chars().all(fits) {
        Ok(text.to_owned())
    } else {
        Err("must be 1 to 64 letters, digits, - or _".into())
    }
}
