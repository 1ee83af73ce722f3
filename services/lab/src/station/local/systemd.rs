//! Limits by the user's systemd manager: a transient scope per replica.
//!
//! `systemd-run --scope` registers itself as the scope and becomes the command,
//! so that the process stays the runner's child.

use super::limits::{Limits, PERIOD_MICROS};
use cpu_budget::GroupFolder;
use std::path::Path;
use std::process::{Command, Stdio};

/// What stands before a replica's command.
pub fn scope(unit: &str, limits: &Limits) -> Vec<String> {
    let mut words: Vec<String> = ["systemd-run", "--user", "--scope", "--quiet", "--collect"]
        .map(str::to_owned)
        .to_vec();
    words.push(format!("--unit={unit}"));
    let mut property = |name: &str, value: String| {
        words.extend(["-p".to_owned(), format!("{name}={value}")]);
    };
    if let Some(cpus) = limits.quota_cpus {
        // 1 % of a CPU is the least, and decimals came late.
        property("CPUQuota", format!("{}%", (cpus * 1e4).round() / 1e2));
        property("CPUQuotaPeriodSec", format!("{}ms", PERIOD_MICROS / 1000));
    }
    if let Some(cpus) = &limits.cpuset {
        property("AllowedCPUs", cpus.to_string());
    }
    if let Some(bytes) = limits.memory_bytes {
        property("MemoryMax", bytes.to_string());
    }
    if let Some(pids) = limits.pids {
        property("TasksMax", pids.to_string());
    }
    words.push("--".to_owned());
    words
}

/// The controllers that the user's manager may give on; `Err`: why none can be
/// had.
pub fn controllers() -> Result<Vec<String>, String> {
    let output = Command::new("systemctl")
        .args(["--user", "show", "--property=ControlGroup", "--value"])
        .stdin(Stdio::null())
        .output()
        .map_err(|error| format!("systemctl cannot be run: {error}"))?;
    if !output.status.success() {
        return Err("no systemd manager answers for this user".to_owned());
    }
    let group = String::from_utf8_lossy(&output.stdout).trim().to_owned();
    let here = GroupFolder::of_this_process("cpu").filter(|group| group.is_v2);
    let top = here
        .ok_or("systemd gives a user no CPU quota on cgroup v1")?
        .top;
    given(&top, &group)
}

/// The controllers of the manager's group, of which `cpu` must be one.
fn given(top: &Path, group: &str) -> Result<Vec<String>, String> {
    let file = top
        .join(group.trim_start_matches('/'))
        .join("cgroup.controllers");
    let text = std::fs::read_to_string(&file)
        .map_err(|error| format!("{}: cannot be read: {error}", file.display()))?;
    let controllers: Vec<String> = text.split_whitespace().map(str::to_owned).collect();
    if controllers.iter().any(|one| one == "cpu") {
        Ok(controllers)
    } else {
        Err("the user's systemd manager has no cpu controller".to_owned())
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::{given, scope};
    use crate::station::local::limits::Limits;

    #[test]
    fn every_limit_is_a_property_of_the_scope() {
        let limits = Limits {
            quota_cpus: Some(0.5),
            cpuset: Some("0-1".parse().unwrap()),
            memory_bytes: Some(268_435_456),
            pids: Some(1100),
        };

        assert_eq!(
            scope("parlab-7-half-1", &limits).join(" "),
            "systemd-run --user --scope --quiet --collect --unit=parlab-7-half-1 \
             -p CPUQuota=50% -p CPUQuotaPeriodSec=100ms -p AllowedCPUs=0-1 \
             -p MemoryMax=268435456 -p TasksMax=1100 --"
        );
        assert_eq!(
            scope("x", &Limits::default()).join(" "),
            "systemd-run --user --scope --quiet --collect --unit=x --"
        );
    }

    #[test]
    fn a_manager_without_the_cpu_controller_is_none() {
        let top = tempfile::tempdir().unwrap();
        let group = top.path().join("user.slice");
        std::fs::create_dir(&group).unwrap();
        let file = group.join("cgroup.controllers");

        std::fs::write(&file, "cpu memory pids\n").unwrap();
        assert_eq!(
            given(top.path(), "/user.slice").unwrap(),
            ["cpu", "memory", "pids"]
        );
        std::fs::write(&file, "memory pids\n").unwrap();
        assert!(
            given(top.path(), "/user.slice")
                .unwrap_err()
                .contains("no cpu controller")
        );
        assert!(
            given(top.path(), "/nobody")
                .unwrap_err()
                .contains("cannot be read")
        );
    }
}
