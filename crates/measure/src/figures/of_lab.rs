//! The lab's own figures of one sample, from what it counted.

use crate::pipeline::{self, raw as of_pipeline};
use crate::report::{ReplicaAccount, Round};
use crate::serving::raw;
use crate::serving::{self, Served};
use crate::waiting::WaitingJob;
use crate::waiting::raw as waited;
use std::collections::BTreeMap;

/// Names of a row's figures ([`crate::report::Row::figures`]).
pub mod names {
    /// Requests answered per second, by the other end's account.
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
    /// Latency of requests from the moment at which each was to leave: the
    /// median, …
    pub const P50_SECONDS: &str = "p50_seconds";
    /// … what 99 of 100 did not exceed, …
    pub const P99_SECONDS: &str = "p99_seconds";
    /// … 999 of 1000, …
    pub const P99_9_SECONDS: &str = "p99_9_seconds";
    /// … and the longest of all rounds.
    pub const LONGEST_SECONDS: &str = "longest_seconds";
    /// How much of the 99 of 100 may be the lateness of whoever made the load.
    pub const LATE_SECONDS: &str = "late_p99_seconds";
    /// The same percentiles of the same arrivals by the refill rule.
    pub const REPLAYED_P50_SECONDS: &str = "replayed_p50_seconds";
    /// Of 99 of 100.
    pub const REPLAYED_P99_SECONDS: &str = "replayed_p99_seconds";
    /// Of 999 of 1000.
    pub const REPLAYED_P99_9_SECONDS: &str = "replayed_p99_9_seconds";
    /// Share of the quota periods that are throttled, by the refill rule.
    pub const REPLAYED_THROTTLED: &str = "replayed_throttled_share";
    /// Seconds of each period in which the group stands still while it is never
    /// out of work, by the refill rule.
    pub const STALL_SECONDS: &str = "stall_seconds";
    /// Share of the quota periods in which it ran out.
    pub const THROTTLED: &str = "throttled_share";
    /// CPU milliseconds of the station for one request.
    pub const CPU_MS_PER_REQUEST: &str = "cpu_ms_per_request";
    /// How evenly the workers shared the requests, Jain's index.
    pub const FAIRNESS: &str = "fairness";
    /// Requests that were not answered, right and in time, over all rounds.
    pub const FAILED: &str = "failed_requests";

    /// Items that came from a pipeline's source to its sink, per second.
    pub const ITEMS_PER_SECOND: &str = "items_per_second";
    /// Items that each queue of a pipeline may hold.
    pub const QUEUE_CAPACITY: &str = "queue_capacity";

    /// Those of which a row has the largest of its rounds, and not their median.
    pub const LARGEST: [&str; 1] = [LONGEST_SECONDS];
    /// Those of which a row has the sum over its rounds.
    pub const SUMS: [&str; 1] = [FAILED];
}

/// What a row of a lab that counts items or requests shows of one sample; a
/// figure that cannot be drawn from what was counted is left out. Empty for
/// other labs.
pub fn of_lab(round: &Round) -> BTreeMap<String, f64> {
    if serving::is_served(round) {
        return known(of_requests(round));
    }
    if pipeline::is_staged(round) {
        return known(of_items(round));
    }
    let counted = |name: &str| round.figures.get(name).copied();
    let wall = round.wall_seconds();
    let per_page = || Some(round.cpu_seconds()? * 1e3 / counted(waited::PAGES)?);
    known([
        (
            names::REQUESTS_PER_SECOND,
            counted(waited::ORIGIN_REQUESTS).map(|requests| requests / wall),
        ),
        (
            names::HIGHEST_IN_FLIGHT,
            counted(waited::ORIGIN_HIGHEST_IN_FLIGHT),
        ),
        (names::CPU_MS_PER_PAGE, per_page()),
        (names::MEMORY_BYTES, counted(waited::MEMORY_PEAK_BYTES)),
        (
            names::IDEAL_SECONDS,
            WaitingJob::of(round).map(|job| job.ideal_seconds()),
        ),
    ])
}

/// What became of the items of one sample of a pipeline.
fn of_items(round: &Round) -> [(&'static str, Option<f64>); 5] {
    let counted = |name: &str| round.figures.get(name).copied();
    let per_second = counted(of_pipeline::ARRIVED).map(|items| items / round.wall_seconds());
    [
        (names::ITEMS_PER_SECOND, per_second),
        (names::P50_SECONDS, counted(of_pipeline::P50_SECONDS)),
        (names::P99_SECONDS, counted(of_pipeline::P99_SECONDS)),
        (names::LONGEST_SECONDS, counted(of_pipeline::MAX_SECONDS)),
        (names::QUEUE_CAPACITY, counted(of_pipeline::CAPACITY)),
    ]
}

fn known<'a>(figures: impl IntoIterator<Item = (&'a str, Option<f64>)>) -> BTreeMap<String, f64> {
    let known = figures
        .into_iter()
        .filter_map(|(name, figure)| Some((name.to_owned(), figure.filter(|f| f.is_finite())?)));
    known.collect()
}

/// What became of the requests of one sample, beside what the refill rule gives.
fn of_requests(round: &Round) -> Vec<(&'static str, Option<f64>)> {
    let counted = |name: &str| round.figures.get(name).copied();
    let of_groups = |count: fn(&ReplicaAccount) -> Option<u64>| {
        let all: Option<u64> = round.replicas.iter().map(count).sum();
        all.map(|all| all as f64)
    };
    let periods = of_groups(|r| r.group.periods).filter(|periods| *periods > 0.0);
    let throttled = || Some(of_groups(|r| r.group.throttled_periods)? / periods?);
    let per_second = || Some(counted(raw::ANSWERED)? / counted(raw::LOAD_SECONDS)?);
    let per_request = || {
        let served = counted(raw::SERVED).filter(|served| *served > 0.0)?;
        Some(round.cpu_seconds()? * 1e3 / served)
    };
    let mut figures = vec![
        (names::REQUESTS_PER_SECOND, per_second()),
        (names::P50_SECONDS, counted(raw::P50_SECONDS)),
        (names::P99_SECONDS, counted(raw::P99_SECONDS)),
        (names::P99_9_SECONDS, counted(raw::P99_9_SECONDS)),
        (names::LONGEST_SECONDS, counted(raw::MAX_SECONDS)),
        (names::LATE_SECONDS, counted(raw::LATE_P99_SECONDS)),
        (names::THROTTLED, throttled()),
        (names::CPU_MS_PER_REQUEST, per_request()),
        (names::FAIRNESS, counted(raw::FAIRNESS)),
        (names::FAILED, counted(raw::FAILED)),
    ];
    if let Some(served) = Served::of(round) {
        let replay = served.replay();
        figures.extend([
            (names::REPLAYED_P50_SECONDS, replay.percentile(0.5)),
            (names::REPLAYED_P99_SECONDS, replay.percentile(0.99)),
            (names::REPLAYED_P99_9_SECONDS, replay.percentile(0.999)),
            (names::REPLAYED_THROTTLED, replay.throttled_period_share()),
            (names::STALL_SECONDS, Some(served.server().stall_seconds())),
        ]);
    }
    figures
}
