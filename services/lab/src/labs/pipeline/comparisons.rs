//! The comparisons that are named before the run.

use super::plan::Way;
use measure::report::{Comparison, Interval, Outcome, Row, RunReport};

/// Those of which both rows are measured.
pub fn named(report: &RunReport) -> Vec<Comparison> {
    [
        (
            "Do two replicas of the slowest stage do more than one?",
            Way::Replicas(2),
            Way::AsDeclared,
        ),
        (
            "Does a larger queue make the pipeline faster?",
            Way::Capacity(10_000),
            Way::AsDeclared,
        ),
        (
            "Is one process faster than a process for each stage, at one CPU for transform?",
            Way::InProcess,
            Way::OneCpu,
        ),
    ]
    .into_iter()
    .filter_map(|(question, way, against)| comparison(report, question, way, against))
    .collect()
}

fn row_of(report: &RunReport, way: Way) -> Option<&Row> {
    report.rows.iter().find(|row| row.strategy == way.name())
}

fn comparison(report: &RunReport, question: &str, way: Way, against: Way) -> Option<Comparison> {
    Some(Comparison {
        question: question.to_owned(),
        row: row_of(report, way)?.key(),
        against: row_of(report, against)?.key(),
        ratio: Interval {
            median: 1.0,
            low: 1.0,
            high: 1.0,
            coverage: 0.0,
        },
        outcome: Outcome::NoDifferenceSeen,
    })
}
