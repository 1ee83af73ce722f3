//! What the host's CPUs did, from `/proc/stat` (`proc_stat(5)`). A container
//! sees the figures of the whole host there, other containers included.

use std::collections::BTreeMap;
use std::fs;

use crate::CpuSet;

/// How each CPU of the host spent its time since boot.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct HostCpuTimes {
    /// By CPU number; only CPUs that are online.
    pub per_cpu: BTreeMap<usize, CpuTimes>,
}

/// How one CPU spent its time, in seconds. Counted in ticks, mostly of 10 ms.
/// Time in which it ran a guest is part of `user` and `nice`.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct CpuTimes {
    /// Programs, at normal priority.
    pub user_seconds: f64,
    /// Programs, at lowered priority.
    pub nice_seconds: f64,
    /// The kernel, on behalf of programs.
    pub system_seconds: f64,
    /// Nothing to do.
    pub idle_seconds: f64,
    /// Nothing to do, with a program waiting for a disk. May go backwards.
    pub iowait_seconds: f64,
    /// Interrupts.
    pub irq_seconds: f64,
    /// Deferred interrupt work, such as the network's.
    pub softirq_seconds: f64,
    /// Wanted to run, but the hypervisor ran another machine. Zero also where
    /// the hypervisor does not say.
    pub steal_seconds: f64,
}

/// The time of several CPUs added up, in CPU seconds.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct CpuTimesSum {
    /// How many of the CPUs asked for had figures.
    pub cpus: usize,
    /// Nothing to do, `iowait` included.
    pub idle_seconds: f64,
    /// Taken by the hypervisor.
    pub steal_seconds: f64,
    /// Programs, the kernel and interrupts.
    pub busy_seconds: f64,
}

impl HostCpuTimes {
    /// The times so far, or `None` where there is no `/proc/stat`.
    pub fn read() -> Option<Self> {
        Self::of(&fs::read_to_string("/proc/stat").ok()?)
    }

    /// Those of a `/proc/stat` text: for whoever reads another file, or more of
    /// it. `None` where it has no line of a CPU.
    pub fn of(stat: &str) -> Option<Self> {
        parse(stat, ticks_per_second()?)
    }

    /// What was added since an earlier reading, for CPUs that stand in both.
    #[must_use]
    pub fn since(&self, earlier: &Self) -> Self {
        let added = |(cpu, times): (&usize, &CpuTimes)| {
            let before = earlier.per_cpu.get(cpu)?;
            Some((*cpu, times.since(before)))
        };
        Self {
            per_cpu: self.per_cpu.iter().filter_map(added).collect(),
        }
    }

    /// The times of these CPUs added up. A CPU without figures adds nothing
    /// and is missing from [`CpuTimesSum::cpus`].
    pub fn over(&self, cpus: &CpuSet) -> CpuTimesSum {
        let known = cpus.iter().filter_map(|cpu| self.per_cpu.get(&cpu));
        known.fold(CpuTimesSum::default(), |sum, times| CpuTimesSum {
            cpus: sum.cpus + 1,
            idle_seconds: sum.idle_seconds + times.idle_seconds + times.iowait_seconds,
            steal_seconds: sum.steal_seconds + times.steal_seconds,
            busy_seconds: sum.busy_seconds + times.busy_seconds(),
        })
    }
}

impl CpuTimes {
    /// Programs, the kernel and interrupts, in seconds.
    pub fn busy_seconds(&self) -> f64 {
        self.user_seconds
            + self.nice_seconds
            + self.system_seconds
            + self.irq_seconds
            + self.softirq_seconds
    }

    fn since(&self, earlier: &Self) -> Self {
        // Never below zero: `iowait` is known to go backwards (`proc_stat(5)`).
        let added = |field: fn(&Self) -> f64| (field(self) - field(earlier)).max(0.0);
        Self {
            user_seconds: added(|times| times.user_seconds),
            nice_seconds: added(|times| times.nice_seconds),
            system_seconds: added(|times| times.system_seconds),
            idle_seconds: added(|times| times.idle_seconds),
            iowait_seconds: added(|times| times.iowait_seconds),
            irq_seconds: added(|times| times.irq_seconds),
            softirq_seconds: added(|times| times.softirq_seconds),
            steal_seconds: added(|times| times.steal_seconds),
        }
    }
}

/// Ticks in which `/proc/stat` counts (`USER_HZ`), per second.
fn ticks_per_second() -> Option<f64> {
    let ticks = rustix::param::clock_ticks_per_second();
    (ticks > 0).then_some(ticks as f64)
}

/// The `cpu<N>` lines of `/proc/stat`; `None` where there is none.
fn parse(stat: &str, ticks_per_second: f64) -> Option<HostCpuTimes> {
    let lines = stat
        .lines()
        .filter_map(|line| cpu_line(line, ticks_per_second));
    let per_cpu: BTreeMap<_, _> = lines.collect();
    (!per_cpu.is_empty()).then_some(HostCpuTimes { per_cpu })
}

/// `cpu0 user nice system idle iowait irq softirq steal guest guest_nice`. The
/// line without a number, their sum, is passed over.
fn cpu_line(line: &str, ticks_per_second: f64) -> Option<(usize, CpuTimes)> {
    let mut words = line.split_whitespace();
    let cpu = words.next()?.strip_prefix("cpu")?.parse().ok()?;
    let mut next = || Some(words.next()?.parse::<u64>().ok()? as f64 / ticks_per_second);
    let times = CpuTimes {
        user_seconds: next()?,
        nice_seconds: next()?,
        system_seconds: next()?,
        idle_seconds: next()?,
        iowait_seconds: next()?,
        irq_seconds: next()?,
        softirq_seconds: next()?,
        steal_seconds: next()?,
    };
    Some((cpu, times))
}

/// How many CPUs a `/proc/stat` text names.
pub(crate) fn cpus_in_stat(stat: &str) -> Option<usize> {
    parse(stat, 1.0).map(|times| times.per_cpu.len())
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, clippy::float_cmp)]
    use super::{CpuTimes, HostCpuTimes, cpus_in_stat, parse};
    use crate::CpuSet;
    use proptest::prelude::*;

    const STAT: &str = "\
cpu  300 30 60 8000 50 4 8 26 0 0
cpu0 100 10 20 4000 20 1 3 6 0 0
cpu1 200 20 40 4000 30 3 5 20 70 7 99
intr 5 6 7
ctxt 8
";

    fn times(stat: &str) -> HostCpuTimes {
        parse(stat, 100.0).unwrap()
    }

    #[test]
    fn each_cpu_in_seconds_without_the_sum_line() {
        let times = times(STAT);

        assert_eq!(times.per_cpu.len(), 2);
        assert_eq!(
            times.per_cpu[&1],
            CpuTimes {
                user_seconds: 2.0,
                nice_seconds: 0.2,
                system_seconds: 0.4,
                idle_seconds: 40.0,
                iowait_seconds: 0.3,
                irq_seconds: 0.03,
                softirq_seconds: 0.05,
                steal_seconds: 0.2,
            }
        );
        assert_eq!(cpus_in_stat(STAT), Some(2));
    }

    #[test]
    fn a_sum_takes_only_the_cpus_asked_for() {
        let one = times(STAT).over(&"1".parse().unwrap());
        let both = times(STAT).over(&"0-1".parse().unwrap());

        assert_eq!(
            (one.cpus, one.idle_seconds, one.steal_seconds),
            (1, 40.3, 0.2)
        );
        assert!((one.busy_seconds - 2.68).abs() < 1e-9);
        assert!((both.idle_seconds - 80.5).abs() < 1e-9);
    }

    #[test]
    fn a_cpu_without_figures_is_missing_from_the_count() {
        assert_eq!(times(STAT).over(&"1,7".parse().unwrap()).cpus, 1);
        assert_eq!(times(STAT).over(&CpuSet::default()).cpus, 0);
    }

    #[test]
    fn a_difference_covers_cpus_of_both_readings_and_never_falls_below_zero() {
        let earlier = times("cpu0 0 0 0 100 50 0 0 0\ncpu2 1 1 1 1 1 1 1 1\n");
        let later = times("cpu0 200 0 0 100 40 0 0 10\ncpu3 1 1 1 1 1 1 1 1\n");

        let added = later.since(&earlier);

        assert_eq!(added.per_cpu.keys().collect::<Vec<_>>(), [&0]);
        assert_eq!(added.per_cpu[&0].user_seconds, 2.0);
        assert_eq!(added.per_cpu[&0].iowait_seconds, 0.0);
        assert_eq!(added.per_cpu[&0].steal_seconds, 0.1);
    }

    #[test]
    fn a_text_without_whole_cpu_lines_is_unknown() {
        for text in [
            "",
            "cpu 1 2 3 4 5 6 7 8",
            "cpu0 1 2 3",
            "cpu0 a b c d e f g h",
            "cpux 1",
        ] {
            assert_eq!(parse(text, 100.0), None, "{text:?}");
        }
    }

    proptest! {
        #[test]
        fn reading_never_panics(text in ".*", words in "(cpu[0-9]{0,22}( -?[0-9]{0,22}){0,10}\n){0,4}") {
            let _ = parse(&text, 100.0);
            let _ = parse(&words, 100.0);
        }
    }
}
