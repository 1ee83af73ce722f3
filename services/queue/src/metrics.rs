//! What Prometheus sees of the queue, and of a worker.

use crate::job::{PRIORITIES, State, Stats};
use prometheus::core::Collector;
use prometheus::{
    Gauge, Histogram, HistogramOpts, HistogramVec, IntCounter, IntCounterVec, IntGauge,
    IntGaugeVec, Opts, Registry,
};

/// What the queue holds, as the service that accepts jobs sees it once a second.
#[derive(Debug, Clone)]
pub struct Depths {
    jobs: IntGaugeVec,
    ready: IntGaugeVec,
    oldest: Gauge,
    workers: IntGauge,
    submitted: IntGauge,
    ended: IntGaugeVec,
    lost: IntGauge,
    refused: IntGauge,
}

impl Depths {
    /// Makes them, for `registry` to serve.
    ///
    /// # Errors
    /// When `registry` has such metrics already.
    pub fn registered(registry: &Registry) -> prometheus::Result<Self> {
        let gauge = |name: &str, help: &str| IntGauge::new(format!("queue_{name}"), help);
        let gauges = |name: &str, help: &str, label: &str| {
            IntGaugeVec::new(Opts::new(format!("queue_{name}"), help), &[label])
        };
        let depths = Self {
            jobs: gauges("jobs", "Jobs there are, by state.", "state")?,
            ready: gauges(
                "ready_jobs",
                "Jobs that are ready, by priority.",
                "priority",
            )?,
            oldest: Gauge::new(
                "queue_oldest_ready_seconds",
                "For how long the job is ready that waits longest; 0 when none is.",
            )?,
            workers: gauge(
                "workers",
                "Workers that were heard of within the last minute.",
            )?,
            submitted: gauge("submitted_jobs", "Jobs accepted since the queue began.")?,
            ended: gauges(
                "ended_jobs",
                "Jobs that came to a final state since the queue began.",
                "state",
            )?,
            lost: gauge("lost_leases", "Leases that ran out since the queue began.")?,
            refused: gauge(
                "refused_tokens",
                "What was refused for an old token since the queue began.",
            )?,
        };
        for collector in depths.all() {
            registry.register(collector)?;
        }
        Ok(depths)
    }

    fn all(&self) -> [Box<dyn Collector>; 8] {
        let Self {
            jobs,
            ready,
            oldest,
            workers,
            submitted,
            ended,
            lost,
            refused,
        } = self.clone();
        [
            Box::new(jobs),
            Box::new(ready),
            Box::new(oldest),
            Box::new(workers),
            Box::new(submitted),
            Box::new(ended),
            Box::new(lost),
            Box::new(refused),
        ]
    }

    /// Shows `stats`.
    pub(crate) fn show(&self, stats: &Stats) {
        for (state, jobs) in &stats.by_state {
            let jobs = whole(*jobs);
            self.jobs.with_label_values(&[state.name()]).set(jobs);
        }
        for (priority, jobs) in stats.by_priority.iter().enumerate() {
            let priority = priority.to_string();
            self.ready.with_label_values(&[&priority]).set(whole(*jobs));
        }
        self.oldest.set(stats.oldest_seconds.unwrap_or(0.0));
        self.workers.set(whole(stats.workers.len() as u64));
        let totals = &stats.totals;
        self.submitted.set(whole(totals.submitted));
        for (state, jobs) in [
            (State::Succeeded, totals.succeeded),
            (State::Dead, totals.died),
            (State::Cancelled, totals.cancelled),
        ] {
            self.ended
                .with_label_values(&[state.name()])
                .set(whole(jobs));
        }
        self.lost.set(whole(totals.lost));
        self.refused.set(whole(totals.refused));
    }
}

/// What a worker has done, and how long it took.
#[derive(Debug, Clone)]
pub struct Metrics {
    pub(crate) tries: IntCounterVec,
    pub(crate) service: Histogram,
    pub(crate) wait: HistogramVec,
    pub(crate) latency: HistogramVec,
    pub(crate) lost: IntCounter,
    pub(crate) refused: IntCounter,
    pub(crate) held: IntGauge,
    pub(crate) active: IntGauge,
    /// Those of `wait` and `latency` by priority, looked up once.
    pub(crate) by_priority: [(Histogram, Histogram); PRIORITIES],
}

impl Metrics {
    /// Makes them; nobody sees them yet.
    ///
    /// # Errors
    /// Never with the names that stand here.
    pub fn new() -> prometheus::Result<Self> {
        let histogram = |name: &str, help: &str| {
            let buckets = vec![
                0.0001, 0.00025, 0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5,
                1.0, 2.5, 5.0, 10.0, 30.0, 60.0,
            ];
            HistogramOpts::new(format!("queue_{name}_seconds"), help).buckets(buckets)
        };
        let by_priority =
            |name: &str, help: &str| HistogramVec::new(histogram(name, help), &["priority"]);
        let wait = by_priority(
            "job_wait",
            "How long jobs were ready until this worker took them, by Redis' clock.",
        )?;
        let latency = by_priority(
            "job_latency",
            "From the acceptance of jobs until they were done here.",
        )?;
        Ok(Self {
            tries: IntCounterVec::new(
                Opts::new("queue_tries_total", "Tries that ended here, by how."),
                &["type", "outcome"],
            )?,
            service: Histogram::with_opts(histogram(
                "job_service",
                "How long tries took, from their start to their end.",
            ))?,
            lost: IntCounter::new(
                "queue_jobs_taken_away_total",
                "Jobs that were this worker's and were cancelled, or another's, before it was done.",
            )?,
            refused: IntCounter::new(
                "queue_refused_total",
                "What this worker said of jobs that were not its own any more.",
            )?,
            held: IntGauge::new("queue_held_jobs", "Jobs that this worker has.")?,
            active: IntGauge::new("queue_active_jobs", "Jobs that this worker works on.")?,
            by_priority: std::array::from_fn(|priority| {
                let label = priority.to_string();
                let label = [label.as_str()];
                (
                    wait.with_label_values(&label),
                    latency.with_label_values(&label),
                )
            }),
            wait,
            latency,
        })
    }

    /// The same, for `registry` to serve.
    ///
    /// # Errors
    /// When `registry` has such metrics already.
    pub fn registered(registry: &Registry) -> prometheus::Result<Self> {
        let metrics = Self::new()?;
        let Self {
            tries,
            service,
            wait,
            latency,
            lost,
            refused,
            held,
            active,
            by_priority: _,
        } = metrics.clone();
        let all: [Box<dyn Collector>; 8] = [
            Box::new(tries),
            Box::new(service),
            Box::new(wait),
            Box::new(latency),
            Box::new(lost),
            Box::new(refused),
            Box::new(held),
            Box::new(active),
        ];
        for collector in all {
            registry.register(collector)?;
        }
        Ok(metrics)
    }
}

/// A count as gauges take it.
pub(crate) fn whole(count: u64) -> i64 {
    i64::try_from(count).unwrap_or(i64::MAX)
}
