//! Stages with a queue between each two: over Redis Streams, a process each, or
//! all in one process.

use pipeline::commands;
use pipeline::config::Cli;
use pipeline::service;
use service_kit::{config as configuration, healthcheck, runtime, telemetry};
use std::process::ExitCode;

fn main() -> ExitCode {
    let cli: Cli = configuration::parse();
    match cli {
        Cli::Serve(config) => {
            let role = match service::Role::of(&config) {
                Ok(role) => role,
                Err(reason) => {
                    eprintln!("bad configuration: {reason}");
                    return ExitCode::from(configuration::EXIT_BAD_CONFIG);
                }
            };
            telemetry::init();
            runtime::run(service::serve(*config, role))
        }
        Cli::Run(config) => {
            telemetry::init();
            commands::run(&config)
        }
        Cli::Source(config) => {
            telemetry::init();
            commands::source(&config)
        }
        Cli::Dead(config) => commands::dead(&config),
        Cli::Healthcheck(addresses) => healthcheck::healthcheck(addresses.admin()),
    }
}
