//! Sends requests on a schedule or one after another, and says how long the
//! answers took, without flattering.

use load::config::{Cli, ServeConfig};
use load::engine::Outside;
use load::service::metrics;
use load::service::routes::{self, Shared};
use load::slice;
use service_kit::address::AddressLine;
use service_kit::admin::{self, Readiness, Service};
use service_kit::shutdown::Shutdown;
use service_kit::station::Station;
use service_kit::{config as configuration, healthcheck, open_files, runtime, server, telemetry};
use std::process::ExitCode;

const SERVICE: Service = Service {
    name: env!("CARGO_PKG_NAME"),
    version: env!("CARGO_PKG_VERSION"),
};

fn main() -> ExitCode {
    let cli: Cli = configuration::parse();
    // Before any thread starts: they have what this one has.
    let is_short = !matches!(cli, Cli::Healthcheck(_)) && slice::shorten(slice::CHRT);
    match cli {
        Cli::Serve(config) => match config.sending.outside() {
            Ok(outside) => {
                telemetry::init();
                tracing::info!(granted = is_short, "short slices of CPU time asked for");
                runtime::run(serve(*config, outside))
            }
            Err(reason) => {
                eprintln!("bad configuration: {reason}");
                ExitCode::from(configuration::EXIT_BAD_CONFIG)
            }
        },
        Cli::Run(config) => load::run::run(&config),
        Cli::Search(config) => load::run::search(&config),
        Cli::Healthcheck(addresses) => healthcheck::healthcheck(addresses.admin()),
    }
}

async fn serve(config: ServeConfig, outside: Outside) -> anyhow::Result<()> {
    open_files::allow_many();
    let shutdown = Shutdown::on_signals()?;
    let readiness = Readiness::new(&shutdown);
    let registry = prometheus::Registry::new();
    metrics::register(&registry, outside.live.clone())?;
    let station = Station::new(SERVICE.name, config.station, &registry, shutdown.clone())?;
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
    let routes = routes::router(Shared { station, outside });
    readiness.ready();
    line.announce()?;
    let limits = config.serve.limits();
    server::serve(routes, listeners.api, limits, &registry, shutdown).await?;
    Ok(())
}
