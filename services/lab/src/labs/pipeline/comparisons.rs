//! The comparisons that are named before the run.

use super::plan::Way;
use crate::labs::questions::{Question, asked_of};
use measure::report::{Comparison, Row, RunReport};

/// Those of which both rows are measured.
pub fn named(report: &RunReport) -> Vec<Comparison> {
    let questions = [
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
    ];
    let questions = questions
        .into_iter()
        .filter_map(|(question, way, against)| question_of(report, question, way, against));
    asked_of(report, questions.collect())
}

fn question_of(report: &RunReport, question: &str, way: Way, against: Way) -> Option<Question> {
    let key = |way: Way| {
        let mut rows = report.rows.iter();
        rows.find(|row| row.strategy == way.name()).map(Row::key)
    };
    Some((question.to_owned(), key(way)?, key(against)?))
}
