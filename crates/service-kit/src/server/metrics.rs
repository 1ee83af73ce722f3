//! What Prometheus sees of the requests.

use std::time::Instant;

use axum::extract::{MatchedPath, Request, State};
use axum::http::Method;
use axum::middleware::Next;
use axum::response::Response;
use prometheus::{HistogramOpts, HistogramVec, IntCounterVec, IntGauge, Opts, Registry};

/// What a path is called that no route has, whatever it was: else every
/// stranger's guess would be a series for ever.
const UNMATCHED: &str = "unmatched";

/// The same for methods that HTTP does not know.
const OTHER: &str = "other";

/// Seconds. From an answer out of memory to a measured run.
const BUCKETS: [f64; 11] = [
    0.001, 0.005, 0.025, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0, 30.0,
];

/// The metrics of one server; clones share them.
#[derive(Clone, Debug)]
pub(super) struct HttpMetrics {
    requests: IntCounterVec,
    duration: HistogramVec,
    /// Up for each request until the last byte of its answer is out.
    pub(super) in_flight: IntGauge,
}

impl HttpMetrics {
    /// Registers them.
    pub(super) fn new(registry: &Registry) -> prometheus::Result<Self> {
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
    let method = known(request.method());
    let route = request.extensions().get::<MatchedPath>().cloned();
    let began = Instant::now();
    let response = next.run(request).await;
    let route = route.as_ref().map_or(UNMATCHED, MatchedPath::as_str);
    let status = response.status();
    metrics
        .requests
        .with_label_values(&[method, route, status.as_str()])
        .inc();
    metrics
        .duration
        .with_label_values(&[method, route])
        .observe(began.elapsed().as_secs_f64());
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
