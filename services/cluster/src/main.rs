//! A prefork HTTP server: a master, as many workers as told on one port, and the
//! course's CPU-heavy handler.

mod board;
mod config;
mod control;
mod counters;
mod master;
mod metrics;
mod shape;
mod station;
mod worker;

use config::{Cli, ServeConfig};
use control::Orders;
use cpu_budget::{Cgroup, CpuBudget};
use master::Master;
use metrics::FamilyCollector;
use service_kit::address::AddressLine;
use service_kit::admin::{self, Readiness, Service};
use service_kit::sampling::WorkerTime;
use service_kit::shutdown::Shutdown;
use service_kit::station::Station;
use service_kit::{config as configuration, healthcheck, open_files, runtime, server, telemetry};
use shape::Shape;
use station::routes;
use std::process::ExitCode;

const SERVICE: Service = Service {
    name: env!("CARGO_PKG_NAME"),
    version: env!("CARGO_PKG_VERSION"),
};

/// Files that a worker has open beside the connections it serves: its listener,
/// its runtime's, the board, the way to its master, the log, connections that it
/// refuses.
const OTHER_FILES: u64 = 16 + worker::MOST_REFUSED as u64;

fn main() -> ExitCode {
    let cli: Cli = configuration::parse();
    telemetry::init();
    match cli {
        Cli::Serve(config) => {
            let shape = shape(&config);
            // The master mostly waits, and each worker has a runtime of its own.
            runtime::run_on_one_thread(serve(*config, shape))
        }
        Cli::Healthcheck(addresses) => healthcheck::healthcheck(addresses.admin()),
        Cli::Worker { orders } => match worker::run(&orders) {
            Ok(()) => ExitCode::SUCCESS,
            Err(error) => {
                tracing::error!(error = format!("{error:#}"), "this worker cannot serve");
                ExitCode::FAILURE
            }
        },
    }
}

/// The family to begin with; ends the process where it cannot be had.
fn shape(config: &ServeConfig) -> Shape {
    let shape = config.shape(&CpuBudget::read());
    let checked = shape.and_then(|shape| shape.check().map(|()| shape));
    checked.unwrap_or_else(|reason| {
        let wanted = "--workers and --threads (or CLUSTER_WORKERS and CLUSTER_THREADS)";
        configuration::refuse(wanted, config.threads, &reason)
    })
}

fn orders(config: &ServeConfig, threads: usize) -> Orders {
    let (serve, serving) = (&config.serve, &config.serving);
    Orders {
        master: std::process::id(),
        replica: config.replica(),
        seat: None,
        threads,
        work: serving.work,
        max_work: serving.max_work,
        max_connections: open_files::most_connections(serving.max_connections, OTHER_FILES) as u32,
        keep_alive_seconds: serving.keep_alive.as_secs_f64(),
        header_seconds: serving.header_timeout.as_secs_f64(),
        body_bytes: serve.body_limit_bytes,
        body_seconds: serve.request_timeout_seconds,
        drain_seconds: serve.drain_seconds,
    }
}

async fn serve(config: ServeConfig, shape: Shape) -> anyhow::Result<()> {
    let shutdown = Shutdown::on_signals()?;
    let readiness = Readiness::new(&shutdown);
    let registry = prometheus::Registry::new();
    let cgroup = Cgroup::of_this_process();
    let time = WorkerTime::new(cgroup.clone());
    time.register(&registry)?;
    let name = config.lock_name();
    let station = Station::new(SERVICE.name, name, &registry, shutdown.clone())?;
    let listeners = config.serve.addresses.bind_as("--api-port").await?;
    let served = master::reserve(config.served())?;
    let orders = orders(&config, shape.threads);
    let (master, handle, complete) = Master::new(served, shape, orders, readiness.clone())?;
    let family = FamilyCollector::new(handle.view.clone())?;
    registry.register(Box::new(family))?;
    let line = AddressLine {
        api: listeners.api.local_addr()?,
        admin: admin::start(SERVICE, listeners.admin, registry.clone(), readiness)?,
        http: Some(served),
    };
    let routes = routes::router(routes::Shared {
        station,
        master: handle,
        cgroup,
        time,
    });
    let limits = config.serve.limits();
    let api = async {
        if complete.await.is_ok() {
            line.announce()?;
        }
        server::serve(routes, listeners.api, limits, &registry, shutdown.clone()).await
    };
    let (served, api) = tokio::join!(master.run(shutdown.clone()), api);
    served.and(api.map(|_| ()))
}
