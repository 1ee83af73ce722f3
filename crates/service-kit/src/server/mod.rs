//! The HTTP server of a service: limits, request ids, traces, and a drain with a deadline.

mod connections;
mod deadline;
mod in_flight;
mod metrics;
mod request_id;

use std::time::{Duration, Instant};

use anyhow::Context as _;
use axum::Router;
use axum::extract::{DefaultBodyLimit, MatchedPath, Request};
use axum::middleware::{from_fn, from_fn_with_state};
use prometheus::Registry;
use tokio::net::TcpListener;
use tower_http::catch_panic::CatchPanicLayer;
use tower_http::limit::RequestBodyLimitLayer;
use tower_http::trace::TraceLayer;
use tracing::Span;

use crate::problem;
use crate::shutdown::{Cause, Shutdown};

pub(crate) use connections::Connections;
pub use deadline::RequestDeadline;
use in_flight::InFlight;
pub use in_flight::LeftRequest;
pub use metrics::{HttpMetrics, UNMATCHED};
pub use request_id::{REQUEST_ID_HEADER, RequestId};

/// What a server allows its clients.
#[derive(Clone, Copy, Debug)]
pub struct ServeLimits {
    /// The largest request body; a larger one is answered 413.
    pub body_bytes: usize,
    /// From a request's head to the head of its answer; see [`RequestDeadline`] for those that need longer.
    pub request_timeout: Duration,
    /// For a request's head, from the moment the connection waits for one: idle connections are closed after it.
    pub header_timeout: Duration,
    /// What requests under way get to finish once shutdown has begun.
    pub drain_timeout: Duration,
}

impl Default for ServeLimits {
    fn default() -> Self {
        Self {
            body_bytes: 1024 * 1024,
            request_timeout: Duration::from_secs(30),
            header_timeout: Duration::from_secs(30),
            drain_timeout: Duration::from_secs(2),
        }
    }
}

/// How a server ended.
#[derive(Clone, Debug, PartialEq)]
pub struct DrainReport {
    /// Why shutdown began.
    pub cause: Cause,
    /// From then until the last connection ended or was cut off.
    pub seconds: f64,
    /// Requests that were cut off, oldest first.
    pub left: Vec<LeftRequest>,
    /// Connections that were cut off, those of `left` among them.
    pub connections_left: usize,
}

/// Serves `router` on `listener` until `shutdown` begins, then drains.
///
/// Every answer carries `x-request-id` and every error is a
/// [`problem::Problem`], also for unknown paths, wrong methods, large bodies,
/// late answers and panics. The log says how the drain went and names what
/// was cut off. `registry` gets the `http_*` metrics of this server.
///
/// # Errors
/// When the listener is broken, or `registry` has such metrics already.
pub async fn serve(
    router: Router,
    listener: TcpListener,
    limits: ServeLimits,
    registry: &Registry,
    shutdown: Shutdown,
) -> anyhow::Result<DrainReport> {
    let address = listener
        .local_addr()
        .context("the API's socket has no address")?;
    tracing::info!(%address, "serving");
    let metrics = HttpMetrics::new(registry).context("the registry has http metrics already")?;
    let in_flight = InFlight::new(metrics.in_flight.clone());
    let router = with_layers(router, limits, metrics, in_flight.clone());
    let mut connections =
        Connections::accept_until(&shutdown, listener, &router, limits.header_timeout).await;
    let cause = shutdown.begun().await;
    let begun = Instant::now();
    connections.end_within(limits.drain_timeout).await;
    let report = DrainReport {
        cause,
        // Read before the cut, which takes them off the list.
        left: in_flight.left(),
        connections_left: connections.cut_off(),
        seconds: begun.elapsed().as_secs_f64(),
    };
    log(&report);
    Ok(report)
}

/// Serves `router` as it is until `shutdown` begins, then drains: for what has
/// limits, metrics and errors of its own, such as a WebSocket. Connections that
/// were upgraded are no longer this server's.
pub async fn serve_bare(
    router: Router,
    listener: TcpListener,
    limits: ServeLimits,
    shutdown: &Shutdown,
) {
    let mut connections =
        Connections::accept_until(shutdown, listener, &router, limits.header_timeout).await;
    connections.end_within(limits.drain_timeout).await;
}

/// `router` with everything around it that is the same for every service; a later layer is outside an earlier one.
fn with_layers(
    router: Router,
    limits: ServeLimits,
    metrics: HttpMetrics,
    in_flight: InFlight,
) -> Router {
    let completion = problem::Completion {
        body_limit_bytes: limits.body_bytes,
    };
    let limited = router
        // Ours holds for streamed bodies too; axum's own of 2 MB would shadow larger ones.
        .layer(DefaultBodyLimit::disable())
        .layer(RequestBodyLimitLayer::new(limits.body_bytes))
        .layer(CatchPanicLayer::custom(problem::from_panic))
        .layer(from_fn_with_state(
            limits.request_timeout,
            deadline::enforce,
        ))
        .layer(TraceLayer::new_for_http().make_span_with(request_span))
        .layer(from_fn_with_state(metrics, metrics::count));
    // A router of its own: the inner one adds `Allow` to a 405 outside of all
    // its layers, and `complete` wants to read it.
    Router::new()
        .fallback_service(limited)
        .layer(from_fn_with_state(completion, problem::complete))
        .layer(from_fn_with_state(in_flight, in_flight::track))
        .layer(from_fn(request_id::assign))
}

/// The span around all log lines of a request. Requests themselves are logged at `debug`, failures at `error`.
fn request_span(request: &Request) -> Span {
    let id = request.extensions().get::<request_id::RequestId>();
    let route = request.extensions().get::<MatchedPath>();
    tracing::error_span!(
        "request",
        method = %request.method(),
        route = route.map_or(request.uri().path(), MatchedPath::as_str),
        request_id = id.map(RequestId::as_str),
    )
}

fn log(report: &DrainReport) {
    let cause = report.cause.name();
    let seconds = report.seconds;
    for request in &report.left {
        tracing::warn!("cut off: {request}");
    }
    if report.connections_left == 0 {
        tracing::info!(cause, seconds, "drained");
    } else {
        let connections = report.connections_left;
        tracing::warn!(cause, seconds, connections, "drain deadline passed");
    }
}
