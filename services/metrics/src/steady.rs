//! Counters that only rise, made of some that now and then fall a little.

use cpu_budget::host::{CpuTimes, HostCpuTimes};

/// A CPU's idle and `iowait` time may fall by a few ticks (`proc_stat(5)`).
/// Prometheus takes each fall for a restart from 0 and adds the whole counter
/// to a rate: a spike of weeks. A fall of more than this is a restart, of a
/// machine that was restored or a CPU that came back, and is passed on.
const SMALL_FALL_SECONDS: f64 = 10.0;

/// The highest that was seen of each CPU's times.
#[derive(Debug, Default)]
pub struct Steady(HostCpuTimes);

impl Steady {
    /// These times, with none lower than before.
    pub fn held(&mut self, times: &HostCpuTimes) -> HostCpuTimes {
        for (cpu, now) in &times.per_cpu {
            let held = self.0.per_cpu.entry(*cpu).or_default();
            *held = CpuTimes {
                user_seconds: steady(held.user_seconds, now.user_seconds),
                nice_seconds: steady(held.nice_seconds, now.nice_seconds),
                system_seconds: steady(held.system_seconds, now.system_seconds),
                idle_seconds: steady(held.idle_seconds, now.idle_seconds),
                iowait_seconds: steady(held.iowait_seconds, now.iowait_seconds),
                irq_seconds: steady(held.irq_seconds, now.irq_seconds),
                softirq_seconds: steady(held.softirq_seconds, now.softirq_seconds),
                steal_seconds: steady(held.steal_seconds, now.steal_seconds),
            };
        }
        // One that is offline keeps its place, for when it comes back.
        let held = times
            .per_cpu
            .keys()
            .filter_map(|cpu| Some((*cpu, *self.0.per_cpu.get(cpu)?)));
        HostCpuTimes {
            per_cpu: held.collect(),
        }
    }
}

fn steady(held: f64, now: f64) -> f64 {
    if held - now > SMALL_FALL_SECONDS {
        now
    } else {
        now.max(held)
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::float_cmp)]
    use super::Steady;
    use cpu_budget::host::{CpuTimes, HostCpuTimes};

    fn iowait(cpu: usize, iowait_seconds: f64) -> HostCpuTimes {
        let times = CpuTimes {
            iowait_seconds,
            ..CpuTimes::default()
        };
        HostCpuTimes {
            per_cpu: [(cpu, times)].into(),
        }
    }

    #[test]
    fn a_small_fall_is_held_and_a_restart_passed_on() {
        let mut steady = Steady::default();
        let mut seen = |seconds| steady.held(&iowait(0, seconds)).per_cpu[&0].iowait_seconds;

        assert_eq!(seen(50.0), 50.0);
        assert_eq!(seen(49.9), 50.0);
        assert_eq!(seen(50.2), 50.2);
        assert_eq!(seen(3.0), 3.0);
        assert_eq!(seen(3.5), 3.5);
    }

    #[test]
    fn a_cpu_that_went_offline_is_absent_and_comes_back_where_it_was() {
        let mut steady = Steady::default();
        steady.held(&iowait(0, 50.0));

        let other = steady.held(&iowait(1, 7.0));

        assert_eq!(other.per_cpu.keys().collect::<Vec<_>>(), [&1]);
        let back = steady.held(&iowait(0, 49.0));
        assert_eq!(back.per_cpu[&0].iowait_seconds, 50.0);
    }
}
