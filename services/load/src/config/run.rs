//! What `run` and `search` can be told.

use super::SendingArgs;
use crate::request::{CONNECTIONS, Loop, RunRequest, WORK};
use crate::search::SearchRequest;
use clap::{ArgGroup, Args};
use measure::arrivals::Arrivals;
use service_kit::config::{count_within, interval_within};
use std::time::Duration;

/// Options of `run`.
#[derive(Debug, Args)]
#[command(group = ArgGroup::new("pace").required(true).args(["rate", "closed", "burst"]).multiple(true))]
pub struct RunConfig {
    /// What is sent, and to whom
    #[command(flatten)]
    pub common: CommonArgs,

    /// Requests per second, on a schedule: an open loop
    #[arg(long, allow_negative_numbers = true, conflicts_with = "closed")]
    pub rate: Option<f64>,

    /// Send on each connection when the answer before has come: a closed loop
    #[arg(long, conflicts_with = "burst")]
    pub closed: bool,

    /// Seconds that are measured, 0.1 to 600
    #[arg(long, default_value = "10", allow_negative_numbers = true)]
    pub seconds: f64,

    /// Seconds in which the same is done before it is measured, 0 to 60
    #[arg(long, default_value = "1", allow_negative_numbers = true)]
    pub warm_up: f64,

    /// Count the workers that answers' bodies name ("worker":N)
    #[arg(long)]
    pub identify: bool,
}

/// Options of `search`.
#[derive(Debug, Args)]
pub struct SearchConfig {
    /// What is sent, and to whom
    #[command(flatten)]
    pub common: CommonArgs,

    /// The p99 that must be kept, 10us to 1m
    #[arg(long, value_name = "TIME", value_parser = p99)]
    pub p99: Duration,

    /// Seconds of each step, 0.1 to 600
    #[arg(long, default_value = "5", allow_negative_numbers = true)]
    pub seconds: f64,

    /// How often the rate that was found must keep the p99 again, for twice as long, 0 to 10
    #[arg(long, default_value = "3", allow_negative_numbers = true)]
    pub confirmations: u64,

    /// Requests per second of the first step [default: an eighth of what a closed loop gets]
    #[arg(long, allow_negative_numbers = true)]
    pub from: Option<f64>,

    /// The highest rate that is tried
    #[arg(long, allow_negative_numbers = true)]
    pub to: Option<f64>,
}

/// Options of both.
#[derive(Debug, Args)]
pub struct CommonArgs {
    /// URLs that are asked for with GET; connections are spread over all their addresses
    #[arg(required = true, value_name = "URL")]
    pub urls: Vec<String>,

    /// How requests of an open loop are spread over time: constant or poisson
    #[arg(long, default_value = "constant", value_parser = arrivals)]
    pub arrivals: Arrivals,

    /// Bursts in place of these, such as 50/100ms: so many requests at once, so often
    #[arg(long, value_name = "N/TIME", value_parser = burst)]
    pub burst: Option<Arrivals>,

    /// The most connections at once, 1 to 10000
    #[arg(long, default_value = "64", allow_negative_numbers = true, value_parser = connections)]
    pub connections: u64,

    /// Adds ?work=N to the URLs
    #[arg(long, allow_negative_numbers = true, value_parser = work)]
    pub work: Option<u64>,

    /// For a request's connection, and again for its answer, 1ms to 1m
    #[arg(long, default_value = "5s", value_parser = timeout)]
    pub timeout: Duration,

    /// What the chance in Poisson arrivals is drawn from
    #[arg(long, default_value_t = 0)]
    pub seed: u64,

    /// Print the whole answer as JSON in place of a table
    #[arg(long)]
    pub json: bool,

    /// Whom it may send to, and with what
    #[command(flatten)]
    pub sending: SendingArgs,
}

/// What is printed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Format {
    /// A table for people.
    Table,
    /// One object.
    Json,
}

impl CommonArgs {
    /// What is printed.
    pub fn format(&self) -> Format {
        if self.json {
            Format::Json
        } else {
            Format::Table
        }
    }

    fn arrivals(&self) -> Arrivals {
        self.burst.unwrap_or(self.arrivals)
    }
}

impl RunConfig {
    /// The same as a request.
    pub fn request(&self) -> RunRequest {
        RunRequest {
            targets: self.common.urls.clone(),
            pace: if self.closed {
                Loop::Closed
            } else {
                Loop::Open
            },
            rate: self.rate,
            arrivals: self.common.arrivals(),
            connections: self.common.connections,
            warm_up_seconds: self.warm_up,
            seconds: self.seconds,
            start_at_seconds: None,
            seed: self.common.seed,
            work: self.common.work,
            timeout_seconds: self.common.timeout.as_secs_f64(),
            identify: self.identify,
        }
    }
}

impl SearchConfig {
    /// The same as a request.
    pub fn request(&self) -> SearchRequest {
        SearchRequest {
            targets: self.common.urls.clone(),
            p99_seconds: self.p99.as_secs_f64(),
            connections: self.common.connections,
            seconds: self.seconds,
            confirmations: self.confirmations,
            from: self.from,
            to: self.to,
            arrivals: self.common.arrivals(),
            seed: self.common.seed,
            work: self.common.work,
            timeout_seconds: self.common.timeout.as_secs_f64(),
        }
    }
}

fn arrivals(text: &str) -> Result<Arrivals, String> {
    match text {
        "constant" => Ok(Arrivals::Constant),
        "poisson" => Ok(Arrivals::Poisson),
        _ => Err("must be constant or poisson; --burst is for bursts".into()),
    }
}

fn burst(text: &str) -> Result<Arrivals, String> {
    let form = || "must be a number and a time, such as 50/100ms".to_owned();
    let (size, every) = text.split_once('/').ok_or_else(form)?;
    let size = count_within(size, 1..=100_000)?;
    let every = interval_within(every, &(Duration::from_millis(1)..=Duration::from_mins(1)))?;
    Ok(Arrivals::Bursts {
        size: size as u32,
        every_seconds: every.as_secs_f64(),
    })
}

fn connections(text: &str) -> Result<u64, String> {
    count_within(text, CONNECTIONS)
}

fn work(text: &str) -> Result<u64, String> {
    count_within(text, WORK)
}

fn timeout(text: &str) -> Result<Duration, String> {
    interval_within(text, &(Duration::from_millis(1)..=Duration::from_mins(1)))
}

fn p99(text: &str) -> Result<Duration, String> {
    interval_within(text, &(Duration::from_micros(10)..=Duration::from_mins(1)))
}
