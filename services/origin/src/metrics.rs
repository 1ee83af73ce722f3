//! What Prometheus sees of the web.

use origin::web::fault::Fault;
use prometheus::{IntCounter, IntCounterVec, IntGauge, Opts, Registry};
use service_kit::server::HttpMetrics;

/// What became of a request for a page.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Outcome {
    /// Answered with 200 and the whole body.
    Served,
    /// Sent elsewhere.
    Redirected,
    /// 500 or 503.
    Failed,
    /// 429.
    Limited,
    /// 404 or 405.
    Refused,
    /// Its connection was reset on purpose.
    Reset,
    /// Its body would not have ended: the time for it was over.
    Cut,
    /// The client left first.
    Abandoned,
}

impl Outcome {
    const ALL: [Self; 8] = [
        Self::Served,
        Self::Redirected,
        Self::Failed,
        Self::Limited,
        Self::Refused,
        Self::Reset,
        Self::Cut,
        Self::Abandoned,
    ];

    fn name(self) -> &'static str {
        match self {
            Self::Served => "served",
            Self::Redirected => "redirected",
            Self::Failed => "failed",
            Self::Limited => "limited",
            Self::Refused => "refused",
            Self::Reset => "reset",
            Self::Cut => "cut",
            Self::Abandoned => "abandoned",
        }
    }
}

/// The service's metrics. Its series are looked up once, since that costs more
/// than counting.
#[derive(Debug)]
pub struct Metrics {
    /// Those of every service.
    pub http: HttpMetrics,
    /// Connections open now.
    pub connections: IntGauge,
    requests: [IntCounter; Outcome::ALL.len()],
    faults: [IntCounter; Fault::ALL.len()],
}

impl Metrics {
    /// Registers the metrics.
    pub fn new(registry: &Registry) -> prometheus::Result<Self> {
        let requests = Opts::new(
            "origin_requests_total",
            "Requests for pages by what became of them.",
        );
        let requests = IntCounterVec::new(requests, &["outcome"])?;
        let faults = Opts::new("origin_faults_total", "Faults shown, by kind.");
        let faults = IntCounterVec::new(faults, &["fault"])?;
        let connections = IntGauge::new("origin_connections", "Connections open now.")?;
        registry.register(Box::new(requests.clone()))?;
        registry.register(Box::new(faults.clone()))?;
        registry.register(Box::new(connections.clone()))?;
        Ok(Self {
            http: HttpMetrics::new(registry)?,
            connections,
            requests: Outcome::ALL.map(|one| requests.with_label_values(&[one.name()])),
            faults: Fault::ALL.map(|one| faults.with_label_values(&[one.name()])),
        })
    }

    /// Counts what became of a request.
    pub fn count(&self, outcome: Outcome) {
        self.requests[outcome as usize].inc();
    }

    /// Counts a fault that is shown.
    pub fn show(&self, fault: Fault) {
        self.faults[fault as usize].inc();
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_outcome_and_fault_is_where_it_is_looked_up() {
        for (index, outcome) in Outcome::ALL.into_iter().enumerate() {
            assert_eq!(outcome as usize, index);
        }
        for (index, fault) in Fault::ALL.into_iter().enumerate() {
            assert_eq!(fault as usize, index);
        }
    }
}
