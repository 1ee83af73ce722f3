//! What the service can be told.

use clap::{Args, Parser};
use service_kit::config::{Addresses, ServeArgs};

/// Fetches web pages one after another, on threads or async, and stores what became of each.
#[derive(Debug, Parser)]
#[command(name = "scraper", version)]
pub enum Cli {
    /// Serve measured runs over HTTP until SIGTERM or SIGINT
    Serve(ServeConfig),
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
}
