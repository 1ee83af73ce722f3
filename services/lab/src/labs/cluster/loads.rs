//! The loads: all that a closed loop asks for, and shares of the highest rate
//! that kept the p99 under its target.

use super::{TARGET_P99_SECONDS, steps};
use crate::labs::PlannedRow;
use crate::labs::driven::{Known, Load};
use measure::serving::raw;
use serde_json::json;
use std::collections::BTreeMap;

/// Clients that ask again as soon as they are answered.
pub const SATURATED: &str = "saturated";

/// The same, the workers having a listening socket each.
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
    let above = known.figure(&steps::too_many_on(&row.station)).ok();
    load.figures
        .extend(above.map(|rate| (raw::TOO_MANY_PER_SECOND.to_owned(), rate)));
    Ok(load)
}

/// A closed loop.
pub fn saturated(work: u64) -> Load {
    Load {
        body: json!({
            "loop": "closed",
            "connections": CLOSED_CONNECTIONS,
            "work": work,
            "identify": true,
        }),
        figures: figures(&[
            (raw::CONNECTIONS, f64::from(CLOSED_CONNECTIONS)),
            (raw::WORK, work as f64),
        ]),
    }
}

fn poisson(work: u64, rate: f64) -> Load {
    Load {
        body: json!({
            "loop": "open",
            "rate": rate,
            "arrivals": "poisson",
            "connections": OPEN_CONNECTIONS,
            "work": work,
            "identify": true,
        }),
        figures: figures(&[
            (raw::OFFERED_PER_SECOND, rate),
            (raw::POISSON, 1.0),
            (raw::CONNECTIONS, f64::from(OPEN_CONNECTIONS)),
            (raw::WORK, work as f64),
        ]),
    }
}

fn figures(pairs: &[(&str, f64)]) -> BTreeMap<String, f64> {
    let pairs = pairs.iter();
    pairs
        .map(|(name, figure)| ((*name).to_owned(), *figure))
        .collect()
}
