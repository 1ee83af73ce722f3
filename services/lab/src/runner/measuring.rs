//! A row while it is measured.

use crate::labs::PlannedRow;
use crate::labs::driven::Load;
use measure::report::{Row, RunMark};

/// A row while it is measured.
pub struct Measuring {
    /// What the report is to have of it.
    pub row: Row,
    /// What was planned.
    pub planned: PlannedRow,
    /// How often a sample does the job.
    pub repeats: u32,
    /// How long a sample is to take.
    pub sample_seconds: f64,
    /// Whether the replicas start at one moment.
    pub common_start: bool,
    /// The load that its samples are taken under, in driven labs.
    pub load: Option<Load>,
    /// Runs of which no sample came.
    pub set_aside: Vec<RunMark>,
    /// What calibration ended with, one per replica.
    pub last_run: Vec<RunMark>,
}

impl Measuring {
    /// A row of which nothing is known yet.
    pub fn new(planned: PlannedRow) -> Self {
        Self {
            row: Row {
                station: planned.station.clone(),
                strategy: planned.strategy.clone(),
                kernel: planned.kernel.clone(),
                workers: planned.workers,
                baseline: planned.baseline,
                ..Row::default()
            },
            common_start: false,
            load: None,
            set_aside: Vec::new(),
            last_run: Vec::new(),
            planned,
            repeats: 1,
            sample_seconds: 0.0,
        }
    }

    /// How long a sample takes, with what comes before the clock starts.
    pub fn expected_seconds(&self) -> f64 {
        if self.row.not_run.is_some() {
            return 0.0;
        }
        let before = if self.load.is_some() { 0.5 } else { 0.1 };
        self.sample_seconds + before
    }

    /// The row for the one who watches: `primes-half · sequential · 1 worker`.
    pub fn label(&self) -> String {
        let are = self.row.workers_are;
        let workers = if self.planned.workers == 1 {
            are.one()
        } else {
            are.many()
        };
        format!(
            "{} · {} · {} {workers}",
            self.planned.station, self.planned.strategy, self.planned.workers
        )
    }
}
