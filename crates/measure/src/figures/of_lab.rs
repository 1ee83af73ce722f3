//! The lab's own figures of one sample, from what it counted.

use crate::report::Round;
use crate::waiting::{WaitingJob, raw};
use std::collections::BTreeMap;

/// Names of a row's figures ([`crate::report::Row::figures`]).
pub mod names {
    /// Requests that the other end served per second.
    pub const REQUESTS_PER_SECOND: &str = "requests_per_second";
    /// The most requests that the other end saw under way at once.
    pub const HIGHEST_IN_FLIGHT: &str = "highest_in_flight";
    /// CPU milliseconds of the station for one page that came, whatever it spent
    /// on those that did not.
    pub const CPU_MS_PER_PAGE: &str = "cpu_ms_per_page";
    /// The most memory that the station held.
    pub const MEMORY_BYTES: &str = "memory_bytes";
    /// Wall seconds of one job if nothing took time but the other end; scaled from
    /// the turns of what was sampled, as the wall is.
    pub const IDEAL_SECONDS: &str = "ideal_seconds";
}

/// What a row of a lab that counts items shows of one sample; a figure that
/// cannot be drawn from what was counted is left out. Empty for other labs.
pub fn of_lab(round: &Round) -> BTreeMap<String, f64> {
    let counted = |name: &str| round.figures.get(name).copied();
    let wall = round.wall_seconds();
    let per_page = || Some(round.cpu_seconds()? * 1e3 / counted(raw::PAGES)?);
    let figures = [
        (
            names::REQUESTS_PER_SECOND,
            counted(raw::ORIGIN_REQUESTS).map(|requests| requests / wall),
        ),
        (
            names::HIGHEST_IN_FLIGHT,
            counted(raw::ORIGIN_HIGHEST_IN_FLIGHT),
        ),
        (names::CPU_MS_PER_PAGE, per_page()),
        (names::MEMORY_BYTES, counted(raw::MEMORY_PEAK_BYTES)),
        (
            names::IDEAL_SECONDS,
            WaitingJob::of(round).map(|job| job.ideal_seconds()),
        ),
    ];
    let known = figures
        .into_iter()
        .filter_map(|(name, figure)| Some((name.to_owned(), figure.filter(|f| f.is_finite())?)));
    known.collect()
}
