//! `queue worker`: a crew, as a station of the lab.

mod api;
mod openapi;
mod routes;
mod sample;

pub(super) use sample::Sampled;

use super::crew::{Crew, Shared};
use crate::config::WorkerConfig;
use crate::metrics::Metrics;
use crate::store::Place;
use crate::store::redis::Server;
use cpu_budget::Cgroup;
use service_kit::address::AddressLine;
use service_kit::admin::{self, Readiness, Service};
use service_kit::sampling::WorkerTime;
use service_kit::server;
use service_kit::shutdown::{Cause, Shutdown};
use service_kit::station::Station;
use std::sync::Arc;
use std::time::Duration;

const SERVICE: Service = Service {
    name: env!("CARGO_PKG_NAME"),
    version: env!("CARGO_PKG_VERSION"),
};

/// Jobs under way get so much of the drain's time; the rest is for giving back
/// what is not done then.
const SHARE_TO_FINISH: f64 = 0.7;

/// With what samples are taken.
pub(super) struct Bench {
    pub(super) shared: Arc<Shared>,
    pub(super) cgroup: Cgroup,
    pub(super) time: WorkerTime,
}

/// Does the jobs of a queue until it is told to end.
///
/// # Errors
/// When an address is taken, or Redis will never take this worker.
pub async fn serve(config: WorkerConfig, at: Server) -> anyhow::Result<()> {
    let shutdown = Shutdown::on_signals()?;
    let readiness = Readiness::new(&shutdown);
    let registry = prometheus::Registry::new();
    let cgroup = Cgroup::of_this_process();
    let time = WorkerTime::new(cgroup.clone());
    time.register(&registry)?;
    let metrics = Metrics::registered(&registry)?;
    let settings = config
        .work
        .settings(cgroup.budget().advice().avoids_throttling);
    let id = uuid::Uuid::new_v4().simple().to_string();
    let name = format!("{}-{}", config.station, &id[..8]);
    let shared = Shared::new(Place::Redis(at.clone()), settings, name, metrics);
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
    let station = Station::new(
        "queue_worker",
        config.station.clone(),
        &registry,
        shutdown.clone(),
    )?;
    let bench = Arc::new(Bench {
        shared: shared.clone(),
        cgroup,
        time,
    });
    let routes = routes::router(station, bench);
    line.announce()?;
    let drain = Duration::from_secs_f64(config.serve.drain_seconds);
    let work = tokio::spawn(work(shared, at, readiness, shutdown.clone(), drain));
    let limits = config.serve.limits();
    server::serve(routes, listeners.api, limits, &registry, shutdown).await?;
    work.await?
}

/// Starts the crew as soon as Redis is there, and stops it in time.
async fn work(
    shared: Arc<Shared>,
    at: Server,
    readiness: Readiness,
    shutdown: Shutdown,
    drain: Duration,
) -> anyhow::Result<()> {
    let stopped = shutdown.clone();
    let connecting =
        tokio::task::spawn_blocking(move || at.connected(|| stopped.has_begun()).map(drop));
    match connecting.await? {
        Ok(()) => {}
        Err(None) => return Ok(()),
        Err(Some(trouble)) => {
            shutdown.begin(Cause::Request);
            return Err(trouble.into());
        }
    }
    let crew = Crew::start(&shared)?;
    readiness.ready();
    shutdown.begun().await;
    let within = drain.mul_f64(SHARE_TO_FINISH);
    if !tokio::task::spawn_blocking(move || crew.stop(within)).await? {
        tracing::warn!("not all that was held could be given back: its leases will run out");
    }
    Ok(())
}
