//! How long items took, as a histogram: several replicas' can be added.

use hdrhistogram::Histogram;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

/// An hour in microseconds: what takes longer counts as this.
const LONGEST_MICROS: u64 = 3_600_000_000;

/// Latencies, to three significant digits, in microseconds.
#[derive(Debug, Clone)]
pub struct Latency(Histogram<u64>);

/// What is told of them.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize, ToSchema)]
pub struct LatencyFigures {
    /// Items that were counted.
    pub items: u64,
    /// Half of them took at most this, seconds; null without items.
    pub p50_seconds: Option<f64>,
    /// 99 of 100 took at most this, seconds.
    pub p99_seconds: Option<f64>,
    /// The longest, seconds.
    pub max_seconds: Option<f64>,
    /// The mean, seconds.
    pub mean_seconds: Option<f64>,
    /// How many took how long: pairs of microseconds and items, in order, so
    /// that several replicas' can be added.
    pub counts: Vec<(u64, u64)>,
}

impl Default for Latency {
    fn default() -> Self {
        // The bounds are constants that it accepts.
        Self(Histogram::new_with_bounds(1, LONGEST_MICROS, 3).expect("bounds are in order"))
    }
}

impl Latency {
    /// Counts `items` that took so many nanoseconds.
    pub fn record(&mut self, nanos: u64, items: u64) {
        self.0.saturating_record_n((nanos / 1000).max(1), items);
    }

    /// Adds another's items.
    pub fn merge(&mut self, other: &Self) {
        // Both have the same bounds.
        let _ = self.0.add(&other.0);
    }

    /// What is told of them.
    pub fn figures(&self) -> LatencyFigures {
        let items = self.0.len();
        let known = |micros: f64| (items > 0).then_some(micros / 1e6);
        LatencyFigures {
            items,
            p50_seconds: known(self.0.value_at_quantile(0.5) as f64),
            p99_seconds: known(self.0.value_at_quantile(0.99) as f64),
            max_seconds: known(self.0.max() as f64),
            mean_seconds: known(self.0.mean()),
            counts: self
                .0
                .iter_recorded()
                .map(|value| (value.value_iterated_to(), value.count_at_value()))
                .collect(),
        }
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    #[test]
    fn it_tells_what_was_recorded() {
        let mut latency = Latency::default();
        latency.record(2_000_000, 99);
        let mut slow = Latency::default();
        slow.record(5_000_000_000, 1);
        latency.merge(&slow);

        let told = latency.figures();

        assert_eq!(told.items, 100);
        assert!((told.p50_seconds.unwrap() - 0.002).abs() < 1e-5);
        assert!((told.max_seconds.unwrap() - 5.0).abs() < 0.01);
        assert_eq!(told.counts.iter().map(|(_, items)| items).sum::<u64>(), 100);
        assert_eq!(Latency::default().figures().p50_seconds, None);
    }
}
