//! What the program can be told.

mod run;

pub use run::{CommonArgs, Format, RunConfig, SearchConfig};

use crate::engine::{Live, Outside};
use crate::target::{AllowList, System};
use clap::{Args, Parser};
use cpu_budget::Cgroup;
use service_kit::config::{Addresses, ServeArgs};
use std::sync::Arc;

/// Sends requests on a schedule or one after another, and says how long the answers took, without flattering.
#[derive(Debug, Parser)]
#[command(name = "load", version)]
pub enum Cli {
    /// Serve runs over HTTP until SIGTERM or SIGINT
    Serve(Box<ServeConfig>),
    /// Send requests to URLs here and now, and print what came of it
    ///
    /// Exit codes: 0 when the run was done, or ended early by Ctrl-C, 1 when it
    /// could not be done, 64 for bad input.
    Run(Box<RunConfig>),
    /// Find the highest rate that keeps the p99 under a target
    ///
    /// Exit codes as those of `run`.
    Search(Box<SearchConfig>),
    /// Ask a running `serve` whether it is ready
    Healthcheck(Addresses),
}

/// Options of `serve`.
#[derive(Debug, Args)]
pub struct ServeConfig {
    /// Where to listen, and the limits of a request
    #[command(flatten)]
    pub serve: ServeArgs,

    /// Only one run of this name goes on at a time: name them apart where
    /// several share one network namespace
    #[arg(long, env = "STATION_NAME", default_value = "load")]
    pub station: String,

    /// Whom it may send to, and with what
    #[command(flatten)]
    pub sending: SendingArgs,
}

/// Options of every command that sends.
#[derive(Debug, Args)]
pub struct SendingArgs {
    /// Hosts that may be sent load beside this machine itself
    #[arg(
        long,
        env = "LOAD_ALLOW",
        value_delimiter = ',',
        value_name = "HOSTS",
        default_value = ""
    )]
    pub allow: Vec<String>,

    /// Threads that send, 1 to 64: more than one takes CPUs from the server
    /// under test where it is on the same machine
    #[arg(long, env = "LOAD_THREADS", default_value_t = 1, value_parser = clap::value_parser!(u16).range(1..=64))]
    pub threads: u16,
}

impl SendingArgs {
    /// What runs need of the world around them.
    ///
    /// # Errors
    /// The host on the allow-list that is none.
    pub fn outside(&self) -> Result<Outside, String> {
        let allow = AllowList::new(&self.allow)
            .map_err(|why| format!("--allow (or LOAD_ALLOW in the environment): {why}"))?;
        Ok(Outside {
            allow,
            resolve: Arc::new(System),
            cgroup: Cgroup::of_this_process(),
            threads: usize::from(self.threads),
            live: Arc::new(Live::default()),
        })
    }
}
