//! The model of a job that waits: so many items, each answered after a
//! latency, and so many of them under way at once.
//!
//! Nothing can be computed before the first item has come, and then two bounds
//! hold whatever the strategy (P. J. Denning, J. P. Buzen, "The
//! operational analysis of queueing network models", 1978): as many items per
//! second as are under way in one item's time, and as many as the CPU time
//! that is granted pays for. Where they meet, waiting ends and CPU work begins.

use crate::quota::QuotaModel;
use crate::report::Round;

/// Names of raw figures ([`Round::figures`]) that this model reads.
pub mod raw {
    /// Items that came, over all repeats; one that ended with an error did not.
    pub const PAGES: &str = "pages";
    /// Items of one whole job.
    pub const JOB_PAGES: &str = "job_pages";
    /// How many were to be under way at once.
    pub const AT_ONCE: &str = "at_once";
    /// How long the other end takes for one, where that is known.
    pub const LATENCY_SECONDS: &str = "latency_seconds";
    /// Requests as the other end counted them.
    pub const ORIGIN_REQUESTS: &str = "origin_requests";
    /// The most that were under way at once, as the other end saw it.
    pub const ORIGIN_HIGHEST_IN_FLIGHT: &str = "origin_highest_in_flight";
    /// The most memory that the station held in the sample.
    pub const MEMORY_PEAK_BYTES: &str = "memory_peak_bytes";
}

/// A quotient this close above a whole number is that number.
const ROUNDING: f64 = 1e-9;

/// A job of items that each have to be waited for.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct WaitingJob {
    /// Items of one whole job (N).
    pub items: f64,
    /// Items under way at once (C).
    pub at_once: f64,
    /// Seconds that the other end takes for one.
    pub latency_seconds: f64,
    /// The share of the job that a sample does. What the sample took is scaled to
    /// the job, and so is what the model says: the turns are those of the sample.
    pub share: f64,
}

impl WaitingJob {
    /// `None` unless there is at least one item, one at once, and a finite
    /// latency of 0 or more.
    pub fn new(items: f64, at_once: f64, latency_seconds: f64) -> Option<Self> {
        let is_count = |n: f64| n.is_finite() && n >= 1.0;
        let is_latency = latency_seconds.is_finite() && latency_seconds >= 0.0;
        (is_count(items) && is_count(at_once) && is_latency).then_some(Self {
            items,
            at_once,
            latency_seconds,
            share: 1.0,
        })
    }

    /// The one that a sample did; `None` where its lab counted no items, or
    /// does not know how long one takes.
    pub fn of(round: &Round) -> Option<Self> {
        let figure = |name: &str| round.figures.get(name).copied();
        let whole = Self::new(
            figure(raw::JOB_PAGES)?,
            figure(raw::AT_ONCE)?,
            figure(raw::LATENCY_SECONDS)?,
        )?;
        let share = round.share;
        (share > 0.0 && share <= 1.0).then_some(Self { share, ..whole })
    }

    /// The whole job with so many under way at once: no sample was taken of it.
    #[must_use]
    pub fn with_at_once(self, at_once: f64) -> Self {
        Self {
            at_once: at_once.max(1.0),
            share: 1.0,
            ..self
        }
    }

    /// Wall seconds if nothing took time but the other end: ⌈N/C⌉ × latency; where
    /// a part of the job was sampled, ⌈part/C⌉ × latency ÷ its share.
    pub fn ideal_seconds(&self) -> f64 {
        self.turns() * self.latency_seconds
    }

    /// Wall seconds below which no limit brings it: whoever is under way waits,
    /// and then needs its own CPU time, ⌈N/C⌉ × (latency + CPU seconds of one).
    pub fn least_seconds(&self, item_cpu_seconds: f64) -> f64 {
        self.turns() * (self.latency_seconds + item_cpu_seconds.max(0.0))
    }

    /// The items at once from which on the CPUs granted bind and no longer the
    /// waiting: so many take as much CPU time in one item's time as there is,
    /// C = granted CPUs × latency ÷ CPU seconds of one, plus the one at work.
    /// `None` where an item takes no time or no CPU.
    pub fn crossing(&self, item_cpu_seconds: f64, granted_cpus: f64) -> Option<f64> {
        let positive = |v: f64| v.is_finite() && v > 0.0;
        let known = positive(item_cpu_seconds) && positive(granted_cpus);
        let at_once = granted_cpus * (self.latency_seconds / item_cpu_seconds + 1.0);
        (known && positive(self.latency_seconds) && at_once.is_finite()).then_some(at_once)
    }

    /// Whether the items under way are enough to keep a quota used up: those that
    /// a refill pays for lie ready at each refill, while those of the refills
    /// before are waited for, C ≥ (⌈latency ÷ period⌉ + 1) × refill ÷ CPU seconds
    /// of one. With fewer the quota's model alone does not tell the wall: some
    /// refills find nothing to do.
    pub fn uses_up(&self, quota: &QuotaModel, item_cpu_seconds: f64) -> bool {
        let refills = ceil(self.latency_seconds / quota.period_seconds()) + 1.0;
        self.at_once * item_cpu_seconds >= refills * quota.refill_seconds()
    }

    /// ⌈N/C⌉ of the sample, scaled to the job.
    fn turns(&self) -> f64 {
        ceil(self.items * self.share / self.at_once) / self.share
    }
}

/// ⌈x⌉, where what is only rounding above a whole number is that number.
fn ceil(x: f64) -> f64 {
    let whole = x.round();
    if (x - whole).abs() <= ROUNDING * whole {
        whole
    } else {
        x.ceil()
    }
}

/// Little's law, L = λW: how many are under way on average where so many per
/// second each take so long (J. D. C. Little, 1961).
pub fn under_way(per_second: f64, seconds: f64) -> f64 {
    per_second * seconds
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;
    use proptest::prelude::*;

    fn job(items: f64, at_once: f64) -> WaitingJob {
        WaitingJob::new(items, at_once, 0.1).unwrap()
    }

    #[test]
    fn a_thousand_pages_take_a_turn_for_each_full_set_and_one_for_the_rest() {
        let ideal = |at_once| job(1000.0, at_once).ideal_seconds();
        let near = |a: f64, b: f64| assert!((a - b).abs() < 1e-9, "{a} {b}");
        near(ideal(1.0), 100.0);
        near(ideal(5.0), 20.0);
        near(ideal(64.0), 1.6);
        near(ideal(256.0), 0.4);
        near(ideal(5000.0), 0.1);
        near(job(1000.0, 64.0).least_seconds(0.001), 1.616);
    }

    #[test]
    fn a_part_of_the_job_is_told_by_its_own_turns() {
        // 20 turns of 49 are sampled; the job's 21st, of 20 pages, is not.
        let sampled = WaitingJob {
            share: 0.98,
            ..job(1000.0, 49.0)
        };
        let near = |a: f64, b: f64| assert!((a - b).abs() < 1e-9, "{a} {b}");
        near(sampled.ideal_seconds(), 2.0 / 0.98);
        near(sampled.with_at_once(49.0).ideal_seconds(), 2.1);
    }

    #[test]
    fn a_quota_stays_used_up_where_a_refill_of_items_lies_ready() {
        // A refill of 25 ms pays for 12.5 items of 2 ms, as many are waited for.
        let quota = QuotaModel::new(0.25, 0.1).unwrap();
        assert!(job(1000.0, 25.0).uses_up(&quota, 0.002));
        assert!(!job(1000.0, 24.0).uses_up(&quota, 0.002));
        // 0.25 s of latency: three refills come meanwhile.
        let slow = |at_once| WaitingJob::new(1000.0, at_once, 0.25).unwrap();
        assert!(slow(50.0).uses_up(&quota, 0.002));
        assert!(!slow(49.0).uses_up(&quota, 0.002));
    }

    #[test]
    fn the_bounds_meet_at_the_crossing() {
        // A quarter CPU and 1 ms a page: 25 pages in 100 ms, and a quarter of
        // one at work.
        let crossing = job(1000.0, 64.0).crossing(0.001, 0.25).unwrap();
        assert!((crossing - 25.25).abs() < 1e-9);
        let rate_by_waiting = crossing / 0.101;
        assert!((rate_by_waiting - 0.25 / 0.001).abs() < 1e-6);
        assert!((under_way(250.0, 0.101) - crossing).abs() < 1e-9);
    }

    #[test]
    fn nonsense_is_unknown() {
        for (items, at_once, latency) in [
            (0.0, 1.0, 0.1),
            (1000.0, 0.5, 0.1),
            (1000.0, f64::NAN, 0.1),
            (f64::INFINITY, 1.0, 0.1),
            (1000.0, 1.0, -0.1),
        ] {
            assert_eq!(WaitingJob::new(items, at_once, latency), None);
        }
        assert_eq!(job(10.0, 1.0).crossing(0.0, 1.0), None);
        assert_eq!(job(10.0, 1.0).crossing(0.001, f64::NAN), None);
        let at_once = WaitingJob::new(10.0, 1.0, 0.0).unwrap();
        assert_eq!(at_once.crossing(0.001, 1.0), None);
        assert_eq!(WaitingJob::of(&Round::default()), None);
    }

    proptest! {
        #[test]
        fn more_at_once_never_takes_longer_and_no_item_is_free(
            items in 1u32..100_000,
            at_once in 1u32..5000,
            more in 0u32..5000,
            cpu in 0.0..0.01f64,
        ) {
            let job = job(f64::from(items), f64::from(at_once));
            let wider = job.with_at_once(f64::from(at_once + more));
            prop_assert!(wider.least_seconds(cpu) <= job.least_seconds(cpu));
            prop_assert!(job.ideal_seconds() >= job.latency_seconds);
            prop_assert!(job.least_seconds(cpu) >= job.ideal_seconds());
            let even = f64::from(items) / f64::from(at_once) * job.latency_seconds;
            prop_assert!(job.ideal_seconds() >= even * (1.0 - 1e-9));
            prop_assert!(job.ideal_seconds() <= even + job.latency_seconds * (1.0 + 1e-9));
        }
    }
}
