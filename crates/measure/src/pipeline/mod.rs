//! Samples of a pipeline: several stages at once, a queue between each two.
//!
//! A row is one way to run the pipeline; its samples hold each stage's account
//! beside that of the station the row is about. What sets the pace is told from
//! those ([`figures`]) and predicted from the stages' costs ([`model`]).

mod figures;
pub mod model;
mod verdict;

use crate::report::{Round, RunReport};

/// Names of raw figures ([`Round::figures`]) of such a sample.
pub mod raw {
    /// Items that one job is.
    pub const JOB_ITEMS: &str = "job_items";
    /// Items that the source gave.
    pub const GIVEN: &str = "items_given";
    /// Those of them that came to the sink, by its own sums.
    pub const ARRIVED: &str = "items_arrived";
    /// Those that went to the dead letters.
    pub const DEAD: &str = "items_dead";
    /// Those that came to the sink again.
    pub const DOUBLED: &str = "items_doubled";
    /// 1 where each item came to an end exactly once, 0 where not.
    pub const EXACT: &str = "exactly_once";
    /// Items that each queue may hold.
    pub const CAPACITY: &str = "queue_capacity";
    /// CPU seconds that what lies between the stages used; absent where that is
    /// nothing of its own.
    pub const BETWEEN_CPU_SECONDS: &str = "between_cpu_seconds";
    /// Latency from source to sink: the median, …
    pub const P50_SECONDS: &str = "latency_p50_seconds";
    /// … what 99 of 100 items did not exceed, …
    pub const P99_SECONDS: &str = "latency_p99_seconds";
    /// … and the longest.
    pub const MAX_SECONDS: &str = "latency_max_seconds";
}

/// Whether the sample is of a pipeline.
pub fn is_staged(round: &Round) -> bool {
    !round.stages.is_empty()
}

/// Whether the report is of a lab whose samples are.
pub fn is_of_pipelines(report: &RunReport) -> bool {
    let mut rounds = report.rows.iter().flat_map(|row| &row.rounds);
    rounds.any(is_staged)
}

/// Fills what is drawn from the stages: figures, prediction and verdict of each
/// row that has samples of a pipeline. Called after all else of the rows is
/// known.
pub(crate) fn fill(report: &mut RunReport) {
    let baseline = report.rows.iter().position(|row| row.baseline);
    let of_baseline: Vec<Round> =
        baseline.map_or_else(Vec::new, |index| report.rows[index].rounds.clone());
    for row in &mut report.rows {
        if !row.rounds.iter().any(is_staged) {
            continue;
        }
        let seen = figures::of_row(row, &of_baseline, &report.stations);
        row.predicted_wall_seconds = seen.predicted_wall_seconds;
        row.verdict = Some(verdict::verdict(row, &seen.figures));
        row.pipeline = Some(seen.figures);
    }
}
