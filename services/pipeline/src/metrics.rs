//! What Prometheus sees of the stages of this process.

use crate::counts::Counts;
use crate::stages::Stage;
use prometheus::core::Collector;
use prometheus::{
    CounterVec, Histogram, HistogramOpts, IntCounterVec, IntGaugeVec, Opts, Registry,
};

/// The metrics, by stage.
#[derive(Debug, Clone)]
pub struct Metrics {
    pub(crate) taken: IntCounterVec,
    pub(crate) given: IntCounterVec,
    pub(crate) dead: IntCounterVec,
    pub(crate) claimed: IntCounterVec,
    pub(crate) refused: IntCounterVec,
    pub(crate) service: CounterVec,
    pub(crate) queued: CounterVec,
    pub(crate) held: CounterVec,
    pub(crate) starved: CounterVec,
    pub(crate) blocked: CounterVec,
    /// Items in the queue before a stage.
    pub depth: IntGaugeVec,
    /// Those of them that a consumer has taken.
    pub pending: IntGaugeVec,
    /// How long items took from source to sink.
    pub latency: Histogram,
}

impl Metrics {
    /// Makes them; nobody sees them yet.
    ///
    /// # Errors
    /// Never with the names that stand here.
    pub fn new() -> prometheus::Result<Self> {
        let counter = |name: &str, help: &str| {
            IntCounterVec::new(
                Opts::new(format!("pipeline_{name}_total"), help),
                &["stage"],
            )
        };
        let seconds = |name: &str, help: &str| {
            let name = format!("pipeline_{name}_seconds_total");
            CounterVec::new(Opts::new(name, help), &["stage"])
        };
        let gauge = |name: &str, help: &str| {
            IntGaugeVec::new(Opts::new(format!("pipeline_{name}"), help), &["stage"])
        };
        let latency = HistogramOpts::new(
            "pipeline_latency_seconds",
            "From when items were made, or due, until they were at the sink.",
        )
        .buckets(vec![
            0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0, 30.0,
        ]);
        Ok(Self {
            taken: counter("items_taken", "Items taken from the queue and done with.")?,
            given: counter("items_given", "Items given on.")?,
            dead: counter("dead_letters", "Items that no try got through.")?,
            claimed: counter(
                "claimed",
                "Entries taken over from consumers that had gone.",
            )?,
            refused: counter(
                "refused",
                "Items that another consumer had taken over meanwhile.",
            )?,
            service: seconds("service", "Time inside the stage's function.")?,
            queued: seconds("queue", "Time that items taken were in the queue.")?,
            held: seconds("stage", "Time from an item's taking to its giving on.")?,
            starved: seconds("input_wait", "Time that threads waited for an empty queue.")?,
            blocked: seconds("output_wait", "Time that threads waited for a full queue.")?,
            depth: gauge("queue_depth", "Items in the queue before the stage.")?,
            pending: gauge("queue_pending", "Those of them that a consumer has taken.")?,
            latency: Histogram::with_opts(latency)?,
        })
    }

    /// The same, for `registry` to serve.
    ///
    /// # Errors
    /// When `registry` has such metrics already.
    pub fn registered(registry: &Registry) -> prometheus::Result<Self> {
        let metrics = Self::new()?;
        let Self {
            taken,
            given,
            dead,
            claimed,
            refused,
            service,
            queued,
            held,
            starved,
            blocked,
            depth,
            pending,
            latency,
        } = metrics.clone();
        let all: [Box<dyn Collector>; 13] = [
            Box::new(taken),
            Box::new(given),
            Box::new(dead),
            Box::new(claimed),
            Box::new(refused),
            Box::new(service),
            Box::new(queued),
            Box::new(held),
            Box::new(starved),
            Box::new(blocked),
            Box::new(depth),
            Box::new(pending),
            Box::new(latency),
        ];
        for collector in all {
            registry.register(collector)?;
        }
        Ok(metrics)
    }

    /// What is counted of `stage`, from 0.
    pub fn counts(&self, stage: Stage) -> Counts {
        Counts::of(self, stage)
    }
}
