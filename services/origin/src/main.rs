//! The web to scrape, on our own network: pages from a seed, with latency and
//! faults, and an account of who asked for what.

mod answers;
mod body;
mod config;
mod faulty;
mod library;
mod metrics;
mod server;
mod service;
mod timer;
mod visit;

use anyhow::Context;
use config::{Cli, ServeConfig};
use service_kit::address::AddressLine;
use service_kit::admin::{self, Readiness, Service};
use service_kit::shutdown::Shutdown;
use service_kit::{config as configuration, healthcheck, open_files, runtime, telemetry};
use std::process::ExitCode;
use std::sync::Arc;

const SERVICE: Service = Service {
    name: env!("CARGO_PKG_NAME"),
    version: env!("CARGO_PKG_VERSION"),
};

fn main() -> ExitCode {
    let cli: Cli = configuration::parse();
    match cli {
        Cli::Serve(config) => {
            telemetry::init();
            runtime::run(serve(*config))
        }
        Cli::Healthcheck(addresses) => healthcheck::healthcheck(addresses.admin()),
    }
}

async fn serve(config: ServeConfig) -> anyhow::Result<()> {
    let web = config.web();
    let shutdown = Shutdown::on_signals()?;
    let readiness = Readiness::new(&shutdown);
    let registry = prometheus::Registry::new();
    let metrics = Arc::new(metrics::Metrics::new(&registry)?);
    let listeners = config.addresses.bind().await?;
    let line = AddressLine {
        api: listeners.api.local_addr()?,
        admin: admin::start(SERVICE, listeners.admin, registry, readiness.clone())?,
        http: None,
    };
    let connections =
        open_files::most_connections(config.manner.max_connections, server::OTHER_FILES);
    let drain = config.manner.drain_seconds;
    let timer = timer::Timer::start().context("cannot start a timer")?;
    let origin = Arc::new(service::Origin::new(web, config.manner, metrics, timer));
    readiness.ready();
    line.announce()?;
    server::serve(origin, listeners.api, connections, drain, shutdown).await;
    Ok(())
}
