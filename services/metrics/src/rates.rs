//! What happened between two readings: shares and rates, pure.

use crate::reading::{ContainerReading, Reading};
use cpu_budget::host::{CpuTimes, HostCpuTimes};
use std::collections::BTreeMap;

/// How the CPUs of the host spent the time between two readings.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct HostUse {
    /// How long that was.
    pub seconds: f64,
    /// All CPUs together.
    pub total: Option<CpuUse>,
    /// Each by itself; missing where nothing is known of it.
    pub per_core: BTreeMap<usize, CpuUse>,
    /// Context switches of all CPUs, per second.
    pub context_switches_per_second: Option<f64>,
}

/// Shares of a time, 0 to 1; what is left of it, the CPU was idle.
#[derive(Debug, Clone, Copy, Default, PartialEq)]
pub struct CpuUse {
    /// Programs at normal priority.
    pub user: f64,
    /// Programs at lowered priority.
    pub nice: f64,
    /// The kernel, interrupts included.
    pub system: f64,
    /// Taken by the hypervisor for other machines: not used, and not to be had.
    pub steal: f64,
}

impl CpuUse {
    /// Programs and the kernel.
    pub fn busy(&self) -> f64 {
        self.user + self.nice + self.system
    }

    /// The shares of what was added; `None` where that is nothing: the counters
    /// stood still, or began anew.
    fn of(added: &CpuTimes) -> Option<Self> {
        let whole =
            added.busy_seconds() + added.idle_seconds + added.iowait_seconds + added.steal_seconds;
        let share = |seconds: f64| seconds / whole;
        (whole > 0.0).then(|| Self {
            user: share(added.user_seconds),
            nice: share(added.nice_seconds),
            system: share(added.system_seconds + added.irq_seconds + added.softirq_seconds),
            steal: share(added.steal_seconds),
        })
    }
}

impl HostUse {
    /// What happened between these readings.
    pub fn between(earlier: &Reading, later: &Reading) -> Self {
        let seconds = later.at_seconds - earlier.at_seconds;
        let added = match (&earlier.cpus, &later.cpus) {
            (Some(earlier), Some(later)) => later.since(earlier),
            _ => HostCpuTimes::default(),
        };
        let sum = added.per_cpu.values().fold(CpuTimes::default(), plus);
        let cores = added.per_cpu.iter();
        let switches = || {
            let added = later
                .context_switches?
                .checked_sub(earlier.context_switches?)?;
            (seconds > 0.0).then(|| added as f64 / seconds)
        };
        Self {
            seconds,
            total: CpuUse::of(&sum),
            per_core: cores
                .filter_map(|(cpu, times)| Some((*cpu, CpuUse::of(times)?)))
                .collect(),
            context_switches_per_second: switches(),
        }
    }
}

fn plus(sum: CpuTimes, times: &CpuTimes) -> CpuTimes {
    CpuTimes {
        user_seconds: sum.user_seconds + times.user_seconds,
        nice_seconds: sum.nice_seconds + times.nice_seconds,
        system_seconds: sum.system_seconds + times.system_seconds,
        idle_seconds: sum.idle_seconds + times.idle_seconds,
        iowait_seconds: sum.iowait_seconds + times.iowait_seconds,
        irq_seconds: sum.irq_seconds + times.irq_seconds,
        softirq_seconds: sum.softirq_seconds + times.softirq_seconds,
        steal_seconds: sum.steal_seconds + times.steal_seconds,
    }
}

/// What a container did between two readings. `None` is unknown.
#[derive(Debug, Clone, PartialEq)]
pub struct ContainerUse {
    /// What people call it without a name: [`cpu_budget::ContainerId::short`].
    pub id: String,
    /// Its station's name, or its id again.
    pub name: String,
    /// CPUs' worth of time that it used.
    pub cpus_used: Option<f64>,
    /// Its quota in CPUs; `None` is also: it has none.
    pub quota_cpus: Option<f64>,
    /// Of the quota's periods in which it had work, those in which the quota
    /// ran out, 0 to 1; unknown where no period passed.
    pub throttled_share: Option<f64>,
    /// Memory in use, page cache included.
    pub memory_bytes: Option<u64>,
    /// Its memory limit; `None` is also: it has none.
    pub memory_limit_bytes: Option<u64>,
}

/// The containers of the later reading, most throttled first, then by use.
pub fn containers(
    earlier: &Reading,
    later: &Reading,
    name: impl Fn(&ContainerReading) -> String,
) -> Vec<ContainerUse> {
    let seconds = later.at_seconds - earlier.at_seconds;
    let uses = later.containers.iter().map(|now| {
        let before = earlier.containers.iter().find(|before| before.id == now.id);
        let added = before
            .map(|before| now.usage.since(&before.usage))
            .unwrap_or_default();
        let periods = added.periods.filter(|periods| *periods > 0);
        let throttled = added.throttled_periods.zip(periods);
        ContainerUse {
            id: now.id.short().to_owned(),
            name: name(now),
            cpus_used: added
                .usage_seconds
                .filter(|_| seconds > 0.0)
                .map(|used| used / seconds),
            quota_cpus: now.quota.cpus(),
            // A period may end between the two counts of one reading.
            throttled_share: throttled.map(|(part, all)| (part as f64 / all as f64).min(1.0)),
            memory_bytes: now.memory.current_bytes,
            memory_limit_bytes: now.memory.limit_bytes,
        }
    });
    let mut uses: Vec<ContainerUse> = uses.collect();
    let throttled = |one: &ContainerUse| one.throttled_share.unwrap_or(0.0);
    let busy = |one: &ContainerUse| one.cpus_used.unwrap_or(0.0);
    uses.sort_by(|one, other| {
        let stopped = throttled(other).total_cmp(&throttled(one));
        let by_use = || busy(other).total_cmp(&busy(one));
        stopped
            .then_with(by_use)
            .then_with(|| one.id.cmp(&other.id))
    });
    uses
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, clippy::float_cmp)]
    use super::{ContainerUse, CpuUse, HostUse, containers};
    use crate::reading::{ContainerReading, Reading};
    use cpu_budget::host::HostCpuTimes;
    use cpu_budget::{ContainerId, CpuQuota, CpuUsage, MemoryUsage, Quota};
    use proptest::prelude::*;

    fn reading(at_seconds: f64, stat: &str) -> Reading {
        Reading {
            at_seconds,
            cpus: HostCpuTimes::of(stat),
            ..Reading::default()
        }
    }

    /// Shares in whole per cent.
    fn percent(shares: &CpuUse) -> [f64; 4] {
        [shares.user, shares.nice, shares.system, shares.steal].map(|share| (share * 100.0).round())
    }

    #[test]
    fn shares_are_of_the_counted_time_with_steal_beside_the_use() {
        let earlier = reading(0.0, "cpu0 100 0 0 100 0 0 0 0\ncpu2 0 0 0 0 0 0 0 0\n");
        let later = reading(1.0, "cpu0 150 10 5 115 5 3 2 10\ncpu2 0 0 0 100 0 0 0 0\n");

        let used = HostUse::between(&earlier, &later);

        assert_eq!(percent(&used.per_core[&0]), [50.0, 10.0, 10.0, 10.0]);
        assert_eq!(percent(&used.per_core[&2]), [0.0; 4]);
        assert_eq!(percent(&used.total.unwrap()), [25.0, 5.0, 5.0, 5.0]);
        assert!((used.total.unwrap().busy() - 0.35).abs() < 1e-9);
        assert!(!used.per_core.contains_key(&1));
    }

    #[test]
    fn counters_that_stand_still_or_begin_anew_give_no_share() {
        let earlier = reading(0.0, "cpu0 100 100 100 100 100 100 100 100\n");
        for stat in [
            "cpu0 100 100 100 100 100 100 100 100\n",
            "cpu0 1 1 1 1 1 1 1 1\n",
            "",
            "cpu1 9 9 9 9 9 9 9 9\n",
        ] {
            let used = HostUse::between(&earlier, &reading(1.0, stat));
            assert_eq!((used.total, used.per_core.len()), (None, 0), "{stat:?}");
        }
    }

    fn container(id: char, usage_seconds: f64, periods: u64, throttled: u64) -> ContainerReading {
        ContainerReading {
            id: ContainerId::Engine(id.to_string().repeat(64)),
            usage: CpuUsage {
                usage_seconds: Some(usage_seconds),
                periods: Some(periods),
                throttled_periods: Some(throttled),
                throttled_seconds: Some(0.0),
            },
            quota: CpuQuota::Limited(Quota::new(50_000, 100_000).unwrap()),
            memory: MemoryUsage::default(),
        }
    }

    fn uses(before: Vec<ContainerReading>, after: Vec<ContainerReading>) -> Vec<ContainerUse> {
        let reading = |at_seconds, containers| Reading {
            at_seconds,
            containers,
            ..Reading::default()
        };
        let name = |reading: &ContainerReading| reading.id.short()[..1].to_owned();
        containers(&reading(10.0, before), &reading(12.0, after), name)
    }

    #[test]
    fn the_throttled_stand_first() {
        let uses = uses(
            vec![container('a', 1.0, 0, 0), container('b', 1.0, 100, 50)],
            vec![container('a', 3.0, 0, 0), container('b', 2.0, 120, 65)],
        );

        let seen: Vec<_> = uses
            .iter()
            .map(|one| (one.name.as_str(), one.cpus_used, one.throttled_share))
            .collect();
        assert_eq!(seen, [("b", Some(0.5), Some(0.75)), ("a", Some(1.0), None)]);
        assert_eq!(uses[0].quota_cpus, Some(0.5));
        assert_eq!(uses[0].id, "b".repeat(12));
    }

    #[test]
    fn one_that_is_new_or_began_anew_has_no_rate_yet() {
        let uses = uses(
            vec![container('a', 9.0, 50, 50)],
            vec![container('a', 1.0, 5, 5), container('b', 1.0, 5, 5)],
        );

        for one in uses {
            assert_eq!(
                (one.cpus_used, one.throttled_share),
                (None, None),
                "{}",
                one.name
            );
        }
    }

    proptest! {
        #[test]
        fn shares_never_leave_their_range(
            before in prop::collection::vec(0u64..1_000_000, 8),
            after in prop::collection::vec(0u64..1_000_000, 8),
        ) {
            let stat = |values: &[u64]| {
                let words: Vec<_> = values.iter().map(u64::to_string).collect();
                format!("cpu0 {}\n", words.join(" "))
            };
            let used = HostUse::between(&reading(0.0, &stat(&before)), &reading(1.0, &stat(&after)));
            for shares in used.total.iter().chain(used.per_core.values()) {
                prop_assert!((0.0..=1.0 + 1e-9).contains(&(shares.busy() + shares.steal)));
            }
        }
    }
}
