//! What Prometheus sees of the family: all workers together, not whichever
//! would have answered.

use crate::counters::{BOUNDS, Counts, Cut, STATUSES};
use crate::master::{State, View};
use prometheus::core::{Collector, Desc};
use prometheus::proto::{Bucket, Histogram, Metric, MetricFamily, MetricType};
use prometheus::{Gauge, GaugeVec, IntCounter, IntCounterVec, Opts};
use std::collections::HashMap;
use std::sync::Arc;

const SECONDS: &str = "cluster_request_duration_seconds";

/// The workers' counts, which the master has from them, as metrics.
#[derive(Debug)]
pub struct FamilyCollector {
    view: Arc<View>,
    descriptions: Vec<Desc>,
}

/// Names and what they mean.
const HELP: [(&str, &str); 8] = [
    ("cluster_requests_total", "Requests answered, by status."),
    (
        "cluster_connections_total",
        "Connections accepted, those that were refused included.",
    ),
    (
        "cluster_connections_cut_total",
        "Connections that the workers ended, by reason.",
    ),
    ("cluster_connections", "Connections open now."),
    (
        "cluster_in_flight",
        "Requests whose answers are not made yet.",
    ),
    ("cluster_workers", "Workers, by what they do."),
    (
        "cluster_worker_restarts_total",
        "Workers that died and were replaced.",
    ),
    (
        SECONDS,
        "From a request's head to the head of its answer, waiting for the CPU included.",
    ),
];

impl FamilyCollector {
    /// A collector of what `view` shows.
    ///
    /// # Errors
    /// When a name of ours is no metric name: not for any that stands here.
    pub fn new(view: Arc<View>) -> prometheus::Result<Self> {
        let describe = |(name, help): &(&str, &str)| {
            Desc::new((*name).into(), (*help).into(), Vec::new(), HashMap::new())
        };
        Ok(Self {
            view,
            descriptions: HELP.iter().map(describe).collect::<Result<_, _>>()?,
        })
    }

    fn families(&self) -> prometheus::Result<Vec<MetricFamily>> {
        let (counts, restarts, states) = {
            let known = self.view.lock();
            let of = |state| {
                let workers = known.workers.values();
                workers.filter(|worker| worker.state == state).count()
            };
            (known.counts(), known.restarts, State::ALL.map(of))
        };
        let statuses = STATUSES.iter().zip(counts.statuses);
        let statuses = statuses.map(|(status, count)| (status.to_string(), count));
        let cuts = Cut::ALL.map(|why| (why.name().to_owned(), counts.cut(why)));
        let states = State::ALL.iter().zip(states);
        let mut all = counted_by("cluster_requests_total", "status", statuses)?;
        all.extend(counted("cluster_connections_total", counts.accepted)?);
        all.extend(counted_by("cluster_connections_cut_total", "reason", cuts)?);
        all.extend(now("cluster_connections", counts.open)?);
        all.extend(now("cluster_in_flight", counts.in_flight)?);
        let workers = GaugeVec::new(opts("cluster_workers"), &["state"])?;
        for (state, count) in states {
            let gauge = workers.with_label_values(&[state.name()]);
            gauge.set(count as f64);
        }
        all.extend(workers.collect());
        all.extend(counted("cluster_worker_restarts_total", restarts)?);
        all.push(histogram(&counts));
        Ok(all)
    }
}

impl Collector for FamilyCollector {
    fn desc(&self) -> Vec<&Desc> {
        self.descriptions.iter().collect()
    }

    fn collect(&self) -> Vec<MetricFamily> {
        self.families().unwrap_or_else(|error| {
            tracing::error!(%error, "the family's metrics cannot be made");
            Vec::new()
        })
    }
}

fn opts(name: &str) -> Opts {
    let help = HELP.iter().find(|(known, _)| *known == name);
    Opts::new(name, help.map_or("", |(_, help)| *help))
}

// The workers count, not we: fresh metrics per scrape take their totals.

fn counted(name: &str, count: u64) -> prometheus::Result<Vec<MetricFamily>> {
    let counter = IntCounter::with_opts(opts(name))?;
    counter.inc_by(count);
    Ok(counter.collect())
}

fn counted_by(
    name: &str,
    label: &str,
    counts: impl IntoIterator<Item = (String, u64)>,
) -> prometheus::Result<Vec<MetricFamily>> {
    let counter = IntCounterVec::new(opts(name), &[label])?;
    for (value, count) in counts {
        counter.with_label_values(&[&value]).inc_by(count);
    }
    Ok(counter.collect())
}

fn now(name: &str, count: u64) -> prometheus::Result<Vec<MetricFamily>> {
    let gauge = Gauge::with_opts(opts(name))?;
    gauge.set(count as f64);
    Ok(gauge.collect())
}

fn histogram(counts: &Counts) -> MetricFamily {
    let mut so_far = 0;
    let buckets = BOUNDS.iter().zip(counts.buckets).map(|(bound, count)| {
        so_far += count;
        let mut bucket = Bucket::default();
        bucket.set_upper_bound(*bound);
        bucket.set_cumulative_count(so_far);
        bucket
    });
    let mut histogram = Histogram::default();
    histogram.set_bucket(buckets.collect());
    histogram.set_sample_count(counts.buckets.iter().sum());
    histogram.set_sample_sum(counts.nanos as f64 * 1e-9);
    let mut metric = Metric::default();
    metric.set_histogram(histogram);
    let mut family = MetricFamily::default();
    let opts = opts(SECONDS);
    family.set_name(opts.name);
    family.set_help(opts.help);
    family.set_field_type(MetricType::HISTOGRAM);
    family.set_metric(vec![metric]);
    family
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]

    use super::*;
    use crate::counters::Counters;
    use crate::shape::{Shape, Strategy};
    use std::time::Duration;

    #[test]
    fn all_workers_are_added_up_those_that_have_ended_too() {
        let counters = Counters::default();
        counters.accept();
        counters.answer(200, Duration::from_millis(3));
        counters.cut(Cut::Slow);
        let view = View::new(Shape {
            workers: 1,
            threads: 1,
            strategy: Strategy::Inherit,
        });
        view.lock().ended = counters.read().ended();
        view.lock().restarts = 2;
        let collector = FamilyCollector::new(Arc::new(view)).unwrap();

        let text = prometheus::TextEncoder::new()
            .encode_to_string(&collector.collect())
            .unwrap();

        for line in [
            "cluster_requests_total{status=\"200\"} 1",
            "cluster_connections_cut_total{reason=\"slow\"} 1",
            "cluster_connections_cut_total{reason=\"idle\"} 0",
            "cluster_connections 0",
            "cluster_worker_restarts_total 2",
            "cluster_workers{state=\"serving\"} 0",
            "cluster_request_duration_seconds_bucket{le=\"0.0025\"} 0",
            "cluster_request_duration_seconds_bucket{le=\"0.005\"} 1",
            "cluster_request_duration_seconds_bucket{le=\"+Inf\"} 1",
            "cluster_request_duration_seconds_sum 0.003",
        ] {
            assert!(text.contains(&format!("{line}\n")), "{line}\n{text}");
        }
    }
}
