//! Prometheus' text, read back.

use std::collections::{BTreeMap, BTreeSet};

/// One sample: its labels in rising order and its value.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Sample {
    pub(crate) labels: BTreeMap<String, String>,
    pub(crate) value: f64,
}

/// All samples of a scrape by metric, and each metric's type.
#[derive(Debug, Default)]
pub(crate) struct Samples {
    pub(crate) by_name: BTreeMap<String, Vec<Sample>>,
    pub(crate) types: BTreeMap<String, String>,
}

impl Samples {
    /// Reads a text in which every sample follows its metric's type, and no
    /// series stands twice.
    pub(crate) fn parse(text: &str) -> Self {
        let mut samples = Self::default();
        let mut seen = BTreeSet::new();
        for line in text.lines() {
            if let Some(words) = line.strip_prefix("# TYPE ") {
                let (name, kind) = words.split_once(' ').unwrap();
                samples.types.insert(name.to_owned(), kind.to_owned());
            }
            if line.starts_with('#') {
                continue;
            }
            let (series, value) = line.rsplit_once(' ').unwrap();
            assert!(seen.insert(series.to_owned()), "twice: {series}");
            let (name, labels) = series.split_once('{').unwrap_or((series, "}"));
            assert!(samples.types.contains_key(name), "without a type: {line}");
            let sample = Sample {
                labels: labels_of(labels.strip_suffix('}').unwrap()),
                value: value.parse().unwrap(),
            };
            samples
                .by_name
                .entry(name.to_owned())
                .or_default()
                .push(sample);
        }
        samples
    }

    /// The samples of a metric.
    pub(crate) fn all(&self, name: &str) -> &[Sample] {
        self.by_name.get(name).map_or(&[], Vec::as_slice)
    }

    /// The value of a metric's sample with this label; `("", "")`: its only one.
    pub(crate) fn value(&self, name: &str, (label, value): (&str, &str)) -> Option<f64> {
        let mut samples = self.all(name).iter();
        let sample = samples.find(|sample| {
            label.is_empty() || sample.labels.get(label).map(String::as_str) == Some(value)
        })?;
        Some(sample.value)
    }

    /// The value of a metric without labels.
    pub(crate) fn alone(&self, name: &str) -> Option<f64> {
        assert!(self.all(name).len() < 2, "{name}");
        self.value(name, ("", ""))
    }

    /// The values of one label of a metric.
    pub(crate) fn labels(&self, name: &str, label: &str) -> Vec<&str> {
        let samples = self.all(name).iter();
        samples
            .map(|sample| sample.labels[label].as_str())
            .collect()
    }
}

fn labels_of(text: &str) -> BTreeMap<String, String> {
    let labels = text.split(',').filter(|label| !label.is_empty());
    let label = |label: &str| {
        let (name, value) = label.split_once('=').unwrap();
        (name.to_owned(), value.trim_matches('"').to_owned())
    };
    labels.map(label).collect()
}
