//! What Prometheus sees of the runs.

use prometheus::{Histogram, HistogramOpts, IntCounterVec, Opts, Registry};

/// The runs' metrics.
#[derive(Debug)]
pub(super) struct Metrics {
    runs: IntCounterVec,
    run_seconds: Histogram,
}

/// How a run ended.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) enum Ended {
    /// It was done.
    Done { seconds: f64 },
    /// Its client went away, or the service was told to end.
    Cancelled,
    /// There is no answer, and the problem says why.
    Failed,
}

impl Metrics {
    /// Registers the metrics, whose names begin with `service`.
    pub(super) fn new(service: &str, registry: &Registry) -> prometheus::Result<Self> {
        let help = "Measured runs by how they ended.";
        let runs = Opts::new(format!("{service}_runs_total"), help);
        let runs = IntCounterVec::new(runs, &["outcome"])?;
        let help = "Wall seconds of the runs that were done.";
        let seconds = HistogramOpts::new(format!("{service}_run_duration_seconds"), help)
            .buckets(vec![0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0, 30.0, 60.0, 120.0]);
        let run_seconds = Histogram::with_opts(seconds)?;
        registry.register(Box::new(runs.clone()))?;
        registry.register(Box::new(run_seconds.clone()))?;
        Ok(Self { runs, run_seconds })
    }

    /// Counts a run.
    pub(super) fn count(&self, ended: Ended) {
        let outcome = match ended {
            Ended::Done { seconds } => {
                self.run_seconds.observe(seconds);
                "done"
            }
            Ended::Cancelled => "cancelled",
            Ended::Failed => "failed",
        };
        self.runs.with_label_values(&[outcome]).inc();
    }
}
