//! Each rule of the verdict, from both sides of its thresholds.

mod blocked_and_row;
mod probed;
mod used_up;
mod who_had_the_cpu;

use measure::figures::RoundFigures;
use measure::made::*;
use measure::report::{ReplicaAccount, Station, Verdict, VerdictKind};
use measure::verdict::find;

/// The kind of one sample of one replica.
fn kind_of(station: &Station, replica: ReplicaAccount) -> VerdictKind {
    find(&RoundFigures::new(&round(vec![replica]), station).unwrap()).kind
}

/// The verdict of six equal rounds of one replica.
fn verdict(station: Station, workers: usize, replica: ReplicaAccount) -> Verdict {
    let name = station.name.clone();
    let row = row_of(&name, "work-stealing", workers, rounds(6, &[replica]));
    analysed(station, row).verdict.unwrap()
}
