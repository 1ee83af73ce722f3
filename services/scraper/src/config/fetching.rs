//! How pages are fetched, as options.

use crate::fetch::{Options, USER_AGENT};
use crate::retry::Policy;
use clap::Args;
use service_kit::config::count_within;
use std::time::Duration;

/// How pages are fetched.
#[derive(Debug, Clone, Args)]
pub struct FetchArgs {
    /// For a connection: name, TCP and TLS together, 1ms to 1h
    #[arg(long, env = "SCRAPER_CONNECT_TIMEOUT", default_value = "5s", value_parser = duration)]
    pub connect_timeout: Duration,

    /// For the next bytes of an answer, 1ms to 1h
    #[arg(long, env = "SCRAPER_READ_TIMEOUT", default_value = "10s", value_parser = duration)]
    pub read_timeout: Duration,

    /// For one request up to the end of its answer, 1ms to 1h
    #[arg(long, env = "SCRAPER_TIMEOUT", default_value = "30s", value_parser = duration)]
    pub timeout: Duration,

    /// The most bytes of a page, as sent and decompressed, 1 to 10^9
    #[arg(long, env = "SCRAPER_MAX_BYTES", default_value = "8388608", allow_negative_numbers = true, value_parser = bytes)]
    pub max_bytes: u64,

    /// The most bytes of all pages that are held at once, 1 to 10^12: pages beyond wait for each other, though one may always have --max-bytes [default: a quarter of the memory limit; where there is none, 268435456]
    #[arg(long, env = "SCRAPER_MAX_BYTES_AT_ONCE", value_name = "BYTES", allow_negative_numbers = true, value_parser = bytes_at_once)]
    pub max_bytes_at_once: Option<u64>,

    /// The most redirects that are followed, 0 to 50
    #[arg(long, env = "SCRAPER_REDIRECTS", default_value_t = 10, value_parser = clap::value_parser!(u8).range(0..=50))]
    pub redirects: u8,

    /// The most attempts at one URL, 1 to 100; a rate limit (429) alone: four times as many
    #[arg(long, env = "SCRAPER_ATTEMPTS", default_value_t = 4, value_parser = clap::value_parser!(u32).range(1..=100))]
    pub attempts: u32,

    /// The longest pause between two attempts, 1ms to 1h; a robots.txt that could not be had is asked for again after so long
    #[arg(long, env = "SCRAPER_LONGEST_PAUSE", default_value = "10s", value_parser = duration)]
    pub longest_pause: Duration,

    /// A URL whose server asks for a longer pause (Retry-After) is given up, 1ms to 1h; after a 429 the others of its host wait so long
    #[arg(long, env = "SCRAPER_LONGEST_RETRY_AFTER", default_value = "30s", value_parser = duration)]
    pub longest_retry_after: Duration,

    /// The most requests to one host at once, 1 to 4096 [default: 6 with --urls, as browsers do; with --origin as many as pages at once]. While a host has as many, the list is read on for others, some 8000 URLs ahead
    #[arg(long, env = "SCRAPER_PER_HOST", value_parser = clap::value_parser!(u16).range(1..=4096))]
    pub per_host: Option<u16>,

    /// The most requests per second to one host, 0.001 to 1000000 [default: no limit]
    #[arg(long, env = "SCRAPER_RATE", value_name = "PER_SECOND", allow_negative_numbers = true, value_parser = rate)]
    pub rate: Option<f64>,

    /// Do not ask for robots.txt: for hosts of one's own. (Where it cannot be had, which a 429 is too, nothing is fetched)
    #[arg(long)]
    pub ignore_robots: bool,

    /// What servers are told; add how to reach you
    #[arg(long, env = "SCRAPER_USER_AGENT", default_value = USER_AGENT, value_parser = header_value)]
    pub user_agent: String,
}

impl FetchArgs {
    /// The rules that these are; `per_host` where they name no limit.
    pub fn options(&self, per_host: Option<usize>) -> Options {
        Options {
            connect_timeout: self.connect_timeout,
            read_timeout: self.read_timeout,
            total_timeout: self.timeout,
            body_limit: self.max_bytes as usize,
            bodies_at_once: self.max_bytes_at_once.map(|bytes| bytes as usize),
            redirects: usize::from(self.redirects),
            retry: Policy {
                attempts: self.attempts,
                longest_pause: self.longest_pause,
                longest_retry_after: self.longest_retry_after,
                ..Policy::default()
            },
            per_host: self.per_host.map(usize::from).or(per_host),
            host_interval: self
                .rate
                .map_or(Duration::ZERO, |rate| Duration::from_secs_f64(1.0 / rate)),
            ignore_robots: self.ignore_robots,
            user_agent: self.user_agent.clone(),
        }
    }
}

pub(super) fn duration(text: &str) -> Result<Duration, String> {
    let allowed = Duration::from_millis(1)..=Duration::from_hours(1);
    match humantime::parse_duration(text) {
        Ok(duration) if allowed.contains(&duration) => Ok(duration),
        _ => Err("must be a duration from 1ms to 1h, such as 500ms or 10s".into()),
    }
}

fn bytes(text: &str) -> Result<u64, String> {
    count_within(text, 1..=1_000_000_000)
}

fn bytes_at_once(text: &str) -> Result<u64, String> {
    count_within(text, 1..=1_000_000_000_000)
}

fn rate(text: &str) -> Result<f64, String> {
    match text.parse::<f64>() {
        Ok(rate) if (0.001..=1e6).contains(&rate) => Ok(rate),
        _ => Err("must be a number from 0.001 to 1000000".into()),
    }
}

fn header_value(text: &str) -> Result<String, String> {
    match hyper::header::HeaderValue::from_str(text) {
        Ok(_) if !text.is_empty() => Ok(text.to_owned()),
        _ => Err("must be printable ASCII".into()),
    }
}
