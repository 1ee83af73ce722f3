//! Counts primes in parallel, seven ways, under whatever CPU limit it is given.

mod api;
mod config;
mod openapi;
mod routes;
mod run;
mod sample;

use config::{Cli, ServeConfig};
use cpu_budget::Cgroup;
use primes::workload;
use service_kit::address::AddressLine;
use service_kit::admin::{self, Readiness, Service};
use service_kit::sampling::WorkerTime;
use service_kit::shutdown::Shutdown;
use service_kit::station::Station;
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
            runtime::run(serve(config))
        }
        Cli::Run(config) => run::run(&config),
        Cli::Healthcheck(addresses) => healthcheck::healthcheck(addresses.admin()),
        Cli::Child { task } => workload::child_main(&task).unwrap_or_else(|error| {
            eprintln!("✗ {error:#}");
            ExitCode::FAILURE
        }),
    }
}

async fn serve(config: ServeConfig) -> anyhow::Result<()> {
    let shutdown = Shutdown::on_signals()?;
    let readiness = Readiness::new(&shutdown);
    let registry = prometheus::Registry::new();
    let time = WorkerTime::new(Cgroup::of_this_process());
    time.register(&registry)?;
    let shared = routes::Shared {
        station: Station::new(SERVICE.name, config.station, &registry, shutdown.clone())?,
        cgroup: Cgroup::of_this_process(),
        time,
    };
    let listeners = config.serve.addresses.bind().await?;
    let line = AddressLine {
        api: listeners.api.local_addr()?,
        admin: admin::start(
            SERVICE,
            listeners.admin,
            registry.clone(),
            readiness.clone(),
        )?,
        http: None,
    };
    let routes = routes::router(shared);
    readiness.ready();
    line.announce()?;
    let limits = config.serve.limits();
    server::serve(routes, listeners.api, limits, &registry, shutdown).await?;
    Ok(())
}
