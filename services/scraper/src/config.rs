//! What the service can be told.

mod fetching;
mod run;

pub use fetching::FetchArgs;
pub use run::{Format, RunConfig, Urls};

use crate::guard::{AllowList, Entry, Guard};
use crate::store::Database;
use clap::{Args, Parser};
use service_kit::config::{Addresses, ServeArgs};
use std::path::PathBuf;

/// The most pages at once.
pub const MOST_CONCURRENCY: u64 = 4096;

/// The most pages of an origin.
pub const MOST_PAGES: u64 = 1_000_000;

/// Fetches web pages one after another, on threads or async, and stores what became of each.
#[derive(Debug, Parser)]
#[command(name = "scraper", version)]
pub enum Cli {
    /// Serve measured runs over HTTP until SIGTERM or SIGINT
    Serve(Box<ServeConfig>),
    /// Fetch a list of URLs, or an origin's pages, and store what became of each
    ///
    /// Exit codes: 0 when every URL has its outcome (also one that is no page), and
    /// --store has it, even if a signal came meanwhile; 1 when the store failed,
    /// could not be opened, or had not all in time; 64 for bad input; 130 after
    /// Ctrl-C and 143 after SIGTERM when outcomes are missing. Both signals let what
    /// is under way finish, for --drain-seconds; a second one ends it at once.
    Run(Box<RunConfig>),
    /// Ask a running `serve` whether it is ready
    Healthcheck(Addresses),
}

/// Options of `serve`.
#[derive(Debug, Args)]
pub struct ServeConfig {
    /// Where to listen, and the limits of a request
    #[command(flatten)]
    pub serve: ServeArgs,

    /// Only one measured run of this name goes on at a time: name them apart
    /// where several stations share one network namespace
    #[arg(long, env = "STATION_NAME", default_value = "scraper")]
    pub station: String,

    /// Hosts that may be fetched from over HTTP: host, host:port, *.domain or *.
    /// Those named in full may be private ones
    #[arg(
        long,
        env = "SCRAPER_ALLOW",
        value_delimiter = ',',
        default_value = "origin:8080"
    )]
    pub allow: Vec<Entry>,

    /// The PostgreSQL for the store `postgres`
    #[command(flatten)]
    pub database: DatabaseArgs,
}

impl ServeConfig {
    /// What may be fetched.
    pub fn guard(&self) -> Guard {
        Guard::new(AllowList::new(self.allow.iter().cloned()))
    }
}

/// Which PostgreSQL.
#[derive(Debug, Clone, Args)]
pub struct DatabaseArgs {
    /// PostgreSQL, such as postgres://user@host:5432/database
    #[arg(long, env = "SCRAPER_DATABASE_URL", hide_env_values = true)]
    pub database_url: Option<String>,

    /// A file that holds its password and nothing else
    #[arg(long, env = "SCRAPER_DATABASE_PASSWORD_FILE", value_name = "FILE")]
    pub database_password_file: Option<PathBuf>,
}

impl DatabaseArgs {
    /// The database, where one is named.
    pub fn database(&self) -> Result<Option<Database>, String> {
        let url = self.database_url.as_deref();
        let database = url.map(|url| Database::new(url, self.database_password_file.as_deref()));
        database.transpose().map_err(|error| error.to_string())
    }
}
