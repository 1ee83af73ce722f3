//! The loads, as shares of what the station's quota pays for.

use super::steps;
use crate::labs::driven::{Known, Load};
use crate::labs::served::{self, SATURATED};
use crate::labs::{Options, PlannedRow};
use measure::serving::raw;
use serde_json::json;

/// A share of the capacity, all of it in bursts.
pub const BURSTS: &str = "bursts";

/// What stands before a share of the capacity in per cent.
const OPEN: &str = "open-";

/// The load under which it is measured what an open load's requests cost.
pub const PROBED_OPEN: &str = "open-80";

/// All loads.
pub const LOADS: [&str; 6] = [
    SATURATED, BURSTS, "open-40", "open-60", "open-80", "open-95",
];

/// As the table in automaxprocs' README was made, and the figures of the issue.
const CLOSED_CONNECTIONS: u32 = 8;

/// More than are ever under way while the server runs: those that come while it
/// stands still wait at the generator, whose clock counts for them all the same.
const OPEN_CONNECTIONS: u32 = 64;

/// How much of the capacity bursts ask for, and how often they come: each is as
/// much work as two refills of the quota pay for.
const BURSTS_SHARE: f64 = 0.4;
const BURSTS_EVERY_SECONDS: f64 = 0.5;

/// Whether requests of this load come one by one, with rest between them. In
/// bursts, as saturated, the server is at work until nothing is left to do.
pub fn is_open(load: &str) -> bool {
    load.starts_with(OPEN)
}

/// The load of a row's samples.
pub fn load(row: &PlannedRow, known: &Known, options: &Options) -> Result<Load, String> {
    let work = steps::work(known, options)?;
    let mut on = row.station.clone();
    let mut capacity = known.figure(&steps::capacity_of(&on))?;
    if is_open(&row.strategy) {
        on = steps::open_on(&row.station, row.workers);
        capacity = known.figure(&steps::capacity_of(&on))?;
    }
    let mut load = match row.strategy.as_str() {
        SATURATED => saturated(work),
        BURSTS => bursts(work, capacity),
        open => {
            let share = open
                .strip_prefix(OPEN)
                .and_then(|percent| percent.parse().ok());
            let share: f64 = share.ok_or_else(|| format!("{open} is no load"))?;
            poisson(work, capacity * share / 100.0)
        }
    };
    let known_before = [
        (raw::THREADS, Ok(row.workers as f64)),
        (raw::CAPACITY_PER_SECOND, Ok(capacity)),
        (raw::REQUEST_CPU_SECONDS, known.figure(&steps::cost_of(&on))),
        (
            raw::LOAD_REQUEST_CPU_SECONDS,
            known.figure(&steps::load_cost_of(&on)),
        ),
    ];
    for (name, figure) in known_before {
        load.figures
            .extend(figure.ok().map(|figure| (name.to_owned(), figure)));
    }
    Ok(load)
}

/// A closed loop of eight clients.
pub fn saturated(work: u64) -> Load {
    served::closed(work, CLOSED_CONNECTIONS)
}

/// An open loop of requests that come by chance and independently of each other.
pub fn poisson(work: u64, rate: f64) -> Load {
    served::poisson(work, rate, OPEN_CONNECTIONS)
}

fn bursts(work: u64, capacity: f64) -> Load {
    let rate = capacity * BURSTS_SHARE;
    let size = (rate * BURSTS_EVERY_SECONDS).round().max(1.0);
    served::open(
        work,
        size / BURSTS_EVERY_SECONDS,
        OPEN_CONNECTIONS,
        &json!({"bursts": {"size": size as u64, "every_seconds": BURSTS_EVERY_SECONDS}}),
        &[
            (raw::BURST_SIZE, size),
            (raw::BURST_EVERY_SECONDS, BURSTS_EVERY_SECONDS),
        ],
    )
}
