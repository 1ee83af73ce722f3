//! The window of a sample: the clock and the kernel's counters at both ends.

use super::align::{Alignment, align};
use cpu_budget::{
    Cgroup, CpuQuota, CpuSet, CpuUsage, clock::monotonic_seconds, host::HostCpuTimes,
};
use measure::report::{CpusAccount, GroupAccount, ReplicaAccount, WorkerAccount};
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

/// The longest a sample waits for a start that other replicas share.
const LONGEST_WAIT_SECONDS: f64 = 10.0;

/// How a sample is to start.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Start {
    /// At a refill of the quota where one binds, else at once.
    Aligned,
    /// At a moment of the host's monotonic clock: replicas of one station that
    /// are bound by the CPUs they share and not by their quotas.
    At(f64),
}

/// An open sample.
#[derive(Debug)]
pub struct Window<'a> {
    cgroup: &'a Cgroup,
    allowed: Option<CpuSet>,
    quota: CpuQuota,
    alignment: Alignment,
    usage: CpuUsage,
    process_cpu: f64,
    host: Option<HostCpuTimes>,
    started: f64,
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
        Self {
            cgroup,
            host: HostCpuTimes::read(),
            process_cpu: process_cpu_seconds(),
            usage: cgroup.usage(),
            allowed: budget.cpuset,
            quota: budget.quota,
            alignment,
            started: monotonic_seconds(),
        }
    }

    /// When the clock started, in seconds of the host's monotonic clock.
    pub fn started(&self) -> f64 {
        self.started
    }

    /// Reads the counters again and joins them with the workers' accounts.
    /// `children_cpu_seconds` is what child processes used, whose CPU time this
    /// process's clock leaves out.
    pub fn close(
        self,
        ended: f64,
        workers: Vec<WorkerAccount>,
        children_cpu_seconds: f64,
    ) -> ReplicaAccount {
        let counted = self.cgroup.usage().since(&self.usage);
        let own = process_cpu_seconds() - self.process_cpu + children_cpu_seconds;
        // Where a quota is set, what counts against it; elsewhere what this
        // process and its children used, since a group without a quota may
        // hold strangers (on a bare machine it holds everything).
        let cpu_seconds = match self.quota {
            CpuQuota::Limited(_) => counted.usage_seconds.unwrap_or(own),
            _ => own,
        };
        ReplicaAccount {
            instance: String::new(),
            run_sequence: 0,
            started_seconds: self.started,
            ended_seconds: ended,
            aligned: self.alignment.reported(),
            answer: None,
            workers,
            group: GroupAccount {
                cpu_seconds: Some(cpu_seconds),
                periods: counted.periods,
                throttled_periods: counted.throttled_periods,
                throttled_seconds: counted.throttled_seconds,
            },
            cpus: self.cpus_account(cpu_seconds),
        }
    }

    fn cpus_account(&self, group_cpu_seconds: f64) -> CpusAccount {
        let mut account = CpusAccount {
            allowed: self.allowed.as_ref().map(ToString::to_string),
            count: self.allowed.as_ref().map(CpuSet::len),
            ..CpusAccount::default()
        };
        let (Some(allowed), Some(before)) = (&self.allowed, &self.host) else {
            return account;
        };
        let Some(now) = HostCpuTimes::read() else {
            return account;
        };
        let read_at = monotonic_seconds();
        let spent = now.since(before).over(allowed);
        account.idle_seconds = Some(spent.idle_seconds);
        account.steal_seconds = Some(spent.steal_seconds);
        // From idle time, which the kernel counts exactly, and not from busy
        // time, which it samples at its tick.
        let all = allowed.len() as f64 * (read_at - self.started);
        let others = all - spent.idle_seconds - spent.steal_seconds - group_cpu_seconds;
        account.others_seconds = Some(others.max(0.0));
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

/// CPU seconds of this process, all threads, without its children.
fn process_cpu_seconds() -> f64 {
    let spent = rustix::time::clock_gettime(rustix::time::ClockId::ProcessCPUTime);
    spent.tv_sec as f64 + spent.tv_nsec as f64 * 1e-9
}
