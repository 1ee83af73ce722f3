//! docs/metrics.md and scrapes as tables, for the tests that compare them.
//!
//! ```no_run
//! # let scrape = String::new();
//! let documented = metrics_doc::section("Every service");
//! let served = metrics_doc::served(&scrape);
//! assert_eq!(metrics_doc::differences(&documented, &served), [""; 0]);
//! ```
//!
//! What may be absent from a scrape (no quota, no limit) is for each test to
//! take out of `documented` first: it knows what the service knows.
//!
//! Everything here panics on what it cannot read: a test's input is at fault then.

mod doc;
mod promtool;
mod scrape;

pub use doc::{documented, section, section_of};
pub use promtool::check_with_promtool;
pub use scrape::served;

use std::collections::{BTreeMap, BTreeSet};

/// What is said of metrics, by their names.
pub type Metrics = BTreeMap<String, Metric>;

/// One metric.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Metric {
    /// `counter`, `gauge`, `histogram`; `None` where a table has no such column.
    pub kind: Option<String>,
    /// The names of its labels, without those that a histogram's form asks for.
    pub labels: BTreeSet<String>,
}

/// Each way in which the two differ, as a sentence; empty when they agree.
pub fn differences(documented: &Metrics, served: &Metrics) -> Vec<String> {
    let names: BTreeSet<_> = documented.keys().chain(served.keys()).collect();
    let difference = |name: &String| match (documented.get(name), served.get(name)) {
        (Some(_), None) => Some(format!("{name} is in docs/metrics.md and is not served")),
        (None, Some(_)) => Some(format!("{name} is served and is not in docs/metrics.md")),
        (Some(documented), Some(served)) if documented != served => Some(format!(
            "{name} is {documented:?} in docs/metrics.md and {served:?} where it is served"
        )),
        _ => None,
    };
    names.into_iter().filter_map(difference).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn metrics(of: &[(&str, &str, &[&str])]) -> Metrics {
        let metric = |&(name, kind, labels): &(&str, &str, &[&str])| {
            let metric = Metric {
                kind: Some(kind.to_owned()),
                labels: labels.iter().map(ToString::to_string).collect(),
            };
            (name.to_owned(), metric)
        };
        of.iter().map(metric).collect()
    }

    #[test]
    fn what_agrees_differs_in_nothing() {
        let same = metrics(&[("a", "gauge", &[]), ("b_total", "counter", &["x", "y"])]);
        assert_eq!(differences(&same, &same), [""; 0]);
    }

    #[test]
    fn each_difference_is_said_in_both_directions() {
        let documented = metrics(&[
            ("only_here", "gauge", &[]),
            ("kind", "gauge", &[]),
            ("labels", "gauge", &["x"]),
        ]);
        let served = metrics(&[
            ("only_there", "gauge", &[]),
            ("kind", "counter", &[]),
            ("labels", "gauge", &["y"]),
        ]);
        let said = differences(&documented, &served);
        for name in ["only_here", "only_there", "kind", "labels"] {
            let times = said.iter().filter(|s| s.starts_with(&format!("{name} is")));
            assert_eq!(times.count(), 1, "{said:?}");
        }
        assert_eq!(said.len(), 4);
    }
}
