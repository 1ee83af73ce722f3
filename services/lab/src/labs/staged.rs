//! Labs whose sample is taken on several stations at once: the stages of one
//! pipeline, with the same request and one start for all.

use super::{Options, PlannedRow};
use crate::compose::Component;
use measure::report::Station;

/// A lab of pipelines.
pub trait Staged: Sync {
    /// Who takes part in a row's samples, in the order of the stages.
    fn members(&self, row: &PlannedRow, stations: &[Station]) -> Vec<Member>;

    /// The stations that must not run meanwhile, since they would take part.
    fn absent(&self, row: &PlannedRow) -> Vec<&'static str>;

    /// What each of the stations is when nothing is measured: as the file has it.
    fn at_rest(&self, stations: &[Station]) -> Vec<Member>;

    /// Items of one job.
    fn job_items(&self, options: &Options) -> u64;

    /// What is broken on purpose after the rounds.
    fn drills(&self, options: &Options) -> Vec<StagedDrill>;
}

/// A station's part.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Member {
    /// The station's name.
    pub station: String,
    /// How many replicas of it take part.
    pub replicas: usize,
}

/// Something to be broken while items flow.
#[derive(Debug, Clone, PartialEq)]
pub struct StagedDrill {
    /// What it is, as a clause.
    pub name: &'static str,
    /// Whose samples' pipeline the items flow through.
    pub row: PlannedRow,
    /// What is done.
    pub deed: StagedDeed,
    /// When, in seconds from the first item.
    pub at_seconds: f64,
    /// How many items flow.
    pub items: u64,
}

/// What is done to a pipeline.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum StagedDeed {
    /// All processes of one replica of this station die; its restart policy
    /// brings it back.
    Crash(&'static str),
    /// What lies between the stages stands still for so many seconds.
    Pause(Component, f64),
}
