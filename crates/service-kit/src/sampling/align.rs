//! Aligning the start of a sample to a refill of the CPU quota.
//!
//! A group that idled starts with a full budget at a random moment of the
//! period, which flatters it: fixed work of one second came out 6–9 % too fast.
//! So threads burn until the budget is spent, and the sample starts when the
//! kernel hands out the next one.

use cpu_budget::{Cgroup, Quota, clock::monotonic_seconds};
use std::sync::atomic::{AtomicBool, Ordering};

/// Periods after which aligning is given up: a group that others keep from its
/// quota is never throttled, and waiting longer would not change that.
const GIVE_UP_AFTER_PERIODS: f64 = 12.0;

/// A thread that was off the CPU this long was throttled or had lost its turn;
/// `nr_throttled` tells which.
const GAP_SECONDS: f64 = 4e-3;

/// How the start of a sample went.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Alignment {
    /// No quota binds this many threads.
    NotNeeded,
    /// The sample started at a refill.
    Aligned,
    /// The refill was not seen in time.
    TimedOut,
}

impl Alignment {
    /// As the run report has it: `null` where no quota binds.
    pub fn reported(self) -> Option<bool> {
        match self {
            Self::NotNeeded => None,
            Self::Aligned => Some(true),
            Self::TimedOut => Some(false),
        }
    }
}

/// Burns with as many threads as can run at once until `quota` has run out and
/// been refilled, or `cancelled`.
pub(super) fn align(
    cgroup: &Cgroup,
    quota: Quota,
    running_at_once: usize,
    cancelled: &AtomicBool,
) -> Alignment {
    // In whole microseconds: 0.1 s − 0.3 s ÷ 3 is a little above 0 in floating point.
    if quota.quota_micros >= quota.period_micros.saturating_mul(running_at_once as u64) {
        return Alignment::NotNeeded;
    }
    let stall = quota.period_seconds() - quota.quota_seconds() / running_at_once as f64;
    let Some(throttled_before) = cgroup.usage().throttled_periods else {
        return Alignment::TimedOut;
    };
    let gap = GAP_SECONDS.min(stall / 2.0);
    let give_up_at = monotonic_seconds() + GIVE_UP_AFTER_PERIODS * quota.period_seconds();
    let refilled = AtomicBool::new(false);
    on_threads(running_at_once, || {
        let mut last = monotonic_seconds();
        while !refilled.load(Ordering::Relaxed) && !cancelled.load(Ordering::Relaxed) {
            let now = monotonic_seconds();
            if now - last > gap && cgroup.usage().throttled_periods > Some(throttled_before) {
                refilled.store(true, Ordering::Relaxed);
            }
            if now > give_up_at {
                break;
            }
            last = now;
        }
    });
    if refilled.into_inner() {
        Alignment::Aligned
    } else {
        Alignment::TimedOut
    }
}

/// Runs `work` on `threads` new threads until all have ended: on fewer where no
/// more can be had, which the workers will find out too.
fn on_threads(threads: usize, work: impl Fn() + Sync) {
    std::thread::scope(|scope| {
        for _ in 0..threads {
            if std::thread::Builder::new()
                .spawn_scoped(scope, &work)
                .is_err()
            {
                break;
            }
        }
    });
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::sync::atomic::AtomicUsize;

    #[test]
    fn a_quota_of_as_many_cpus_as_threads_does_not_bind() {
        let cgroup = Cgroup::of_this_process();
        for threads in 1..=192 {
            let quota = Quota::new(threads * 100_000, 100_000).expect("a quota above 0");
            let alignment = align(&cgroup, quota, threads as usize, &AtomicBool::new(false));
            assert_eq!(alignment, Alignment::NotNeeded, "{threads}");
        }
    }

    /// Not a test by itself: a process that has no room for a thread's stack.
    #[cfg(target_os = "linux")]
    #[test]
    #[ignore = "started by the test below"]
    fn without_room_for_threads() {
        use rustix::process::{Resource, Rlimit, setrlimit};
        let statm = std::fs::read_to_string("/proc/self/statm").expect("its own memory");
        let pages: u64 = statm
            .split(' ')
            .next()
            .and_then(|pages| pages.parse().ok())
            .expect("the first figure is the size in pages");
        let limit = pages * rustix::param::page_size() as u64 + (1 << 20);
        let limit = Rlimit {
            current: Some(limit),
            maximum: None,
        };
        setrlimit(Resource::As, limit).expect("a limit may be lowered");
        let ran = AtomicUsize::new(0);
        on_threads(8, || {
            ran.fetch_add(1, Ordering::Relaxed);
        });
        assert_eq!(ran.into_inner(), 0);
    }

    #[cfg(target_os = "linux")]
    #[test]
    fn threads_that_cannot_be_had_are_done_without() {
        let this = std::env::current_exe().expect("the test program");
        let test = "sampling::align::tests::without_room_for_threads";
        let output = std::process::Command::new(this)
            .args([test, "--exact", "--ignored"])
            .output()
            .expect("it starts");
        let said = String::from_utf8_lossy(&output.stdout);
        assert!(
            output.status.success() && said.contains("1 passed"),
            "{said}"
        );
    }
}
