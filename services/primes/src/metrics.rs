//! What Prometheus sees of the runs.

use measure::report::ReplicaAccount;
use prometheus::{Histogram, HistogramOpts, IntCounterVec, Opts, Registry};

/// The service's own metrics.
#[derive(Debug, Clone)]
pub struct Metrics {
    runs: IntCounterVec,
    run_seconds: Histogram,
}

/// How a run ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Ended {
    /// It was done.
    Done,
    /// Its client went away, or the service was told to end.
    Cancelled,
    /// Threads or processes could not be had.
    Failed,
}

impl Metrics {
    /// Registers the metrics.
    pub fn new(registry: &Registry) -> prometheus::Result<Self> {
        let runs = Opts::new("primes_runs_total", "Measured runs by how they ended.");
        let runs = IntCounterVec::new(runs, &["outcome"])?;
        let help = "Wall seconds of the runs that were done.";
        let seconds = HistogramOpts::new("primes_run_duration_seconds", help)
            .buckets(vec![0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0, 30.0, 60.0]);
        let run_seconds = Histogram::with_opts(seconds)?;
        registry.register(Box::new(runs.clone()))?;
        registry.register(Box::new(run_seconds.clone()))?;
        Ok(Self { runs, run_seconds })
    }

    /// Counts a run.
    pub fn count(&self, ended: Ended, account: Option<&ReplicaAccount>) {
        let outcome = match ended {
            Ended::Done => "done",
            Ended::Cancelled => "cancelled",
            Ended::Failed => "failed",
        };
        self.runs.with_label_values(&[outcome]).inc();
        if let (Ended::Done, Some(account)) = (ended, account) {
            self.run_seconds.observe(account.seconds());
        }
    }
}
