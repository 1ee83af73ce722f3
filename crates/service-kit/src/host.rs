//! The machine, as its kernel describes it.

use crate::admin::BudgetReport;
use cpu_budget::Cgroup;
use measure::report::{Backend, Declared, Host, Predecessor, RunReport, SCHEMA, Station};
use std::collections::BTreeMap;
use std::time::SystemTime;

/// Reads what the kernel tells. The engine is left open, since a container
/// cannot see it, and so is the version of the control groups.
pub fn host() -> Host {
    let cpuinfo = std::fs::read_to_string("/proc/cpuinfo").unwrap_or_default();
    let kernel = std::fs::read_to_string("/proc/sys/kernel/osrelease").ok();
    Host {
        cpus: cpu_budget::CpuBudget::read().host_cpus,
        model: model(&cpuinfo),
        kernel: kernel.map(|release| release.trim().to_owned()),
        cgroup_version: None,
        engine: None,
        enforcement: None,
    }
}

/// The first processor's name; ARM's kernel gives none.
fn model(cpuinfo: &str) -> Option<String> {
    let line = cpuinfo
        .lines()
        .find(|line| line.starts_with("model name"))?;
    let (_, name) = line.split_once(':')?;
    Some(name.trim().to_owned())
}

/// A report of what this very process measured, still without rows: one station,
/// whose limits are those it finds itself under.
pub fn report_here(lab: &str, station: &str, started: SystemTime) -> RunReport {
    let budget = BudgetReport::read(&Cgroup::of_this_process());
    let station = Station {
        name: station.to_owned(),
        replicas: 1,
        declared: Declared::default(),
        effective: budget.effective(),
        believed_cpus: budget.believed_cpus,
        agree: None,
        replica_cpusets: vec![budget.cpuset],
        calibrated: Vec::new(),
        set_aside: Vec::new(),
        refused: None,
    };
    RunReport {
        schema: SCHEMA.into(),
        lab: lab.to_owned(),
        backend: Backend::InProcess,
        started: rfc3339(started),
        seconds: started.elapsed().unwrap_or_default().as_secs_f64(),
        quick: false,
        partial: false,
        parameters: BTreeMap::new(),
        host: Host {
            cgroup_version: budget.cgroup_version,
            ..host()
        },
        stations: vec![station],
        rows: Vec::new(),
        comparisons: Vec::new(),
        drills: Vec::new(),
        groups: Vec::new(),
        invariants: Vec::new(),
        compared_with: Predecessor::default(),
        changes: Vec::new(),
    }
}

/// A moment as a run report has it: RFC 3339 in UTC, to the second.
pub fn rfc3339(moment: SystemTime) -> String {
    humantime::format_rfc3339_seconds(moment).to_string()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn moments_are_written_in_utc() {
        let moment = SystemTime::UNIX_EPOCH + std::time::Duration::from_millis(86_400_500);
        assert_eq!(rfc3339(moment), "1970-01-02T00:00:00Z");
    }

    #[test]
    fn the_model_is_read_where_there_is_one() {
        let x86 = "processor\t: 0\nmodel name\t: Some CPU @ 2GHz\n";
        assert_eq!(model(x86).as_deref(), Some("Some CPU @ 2GHz"));
        assert_eq!(model("processor\t: 0\nBogoMIPS\t: 50.0\n"), None);
    }
}
