//! Fetches web pages one after another, on threads or async, and stores what became of each.

use cpu_budget::Cgroup;
use scraper::config::{Cli, ServeConfig};
use scraper::fetch::Options;
use scraper::jobs::{self, Jobs};
use scraper::service::sample::Bench;
use scraper::service::{metrics, routes};
use scraper::store::Database;
use service_kit::address::AddressLine;
use service_kit::admin::{self, Readiness, Service};
use service_kit::sampling::WorkerTime;
use service_kit::shutdown::Shutdown;
use service_kit::station::Station;
use service_kit::{config as configuration, healthcheck, open_files, runtime, server, telemetry};
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
            let database = match config.database.database() {
                Ok(database) => database,
                Err(reason) => {
                    eprintln!("bad configuration: {reason}");
                    return ExitCode::from(configuration::EXIT_BAD_CONFIG);
                }
            };
            telemetry::init();
            runtime::run(serve(*config, database))
        }
        Cli::Run(config) => scraper::run::run(&config),
        Cli::Healthcheck(addresses) => healthcheck::healthcheck(addresses.admin()),
    }
}

async fn serve(config: ServeConfig, database: Option<Database>) -> anyhow::Result<()> {
    open_files::allow_many();
    let shutdown = Shutdown::on_signals()?;
    let readiness = Readiness::new(&shutdown);
    let registry = prometheus::Registry::new();
    let time = WorkerTime::new(Cgroup::of_this_process());
    time.register(&registry)?;
    let all = metrics::register(&registry)?;
    let jobs = Jobs::new(
        jobs::Settings {
            station: config.station.clone(),
            guard: config.guard(),
            database: database.clone(),
            options: Options::default(),
            all: all.clone(),
        },
        shutdown.clone(),
    );
    let bench = Bench {
        cgroup: Cgroup::of_this_process(),
        time,
        guard: config.guard(),
        database,
        // An origin of one's own, and the same requests in every sample.
        options: Options {
            ignore_robots: true,
            ..Options::default()
        },
        runtime: tokio::runtime::Handle::current(),
    };
    let shared = routes::Shared {
        station: Station::new(SERVICE.name, config.station, &registry, shutdown.clone())?,
        bench: Arc::new(bench),
        all,
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
    let routes = routes::router(shared).merge(jobs::router(jobs.clone()));
    readiness.ready();
    line.announce()?;
    let limits = config.serve.limits();
    server::serve(routes, listeners.api, limits, &registry, shutdown).await?;
    // It was told to end when the server was, and has what it fetched to store.
    let _ = tokio::time::timeout(jobs::ENDS_WITHIN, jobs.ended()).await;
    Ok(())
}
