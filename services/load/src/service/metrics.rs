//! What Prometheus sees of the runs.

use crate::engine::{BUCKETS, Failure, Live};
use prometheus::core::{Collector, Desc};
use prometheus::proto::{Bucket, Histogram, Metric, MetricFamily, MetricType};
use prometheus::{IntCounterVec, Opts, Registry};
use std::sync::Arc;

const LATENCY: &str = "load_latency_seconds";
const LATENCY_HELP: &str =
    "From the moment at which a request was to leave to the last byte of its answer.";
const FAILED: &str = "load_failed_total";
const FAILED_HELP: &str = "Requests without a whole answer, by kind of failure.";

/// Registers what `live` counts.
pub fn register(registry: &Registry, live: Arc<Live>) -> prometheus::Result<()> {
    registry.register(Box::new(Counts::of(live)?))
}

/// The counts of all runs, read when they are asked for: a run hands them on
/// ten times a second, and an observation for each answer would cost it more.
#[derive(Debug)]
struct Counts {
    live: Arc<Live>,
    latency: Desc,
    failed: Desc,
}

impl Counts {
    fn of(live: Arc<Live>) -> prometheus::Result<Self> {
        let describe = |name: &str, help: &str, labels: Vec<String>| {
            Desc::new(name.into(), help.into(), labels, [].into())
        };
        Ok(Self {
            live,
            latency: describe(LATENCY, LATENCY_HELP, Vec::new())?,
            failed: describe(FAILED, FAILED_HELP, vec!["kind".into()])?,
        })
    }

    fn latency(&self) -> MetricFamily {
        let (counts, sum) = self.live.latencies();
        let mut histogram = Histogram::default();
        let (mut so_far, mut buckets) = (0, Vec::new());
        for (bound, count) in BUCKETS.into_iter().zip(counts) {
            so_far += count;
            let mut bucket = Bucket::default();
            bucket.set_upper_bound(bound);
            bucket.set_cumulative_count(so_far);
            buckets.push(bucket);
        }
        histogram.set_bucket(buckets);
        histogram.set_sample_count(counts.iter().sum());
        histogram.set_sample_sum(sum);
        let mut metric = Metric::default();
        metric.set_histogram(histogram);
        let mut family = MetricFamily::default();
        family.set_name(LATENCY.into());
        family.set_help(LATENCY_HELP.into());
        family.set_field_type(MetricType::HISTOGRAM);
        family.set_metric(vec![metric]);
        family
    }

    fn failed(&self) -> prometheus::Result<Vec<MetricFamily>> {
        let failed = IntCounterVec::new(Opts::new(FAILED, FAILED_HELP), &["kind"])?;
        for kind in Failure::ALL {
            let count = self.live.failed(kind);
            failed.with_label_values(&[kind.name()]).inc_by(count);
        }
        Ok(failed.collect())
    }
}

impl Collector for Counts {
    fn desc(&self) -> Vec<&Desc> {
        vec![&self.latency, &self.failed]
    }

    fn collect(&self) -> Vec<MetricFamily> {
        // The names are constants that were accepted when it was registered.
        let mut families = self.failed().unwrap_or_default();
        families.push(self.latency());
        families
    }
}
