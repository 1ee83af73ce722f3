//! What a run came to, and the sentences about it.

mod words;

pub use words::MOST_ADDED_SECONDS;

use crate::engine::{Failure, Measured, Row, Tally, nanos};
use crate::plan::{Pace, Plan};
use hdrhistogram::Histogram;
use serde::Serialize;
use std::collections::BTreeMap;
use utoipa::ToSchema;

/// Each bucket of the coarse histogram begins so many times later than the one before.
const BUCKET_RATIO: f64 = 1.15;

/// Where the first bucket ends, in seconds. 130 buckets more reach to an hour.
const FIRST_BUCKET_SECONDS: f64 = 50e-6;

/// What `POST /run` answers. All but `in_all`, `requests_per_second` and `own` is
/// about the requests that were to leave in the measured part.
#[derive(Debug, Clone, Serialize, ToSchema)]
pub struct RunAnswer {
    /// Requests that have an outcome: `answered` and all of `failed`.
    pub sent: u64,
    /// Requests that were answered to the last byte, whatever the status.
    pub answered: u64,
    /// Requests without a whole answer, by kind; kinds without any are left out.
    #[schema(value_type = BTreeMap<String, u64>)]
    pub failed: BTreeMap<&'static str, u64>,
    /// Answers by HTTP status.
    pub by_status: BTreeMap<String, u64>,
    /// Answers by the value of their header x-replica.
    pub by_replica: BTreeMap<String, u64>,
    /// Answers by the worker that their body names; only with `identify`.
    pub by_worker: BTreeMap<String, u64>,
    /// The same with the warm-up, to be held against what the server counted.
    pub in_all: InAll,
    /// Answers that came within the measured part, per second.
    pub requests_per_second: f64,
    /// Seconds of the measured part; fewer than asked for when interrupted.
    pub seconds: f64,
    /// How long answers took.
    pub latency: Latencies,
    /// Where the two ways of counting part, and what that means.
    pub sentence: String,
    /// Why the figures of an open loop do not count; null: they do.
    pub void: Option<String>,
    /// What the generator itself used.
    pub own: OwnAccount,
    /// Connections.
    pub connections: Connections,
    /// `[seconds, count]`: answers, counted from the schedule, that took so long
    /// at most and longer than the entry before says; at most 200.
    #[schema(value_type = Vec<Vec<f64>>)]
    pub histogram: Vec<(f64, u64)>,
    /// `[offset, sent, answered, failed, p99]` for each 0.1 s from the start of
    /// the measured part: what was to leave in it, what outcomes came in it, and
    /// the p99 of its answers (counted from the schedule; null without any).
    #[schema(value_type = Vec<Vec<Option<f64>>>)]
    pub timeline: Vec<(f64, u64, u64, u64, Option<f64>)>,
}

/// All requests of a run, its warm-up included. A server that serves nobody else
/// has counted as many as `answered` says, and of `unanswered` between none and
/// all.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, ToSchema)]
pub struct InAll {
    /// Requests that were answered to the last byte, whatever the status.
    pub answered: u64,
    /// Requests that left and had no whole answer. Those for which there was no
    /// connection are not among them.
    pub unanswered: u64,
}

/// How long answers took, to the last byte.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, ToSchema)]
pub struct Latencies {
    /// From the moment at which the request was to leave: what a client feels.
    pub corrected: Percentiles,
    /// From the moment at which it really left: leaves out what it waited for a
    /// connection behind others.
    pub uncorrected: Percentiles,
}

/// Percentiles in seconds; null without answers.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, ToSchema)]
pub struct Percentiles {
    /// Half of the answers took at most so long.
    pub p50: Option<f64>,
    /// 90 %.
    pub p90: Option<f64>,
    /// 99 %.
    pub p99: Option<f64>,
    /// 99.9 %.
    pub p99_9: Option<f64>,
    /// The longest.
    pub max: Option<f64>,
    /// The mean.
    pub mean: Option<f64>,
}

/// What the generator itself used, from the first connection to the last answer.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, ToSchema)]
pub struct OwnAccount {
    /// CPU seconds of its process.
    pub cpu_seconds: f64,
    /// Seconds in which its sending threads were ready but had no CPU; null
    /// where the kernel does not count it.
    pub waited_seconds: Option<f64>,
    /// Seconds in which its group was stopped by a quota; null: unknown.
    pub throttled_seconds: Option<f64>,
    /// Quota periods in which that happened; null: unknown.
    pub throttled_periods: Option<u64>,
    /// How late the generator noticed moments of its schedule; an open loop's.
    pub schedule_slip: Slip,
    /// The most seconds of the p99, counted from the schedule, that may be of
    /// that slip and not of the server; null in a closed loop.
    pub added_to_p99_seconds: Option<f64>,
}

/// Seconds; null in a closed loop, which has no schedule.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, ToSchema)]
pub struct Slip {
    /// 99 % of the moments were noticed within.
    pub p99: Option<f64>,
    /// All were.
    pub max: Option<f64>,
}

/// Connections of a run, its warm-up included.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, ToSchema)]
pub struct Connections {
    /// How many were opened.
    pub opened: u64,
    /// How often one could not be, whether or not a request waited for it.
    pub failed: u64,
}

impl RunAnswer {
    /// What `measured` came to, of a run that was done by `plan`.
    pub fn new(plan: &Plan, measured: &Measured) -> Self {
        let tally = &measured.tally;
        let latency = Latencies {
            corrected: Percentiles::of(&tally.corrected),
            uncorrected: Percentiles::of(&tally.uncorrected),
        };
        let own = OwnAccount::of(measured, &latency);
        let is_open = matches!(plan.pace, Pace::Open { .. });
        let failed = Failure::ALL.map(|kind| (kind.name(), tally.failed_as(kind)));
        Self {
            sent: tally.answers() + tally.failures(),
            answered: tally.answers(),
            failed: failed.into_iter().filter(|(_, count)| *count > 0).collect(),
            by_status: tally.by_status(),
            by_replica: tally.by_replica(),
            by_worker: tally.by_worker(),
            in_all: InAll {
                answered: tally.answered_in_all,
                unanswered: tally.unanswered_in_all,
            },
            requests_per_second: if measured.seconds > 0.0 {
                tally.answered_within as f64 / measured.seconds
            } else {
                0.0
            },
            seconds: measured.seconds,
            sentence: words::sentence(is_open, &latency, &own),
            void: is_open.then(|| words::void(&latency, &own)).flatten(),
            latency,
            own,
            connections: Connections {
                opened: tally.connections_opened,
                failed: tally.connections_failed,
            },
            histogram: coarse(&tally.corrected),
            timeline: timeline(tally),
        }
    }

    /// Requests without a whole answer.
    pub fn failures(&self) -> u64 {
        self.failed.values().sum()
    }
}

impl Percentiles {
    fn of(latencies: &Histogram<u64>) -> Self {
        let seconds = |nanos: f64| (!latencies.is_empty()).then_some(nanos / 1e9);
        let at = |quantile| seconds(latencies.value_at_quantile(quantile) as f64);
        Self {
            p50: at(0.5),
            p90: at(0.9),
            p99: at(0.99),
            p99_9: at(0.999),
            max: seconds(latencies.max() as f64),
            mean: seconds(latencies.mean()),
        }
    }
}

impl OwnAccount {
    fn of(measured: &Measured, latency: &Latencies) -> Self {
        let slip = Percentiles::of(&measured.tally.slip);
        let own = measured.own;
        let schedule_slip = Slip {
            p99: slip.p99,
            max: slip.max,
        };
        Self {
            cpu_seconds: own.cpu_seconds,
            waited_seconds: own.waited_seconds,
            throttled_seconds: own.usage.throttled_seconds,
            throttled_periods: own.usage.throttled_periods,
            schedule_slip,
            added_to_p99_seconds: words::added(latency, &schedule_slip),
        }
    }
}

/// The p99 counted from the schedule, in seconds, where requests without an
/// answer and answers with a status of 500 or more count as slower than all
/// others; infinite where these are more than one in a hundred.
pub fn honest_p99(tally: &Tally) -> f64 {
    let bad = tally.failures() + tally.server_errors();
    let all = tally.answers() + tally.failures();
    let rank = (all as f64 * 0.99).ceil();
    if all == 0 || ((all - bad) as f64) < rank {
        return f64::INFINITY;
    }
    // Which latencies are those of bad answers is not kept: they are taken for
    // the shortest, so that this never flatters.
    let rank = rank + tally.server_errors() as f64;
    let quantile = rank / tally.answers() as f64;
    tally.corrected.value_at_quantile(quantile.min(1.0)) as f64 / 1e9
}

fn coarse(latencies: &Histogram<u64>) -> Vec<(f64, u64)> {
    if latencies.is_empty() {
        return Vec::new();
    }
    let buckets = latencies.iter_log(nanos(FIRST_BUCKET_SECONDS), BUCKET_RATIO);
    let buckets = buckets.map(|bucket| {
        let seconds = bucket.value_iterated_to() as f64 / 1e9;
        (seconds, bucket.count_since_last_iteration())
    });
    buckets.filter(|(_, count)| *count > 0).collect()
}

fn timeline(tally: &Tally) -> Vec<(f64, u64, u64, u64, Option<f64>)> {
    let entry = |row: Row| {
        (
            row.offset_seconds,
            row.sent,
            row.answered,
            row.failed,
            row.p99_seconds,
        )
    };
    tally.timeline.rows().map(entry).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::engine::{Answered, Request};

    /// So many answers of each status, the n-th after n milliseconds.
    fn tally(statuses: &[(u16, u32)], failures: u32) -> Tally {
        let mut tally = Tally::new(1000.0);
        for (status, count) in statuses {
            for answer in 1..=*count {
                let request = Request {
                    moment: 0.0,
                    sent: 0.0,
                };
                let answered = Answered {
                    status: *status,
                    replica: b"",
                    worker: None,
                };
                tally.answered(request, answered, f64::from(answer) / 1000.0);
            }
        }
        for _ in 0..failures {
            tally.failed(Failure::Reset, 0.0, 0.0);
        }
        tally
    }

    #[test]
    fn failing_never_lowers_the_p99_of_a_search() {
        let p99 = |statuses: &[(u16, u32)], failures| honest_p99(&tally(statuses, failures));
        let close = |seconds: f64, expected: f64| (seconds / expected - 1.0).abs() < 0.002;
        assert!(close(p99(&[(200, 1000)], 0), 0.99));
        assert!(close(p99(&[(200, 1000)], 5), 0.995), "ranks move up");
        assert!(p99(&[(200, 1000)], 11).is_infinite());
        // Refused at once is not fast.
        let refused = p99(&[(503, 5), (200, 995)], 0);
        assert!(refused >= 0.99, "{refused}");
        assert!(p99(&[(503, 20), (200, 980)], 0).is_infinite());
        assert!(p99(&[], 0).is_infinite());
    }

    #[test]
    fn the_coarse_histogram_is_whole_and_small() {
        let mut tally = tally(&[(200, 500)], 0);
        for power in 0..9 {
            let request = Request {
                moment: 0.0,
                sent: 0.0,
            };
            let answered = Answered {
                status: 200,
                replica: b"",
                worker: None,
            };
            tally.answered(request, answered, 1e-6 * 10_f64.powi(power));
        }
        let buckets = coarse(&tally.corrected);
        assert_eq!(buckets.iter().map(|(_, count)| count).sum::<u64>(), 509);
        assert!(buckets.len() <= 200, "{}", buckets.len());
        assert!(buckets.is_sorted_by(|one, two| one.0 < two.0));
    }
}
