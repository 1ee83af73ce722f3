//! What Prometheus sees of the requests.

use std::time::{Duration, Instant};

use axum::extract::{MatchedPath, Request, State};
use axum::http::{Method, StatusCode};
use axum::middleware::Next;
use axum::response::Response;
use prometheus::{HistogramOpts, HistogramVec, IntCounterVec, IntGauge, Opts, Registry};

/// What a path is called that no route has, whatever it was: else every
/// stranger's guess would be a series for ever.
pub const UNMATCHED: &str = "unmatched";

/// The same for methods that HTTP does not know.
const OTHER: &str = "other";

/// Seconds. From an answer out of memory to a measured run.
const BUCKETS: [f64; 11] = [
    0.001, 0.005, 0.025, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0, 30.0,
];

/// The `http_*` metrics of one server; clones share them.
///
/// [`super::serve`] keeps them by itself; a service whose hot path has a server
/// of its own keeps them by hand.
#[derive(Clone, Debug)]
pub struct HttpMetrics {
    requests: IntCounterVec,
    duration: HistogramVec,
    /// Up for each request until the last byte of its answer is out.
    pub in_flight: IntGauge,
}

impl HttpMetrics {
    /// Registers them.
    ///
    /// # Errors
    /// When `registry` has such metrics already.
    pub fn new(registry: &Registry) -> prometheus::Result<Self> {
        let requests = Opts::new("http_requests_total", "Requests answered.");
        let duration = HistogramOpts::new(
            "http_request_duration_seconds",
            "From a request's head to the head of its answer.",
        );
        let in_flight = "Requests whose answers are not out yet.";
        let this = Self {
            requests: IntCounterVec::new(requests, &["method", "route", "status"])?,
            duration: HistogramVec::new(duration.buckets(BUCKETS.into()), &["method", "route"])?,
            in_flight: IntGauge::new("http_requests_in_flight", in_flight)?,
        };
        registry.register(Box::new(this.requests.clone()))?;
        registry.register(Box::new(this.duration.clone()))?;
        registry.register(Box::new(this.in_flight.clone()))?;
        Ok(this)
    }

    /// Counts an answer; `route` is a pattern, never the path asked for.
    pub fn answered(&self, method: &Method, route: &str, status: StatusCode, after: Duration) {
        let method = known(method);
        self.requests
            .with_label_values(&[method, route, status.as_str()])
            .inc();
        self.duration
            .with_label_values(&[method, route])
            .observe(after.as_secs_f64());
    }
}

/// Counts the request when it is answered; one whose client goes away before is none.
///
/// A route is its pattern, `/jobs/{id}`: so there are as many series as routes,
/// and not as paths.
pub(super) async fn count(
    State(metrics): State<HttpMetrics>,
    request: Request,
    next: Next,
) -> Response {
    let method = request.method().clone();
    let route = request.extensions().get::<MatchedPath>().cloned();
    let began = Instant::now();
    let response = next.run(request).await;
    let route = route.as_ref().map_or(UNMATCHED, MatchedPath::as_str);
    metrics.answered(&method, route, response.status(), began.elapsed());
    response
}

fn known(method: &Method) -> &'static str {
    match method.as_str() {
        "GET" => "GET",
        "HEAD" => "HEAD",
        "POST" => "POST",
        "PUT" => "PUT",
        "PATCH" => "PATCH",
        "DELETE" => "DELETE",
        "OPTIONS" => "OPTIONS",
        "CONNECT" => "CONNECT",
        "TRACE" => "TRACE",
        _ => OTHER,
    }
}
