//! The rows: one way to run the pipeline each.

use super::{IN_PROCESS, KERNEL, ONE_CPU, TRANSFORM};
use crate::labs::rows::each_once;
use crate::labs::{Options, PlannedRow};
use measure::report::Station;

/// What the queues hold as the file has it: a row of that is measured already.
const DECLARED_CAPACITY: u64 = 100;

/// A way to run the pipeline.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Way {
    /// As the Compose file has it.
    AsDeclared,
    /// With so many replicas of `transform`.
    Replicas(usize),
    /// With a `transform` of one CPU.
    OneCpu,
    /// With queues that hold so many items.
    Capacity(u64),
    /// All stages in one process.
    InProcess,
}

impl Way {
    /// All of them.
    pub fn all() -> [Self; 9] {
        [
            Self::AsDeclared,
            Self::Replicas(1),
            Self::Replicas(2),
            Self::Replicas(4),
            Self::OneCpu,
            Self::Capacity(10),
            Self::Capacity(100),
            Self::Capacity(10_000),
            Self::InProcess,
        ]
    }

    /// Its name, as a strategy.
    pub fn name(&self) -> String {
        match self {
            Self::AsDeclared => "as-declared".to_owned(),
            Self::Replicas(replicas) => format!("replicas-{replicas}"),
            Self::OneCpu => "one-cpu".to_owned(),
            Self::Capacity(items) => format!("capacity-{items}"),
            Self::InProcess => "in-process".to_owned(),
        }
    }

    /// That of a row.
    pub fn of(row: &PlannedRow) -> Option<Self> {
        Self::all()
            .into_iter()
            .find(|way| way.name() == row.strategy)
    }

    /// How many replicas of `transform` it has, where that is not the file's.
    pub fn replicas(self) -> Option<usize> {
        match self {
            Self::Replicas(replicas) => Some(replicas),
            _ => None,
        }
    }

    /// What its queues may hold, where that is not the file's.
    pub fn capacity(self) -> Option<u64> {
        match self {
            Self::Capacity(items) => Some(items),
            _ => None,
        }
    }

    /// The station that its row is about.
    fn station(self) -> &'static str {
        match self {
            Self::OneCpu => ONE_CPU,
            Self::InProcess => IN_PROCESS,
            _ => TRANSFORM,
        }
    }

    fn is_quick(self) -> bool {
        matches!(
            self,
            Self::AsDeclared | Self::Replicas(2 | 4) | Self::Capacity(10) | Self::InProcess
        )
    }
}

/// The row of that way on that station.
pub fn row(station: &str, way: Way) -> PlannedRow {
    PlannedRow {
        station: station.to_owned(),
        strategy: way.name(),
        kernel: KERNEL.to_owned(),
        workers: 1,
        baseline: false,
    }
}

/// The rows of a run, the baseline first.
pub fn rows(stations: &[Station], options: &Options) -> Vec<PlannedRow> {
    let declared = stations.iter().find(|s| s.name == TRANSFORM);
    let declared = declared.map_or(1, |station| station.replicas);
    let wanted = |way: &Way| {
        let station = way.station();
        let asked =
            |names: &[String], name: &str| names.is_empty() || names.iter().any(|one| one == name);
        // As declared it is a row already, but where that is asked for by name.
        let repeats = options.strategies.is_empty()
            && (way.replicas() == Some(declared) || *way == Way::Capacity(DECLARED_CAPACITY));
        stations.iter().any(|s| s.name == station)
            && asked(&options.stations, station)
            && asked(&options.strategies, &way.name())
            && (!options.quick || !options.strategies.is_empty() || way.is_quick())
            && !repeats
    };
    let baseline = PlannedRow {
        baseline: true,
        ..row(TRANSFORM, Way::AsDeclared)
    };
    let others = Way::all().into_iter().filter(wanted);
    let others = others.map(|way| row(way.station(), way));
    each_once(std::iter::once(baseline).chain(others).collect())
}
