//! What Prometheus sees of the runs.

use crate::outcome::ErrorKind;
use crate::progress::Progress;
use measure::report::ReplicaAccount;
use prometheus::core::{Collector, Desc};
use prometheus::proto::MetricFamily;
use prometheus::{Histogram, HistogramOpts, IntCounter, IntCounterVec, IntGauge, Opts, Registry};
use std::sync::Arc;

/// The service's own metrics.
#[derive(Debug, Clone)]
pub struct Metrics {
    runs: IntCounterVec,
    run_seconds: Histogram,
    all: Arc<Progress>,
}

/// How a run ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Ended {
    /// It was done.
    Done,
    /// Its client went away, or the service was told to end.
    Cancelled,
    /// Threads could not be had, or outcomes not be stored.
    Failed,
}

impl Metrics {
    /// Registers the metrics.
    pub fn new(registry: &Registry) -> prometheus::Result<Self> {
        let runs = Opts::new("scraper_runs_total", "Measured runs by how they ended.");
        let runs = IntCounterVec::new(runs, &["outcome"])?;
        let help = "Wall seconds of the runs that were done.";
        let seconds = HistogramOpts::new("scraper_run_duration_seconds", help)
            .buckets(vec![0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0, 30.0, 60.0, 120.0]);
        let run_seconds = Histogram::with_opts(seconds)?;
        registry.register(Box::new(runs.clone()))?;
        registry.register(Box::new(run_seconds.clone()))?;
        let all = Arc::new(Progress::default());
        registry.register(Box::new(Counts::of(all.clone())?))?;
        Ok(Self {
            runs,
            run_seconds,
            all,
        })
    }

    /// Where all runs and jobs of this process are counted together.
    pub fn all(&self) -> Arc<Progress> {
        self.all.clone()
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

/// The counts of all runs, read when they are asked for: what is counted
/// anyway costs a run nothing more.
struct Counts {
    all: Arc<Progress>,
    descriptions: Vec<Desc>,
}

impl Counts {
    fn of(all: Arc<Progress>) -> prometheus::Result<Self> {
        let families = families(&Progress::default(), &ErrorKind::ALL)?;
        let describe = |family: &MetricFamily| {
            let labels = family.get_metric().first();
            let labels = labels.map_or(Vec::new(), |metric| {
                metric
                    .get_label()
                    .iter()
                    .map(|label| label.name().to_owned())
                    .collect()
            });
            Desc::new(
                family.name().into(),
                family.help().into(),
                labels,
                [].into(),
            )
        };
        let descriptions = families.iter().map(describe).collect::<Result<_, _>>()?;
        Ok(Self { all, descriptions })
    }
}

impl Collector for Counts {
    fn desc(&self) -> Vec<&Desc> {
        self.descriptions.iter().collect()
    }

    fn collect(&self) -> Vec<MetricFamily> {
        // The names are constants that were accepted when it was registered.
        families(&self.all, &ErrorKind::ALL).unwrap_or_default()
    }
}

fn families(all: &Progress, kinds: &[ErrorKind]) -> prometheus::Result<Vec<MetricFamily>> {
    let in_flight = IntGauge::new("scraper_in_flight", "Requests under way.")?;
    in_flight.set(i64::try_from(all.in_flight()).unwrap_or(i64::MAX));
    let mut families = in_flight.collect();
    for (name, help, count) in [
        (
            "scraper_pages_total",
            "URLs that became pages.",
            all.pages.get(),
        ),
        (
            "scraper_requests_total",
            "Requests begun.",
            all.requests.get(),
        ),
        (
            "scraper_retries_total",
            "Attempts that were made again.",
            all.retries.get(),
        ),
        (
            "scraper_body_bytes_total",
            "Bytes of bodies, decompressed.",
            all.bytes.get(),
        ),
    ] {
        let counter = IntCounter::new(name, help)?;
        counter.inc_by(count);
        families.extend(counter.collect());
    }
    let failed = Opts::new(
        "scraper_failed_total",
        "URLs without a page, by kind of error.",
    );
    let failed = IntCounterVec::new(failed, &["kind"])?;
    for kind in kinds {
        failed
            .with_label_values(&[kind.name()])
            .inc_by(all.failed_as(*kind));
    }
    families.extend(failed.collect());
    Ok(families)
}
