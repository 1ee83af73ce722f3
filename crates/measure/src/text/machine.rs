//! What the machine itself did to the figures.

use crate::duration::duration;
use crate::report::{Round, RunReport};
use crate::verdict::thresholds::COSTLY;

/// Whether the machine changed its speed while it was measured: the baseline
/// does the same work in each round, so its CPU seconds show nothing else.
pub fn unsteady(report: &RunReport) -> Option<String> {
    let baseline = report.rows.iter().find(|row| row.baseline)?;
    if baseline.scaled_from().is_some() {
        // A part of a job may cost no more than what comes with taking a sample.
        return None;
    }
    let cpu_seconds = |round: &Round| Some(round.cpu_seconds()? / round.jobs());
    let jobs: Vec<f64> = baseline.rounds.iter().filter_map(cpu_seconds).collect();
    let least = jobs.iter().copied().reduce(f64::min)?;
    let most = jobs.iter().copied().reduce(f64::max)?;
    (most > least * COSTLY).then(|| {
        format!(
            "The machine was not equally fast all the time: one and the same job of the baseline \
             cost {} to {} of CPU time. Cores shared with other machines or a changing clock rate \
             do that. Times, speedups and predictions are uncertain by as much, and an efficiency \
             above 1 comes from nothing else. Where the time went does not depend on it.",
            duration(least),
            duration(most)
        )
    })
}
