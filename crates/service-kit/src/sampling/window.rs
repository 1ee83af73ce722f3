//! The window of a sample: the clock and the kernel's counters at both ends.

use super::align::{Alignment, align};
use super::host_cpus::HostReading;
use cpu_budget::clock::{monotonic_seconds, process_cpu_seconds};
use cpu_budget::{Cgroup, CpuQuota, CpuSet, CpuUsage};
use measure::report::{CpusAccount, GroupAccount, ReplicaAccount, WorkerAccount};
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

/// The longest a sample waits for a start that other replicas share, seconds.
pub const LONGEST_WAIT_SECONDS: f64 = 10.0;

/// How a sample is to start.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Start {
    /// At a refill of the quota where one binds, else at once.
    Aligned,
    /// At a moment of the host's monotonic clock: replicas of one station that
    /// are bound by the CPUs they share and not by their quotas. A moment more
    /// than [`LONGEST_WAIT_SECONDS`] ahead is not waited for any longer.
    At(f64),
}

/// An open sample.
#[derive(Debug)]
pub struct Window<'a> {
    cgroup: &'a Cgroup,
    alignment: Alignment,
    process_cpu: f64,
    opened: Opened,
}

/// Limits, counters and clock as they were when a sample was opened.
#[derive(Debug, Clone)]
pub(super) struct Opened {
    pub(super) allowed: Option<CpuSet>,
    pub(super) quota: CpuQuota,
    pub(super) usage: CpuUsage,
    pub(super) host: Option<HostReading>,
    pub(super) started: f64,
}

/// A sample whose counters have been read at both ends.
#[derive(Debug)]
pub struct Closed<'a> {
    cgroup: &'a Cgroup,
    alignment: Alignment,
    opened: Opened,
    /// What the group's counters rose by.
    counted: CpuUsage,
    process_cpu: f64,
    host: Option<HostReading>,
    ended: f64,
}

impl<'a> Window<'a> {
    /// Waits for the `start`, reads the counters and starts the clock.
    /// `threads` is how many will want to run at once.
    pub fn open(cgroup: &'a Cgroup, threads: usize, start: Start, cancelled: &AtomicBool) -> Self {
        let budget = cgroup.budget();
        let at_once = budget
            .allowed_cpus()
            .map_or(threads, |cpus| threads.min(cpus));
        let alignment = match (start, &budget.quota) {
            (Start::Aligned, CpuQuota::Limited(quota)) => {
                let alignment = align(cgroup, *quota, at_once.max(1), cancelled);
                if alignment == Alignment::NotNeeded {
                    // The sample before may have used the budget up: idle until
                    // the next refill, or this one would begin with a stall.
                    sleep_until(monotonic_seconds() + quota.period_seconds(), cancelled);
                }
                alignment
            }
            (Start::Aligned, _) => Alignment::NotNeeded,
            (Start::At(moment), _) => {
                sleep_until(moment, cancelled);
                Alignment::NotNeeded
            }
        };
        let usage = cgroup.usage();
        let process_cpu = process_cpu_seconds();
        let started = monotonic_seconds();
        Self {
            cgroup,
            alignment,
            process_cpu,
            opened: Opened {
                allowed: budget.cpuset,
                quota: budget.quota,
                usage,
                // After the clock has started: it costs CPU time of the refill, a
                // millisecond on a large host, and so that counts as the sample's.
                host: HostReading::now(),
                started,
            },
        }
    }

    /// When the clock started, in seconds of the host's monotonic clock.
    pub fn started(&self) -> f64 {
        self.opened.started
    }

    pub(super) fn opened(&self) -> Opened {
        self.opened.clone()
    }

    /// Reads the counters again. Call at once when the last worker has `ended`.
    pub fn close(self, ended: f64) -> Closed<'a> {
        let counted = self.cgroup.usage().since(&self.opened.usage);
        let process_cpu = process_cpu_seconds() - self.process_cpu;
        Closed {
            cgroup: self.cgroup,
            alignment: self.alignment,
            opened: self.opened,
            counted,
            process_cpu,
            host: HostReading::now(),
            ended,
        }
    }
}

impl Opened {
    /// Whether the kernel answered about a quota at all.
    pub(super) fn quota_known(&self) -> bool {
        self.quota != CpuQuota::Unknown
    }

    /// Which CPUs the sample may run on.
    pub(super) fn cpus(&self) -> CpusAccount {
        CpusAccount {
            allowed: self.allowed.as_ref().map(ToString::to_string),
            count: self.allowed.as_ref().map(CpuSet::len),
            ..CpusAccount::default()
        }
    }

    /// What the hypervisor has taken of the allowed CPUs since, in CPU seconds.
    pub(super) fn stolen_until(&self, now: f64) -> Option<f64> {
        let (allowed, host) = self.allowed.as_ref().zip(self.host.as_ref())?;
        let later = HostReading::now()?;
        let spent = host.spent_until(&later, allowed, now - self.started)?;
        Some(spent.steal_seconds)
    }
}

impl Closed<'_> {
    /// Joins the counters with the workers' accounts. `children_cpu_seconds` is
    /// what child processes used, whose CPU time this process's clock leaves out.
    pub fn account(self, workers: Vec<WorkerAccount>, children_cpu_seconds: f64) -> ReplicaAccount {
        let own = self.process_cpu + children_cpu_seconds;
        // Where a quota is set, what counts against it; elsewhere what this
        // process and its children used, since a group without a quota may
        // hold strangers (on a bare machine it holds everything).
        let cpu_seconds = match self.opened.quota {
            CpuQuota::Limited(_) => self.counted.usage_seconds.unwrap_or(own),
            _ => own,
        };
        // Read anew: someone may have changed it since the start. And here, since
        // it costs CPU time and counters are read already.
        let quota = self.cgroup.budget().quota;
        ReplicaAccount {
            instance: String::new(),
            run_sequence: 0,
            started_seconds: self.opened.started,
            ended_seconds: self.ended,
            aligned: self.alignment.reported(),
            quota_cpus: quota.cpus(),
            quota_known: quota != CpuQuota::Unknown,
            period_seconds: quota.limit().map(|quota| quota.period_seconds()),
            answer: None,
            workers,
            group: GroupAccount {
                cpu_seconds: Some(cpu_seconds),
                periods: self.counted.periods,
                throttled_periods: self.counted.throttled_periods,
                throttled_seconds: self.counted.throttled_seconds,
            },
            cpus: self.cpus_account(cpu_seconds),
        }
    }

    fn cpus_account(&self, group_cpu_seconds: f64) -> CpusAccount {
        let mut account = self.opened.cpus();
        let Opened {
            allowed,
            host: before,
            started,
            ..
        } = &self.opened;
        let wall = self.ended - started;
        if let (Some(allowed), Some(before), Some(after)) = (allowed, before, &self.host)
            && let Some(spent) = before.spent_until(after, allowed, wall)
        {
            account.idle_seconds = Some(spent.idle_seconds);
            account.steal_seconds = Some(spent.steal_seconds);
            // From idle time, which the kernel counts exactly, and not from
            // busy time, which it samples at its tick.
            let all = allowed.len() as f64 * wall;
            let others = all - spent.idle_seconds - spent.steal_seconds - group_cpu_seconds;
            account.others_seconds = Some(others.max(0.0));
        }
        account
    }
}

fn sleep_until(moment: f64, cancelled: &AtomicBool) {
    let latest = monotonic_seconds() + LONGEST_WAIT_SECONDS;
    while !cancelled.load(Ordering::Relaxed) {
        let left = moment.min(latest) - monotonic_seconds();
        if left <= 0.0 {
            return;
        }
        std::thread::sleep(Duration::from_secs_f64(left.min(0.05)));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn idle_time_is_that_of_the_sample_however_late_the_counters_are_read() {
        let cgroup = Cgroup::of_this_process();
        let window = Window::open(&cgroup, 1, Start::At(0.0), &AtomicBool::new(false));
        let wall = 0.005;
        let ended = window.started() + wall;
        std::thread::sleep(Duration::from_millis(100));
        let cpus = window.close(ended).account(Vec::new(), 0.0).cpus;

        let Some((count, idle)) = cpus.count.zip(cpus.idle_seconds) else {
            return; // no /proc/stat here
        };
        let capacity = count as f64 * wall;
        assert!(idle <= capacity + 1e-9, "{idle} s of {capacity} s");
    }

    #[test]
    fn an_account_has_the_limits_under_which_it_was_taken() {
        let cgroup = Cgroup::of_this_process();
        let now = Start::At(monotonic_seconds());
        let window = Window::open(&cgroup, 1, now, &AtomicBool::new(false));

        let account = window.close(monotonic_seconds()).account(Vec::new(), 0.0);

        let budget = cgroup.budget();
        assert_eq!(account.quota_known, budget.quota != CpuQuota::Unknown);
        assert_eq!(account.quota_cpus, budget.quota.cpus());
        let period = budget.quota.limit().map(|quota| quota.period_seconds());
        assert_eq!(account.period_seconds, period);
        assert_eq!(account.cpus.count, budget.cpuset.map(|set| set.len()));
    }
}
