//! What the service can be told.

use clap::builder::FalseyValueParser;
use clap::{Args, Parser};
use origin::rate_limit::RateLimit;
use origin::web::Web;
use origin::web::fault::FaultShares;
use origin::web::latency::Latency;
use origin::web::page::LEAST_BYTES;
use service_kit::config::{Addresses, count_within, refuse};
use std::time::Duration;

/// The web to scrape, on our own network: pages from a seed, with latency and
/// faults, and an account of who asked for what.
#[derive(Debug, Parser)]
#[command(name = "origin", version)]
pub enum Cli {
    /// Serve the web until SIGTERM or SIGINT
    Serve(Box<ServeConfig>),
    /// Ask a running `serve` whether it is ready
    Healthcheck(Addresses),
}

/// Options of `serve`.
#[derive(Debug, Args)]
#[command(mut_arg("host", |host| host.visible_alias("api-host")))]
pub struct ServeConfig {
    /// Where to listen
    #[command(flatten)]
    pub addresses: Addresses,

    /// What web it is
    #[command(flatten)]
    pub web: WebConfig,

    /// What share of the pages has which fault
    #[command(flatten)]
    pub faults: FaultConfig,

    /// How it is served
    #[command(flatten)]
    pub manner: Manner,
}

/// What web it is.
#[derive(Debug, Args)]
pub struct WebConfig {
    /// All is made from this number: the same seed and options make the same web
    #[arg(long, env = "ORIGIN_SEED", default_value_t = 1)]
    pub seed: u64,

    /// How many pages, 1 to 1000000 (10^6)
    #[arg(long, env = "ORIGIN_PAGES", default_value = "1000", allow_negative_numbers = true, value_parser = pages)]
    pub pages: u64,

    /// Bytes of each page, 1024 to 1048576
    #[arg(long, env = "ORIGIN_PAGE_BYTES", default_value = "4096", allow_negative_numbers = true, value_parser = page_bytes)]
    pub page_bytes: usize,

    /// How long an answer takes: 0, 100ms, uniform:50ms-150ms or
    /// lognormal:100ms,0.5 (median, sigma)
    #[arg(
        long,
        env = "ORIGIN_LATENCY",
        default_value = "0",
        allow_negative_numbers = true
    )]
    pub latency: Latency,
}

/// Shares of the pages, 0 to 1 each and together. Which page has which fault is
/// a function of the seed.
#[derive(Debug, Args)]
pub struct FaultConfig {
    /// Share of pages that answer 500 the first times
    #[arg(long, env = "ORIGIN_STATUS_500", default_value = "0", value_name = "SHARE", allow_negative_numbers = true, value_parser = share)]
    pub status_500: f64,

    /// Share of pages that answer 503 with Retry-After the first times
    #[arg(long, env = "ORIGIN_STATUS_503", default_value = "0", value_name = "SHARE", allow_negative_numbers = true, value_parser = share)]
    pub status_503: f64,

    /// Share of pages whose connection is reset the first times
    #[arg(long, env = "ORIGIN_RESET", default_value = "0", value_name = "SHARE", allow_negative_numbers = true, value_parser = share)]
    pub reset: f64,

    /// Share of pages whose body comes a byte now and then
    #[arg(long, env = "ORIGIN_SLOW_BODY", default_value = "0", value_name = "SHARE", allow_negative_numbers = true, value_parser = share)]
    pub slow_body: f64,

    /// Share of pages whose body has no end
    #[arg(long, env = "ORIGIN_ENDLESS_BODY", default_value = "0", value_name = "SHARE", allow_negative_numbers = true, value_parser = share)]
    pub endless_body: f64,

    /// Share of pages that are not in the charset that their header names
    #[arg(long, env = "ORIGIN_WRONG_CHARSET", default_value = "0", value_name = "SHARE", allow_negative_numbers = true, value_parser = share)]
    pub wrong_charset: f64,

    /// Share of pages that are elsewhere
    #[arg(long, env = "ORIGIN_REDIRECT", default_value = "0", value_name = "SHARE", allow_negative_numbers = true, value_parser = share)]
    pub redirect: f64,

    /// Share of pages that are elsewhere, where it is said that they are here
    #[arg(long, env = "ORIGIN_REDIRECT_LOOP", default_value = "0", value_name = "SHARE", allow_negative_numbers = true, value_parser = share)]
    pub redirect_loop: f64,

    /// Share of pages whose HTML is broken
    #[arg(long, env = "ORIGIN_MALFORMED", default_value = "0", value_name = "SHARE", allow_negative_numbers = true, value_parser = share)]
    pub malformed: f64,

    /// Share of pages that have one of these faults, each equally likely;
    /// added to the shares above
    #[arg(long, env = "ORIGIN_ALL_FAULTS", default_value = "0", value_name = "SHARE", allow_negative_numbers = true, value_parser = share)]
    pub all_faults: f64,
}

/// How the web is served.
#[derive(Debug, Clone, Args)]
pub struct Manner {
    /// How often a page fails with 500, 503 or a reset before it answers well;
    /// 0: always
    #[arg(long, env = "ORIGIN_FAULT_TIMES", default_value_t = 1)]
    pub fault_times: u64,

    /// Requests per second that each client may send, and how many at once:
    /// 50 or 50,100; more are answered 429 with Retry-After [default: no limit]
    #[arg(long, env = "ORIGIN_RATE_LIMIT", value_name = "PER_SECOND[,BURST]")]
    pub rate_limit: Option<RateLimit>,

    /// Compress pages, with what Accept-Encoding allows: brotli, gzip
    #[arg(long, env = "ORIGIN_COMPRESS", value_parser = FalseyValueParser::new())]
    pub compress: bool,

    /// Seconds that a 503 asks to wait, 0 to 3600
    #[arg(long, env = "ORIGIN_RETRY_AFTER", default_value_t = 1, value_parser = clap::value_parser!(u16).range(0..=3600))]
    pub retry_after: u16,

    /// How often a slow body's next byte comes, 1ms to 1m
    #[arg(long, env = "ORIGIN_SLOW_BODY_EVERY", default_value = "200ms", value_parser = duration)]
    pub slow_body_every: Duration,

    /// How long a slow or endless body goes on before its connection is cut, 1ms to 1m
    #[arg(long, env = "ORIGIN_LONGEST_BODY", default_value = "1m", value_parser = duration)]
    pub longest_body: Duration,

    /// Connections at once; more wait until one ends, 1 to 100000
    #[arg(long, env = "ORIGIN_MAX_CONNECTIONS", default_value_t = 10_000, value_parser = clap::value_parser!(u32).range(1..=100_000))]
    pub max_connections: u32,

    /// Seconds that requests under way get to finish after SIGTERM or SIGINT, 0 to 3600
    #[arg(long, env = "DRAIN_SECONDS", default_value = "2", value_parser = drain)]
    pub drain_seconds: Duration,
}

impl ServeConfig {
    /// The web; ends the process when its shares are more than all pages.
    pub fn web(&self) -> Web {
        let faults = &self.faults;
        Web {
            seed: self.web.seed,
            pages: self.web.pages,
            page_bytes: self.web.page_bytes,
            faults: faults.shares().unwrap_or_else(|wrong| {
                refuse("the shares of faults", wrong, "at most 1 together")
            }),
            latency: self.web.latency,
        }
    }
}

impl FaultConfig {
    fn shares(&self) -> Result<FaultShares, String> {
        let own = [
            self.status_500,
            self.status_503,
            self.reset,
            self.slow_body,
            self.endless_body,
            self.wrong_charset,
            self.redirect,
            self.redirect_loop,
            self.malformed,
        ];
        FaultShares::new(own, self.all_faults)
    }
}

fn pages(text: &str) -> Result<u64, String> {
    count_within(text, 1..=1_000_000)
}

fn page_bytes(text: &str) -> Result<usize, String> {
    // Larger ones would need more than a test of body caps does.
    count_within(text, LEAST_BYTES as u64..=1 << 20).map(|bytes| bytes as usize)
}

fn share(text: &str) -> Result<f64, String> {
    let share = text.parse().ok();
    share
        .filter(|share| (0.0..=1.0).contains(share))
        .ok_or_else(|| "must be a share from 0 to 1, such as 0.1".into())
}

fn duration(text: &str) -> Result<Duration, String> {
    let allowed = Duration::from_millis(1)..=Duration::from_mins(1);
    let duration = humantime::parse_duration(text).ok();
    duration
        .filter(|duration| allowed.contains(duration))
        .ok_or_else(|| "must be a time from 1ms to 1m, such as 200ms".into())
}

fn drain(text: &str) -> Result<Duration, String> {
    let seconds = text.parse().ok();
    seconds
        .filter(|seconds| (0.0..=3600.0).contains(seconds))
        .map(Duration::from_secs_f64)
        .ok_or_else(|| "must be a number of seconds from 0 to 3600".into())
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]

    use super::*;
    use clap::CommandFactory as _;
    use origin::web::fault::Fault;

    fn parsed(arguments: &[&str]) -> Result<ServeConfig, clap::Error> {
        let all = ["origin", "serve"].iter().chain(arguments);
        let Cli::Serve(config) = Cli::try_parse_from(all)? else {
            panic!("serve is a command");
        };
        Ok(*config)
    }

    #[test]
    fn the_command_line_is_consistent() {
        Cli::command().debug_assert();
        let config = parsed(&["--api-host", "0.0.0.0"]).unwrap();
        assert_eq!(config.addresses.api().to_string(), "0.0.0.0:8080");
        assert_eq!(config.addresses.admin_port, 9000);
    }

    #[test]
    fn each_fault_has_an_option_of_its_name() {
        for fault in Fault::ALL {
            let config = parsed(&[&format!("--{}", fault.name()), "1"]).unwrap();
            assert_eq!(config.web().fault(1), Some(fault));
        }
    }

    #[test]
    fn what_is_out_of_range_is_refused() {
        for wrong in [
            ["--pages", "0"],
            ["--pages", "1000001"],
            ["--page-bytes", "1023"],
            ["--page-bytes", "2e6"],
            ["--reset", "1.1"],
            ["--reset", "-0.1"],
            ["--reset", "NaN"],
            ["--latency", "-1s"],
            ["--rate-limit", "0"],
            ["--longest-body", "0s"],
            ["--slow-body-every", "2m"],
            ["--max-connections", "0"],
            ["--drain-seconds", "inf"],
        ] {
            assert!(parsed(&wrong).is_err(), "{wrong:?}");
        }
    }
}
