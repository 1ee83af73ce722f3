//! Fetches web pages one after another, on threads or async, and stores what became of each.

use scraper::config::{Cli, ServeConfig};
use service_kit::address::AddressLine;
use service_kit::admin::{self, Readiness, Service};
use service_kit::shutdown::Shutdown;
use service_kit::{config as configuration, healthcheck, runtime, server, telemetry};
use std::process::ExitCode;

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
        Cli::Run(config) => scraper::run::run(&config),
        Cli::Healthcheck(addresses) => healthcheck::healthcheck(addresses.admin()),
    }
}

async fn serve(config: ServeConfig) -> anyhow::Result<()> {
    let shutdown = Shutdown::on_signals()?;
    let readiness = Readiness::new(&shutdown);
    let registry = prometheus::Registry::new();
    let listeners = config.serve.addresses.bind().await?;
    let line = AddressLine {
        api: listeners.api.local_addr()?,
        admin: admin::start(
            SERVICE,
            listeners.admin,
            registry.clone(),
            readiness.clone(),
        )?,
    };
    let routes = scraper::jobs::router();
    readiness.ready();
    line.announce()?;
    let limits = config.serve.limits();
    server::serve(routes, listeners.api, limits, &registry, shutdown).await?;
    Ok(())
}
