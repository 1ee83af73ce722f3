//! The series that docs/metrics.md names, as queries write them.

use std::collections::{BTreeMap, BTreeSet};

/// What Prometheus itself adds to every series of a station.
const ADDED: [&str; 4] = ["job", "instance", "station", "replica"];

/// Names of series, and the labels of each.
pub(super) struct Documented(BTreeMap<String, BTreeSet<String>>);

impl Documented {
    /// Reads the tables. A histogram is there as its three series.
    pub(super) fn read() -> Self {
        let mut series = BTreeMap::new();
        for (name, metric) in metrics_doc::documented() {
            let mut labels = metric.labels;
            labels.extend(ADDED.map(str::to_owned));
            if metric.kind.as_deref() == Some("histogram") {
                for part in ["_sum", "_count"] {
                    series.insert(format!("{name}{part}"), labels.clone());
                }
                labels.insert("le".to_owned());
                series.insert(format!("{name}_bucket"), labels);
            } else {
                series.insert(name, labels);
            }
        }
        Self(series)
    }

    /// The labels of a series; `None` where no table has it.
    pub(super) fn labels(&self, name: &str) -> Option<&BTreeSet<String>> {
        self.0.get(name)
    }
}
