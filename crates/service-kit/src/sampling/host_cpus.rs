//! What the allowed CPUs did over a sample, whoever used them.

use cpu_budget::host::{CpuTimesSum, HostCpuTimes};
use cpu_budget::{CpuSet, clock::monotonic_seconds};

/// `/proc/stat` counts in ticks, mostly of this length.
const TICK_SECONDS: f64 = 0.01;

/// How far a CPU's states may be from the time that passed, in ticks: each is
/// rounded down to whole ones at both readings.
const ROUNDING_TICKS: f64 = 2.0;

/// The same as a share of the time that passed. Busy time is sampled at the
/// tick, which bursts between idle moments can escape.
const UNSEEN_SHARE: f64 = 0.25;

/// All CPUs' times, and when they were read.
#[derive(Debug, Clone)]
pub(super) struct HostReading {
    times: HostCpuTimes,
    at: f64,
}

/// The time of the allowed CPUs in a sample, in CPU seconds.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) struct Spent {
    /// Nothing to do.
    pub(super) idle_seconds: f64,
    /// Taken by the hypervisor.
    pub(super) steal_seconds: f64,
}

impl HostReading {
    /// The times now, or `None` where there are none.
    pub(super) fn now() -> Option<Self> {
        Some(Self {
            times: HostCpuTimes::read()?,
            at: monotonic_seconds(),
        })
    }

    /// What `allowed` did between this reading and a `later` one, scaled to a
    /// sample of `wall` seconds; `None` where it is not known of all of them.
    pub(super) fn spent_until(&self, later: &Self, allowed: &CpuSet, wall: f64) -> Option<Spent> {
        let spent = later.times.since(&self.times).over(allowed);
        scaled(spent, allowed.len(), later.at - self.at, wall)
    }
}

/// `spent` within `seconds`, as it would be within `wall`; `None` when it is
/// not the time of `cpus` CPUs. A container may be shown other CPUs than its
/// own (lxcfs), or zeros (gVisor): what is missing must not look busy.
fn scaled(spent: CpuTimesSum, cpus: usize, seconds: f64, wall: f64) -> Option<Spent> {
    let all = spent.idle_seconds + spent.steal_seconds + spent.busy_seconds;
    let capacity = cpus as f64 * seconds;
    let tolerance = UNSEEN_SHARE * capacity + ROUNDING_TICKS * TICK_SECONDS * cpus as f64;
    if spent.cpus != cpus || capacity <= 0.0 || (all - capacity).abs() > tolerance {
        return None;
    }
    let capacity = cpus as f64 * wall;
    let scale = wall / seconds;
    let idle_seconds = (spent.idle_seconds * scale).min(capacity);
    Some(Spent {
        idle_seconds,
        steal_seconds: (spent.steal_seconds * scale).min(capacity - idle_seconds),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn sum(cpus: usize, idle_seconds: f64, steal_seconds: f64, busy_seconds: f64) -> CpuTimesSum {
        CpuTimesSum {
            cpus,
            idle_seconds,
            steal_seconds,
            busy_seconds,
        }
    }

    fn near(spent: Option<Spent>, idle: f64, steal: f64) -> bool {
        spent.is_some_and(|spent| {
            (spent.idle_seconds - idle).abs() < 1e-9 && (spent.steal_seconds - steal).abs() < 1e-9
        })
    }

    #[test]
    fn a_longer_reading_is_scaled_to_the_sample() {
        let spent = sum(2, 1.0, 0.2, 2.8);
        assert!(near(scaled(spent, 2, 2.0, 1.0), 0.5, 0.1));
    }

    #[test]
    fn idle_and_stolen_time_never_exceed_the_cpus_time() {
        // Ticks of 10 ms around a sample of 5 ms.
        let spent = sum(2, 0.02, 0.01, 0.0);
        assert!(near(scaled(spent, 2, 0.006, 0.005), 0.01, 0.0));
    }

    #[test]
    fn cpus_that_are_not_shown_are_unknown_and_not_busy() {
        assert_eq!(scaled(sum(1, 1.0, 0.0, 0.0), 2, 1.0, 1.0), None);
        assert_eq!(scaled(sum(0, 0.0, 0.0, 0.0), 0, 1.0, 1.0), None);
    }

    #[test]
    fn times_that_are_not_the_time_that_passed_are_unknown() {
        assert_eq!(scaled(sum(2, 0.0, 0.0, 0.0), 2, 1.0, 1.0), None);
        assert_eq!(scaled(sum(2, 3.0, 0.0, 2.0), 2, 1.0, 1.0), None);
        assert_eq!(scaled(sum(2, 0.5, 0.0, 0.5), 2, 1.0, 1.0), None);
        assert!(scaled(sum(2, 1.0, 0.0, 0.7), 2, 1.0, 1.0).is_some());
        assert_eq!(scaled(sum(2, 0.0, 0.0, 0.0), 2, 0.0, 1.0), None);
    }
}
