//! The comparisons that a lab names beforehand.

use measure::report::{Comparison, Interval, Outcome, RunReport};

/// What is asked, the key of the row that it is about and that of the row
/// compared with.
pub type Question = (String, String, String);

/// The questions of which both rows were measured, each pair once; their
/// figures are left to the analysis.
pub fn asked_of(report: &RunReport, questions: Vec<Question>) -> Vec<Comparison> {
    let measured = |key: &String| {
        let found = report.rows.iter().find(|row| row.key() == *key);
        found.is_some_and(|row| !row.rounds.is_empty())
    };
    let mut comparisons: Vec<Comparison> = Vec::new();
    for (question, row, against) in questions {
        let asked = comparisons
            .iter()
            .any(|other| other.row == row && other.against == against);
        if !asked && measured(&row) && measured(&against) {
            comparisons.push(open(question, row, against));
        }
    }
    comparisons
}

/// A comparison whose figures the analysis has still to fill in.
fn open(question: String, row: String, against: String) -> Comparison {
    Comparison {
        question,
        row,
        against,
        ratio: Interval {
            median: 1.0,
            low: 1.0,
            high: 1.0,
            coverage: 0.0,
        },
        outcome: Outcome::NoDifferenceSeen,
    }
}
