//! The labs: which rows each one runs, and what it concludes beyond the rows.

mod groups;
pub mod invariants;
mod limits;
#[cfg(test)]
pub mod made;
mod primes;
mod scaling;

use measure::report::{RunReport, Station};
use serde_json::Value;

/// What a person narrowed or changed for this run.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Options {
    /// A short run: fewer rows and rounds.
    pub quick: bool,
    /// Only these stations; empty: all.
    pub stations: Vec<String>,
    /// Only these strategies; empty: the lab's own choice.
    pub strategies: Vec<String>,
    /// Only these worker counts; empty: the lab's own choice.
    pub workers: Vec<usize>,
    /// What computes the job.
    pub kernel: Option<String>,
    /// The job's size.
    pub limit: Option<u64>,
    /// How many rounds.
    pub rounds: Option<u32>,
}

impl Options {
    /// How many rounds to run: six give a 96.9 % interval, three 75 %.
    pub fn rounds(&self) -> u32 {
        self.rounds.unwrap_or(if self.quick { 3 } else { 6 })
    }
}

/// What a station's service says of itself.
#[derive(Debug, Clone, Default, PartialEq, serde::Deserialize)]
pub struct Abilities {
    /// The kernels it has.
    pub kernels: Vec<String>,
    /// The strategies it has.
    pub strategies: Vec<String>,
}

/// One row of the plan.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PlannedRow {
    /// The station's name.
    pub station: String,
    /// How the work is shared out.
    pub strategy: String,
    /// What computes it.
    pub kernel: String,
    /// Workers of one replica.
    pub workers: usize,
    /// The row that speedups and predictions are taken from.
    pub baseline: bool,
}

/// One replica's part of a sample.
#[derive(Debug, Clone, Copy)]
pub struct Part {
    /// Which replica, from 0.
    pub index: usize,
    /// Of how many.
    pub count: usize,
    /// How often the job is done, back to back.
    pub repeats: u32,
    /// A common start by the host's monotonic clock, in seconds.
    pub start_at_seconds: Option<f64>,
}

/// A lab: one Compose file's plan and conclusions.
pub trait Lab: Sync {
    /// `lab-<topic>`.
    fn name(&self) -> &'static str;

    /// The rows to run on these stations, the baseline first.
    fn plan(
        &self,
        stations: &[Station],
        abilities: &Abilities,
        options: &Options,
    ) -> Result<Vec<PlannedRow>, String>;

    /// The body of a replica's `POST /run`.
    fn request(&self, row: &PlannedRow, part: Part, options: &Options) -> Value;

    /// Parameters of the run as the report gives them.
    fn parameters(&self, options: &Options) -> Vec<(&'static str, Value)>;

    /// Names the comparisons; called before the analysis.
    fn compare(&self, report: &mut RunReport);

    /// Checks what must hold and draws the groups' sentences; called after it.
    fn conclude(&self, report: &mut RunReport);
}

/// The lab of that name, with or without its `lab-`.
pub fn by_name(name: &str) -> Option<&'static dyn Lab> {
    let topic = name.strip_prefix("lab-").unwrap_or(name);
    LABS.iter()
        .copied()
        .find(|lab| lab.name().strip_prefix("lab-") == Some(topic))
}

/// All labs.
pub const LABS: &[&dyn Lab] = &[&primes::Primes];

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;
    use std::collections::BTreeSet;
    use std::path::Path;

    #[test]
    fn every_compose_file_of_a_lab_has_its_entry() {
        let compose = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../compose");
        let files = std::fs::read_dir(compose).unwrap();
        let stems = files.filter_map(|file| {
            let name = file.unwrap().file_name().into_string().unwrap();
            Some(name.strip_suffix(".yml")?.to_owned())
        });
        let labs: BTreeSet<String> = stems.filter(|stem| stem.starts_with("lab-")).collect();
        let entries = LABS.iter().map(|lab| lab.name().to_owned()).collect();
        assert_eq!(labs, entries);
    }
}
