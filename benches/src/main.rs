//! Ratios of our times to other programs', all measured in turn: what
//! `make bench` writes into docs/performance.md.
//!
//! Each part prints a Markdown table, and below it what is not installed here.
//! A wrong prime count, ours or another's, fails it; a time never does.

mod cluster;
mod http;
mod jobs;
mod load;
mod origin;
mod ours;
mod overhead;
mod parallel;
mod peers;
mod pipeline;
mod programs;
mod rounds;
mod scraper;
mod sieve;
mod table;
mod trial;

use clap::{Parser, ValueEnum};
use std::process::ExitCode;

/// Puts our times beside other programs', measured in turn.
#[derive(Debug, Parser)]
#[command(name = "benches", version)]
struct Cli {
    /// What to measure
    part: Part,

    /// How many rounds; of twelve, the two furthest out on each side are left out
    /// of the interval, so that one slow second of the machine decides nothing
    #[arg(long, default_value_t = 12, value_parser = clap::value_parser!(u32).range(1..=100))]
    rounds: u32,
}

#[derive(Debug, Clone, Copy, ValueEnum)]
enum Part {
    /// Trial division on one thread against the course's loop in other languages
    Peers,
    /// Parallel efficiency of each strategy, and of other languages' own forms
    Parallel,
    /// The sieve against primesieve, and its memory
    Sieve,
    /// A sample over HTTP against the same job in-process
    Overhead,
    /// Fetching against its ideal, and against aiohttp and requests in Python
    Scraper,
    /// A hop of the pipeline, over Redis and in one process, against Python's
    Pipeline,
    /// The load generator against wrk, and how exact its schedule is
    Load,
    /// The prefork server against Node's cluster, and against bare hyper
    Cluster,
}

fn main() -> ExitCode {
    let cli: Cli = service_kit::config::parse();
    match measure(cli.part, cli.rounds) {
        Ok(text) => {
            print!("{text}");
            ExitCode::SUCCESS
        }
        Err(error) => {
            eprintln!("✗ {error:#}");
            ExitCode::FAILURE
        }
    }
}

fn measure(part: Part, rounds: u32) -> anyhow::Result<table::Figures> {
    let primes = ours::Primes::beside_this_program;
    match part {
        Part::Peers => trial::against_peers(&primes()?, rounds),
        Part::Parallel => parallel::efficiencies(&primes()?, rounds),
        Part::Sieve => sieve::against_primesieve(&primes()?, rounds),
        Part::Overhead => overhead::of_a_station(&primes()?, rounds),
        Part::Scraper => scraper::against_peers(rounds),
        Part::Pipeline => pipeline::against_peers(rounds),
        Part::Load => load::against_wrk(rounds),
        Part::Cluster => cluster::against_peers(rounds),
    }
}
