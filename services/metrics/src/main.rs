//! The monitor: a host's CPUs, memory and containers, in a terminal and for Prometheus.
//!
//! It reads the host's /proc and cgroup tree and nothing else, as any user:
//! both may be mounted read-only. What the kernel keeps from a user who is not
//! root is absent, and never 0:
//!
//! - Where /proc is mounted with `hidepid`, `snapshot` sees this user's
//!   processes only, and says so. `serve` and `watch` read no processes.
//! - What a process reads from and writes to disks (`/proc/<pid>/io`), and
//!   which program and environment it has, is for its owner only and not shown
//!   for anybody.
//! - Frequencies come from `scaling_cur_freq`, which everybody may read, or
//!   from a processor that counts its cycles; a virtual machine mostly has
//!   neither, and then they are absent.

mod config;
mod exposition;
mod history;
mod monitor;
mod names;
mod proc;
mod rates;
mod reading;
mod routes;
mod snapshot;
mod steady;
mod watch;
mod words;

use config::{Cli, ServeConfig};
use monitor::Monitor;
use names::{Asker, Names};
use reading::Host;
use service_kit::address::AddressLine;
use service_kit::admin::{self, Readiness, Service};
use service_kit::shutdown::Shutdown;
use service_kit::{config as configuration, healthcheck, runtime, server, telemetry};
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
            runtime::run(serve(config))
        }
        Cli::Snapshot(config) => runtime::run(snapshot::run(config)),
        Cli::Watch(config) => runtime::run(watch::run(config)),
        Cli::Healthcheck(addresses) => healthcheck::healthcheck(addresses.admin()),
    }
}

async fn serve(config: ServeConfig) -> anyhow::Result<()> {
    let shutdown = Shutdown::on_signals()?;
    let readiness = Readiness::new(&shutdown);
    let registry = prometheus::Registry::new();
    let listeners = config.serve.addresses.bind().await?;
    let host = Host::at(config.watched.places);
    let names = Names::default();
    let asker = Asker::new(
        names.clone(),
        config.watched.stations.0,
        host.tree().clone(),
    );
    let monitor = tokio::task::spawn_blocking(|| Monitor::begin(host, names)).await?;
    tokio::spawn(asker.keep_asking());
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
    let routes = routes::router(Arc::new(monitor));
    readiness.ready();
    line.announce()?;
    let limits = config.serve.limits();
    server::serve(routes, listeners.api, limits, &registry, shutdown).await?;
    Ok(())
}
