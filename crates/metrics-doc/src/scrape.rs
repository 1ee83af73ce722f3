//! What a service serves, in Prometheus' text format.

use super::{Metric, Metrics};
use std::collections::BTreeSet;

/// The metrics of a scrape: type and label names of each family.
pub fn served(scrape: &str) -> Metrics {
    let mut metrics = Metrics::new();
    for line in scrape.lines() {
        if let Some(declared) = line.strip_prefix("# TYPE ") {
            let (name, kind) = declared.split_once(' ').expect("a name and a type");
            let metric = Metric {
                kind: Some(kind.trim().to_owned()),
                labels: BTreeSet::new(),
            };
            let twice = metrics.insert(name.to_owned(), metric);
            assert!(twice.is_none(), "declared twice: {line}");
        } else if !line.starts_with('#') && !line.is_empty() {
            let name = &line[..line.find(['{', ' ']).expect("a value")];
            let family = family_of(name, &metrics)
                .unwrap_or_else(|| panic!("a sample without its type: {line}"));
            let labels = label_names(line);
            let metric = metrics.get_mut(&family).expect("it was just found");
            metric.labels.extend(labels);
        }
    }
    metrics
}

/// The family of a sample: of a histogram's and a summary's it has a longer name.
fn family_of(sample: &str, metrics: &Metrics) -> Option<String> {
    if metrics.contains_key(sample) {
        return Some(sample.to_owned());
    }
    ["_bucket", "_sum", "_count"]
        .into_iter()
        .find_map(|suffix| {
            let name = sample.strip_suffix(suffix)?;
            let kind = metrics.get(name)?.kind.as_deref();
            matches!(kind, Some("histogram" | "summary")).then(|| name.to_owned())
        })
}

/// `x` and `y` of `name{x="1",y="a, \"b\" {c}"} 3`, but for those that the form
/// of histograms and summaries asks for.
fn label_names(line: &str) -> Vec<String> {
    let mut names = Vec::new();
    let Some((_, mut rest)) = line.split_once('{') else {
        return names;
    };
    while let Some((name, after)) = rest.split_once("=\"") {
        let name = name.trim_start_matches([',', ' ']);
        if name.starts_with('}') {
            break;
        }
        if !["le", "quantile"].contains(&name) {
            names.push(name.to_owned());
        }
        rest = after_value(after);
    }
    names
}

/// What follows a label's value, which may hold escaped quotes.
fn after_value(text: &str) -> &str {
    let mut escaped = false;
    for (index, character) in text.char_indices() {
        match character {
            '"' if !escaped => return &text[index + 1..],
            '\\' => escaped = !escaped,
            _ => escaped = false,
        }
    }
    ""
}

#[cfg(test)]
mod tests {
    use super::*;

    const TEXT: &str = r#"# HELP a_cpus A.
# TYPE a_cpus gauge
a_cpus 1.5
# HELP b_total B.
# TYPE b_total counter
b_total{x="a, \"b\" {c=\"d\"}",y=""} 3
b_total{x="2",z="\\"} 4
# TYPE c_seconds histogram
c_seconds_bucket{route="/",le="0.1"} 1
c_seconds_bucket{route="/",le="+Inf"} 1
c_seconds_sum{route="/"} 0.05
c_seconds_count{route="/"} 1
"#;

    #[test]
    fn a_family_has_its_type_and_all_labels_of_its_samples() {
        let metrics = served(TEXT);
        let labels = |name: &str| metrics[name].labels.iter().cloned().collect::<Vec<_>>();
        assert_eq!(metrics.len(), 3);
        assert_eq!(labels("a_cpus"), [""; 0]);
        assert_eq!(labels("b_total"), ["x", "y", "z"]);
        assert_eq!(labels("c_seconds"), ["route"]);
        assert_eq!(metrics["c_seconds"].kind.as_deref(), Some("histogram"));
    }

    #[test]
    #[should_panic(expected = "a sample without its type: d 1")]
    fn a_sample_without_a_type_is_refused() {
        served("d 1\n");
    }
}
