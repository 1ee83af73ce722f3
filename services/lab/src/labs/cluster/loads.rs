//! The loads: all that a closed loop asks for, and shares of the highest rate
//! that kept the p99 under its target.

use super::{TARGET_P99_SECONDS, steps};
use crate::labs::PlannedRow;
use crate::labs::driven::{Known, Load};
use crate::labs::served::{self, SATURATED};
use measure::serving::raw;
use serde_json::json;

/// The saturated load, the workers having a listening socket each.
pub const REUSEPORT: &str = "reuseport";

/// The highest rate that kept the p99 under its target, and shares of it.
pub const AT_TARGET: &str = "at-target";
pub const AT_80: &str = "at-80";
pub const AT_HALF: &str = "at-50";

/// All loads.
pub const LOADS: [&str; 5] = [SATURATED, REUSEPORT, AT_TARGET, AT_80, AT_HALF];

/// Twice as many as the station with most workers has: where each has a queue of
/// its own, chance gives some of them none.
pub const CLOSED_CONNECTIONS: u32 = 16;

/// Of an open loop.
pub const OPEN_CONNECTIONS: u32 = 64;

/// The load of a row's samples.
pub fn load(row: &PlannedRow, known: &Known, work: u64) -> Result<Load, String> {
    let share = match row.strategy.as_str() {
        SATURATED | REUSEPORT => return Ok(saturated(work)),
        AT_TARGET => 1.0,
        AT_80 => 0.8,
        AT_HALF => 0.5,
        other => return Err(format!("{other} is no load")),
    };
    let found = known.figure(&steps::found_on(&row.station))?;
    let mut load = poisson(work, found * share);
    load.figures.insert(raw::FOUND_PER_SECOND.to_owned(), found);
    load.figures
        .insert(raw::TARGET_P99_SECONDS.to_owned(), TARGET_P99_SECONDS);
    for (name, of) in [
        (raw::TOO_MANY_PER_SECOND, steps::too_many_on(&row.station)),
        (raw::CONFIRMATIONS, steps::confirmed_on(&row.station)),
    ] {
        let figure = known.figure(&of).ok();
        load.figures
            .extend(figure.map(|figure| (name.to_owned(), figure)));
    }
    Ok(load)
}

/// A closed loop.
pub fn saturated(work: u64) -> Load {
    told_apart(served::closed(work, CLOSED_CONNECTIONS))
}

fn poisson(work: u64, rate: f64) -> Load {
    told_apart(served::poisson(work, rate, OPEN_CONNECTIONS))
}

/// Each answer's worker is counted, for the fairness.
fn told_apart(mut load: Load) -> Load {
    load.body["identify"] = json!(true);
    load
}
