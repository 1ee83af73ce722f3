//! What `run` can be told.

use super::{DatabaseArgs, FetchArgs, MOST_CONCURRENCY, MOST_PAGES};
use crate::crawl::Mode;
use crate::parse::Kernel;
use crate::store::{RunId, StoreChoice};
use crate::target::normalise;
use clap::{ArgGroup, Args, ValueEnum};
use service_kit::config::count_within;
use std::path::PathBuf;
use url::Url;

/// Options of `run`.
#[derive(Debug, Args)]
#[command(group = ArgGroup::new("from").required(true).args(["urls", "origin"]))]
pub struct RunConfig {
    /// A file with a URL on each line; -: standard input. Empty lines and those that begin with # say nothing
    #[arg(long, value_name = "FILE")]
    pub urls: Option<Urls>,

    /// Fetch /page/1 to /page/N of this host, which may be a private one
    #[arg(long, value_name = "URL", value_parser = origin)]
    pub origin: Option<Url>,

    /// How many pages of the origin, 1 to 1000000 (10^6)
    #[arg(long, env = "SCRAPER_PAGES", default_value = "1000", allow_negative_numbers = true, value_parser = pages)]
    pub pages: u64,

    /// How it waits for pages
    #[arg(long, env = "SCRAPER_MODE", value_enum, default_value_t)]
    pub mode: Mode,

    /// How many pages at once, 1 to 4096; sequential: one
    #[arg(long, env = "SCRAPER_CONCURRENCY", default_value = "64", allow_negative_numbers = true, value_parser = concurrency)]
    pub concurrency: usize,

    /// How pages are parsed
    #[arg(long, env = "SCRAPER_PARSE", value_enum, default_value_t)]
    pub parse: Kernel,

    /// Where outcomes are kept: none, postgres or ndjson:FILE
    #[arg(long, env = "SCRAPER_STORE", default_value = "none")]
    pub store: StoreChoice,

    /// The PostgreSQL for the store `postgres`
    #[command(flatten)]
    pub database: DatabaseArgs,

    /// Go on with a run that was broken off: fetch only what has no outcome in the store
    #[arg(long, value_name = "RUN")]
    pub resume: Option<RunId>,

    /// How pages are fetched
    #[command(flatten)]
    pub fetch: FetchArgs,

    /// Fetch from private, loopback and link-local addresses too
    #[arg(long)]
    pub allow_private: bool,

    /// A table for people, or JSON
    #[arg(long, value_enum, default_value_t)]
    pub format: Format,

    /// Seconds that pages under way get to finish after Ctrl-C or SIGTERM, and then the store as many again, 0 to 3600. Both and a second more must be less than the 10 after which `docker stop` kills
    #[arg(long, env = "DRAIN_SECONDS", default_value = "4", allow_negative_numbers = true, value_parser = seconds)]
    pub drain_seconds: f64,
}

/// Where a list comes from.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Urls {
    /// Standard input.
    Stdin,
    /// A file.
    File(PathBuf),
}

/// What `run` prints.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, ValueEnum)]
pub enum Format {
    /// A table.
    #[default]
    Table,
    /// One object.
    Json,
}

impl From<&str> for Urls {
    fn from(text: &str) -> Self {
        match text {
            "-" => Self::Stdin,
            file => Self::File(file.into()),
        }
    }
}

impl std::fmt::Display for Urls {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Stdin => f.write_str("standard input"),
            Self::File(file) => write!(f, "{}", file.display()),
        }
    }
}

fn origin(text: &str) -> Result<Url, String> {
    let url = normalise(text).map_err(|error| error.to_string())?;
    if url.path() != "/" || url.query().is_some() {
        return Err("must be a host alone, such as http://localhost:8080".into());
    }
    Ok(url)
}

fn pages(text: &str) -> Result<u64, String> {
    count_within(text, 1..=MOST_PAGES)
}

fn concurrency(text: &str) -> Result<usize, String> {
    count_within(text, 1..=MOST_CONCURRENCY).map(|count| count as usize)
}

fn seconds(text: &str) -> Result<f64, String> {
    match text.parse::<f64>() {
        Ok(seconds) if (0.0..=3600.0).contains(&seconds) => Ok(seconds),
        _ => Err("must be a number of seconds from 0 to 3600".into()),
    }
}
