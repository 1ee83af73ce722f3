//! A job queue over Redis: what accepts jobs, what does them; or all in one process.

use queue::config::Cli;
use queue::{api, commands, worker};
use service_kit::{config as configuration, healthcheck, runtime, telemetry};
use std::process::ExitCode;

fn main() -> ExitCode {
    let cli: Cli = configuration::parse();
    match cli {
        Cli::Serve(config) => match config.queue.server() {
            Ok(server) => {
                telemetry::init();
                runtime::run(api::serve(*config, server))
            }
            Err(reason) => refused(&reason),
        },
        Cli::Worker(config) => match config.queue.server() {
            Ok(server) => {
                telemetry::init();
                // It mostly waits: the jobs have threads of their own.
                runtime::run_on_one_thread(worker::serve(*config, server))
            }
            Err(reason) => refused(&reason),
        },
        Cli::Run(config) => match config.job() {
            Ok(job) => {
                telemetry::init();
                commands::run(&config, &job)
            }
            Err(reason) => refused(&reason),
        },
        Cli::Healthcheck(addresses) => healthcheck::healthcheck(addresses.admin()),
    }
}

fn refused(reason: &str) -> ExitCode {
    eprintln!("bad configuration: {reason}");
    ExitCode::from(configuration::EXIT_BAD_CONFIG)
}
