//! `pipeline serve`: a stage over Redis, its source, or the whole pipeline, as a station.

mod api;
mod openapi;
mod routes;
mod sample;
mod stage;
mod whole;

pub use api::{RunAnswer, RunRequest};

use crate::config::{ServeConfig, WorkArgs};
use crate::declaration::Declaration;
use crate::metrics::Metrics;
use crate::stages::Stage;
use crate::streams::{Server, Shared, Workers, connected};
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

/// Threads that are in the middle of something get so much of the drain's time;
/// the rest is for giving back what they hold.
const SHARE_TO_FINISH: f64 = 0.7;

/// What a process is in the pipeline.
#[derive(Debug, Clone)]
pub struct Role {
    /// The pipeline.
    pub declaration: Declaration,
    /// Its stage, and the Redis around it; the whole pipeline where there is none.
    pub stage: Option<(Stage, Server)>,
}

/// With what samples are taken.
pub(crate) struct Bench {
    pub(crate) role: Role,
    pub(crate) work: WorkArgs,
    pub(crate) cgroup: Cgroup,
    pub(crate) time: WorkerTime,
    pub(crate) metrics: Metrics,
    /// What the threads of this stage share; the source and the whole pipeline have none.
    pub(crate) shared: Option<Arc<Shared>>,
}

impl Role {
    /// What the configuration says.
    ///
    /// # Errors
    /// Where it cannot be, and why.
    pub fn of(config: &ServeConfig) -> Result<Self, String> {
        let declaration = config.declaration.declaration()?;
        let stage = match config.stage {
            Some(stage) if !declaration.stages.contains(&stage) => {
                let stages: Vec<&str> = declaration.stages.iter().map(|s| s.name()).collect();
                return Err(format!(
                    "--stage (or PIPELINE_STAGE) = {:?}: the pipeline {} has the stages {}",
                    stage.name(),
                    declaration.name,
                    stages.join(", ")
                ));
            }
            Some(stage) => Some((stage, config.redis.server(&declaration.name)?)),
            None => None,
        };
        Ok(Self { declaration, stage })
    }
}

/// Serves until `shutdown`.
///
/// # Errors
/// When an address is taken, or Redis will never take this service.
pub async fn serve(config: ServeConfig, role: Role) -> anyhow::Result<()> {
    let shutdown = Shutdown::on_signals()?;
    let readiness = Readiness::new(&shutdown);
    let registry = prometheus::Registry::new();
    let time = WorkerTime::new(Cgroup::of_this_process());
    time.register(&registry)?;
    let metrics = Metrics::registered(&registry)?;
    let shared = role.stage.as_ref().and_then(|(stage, server)| {
        let settings = config.work.settings(*stage);
        let works = *stage != Stage::Source;
        works.then(|| Shared::new(*stage, server.clone(), settings, &metrics))
    });
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
    let routes = routes::router(routes::Shared {
        station: Station::new(SERVICE.name, config.station(), &registry, shutdown.clone())?,
        bench: Arc::new(Bench {
            role: role.clone(),
            work: config.work.clone(),
            cgroup: Cgroup::of_this_process(),
            time,
            metrics,
            shared: shared.clone(),
        }),
    });
    line.announce()?;
    let drain = Duration::from_secs_f64(config.serve.drain_seconds);
    let work = tokio::spawn(work(role, shared, readiness, shutdown.clone(), drain));
    let limits = config.serve.limits();
    server::serve(routes, listeners.api, limits, &registry, shutdown).await?;
    work.await?
}

/// Starts the stage's threads as soon as Redis is there, and stops them in time.
async fn work(
    role: Role,
    shared: Option<Arc<Shared>>,
    readiness: Readiness,
    shutdown: Shutdown,
    drain: Duration,
) -> anyhow::Result<()> {
    let Some((_, server)) = role.stage else {
        readiness.ready();
        return Ok(());
    };
    let stopped = shutdown.clone();
    let connecting =
        tokio::task::spawn_blocking(move || connected(&server, || stopped.has_begun()).map(drop));
    match connecting.await? {
        Ok(()) => {}
        Err(None) => return Ok(()),
        Err(Some(trouble)) => {
            shutdown.begin(Cause::Request);
            return Err(trouble.into());
        }
    }
    let workers = shared.map(Workers::start).transpose()?;
    readiness.ready();
    shutdown.begun().await;
    if let Some(workers) = workers {
        let within = drain.mul_f64(SHARE_TO_FINISH);
        let all_done = tokio::task::spawn_blocking(move || workers.stop(within)).await?;
        if !all_done {
            tracing::warn!("not all that was held could be finished in time; it was given back");
        }
    }
    Ok(())
}
