//! What one replica may use.

use crate::compose::Service;
use cpu_budget::CpuSet;

/// The period of a quota in microseconds: Docker's, and the kernel's default.
pub const PERIOD_MICROS: u64 = 100_000;

/// A quota this close to a whole number of CPUs is one.
const WHOLE: f64 = 1e-9;

/// The limits of one replica; `None`: as much as there is.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Limits {
    /// The quota in CPUs.
    pub quota_cpus: Option<f64>,
    /// The CPUs it may run on.
    pub cpuset: Option<CpuSet>,
    /// Memory in bytes.
    pub memory_bytes: Option<u64>,
    /// Processes and threads.
    pub pids: Option<u64>,
}

impl Limits {
    /// Those that a service declares. An empty cpuset is none, as for Docker.
    pub fn of(service: &Service) -> Self {
        let pids = service.limits().and_then(|limits| limits.pids);
        let pids = pids.or(service.pids_limit);
        let cpuset = service.cpuset.as_ref().and_then(|list| list.parse().ok());
        Self {
            quota_cpus: service.quota_cpus().filter(|&cpus| cpus > 0.0),
            cpuset: cpuset.filter(|cpus: &CpuSet| !cpus.is_empty()),
            memory_bytes: service.memory_bytes().filter(|&bytes| bytes > 0),
            // Compose writes "no limit" as −1 or 0.
            pids: pids
                .and_then(|pids| u64::try_from(pids).ok())
                .filter(|&pids| pids > 0),
        }
    }

    /// The quota in microseconds per [`PERIOD_MICROS`], rounded as Docker does.
    pub fn quota_micros(&self) -> Option<u64> {
        let micros = self.quota_cpus? * PERIOD_MICROS as f64;
        Some(micros.round() as u64)
    }

    /// The quota as a number of CPUs, where it is a whole one.
    pub fn whole_cpus(&self) -> Option<usize> {
        let cpus = self.quota_cpus?;
        let whole = cpus.round();
        ((cpus - whole).abs() < WHOLE && whole >= 1.0).then_some(whole as usize)
    }
}

/// The CPUs that stand for a whole quota: so many of `allowed`, from a place
/// that differs by replica, so that several replicas do not share the first.
pub fn pinned(allowed: &CpuSet, count: usize, replica: usize) -> CpuSet {
    let cpus: Vec<usize> = allowed.iter().collect();
    let first = replica * count;
    (first..first + count.min(cpus.len()))
        .map(|index| cpus[index % cpus.len()])
        .collect()
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::{Limits, pinned};
    use crate::compose::LabModel;

    #[test]
    fn limits_are_those_of_the_file() {
        let model = LabModel::from_compose_json(
            r#"{"services": {"a": {"cpuset": "0-1", "deploy": {"resources": {"limits":
                {"cpus": 1.5, "memory": "1000", "pids": 7}}}}, "b": {"cpuset": "", "pids_limit": -1}}}"#,
        )
        .unwrap();

        let limits = Limits::of(&model.services["a"]);

        assert_eq!(limits.quota_micros(), Some(150_000));
        assert_eq!(limits.whole_cpus(), None);
        assert_eq!(limits.cpuset, Some("0-1".parse().unwrap()));
        assert_eq!((limits.memory_bytes, limits.pids), (Some(1000), Some(7)));
        assert_eq!(Limits::of(&model.services["b"]), Limits::default());
    }

    #[test]
    fn a_whole_quota_is_so_many_cpus_spread_over_the_replicas() {
        let whole = |quota_cpus| {
            let limits = Limits {
                quota_cpus: Some(quota_cpus),
                ..Limits::default()
            };
            limits.whole_cpus()
        };
        assert_eq!(
            [0.5, 1.0, 1.5, 2.0].map(whole),
            [None, Some(1), None, Some(2)]
        );

        let allowed = "0,2,4".parse().unwrap();
        let list = |count, replica| pinned(&allowed, count, replica).to_string();
        assert_eq!([list(1, 0), list(1, 1), list(1, 3)], ["0", "2", "0"]);
        assert_eq!([list(2, 1), list(9, 0)], ["0,4", "0,2,4"]);
    }
}
