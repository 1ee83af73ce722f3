//! The answer of `/budget`: what CPU and memory this process may use and has used.

use cpu_budget::{Cgroup, CpuBudget, CpuQuota, CpuUsage, MemoryUsage};
use measure::report::Effective;
use serde::{Deserialize, Serialize};

/// The budget of one process; `None` (`null`) is unknown, never 0.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct BudgetReport {
    /// CPUs of the host that are online.
    pub host_cpus: Option<usize>,
    /// `v1`, `v2` or `hybrid`.
    pub cgroup_version: Option<String>,
    /// The tightest CPU quota that holds.
    pub quota: Option<QuotaReport>,
    /// Whether the quota stands on a group above, so that others share it.
    pub quota_set_above: bool,
    /// The CPUs it may run on, in the kernel's list format: `0-3,8`.
    pub cpuset: Option<String>,
    /// How many CPUs' worth of time it can get: the least of quota, cpuset and host.
    pub effective_cpus: Option<f64>,
    /// What the language's runtime believes (`available_parallelism`).
    pub believed_cpus: Option<usize>,
    /// How many CPU-bound workers suit the budget.
    pub workers: WorkersReport,
    /// CPU used and throttled since the group was made.
    pub usage: UsageReport,
    /// Memory used and allowed.
    pub memory: MemoryReport,
}

/// A quota, or that there is none.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
#[serde(tag = "kind", rename_all = "snake_case")]
pub enum QuotaReport {
    /// No group that can be seen has a quota.
    Unlimited,
    /// So much CPU time per period.
    Limited {
        /// CPUs' worth of time: quota ÷ period.
        cpus: f64,
        /// CPU time per period.
        quota_micros: u64,
        /// Length of a period.
        period_micros: u64,
    },
}

/// Advice on worker counts; see [`cpu_budget::WorkerAdvice`].
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct WorkersReport {
    /// So few that they cannot use the quota up (but at least 1).
    pub avoids_throttling: usize,
    /// So many that they use all of it.
    pub uses_whole_budget: usize,
}

/// The group's CPU counters; see [`cpu_budget::CpuUsage`].
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct UsageReport {
    /// CPU time used.
    pub usage_seconds: Option<f64>,
    /// Quota periods in which the group had work.
    pub periods: Option<u64>,
    /// Those of them in which it used its quota up.
    pub throttled_periods: Option<u64>,
    /// Time throttled, summed over the CPUs' run queues.
    pub throttled_seconds: Option<f64>,
}

/// The group's memory; see [`cpu_budget::MemoryUsage`].
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct MemoryReport {
    /// In use, page cache included.
    pub current_bytes: Option<u64>,
    /// The most that was in use.
    pub peak_bytes: Option<u64>,
    /// The tightest limit; `None` is unknown or none, see `unlimited`.
    pub limit_bytes: Option<u64>,
    /// No group that can be seen has a limit.
    pub unlimited: bool,
}

impl BudgetReport {
    /// The budget and counters of the process's group, read now.
    pub fn read(cgroup: &Cgroup) -> Self {
        Self::of(&cgroup.budget(), cgroup.usage(), &cgroup.memory())
    }

    pub(super) fn of(budget: &CpuBudget, usage: CpuUsage, memory: &MemoryUsage) -> Self {
        let workers = budget.advice();
        Self {
            host_cpus: budget.host_cpus,
            cgroup_version: budget.cgroup_version.map(|version| version.to_string()),
            quota: quota_report(budget.quota),
            quota_set_above: budget.quota_set_above,
            cpuset: budget.cpuset.as_ref().map(ToString::to_string),
            effective_cpus: budget.effective_cpus(),
            believed_cpus: budget.believed_cpus,
            workers: WorkersReport {
                avoids_throttling: workers.avoids_throttling,
                uses_whole_budget: workers.uses_whole_budget,
            },
            usage: UsageReport {
                usage_seconds: usage.usage_seconds,
                periods: usage.periods,
                throttled_periods: usage.throttled_periods,
                throttled_seconds: usage.throttled_seconds,
            },
            memory: MemoryReport {
                current_bytes: memory.current_bytes,
                peak_bytes: memory.peak_bytes,
                limit_bytes: budget.memory_limit_bytes,
                unlimited: budget.memory_unlimited,
            },
        }
    }

    /// The limits as a run report has them.
    pub fn effective(&self) -> Effective {
        let (quota_cpus, period_seconds) = match self.quota {
            Some(QuotaReport::Limited {
                cpus,
                period_micros,
                ..
            }) => (Some(cpus), Some(period_micros as f64 * 1e-6)),
            Some(QuotaReport::Unlimited) | None => (None, None),
        };
        Effective {
            cpus: self.effective_cpus,
            quota_cpus,
            quota_known: self.quota.is_some(),
            quota_set_above: self.quota.is_some().then_some(self.quota_set_above),
            period_seconds,
            cpuset: self.cpuset.clone(),
            memory_bytes: self.memory.limit_bytes,
        }
    }

    /// The quota in CPUs, where there is one.
    pub fn quota_cpus(&self) -> Option<f64> {
        match self.quota {
            Some(QuotaReport::Limited { cpus, .. }) => Some(cpus),
            Some(QuotaReport::Unlimited) | None => None,
        }
    }
}

fn quota_report(quota: CpuQuota) -> Option<QuotaReport> {
    match quota {
        CpuQuota::Unknown => None,
        CpuQuota::Unlimited => Some(QuotaReport::Unlimited),
        CpuQuota::Limited(quota) => Some(QuotaReport::Limited {
            cpus: quota.cpus(),
            quota_micros: quota.quota_micros,
            period_micros: quota.period_micros,
        }),
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]

    use cpu_budget::{CgroupVersion, Quota};

    use super::*;

    fn report(budget: &CpuBudget) -> BudgetReport {
        BudgetReport::of(budget, CpuUsage::default(), &MemoryUsage::default())
    }

    #[test]
    fn unknown_is_null_and_never_zero() {
        let json = serde_json::to_value(report(&CpuBudget::default())).unwrap();

        for pointer in [
            "/host_cpus",
            "/quota",
            "/cpuset",
            "/effective_cpus",
            "/usage/usage_seconds",
            "/usage/throttled_periods",
            "/memory/limit_bytes",
        ] {
            assert_eq!(
                json.pointer(pointer),
                Some(&serde_json::Value::Null),
                "{pointer}"
            );
        }
    }

    #[test]
    fn unlimited_is_told_from_unknown() {
        let budget = CpuBudget {
            quota: CpuQuota::Unlimited,
            ..CpuBudget::default()
        };

        let json = serde_json::to_value(report(&budget)).unwrap();

        assert_eq!(json["quota"], serde_json::json!({"kind": "unlimited"}));
    }

    #[test]
    fn reads_back_what_it_wrote() {
        let budget = CpuBudget {
            host_cpus: Some(8),
            cgroup_version: Some(CgroupVersion::V2),
            quota: CpuQuota::Limited(Quota::new(150_000, 100_000).unwrap()),
            cpuset: Some("0-3".parse().unwrap()),
            believed_cpus: Some(1),
            memory_limit_bytes: Some(64 << 20),
            ..CpuBudget::default()
        };
        let report = report(&budget);

        let json = serde_json::to_string(&report).unwrap();

        assert_eq!(serde_json::from_str::<BudgetReport>(&json).unwrap(), report);
        assert_eq!(report.quota_cpus(), Some(1.5));
        assert_eq!(report.effective_cpus, Some(1.5));
        assert_eq!(report.cpuset.as_deref(), Some("0-3"));
        assert_eq!(report.workers.avoids_throttling, 1);
        assert_eq!(report.workers.uses_whole_budget, 2);
    }
}
