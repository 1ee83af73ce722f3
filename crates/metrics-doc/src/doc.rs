//! The tables of docs/metrics.md.

use super::{Metric, Metrics};

const DOC: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/../../docs/metrics.md");

/// The metrics of one section of docs/metrics.md, named as its heading is
/// without backticks: `primes`.
pub fn section(heading: &str) -> Metrics {
    section_of(&read(), heading)
}

/// All that docs/metrics.md documents, recording rules too.
pub fn documented() -> Metrics {
    let text = read();
    sections(&text)
        .flat_map(|(_, body)| metrics_in(body))
        .collect()
}

/// The metrics of one section of `text`.
pub fn section_of(text: &str, heading: &str) -> Metrics {
    let (_, body) = sections(text)
        .find(|(found, _)| found.replace('`', "") == heading)
        .unwrap_or_else(|| panic!("docs/metrics.md has no section {heading:?}"));
    let metrics = metrics_in(body);
    assert!(!metrics.is_empty(), "the section {heading:?} has no metric");
    metrics
}

fn read() -> String {
    std::fs::read_to_string(DOC).unwrap_or_else(|error| panic!("{DOC}: {error}"))
}

/// Each section's heading and what stands under it.
fn sections(text: &str) -> impl Iterator<Item = (&str, &str)> {
    text.split("\n## ")
        .skip(1)
        .map(|section| section.split_once('\n').unwrap_or((section, "")))
}

/// The rows of the tables whose first column is `Metric`.
fn metrics_in(section: &str) -> Metrics {
    let mut columns: Option<Vec<String>> = None;
    let mut metrics = Metrics::new();
    for line in section.lines() {
        let Some(cells) = cells(line) else {
            columns = None;
            continue;
        };
        let Some(columns) = &columns else {
            columns = (cells[0] == "Metric").then_some(cells);
            continue;
        };
        if cells[0].starts_with("--") {
            continue;
        }
        assert_eq!(
            cells.len(),
            columns.len(),
            "a row has too few cells: {line}"
        );
        let cell = |column: &str| {
            let index = columns.iter().position(|name| name == column)?;
            Some(cells[index].as_str())
        };
        let labels = cell("Labels").into_iter().flat_map(|cell| cell.split(','));
        let metric = Metric {
            kind: cell("Type").map(str::to_owned),
            labels: labels.map(unquoted).filter(|l| !l.is_empty()).collect(),
        };
        let name = unquoted(&cells[0]);
        let twice = metrics.insert(name, metric);
        assert!(twice.is_none(), "documented twice: {line}");
    }
    metrics
}

fn unquoted(text: &str) -> String {
    text.trim().trim_matches('`').to_owned()
}

/// The cells of a table's row, `None` for any other line.
fn cells(line: &str) -> Option<Vec<String>> {
    let row = line.trim().strip_prefix('|')?.strip_suffix('|')?;
    Some(row.split('|').map(|cell| cell.trim().to_owned()).collect())
}

#[cfg(test)]
mod tests {
    use super::*;

    const TEXT: &str = "\
# Metrics

| Metric | not in a section |
|---|---|
| `nothing` | |

## Every service

Words.

| Metric | Type | Labels | Meaning |
|---|---|---|---|
| `a_cpus` | gauge | | what it is |
| `b_total` | counter | `x`, `y` | more |

## `primes`

| Metric | Labels | Meaning |
|---|---|---|
| `c:rate` | `z` | |

| Other | table |
|---|---|
| `d` | |
";

    #[test]
    fn a_section_is_its_tables_of_metrics_and_no_other() {
        let every = section_of(TEXT, "Every service");
        assert_eq!(every.keys().collect::<Vec<_>>(), ["a_cpus", "b_total"]);
        assert_eq!(every["a_cpus"].kind.as_deref(), Some("gauge"));
        assert!(every["a_cpus"].labels.is_empty());
        assert_eq!(
            every["b_total"].labels.iter().collect::<Vec<_>>(),
            ["x", "y"]
        );

        let primes = section_of(TEXT, "primes");
        assert_eq!(primes.keys().collect::<Vec<_>>(), ["c:rate"]);
        assert_eq!(primes["c:rate"].kind, None);
    }

    #[test]
    #[should_panic(expected = "no section \"redis\"")]
    fn a_section_that_is_not_there_is_no_empty_one() {
        section_of(TEXT, "redis");
    }

    #[test]
    fn the_document_itself_can_be_read() {
        let documented = documented();
        assert!(documented.len() > 40, "{documented:?}");
        assert!(documented.contains_key("cpu_budget_effective_cpus"));
        assert!(documented.contains_key("station:throttled_share:rate"));
    }
}
