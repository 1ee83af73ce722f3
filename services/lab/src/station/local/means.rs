//! By which means the limits are held, strongest first, and what each cannot do.

use super::cgroup::{Cgroups, Group};
use super::limits::{Limits, pinned};
use super::systemd;
use cpu_budget::{CpuBudget, CpuSet};
use measure::report::{Enforcement, EnforcementMeans};
use std::ffi::OsString;
use std::path::Path;

/// What is left out where no group counts a station's CPU time.
const OUTSIDE_WORKERS: &str = "a station's CPU time outside its workers";

/// What holds the limits of a run's stations.
#[derive(Debug)]
pub enum Means {
    /// Control groups that this run makes.
    Cgroup(Cgroups),
    /// Scopes of the user's systemd manager, which has these controllers.
    Systemd(Vec<String>),
    /// CPU affinity alone.
    Affinity,
}

/// Which means to use.
#[derive(Debug, Clone, Copy, PartialEq, Eq, clap::ValueEnum)]
pub enum Choice {
    /// The strongest that this user has here
    Auto,
    /// Control groups of its own
    Cgroup,
    /// The user's systemd manager
    Systemd,
    /// CPU affinity alone
    Affinity,
}

/// Where a replica is put before it starts.
#[derive(Debug, Default)]
pub struct Hold {
    /// What stands before the command.
    pub before: Vec<String>,
    /// Its groups, which end with it.
    pub group: Option<Group>,
    /// Its affinity.
    pub cpus: Option<CpuSet>,
}

impl Hold {
    /// The command that goes where this holds it and becomes `program`, which
    /// its arguments follow. It ends with the process, and on its thread, that
    /// starts it; `enter` is this program.
    pub fn around(
        &self,
        enter: &Path,
        program: impl IntoIterator<Item = impl Into<OsString>>,
    ) -> Vec<OsString> {
        let mut words: Vec<OsString> = self.before.iter().map(Into::into).collect();
        words.push(enter.into());
        words.extend(["enter", "--parent"].map(Into::into));
        words.push(std::process::id().to_string().into());
        for procs in self.group.iter().flat_map(Group::procs) {
            words.extend(["--join".into(), procs.into()]);
        }
        if let Some(cpus) = &self.cpus {
            words.extend(["--cpus".into(), cpus.to_string().into()]);
        }
        words.push("--".into());
        words.extend(program.into_iter().map(Into::into));
        words
    }
}

/// Finds the means: what was chosen, or the strongest; with it, why each
/// stronger one is not to be had. `enter` is this program.
pub fn find(choice: Choice, enter: &Path) -> Result<(Means, Vec<String>), String> {
    let mut passed = Vec::new();
    let tries = |one: Choice| choice == Choice::Auto || choice == one;
    if tries(Choice::Cgroup) {
        match Cgroups::make(enter) {
            Ok(groups) => return Ok((Means::Cgroup(groups), passed)),
            Err(error) => passed.push(format!("cgroups of its own: {error:#}")),
        }
    }
    if tries(Choice::Systemd) {
        match systemd::controllers() {
            Ok(controllers) => return Ok((Means::Systemd(controllers), passed)),
            Err(why) => passed.push(format!("systemd: {why}")),
        }
    }
    if tries(Choice::Affinity) {
        return Ok((Means::Affinity, passed));
    }
    Err(passed.join("; "))
}

impl Means {
    /// Why these limits cannot be given, where they cannot.
    pub fn objection(&self, limits: &Limits) -> Option<String> {
        let cpus = limits.quota_cpus?;
        (matches!(self, Self::Affinity) && limits.whole_cpus().is_none()).then(|| {
            format!(
                "a quota of {cpus} CPUs needs a control group, which this user cannot make here; \
                 CPU affinity gives whole CPUs only"
            )
        })
    }

    /// Whether a whole quota is given as so many CPUs to run on.
    pub fn pins_quotas(&self) -> bool {
        matches!(self, Self::Affinity)
    }

    /// Whether the kernel counts the CPU time of each replica by itself.
    pub fn counts_cpu_time(&self) -> bool {
        match self {
            Self::Cgroup(groups) => groups.has("cpuacct"),
            Self::Systemd(_) => true,
            Self::Affinity => false,
        }
    }

    /// Makes what holds one replica, numbered from 0, to its limits.
    pub fn hold(&self, name: &str, replica: usize, limits: &Limits) -> anyhow::Result<Hold> {
        let label = format!("{name}-{}", replica + 1);
        Ok(match self {
            Self::Cgroup(groups) => Hold {
                group: Some(groups.group(&label, limits)?),
                cpus: limits.cpuset.clone().filter(|_| !groups.has("cpuset")),
                ..Hold::default()
            },
            Self::Systemd(_) => Hold {
                before: systemd::scope(&format!("parlab-{}-{label}", std::process::id()), limits),
                // A user's manager seldom has the cpuset controller.
                cpus: limits.cpuset.clone(),
                ..Hold::default()
            },
            Self::Affinity => Hold {
                cpus: affinity(limits, replica),
                ..Hold::default()
            },
        })
    }

    /// For the report.
    pub fn enforcement(&self) -> Enforcement {
        let (means, mut cannot_show) = match self {
            Self::Cgroup(groups) => (
                EnforcementMeans::Cgroup,
                missing(|controller| groups.has(controller)),
            ),
            Self::Systemd(controllers) => (
                EnforcementMeans::Systemd,
                missing(|controller| {
                    controller == "cpuacct" || controllers.iter().any(|one| one == controller)
                }),
            ),
            Self::Affinity => (
                EnforcementMeans::Affinity,
                vec![
                    "quotas: a whole one is given as so many CPUs to run on, so that nothing is \
                     ever throttled, and a station with another does not run"
                        .to_owned(),
                    "limits of memory and of processes, which are not applied".to_owned(),
                    OUTSIDE_WORKERS.to_owned(),
                ],
            ),
        };
        cannot_show.push(
            "images, users, disks and networks of their own: stations are plain processes of \
             this user"
                .to_owned(),
        );
        Enforcement { means, cannot_show }
    }
}

/// What is not limited or counted where controllers are missing.
fn missing(has: impl Fn(&str) -> bool) -> Vec<String> {
    let all = [
        ("cpuacct", OUTSIDE_WORKERS),
        ("cpuset", "cpusets as such: they are given as CPU affinity"),
        ("memory", "limits of memory, which are not applied"),
        ("pids", "limits of processes, which are not applied"),
    ];
    let missing = all.into_iter().filter(|(controller, _)| !has(controller));
    missing.map(|(_, what)| what.to_owned()).collect()
}

/// The CPUs of a replica that nothing but its affinity limits.
fn affinity(limits: &Limits, replica: usize) -> Option<CpuSet> {
    let Some(count) = limits.whole_cpus() else {
        return limits.cpuset.clone();
    };
    let allowed = limits.cpuset.clone().or_else(|| CpuBudget::read().cpuset)?;
    Some(pinned(&allowed, count, replica))
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::{Means, missing};
    use crate::station::local::limits::Limits;

    fn limits(quota_cpus: Option<f64>, cpuset: Option<&str>) -> Limits {
        Limits {
            quota_cpus,
            cpuset: cpuset.map(|list| list.parse().unwrap()),
            ..Limits::default()
        }
    }

    #[test]
    fn affinity_refuses_a_fractional_quota_and_pins_a_whole_one() {
        let why = Means::Affinity.objection(&limits(Some(0.5), None)).unwrap();
        assert!(why.contains("0.5 CPUs"), "{why}");
        assert_eq!(Means::Affinity.objection(&limits(Some(1.0), None)), None);
        assert_eq!(Means::Affinity.objection(&limits(None, Some("0"))), None);

        let cpus = |limits: &Limits, replica| {
            let hold = Means::Affinity.hold("one", replica, limits).unwrap();
            hold.cpus.map(|cpus| cpus.to_string())
        };
        let whole = limits(Some(1.0), Some("0-1"));
        assert_eq!(cpus(&whole, 0).as_deref(), Some("0"));
        assert_eq!(cpus(&whole, 1).as_deref(), Some("1"));
        assert_eq!(cpus(&limits(None, Some("1")), 0).as_deref(), Some("1"));
        assert_eq!(cpus(&Limits::default(), 0), None);
    }

    #[test]
    fn systemd_gets_its_properties_and_the_affinity_beside_them() {
        let means = Means::Systemd(vec!["cpu".into(), "memory".into()]);

        let hold = means
            .hold("half", 1, &limits(Some(0.5), Some("1")))
            .unwrap();

        assert!(hold.before.iter().any(|word| word.ends_with("-half-2")));
        assert!(hold.before.contains(&"CPUQuota=50%".to_owned()));
        assert_eq!(hold.cpus.unwrap().to_string(), "1");
        let said = means.enforcement().cannot_show.join("; ");
        assert!(
            said.contains("cpusets as such") && said.contains("processes, which"),
            "{said}"
        );
        assert!(!said.contains("limits of memory"), "{said}");
    }

    #[test]
    fn all_controllers_leave_nothing_to_say() {
        assert!(missing(|_| true).is_empty());
        assert_eq!(missing(|_| false).len(), 4);
    }
}
