//! `queue serve`: the HTTP API, the WebSocket beside it, and a page for both.
//!
//! | module | what it is |
//! |---|---|
//! | `jobs` | jobs, the queue, and those that died |
//! | `course` | the requests that the course's programs send |
//! | `front` | the queue as its clients meet it, whichever way they come |
//! | `refused` | why a request was not done |
//! | `strict`, `body` | JSON from strangers |

mod body;
mod course;
mod front;
mod jobs;
mod openapi;
mod refused;
pub(crate) mod strict;

pub use front::{Front, JobResult};
pub use refused::Refused;

use crate::config::ServeConfig;
use crate::job::JobId;
use crate::metrics::Depths;
use crate::queue::{Limits, Queue};
use crate::socket::{self, Sockets};
use crate::store::redis::Server;
use crate::{events, page};
use axum::Router;
use axum::routing::{get, post};
use prometheus::Registry;
use redis_link::Trouble;
use service_kit::address::AddressLine;
use service_kit::admin::{self, Readiness, Service};
use service_kit::problem::Problem;
use service_kit::server::{self, ServeLimits};
use service_kit::shutdown::{Cause, Shutdown};
use std::sync::Arc;
use tokio::net::TcpListener;
use tokio::sync::Semaphore;

const SERVICE: Service = Service {
    name: env!("CARGO_PKG_NAME"),
    version: env!("CARGO_PKG_VERSION"),
};

/// What handlers need; clones share it.
#[derive(Clone)]
pub struct Api {
    pub(crate) front: Arc<Front>,
    pub(crate) depth_limit: u64,
    pub(crate) listeners: Arc<Semaphore>,
    pub(crate) shutdown: Shutdown,
}

/// What the API and the WebSocket are told.
#[derive(Debug, Clone)]
pub struct Settings {
    /// How many jobs may wait.
    pub depth_limit: u64,
    /// What clients may.
    pub limits: ServeLimits,
    /// What the WebSocket is told.
    pub socket: socket::Options,
}

/// Where both listen.
#[derive(Debug)]
pub struct Sites {
    /// The API.
    pub api: TcpListener,
    /// The WebSocket.
    pub socket: TcpListener,
}

/// Serves until SIGTERM or SIGINT.
///
/// # Errors
/// When an address is taken, or Redis will never take this service.
pub async fn serve(config: ServeConfig, at: Server) -> anyhow::Result<()> {
    let shutdown = Shutdown::on_signals()?;
    let readiness = Readiness::new(&shutdown);
    let registry = Registry::new();
    let limits = Limits {
        depth: config.max_depth,
    };
    let queue = Queue::over_redis(at, limits)?;
    queue.report_to(Depths::registered(&registry)?);
    let listeners = config.serve.addresses.bind().await?;
    let sites = Sites {
        api: listeners.api,
        socket: socket::bind(&config.socket, config.serve.addresses.host).await?,
    };
    let line = AddressLine {
        api: sites.api.local_addr()?,
        admin: admin::start(
            SERVICE,
            listeners.admin,
            registry.clone(),
            readiness.clone(),
        )?,
        http: Some(sites.socket.local_addr()?),
    };
    line.announce()?;
    let settings = Settings {
        depth_limit: config.max_depth,
        limits: config.serve.limits(),
        socket: config.socket.options(),
    };
    let connecting = tokio::spawn(connected(queue.clone(), readiness, shutdown.clone()));
    serve_on(queue, settings, sites, &registry, shutdown).await?;
    if connecting.is_finished() {
        connecting.await??;
    }
    Ok(())
}

/// Ready as soon as Redis is there; the end of the service where it never takes it.
async fn connected(queue: Queue, readiness: Readiness, shutdown: Shutdown) -> Result<(), Trouble> {
    let connected = queue.connected().await;
    match &connected {
        Ok(()) => readiness.ready(),
        Err(_) => shutdown.begin(Cause::Request),
    }
    connected
}

/// Serves `queue` on these listeners until `shutdown`, and closes it.
///
/// # Errors
/// When a listener is broken, or `registry` has such metrics already.
pub async fn serve_on(
    queue: Queue,
    settings: Settings,
    sites: Sites,
    registry: &Registry,
    shutdown: Shutdown,
) -> anyhow::Result<()> {
    let front = Front::new(queue.clone());
    let sockets = Sockets::new(front.clone(), settings.socket, registry, shutdown.clone())?;
    let api = Api {
        front,
        depth_limit: settings.depth_limit,
        listeners: Arc::new(Semaphore::new(events::MOST_CLIENTS)),
        shutdown: shutdown.clone(),
    };
    let routes = router(api).merge(sockets.router("/socket"));
    let limits = settings.limits;
    let (served, ()) = tokio::join!(
        server::serve(routes, sites.api, limits, registry, shutdown.clone()),
        sockets.serve(sites.socket, limits, &shutdown),
    );
    queue.close();
    served.map(drop)
}

/// All routes but the WebSocket's.
fn router(api: Api) -> Router {
    Router::new()
        .route("/jobs", get(jobs::list).post(jobs::submit))
        .route("/jobs/batch", post(jobs::submit_batch))
        .route("/jobs/{id}", get(jobs::job).delete(jobs::cancel))
        .route("/jobs/{id}/result", get(jobs::result))
        .route("/queue", get(jobs::queue))
        .route("/dead", get(jobs::dead))
        .route("/dead/retry", post(jobs::retry))
        .route("/dead/drop", post(jobs::drop_dead))
        .route("/tasks", post(course::queue_task))
        .route("/tasks/", post(course::queue_sleep))
        .route("/heavy-computation", get(course::heavy_computation))
        .route("/openapi.json", get(openapi::document))
        .merge(events::router())
        .with_state(api)
        .merge(page::router())
        .merge(service_kit::openapi::page())
}

/// The id in a path or query.
pub(crate) fn path_id(text: &str) -> Result<JobId, Problem> {
    text.parse()
        .map_err(|reason: String| Problem::of_field("id", format!("id {reason}")))
}
