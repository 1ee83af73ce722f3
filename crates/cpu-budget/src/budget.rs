//! What CPU this process may use, in one record, and how many workers suit it.

use std::fs;
use std::path::Path;

use crate::{Cgroup, CgroupVersion, CpuQuota, CpuSet, host};

/// What CPU and memory this process may use. `None` is unknown.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct CpuBudget {
    /// CPUs of the host that are online.
    pub host_cpus: Option<usize>,
    /// Which kind of cgroups the system has.
    pub cgroup_version: Option<CgroupVersion>,
    /// The tightest CPU quota among this process's group and those above it
    /// that can be seen.
    pub quota: CpuQuota,
    /// Whether that quota stands on a group above, so that others share it.
    pub quota_set_above: bool,
    /// The CPUs this process may run on: those of its cpuset that its main
    /// thread's affinity allows.
    pub cpuset: Option<CpuSet>,
    /// What the runtime believes: `std::thread::available_parallelism`, which
    /// thread pools follow. It rounds a quota down, and is asked only once.
    pub believed_cpus: Option<usize>,
    /// The tightest memory limit among the groups that can be seen, in bytes.
    pub memory_limit_bytes: Option<u64>,
    /// No group that can be seen limits memory: what tells that apart from an
    /// unknown limit when `memory_limit_bytes` is `None`.
    pub memory_unlimited: bool,
}

/// How many CPU-bound workers suit a budget. The two differ where the budget
/// is not a whole number of CPUs.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct WorkerAdvice {
    /// So few that they cannot use the quota up: the budget rounded down, but
    /// at least 1 (which a quota below one CPU throttles all the same).
    pub avoids_throttling: usize,
    /// So many that they use all of it: the budget rounded up.
    pub uses_whole_budget: usize,
}

impl CpuBudget {
    /// The budget of this process.
    pub fn read() -> Self {
        Cgroup::of_this_process().budget()
    }

    /// How many CPUs' worth of time the process can get: the least of quota,
    /// allowed CPUs and host CPUs, as far as known.
    pub fn effective_cpus(&self) -> Option<f64> {
        let counts = [self.allowed_cpus(), self.host_cpus];
        let counts = counts.into_iter().flatten().map(|cpus| cpus as f64);
        counts.chain(self.quota.cpus()).reduce(f64::min)
    }

    /// On how many CPUs the process can run at once, whatever its quota: those
    /// it may run on, or all of the host's when that is not known.
    pub fn allowed_cpus(&self) -> Option<usize> {
        self.cpuset.as_ref().map(CpuSet::len).or(self.host_cpus)
    }

    /// How many CPU-bound workers to start. Where nothing is known, what the
    /// runtime believes, and failing that 1.
    pub fn advice(&self) -> WorkerAdvice {
        let believed = || self.believed_cpus.unwrap_or(1) as f64;
        WorkerAdvice::for_cpus(self.effective_cpus().unwrap_or_else(believed))
    }
}

impl WorkerAdvice {
    /// That of a budget of `cpus` CPUs' worth of time.
    pub fn for_cpus(cpus: f64) -> Self {
        Self {
            avoids_throttling: (cpus.floor() as usize).max(1),
            uses_whole_budget: (cpus.ceil() as usize).max(1),
        }
    }
}

/// How many CPUs are online: sysfs, which has it as a list, or `/proc/stat`.
pub(crate) fn host_cpus(fs_root: &Path) -> Option<usize> {
    let text = |path| fs::read_to_string(fs_root.join(path)).ok();
    let online = || {
        text("sys/devices/system/cpu/online")?
            .parse::<CpuSet>()
            .ok()
    };
    let counted = online().map(|cpus| cpus.len()).filter(|cpus| *cpus > 0);
    counted.or_else(|| host::cpus_in_stat(&text("proc/stat")?))
}

/// The affinity of the process's main thread. The system call would answer for
/// whichever thread calls, and a worker may have pinned itself.
pub(crate) fn affinity(fs_root: &Path, process: &str) -> Option<CpuSet> {
    let status = format!("proc/{process}/status");
    affinity_in(&fs::read_to_string(fs_root.join(status)).ok()?)
}

/// The list after `Cpus_allowed_list:` in `/proc/self/status`.
fn affinity_in(status: &str) -> Option<CpuSet> {
    let mut lines = status.lines();
    let list = lines.find_map(|line| line.strip_prefix("Cpus_allowed_list:"))?;
    list.parse().ok().filter(|cpus: &CpuSet| !cpus.is_empty())
}

/// The CPUs that both allow, or those of the one that is known. Two that have
/// none in common cannot both be true of one process, so then none is known.
pub(crate) fn allowed(cpuset: Option<CpuSet>, affinity: Option<CpuSet>) -> Option<CpuSet> {
    let both = match (cpuset, affinity) {
        (Some(cpuset), Some(affinity)) => Some(cpuset.intersection(&affinity)),
        (one, other) => one.or(other),
    };
    both.filter(|cpus| !cpus.is_empty())
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::{CpuBudget, WorkerAdvice, affinity_in, allowed};
    use crate::{CpuQuota, CpuSet, Quota};
    use proptest::prelude::*;

    fn cpus(list: &str) -> CpuSet {
        list.parse().unwrap()
    }

    fn hundredths(quota: u64) -> CpuQuota {
        CpuQuota::Limited(Quota::new(quota * 1000, 100_000).unwrap())
    }

    fn advice(budget: &CpuBudget) -> (usize, usize) {
        let WorkerAdvice {
            avoids_throttling,
            uses_whole_budget,
        } = budget.advice();
        (avoids_throttling, uses_whole_budget)
    }

    #[test]
    fn the_least_of_quota_cpuset_and_host_is_effective() {
        let host = CpuBudget {
            host_cpus: Some(8),
            ..CpuBudget::default()
        };
        let pinned = CpuBudget {
            cpuset: Some(cpus("2,5")),
            quota: CpuQuota::Unlimited,
            ..host.clone()
        };
        let limited = CpuBudget {
            quota: hundredths(150),
            ..pinned.clone()
        };
        let generous = CpuBudget {
            quota: hundredths(600),
            ..pinned.clone()
        };

        let effective = [&host, &pinned, &limited, &generous].map(CpuBudget::effective_cpus);
        assert_eq!(effective, [Some(8.0), Some(2.0), Some(1.5), Some(2.0)]);
        assert_eq!(limited.allowed_cpus(), Some(2));
        assert_eq!(host.allowed_cpus(), Some(8));
    }

    #[test]
    fn advice_rounds_down_and_up_and_never_to_none() {
        for (quota, expected) in [
            (25, (1, 1)),
            (100, (1, 1)),
            (150, (1, 2)),
            (300, (3, 3)),
            (730, (7, 8)),
        ] {
            let budget = CpuBudget {
                host_cpus: Some(64),
                quota: hundredths(quota),
                ..CpuBudget::default()
            };
            assert_eq!(advice(&budget), expected, "{quota} hundredths of a CPU");
        }
    }

    #[test]
    fn where_nothing_is_known_advice_follows_the_runtime() {
        let nothing = CpuBudget::default();
        let believed = CpuBudget {
            believed_cpus: Some(6),
            ..CpuBudget::default()
        };

        assert_eq!(nothing.effective_cpus(), None);
        assert_eq!(advice(&nothing), (1, 1));
        assert_eq!(advice(&believed), (6, 6));
    }

    #[test]
    fn cpuset_and_affinity_both_bind() {
        let some = |list| Some(cpus(list));

        assert_eq!(allowed(some("0-3"), some("2-5")), some("2-3"));
        assert_eq!(allowed(some("0-3"), None), some("0-3"));
        assert_eq!(allowed(None, some("1")), some("1"));
        assert_eq!(allowed(None, None), None);
        assert_eq!(allowed(some("0"), some("1")), None);
    }

    #[test]
    fn affinity_is_the_list_and_not_the_mask() {
        let status = "Name:\tx\nCpus_allowed:\tf0\nCpus_allowed_list:\t4-7\nMems_allowed:\t1\n";

        assert_eq!(affinity_in(status), Some(cpus("4-7")));
        assert_eq!(affinity_in("Cpus_allowed_list:\n"), None);
        assert_eq!(affinity_in("Cpus_allowed_list:\tx\n"), None);
        assert_eq!(affinity_in(""), None);
    }

    proptest! {
        #[test]
        fn reading_never_panics(text in ".*") {
            let _ = affinity_in(&text);
        }

        #[test]
        fn advice_never_exceeds_the_allowed_cpus(host in 1usize..200, quota in 1u64..50_000) {
            let budget = CpuBudget {
                host_cpus: Some(host),
                quota: hundredths(quota),
                ..CpuBudget::default()
            };
            let (few, many) = advice(&budget);
            prop_assert!(1 <= few && few <= many && many <= host);
        }
    }
}
