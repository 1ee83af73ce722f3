//! All that is shown of one moment. Written as JSON it is a line of `--json`;
//! docs/top.md has its table.

use measure::now::Row;
use measure::report::Backend;
use measure::report::TimeBudget;
use serde::Serialize;
use std::net::SocketAddr;

/// All that is shown of one moment. What is unknown is `None`, in JSON `null`.
#[derive(Debug, Clone, Default, PartialEq, Serialize)]
pub struct Frame {
    /// When, as Unix time.
    pub at_seconds: f64,
    /// The run under way, or the last one.
    pub run: Option<Run>,
    /// The replicas of all stations, in the order of the lab.
    pub replicas: Vec<Replica>,
    /// Stations that should be there and of which no replica is shown.
    pub silent: Vec<String>,
    /// The host's CPUs since the refresh before.
    pub host: Vec<Core>,
    /// Why nothing is known of a run, where something is in the way.
    pub trouble: Option<String>,
}

/// A run, as its runner tells it.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Run {
    /// The lab.
    pub lab: String,
    /// Where its stations are.
    pub backend: Backend,
    /// When it ended, as Unix time; `None` while it goes on.
    pub ended_seconds: Option<f64>,
    /// The round under way, 0 before the first.
    pub round: u32,
    /// How many rounds there are.
    pub rounds: u32,
    /// What is measured at this moment.
    pub row: Option<Row>,
}

/// Whether a replica answers.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Presence {
    /// It answers for the first time, or again: rates need a second answer.
    New,
    /// It answers.
    Up,
    /// It does not answer any more.
    Away,
}

/// One replica of a station.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Replica {
    /// Its station.
    pub station: String,
    /// Where its admin endpoints are.
    pub address: SocketAddr,
    /// The short id of its container.
    pub container: Option<String>,
    /// Whether it answers.
    pub state: Presence,
    /// For how long it has been away, in seconds; 0 while it answers.
    pub away_seconds: f64,
    /// The CPU quota that the Compose file gives it.
    pub declared_cpus: Option<f64>,
    /// CPUs' worth of time that it can get.
    pub effective_cpus: Option<f64>,
    /// The CPU quota that the kernel applies.
    pub quota_cpus: Option<f64>,
    /// CPUs that its runtime believes in.
    pub believed_cpus: Option<f64>,
    /// CPUs used since the answer before.
    pub used_cpus: Option<f64>,
    /// Of the quota's periods since then, those in which it ran out, 0 to 1.
    pub throttled_share: Option<f64>,
    /// Where its workers' time went since then: shares that sum to 1.
    pub worker_time: Option<TimeBudget>,
    /// Its workers at this moment, 0 between runs.
    pub workers: Option<f64>,
    /// Memory in use.
    pub memory_bytes: Option<f64>,
    /// Its memory limit.
    pub memory_limit_bytes: Option<f64>,
    /// Whether the row under way is measured on its station.
    pub under_way: bool,
}

/// One CPU of the host.
#[derive(Debug, Clone, Copy, PartialEq, Serialize)]
pub struct Core {
    /// Its number.
    pub cpu: usize,
    /// How much of its time went to programs, kernel and interrupts, 0 to 1.
    pub busy_share: f64,
    /// How much the hypervisor gave to other machines, 0 to 1; 0 too where the
    /// hypervisor does not say.
    pub stolen_share: f64,
}

impl Replica {
    /// CPUs used as a share of those granted; above 1 where they are few and
    /// the interval short.
    pub fn used_of_granted(&self) -> Option<f64> {
        let granted = self.effective_cpus.filter(|granted| *granted > 0.0)?;
        Some(self.used_cpus? / granted)
    }

    /// Whether the kernel applies another quota than the file declares.
    pub fn disagrees(&self) -> bool {
        let of_quota = |declared: f64| match (self.effective_cpus, self.quota_cpus) {
            // Nothing is known of it.
            (None, None) => false,
            (_, quota) => quota.is_none_or(|quota| (quota - declared).abs() > 0.005),
        };
        self.state != Presence::Away && self.declared_cpus.is_some_and(of_quota)
    }
}

#[cfg(test)]
pub(crate) mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;
    use serde_json::Value;
    use std::collections::BTreeSet;

    /// A busy replica at its quota of half a CPU.
    pub(crate) fn replica(station: &str, last: u8) -> Replica {
        Replica {
            station: station.to_owned(),
            address: SocketAddr::from(([172, 18, 0, last], 9000)),
            container: Some("0123456789ab".to_owned()),
            state: Presence::Up,
            away_seconds: 0.0,
            declared_cpus: Some(0.5),
            effective_cpus: Some(0.5),
            quota_cpus: Some(0.5),
            believed_cpus: Some(1.0),
            used_cpus: Some(0.5),
            throttled_share: Some(1.0),
            worker_time: Some(TimeBudget {
                running: 0.25,
                throttled: 0.75,
                runnable: 0.0,
                blocked: 0.0,
                stolen: Some(0.0),
            }),
            workers: Some(2.0),
            memory_bytes: Some(12.0 * 1_048_576.0),
            memory_limit_bytes: Some(256.0 * 1_048_576.0),
            under_way: false,
        }
    }

    /// The names of all fields as docs/top.md writes them: `run.lab`, `host[]`.
    fn names(value: &Value, prefix: &str, found: &mut BTreeSet<String>) {
        for (name, value) in value.as_object().into_iter().flatten() {
            let path = format!("{prefix}{name}");
            // What stands within these is listed in their own rows.
            let within = matches!(path.as_str(), "run" | "replicas");
            match value {
                Value::Array(all) => {
                    found.insert(format!("{path}[]"));
                    let one = all.first().filter(|_| within);
                    names(one.unwrap_or(&Value::Null), &format!("{path}[]."), found);
                }
                value => {
                    found.insert(path.clone());
                    if within {
                        names(value, &format!("{path}."), found);
                    }
                }
            }
        }
    }

    #[test]
    fn every_field_of_the_stream_is_documented_and_none_besides() {
        let frame = Frame {
            run: Some(Run {
                lab: "lab-primes".into(),
                backend: Backend::Docker,
                ended_seconds: None,
                round: 1,
                rounds: 6,
                row: None,
            }),
            replicas: vec![replica("half", 2)],
            ..Frame::default()
        };
        let mut given = BTreeSet::new();
        names(&serde_json::to_value(&frame).unwrap(), "", &mut given);

        let text = include_str!("../../../docs/top.md");
        let (_, table) = text.split_once("## The stream").unwrap();
        let rows = table.lines().filter_map(|line| line.strip_prefix("| `"));
        let cells = rows.filter_map(|row| row.split_once(" |"));
        let documented: BTreeSet<String> = cells
            .flat_map(|(names, _)| names.split(", "))
            .map(|name| name.trim_matches('`').to_owned())
            .collect();

        assert_eq!(documented, given);
    }

    #[test]
    fn a_quota_that_was_not_applied_is_a_disagreement_and_an_unknown_one_is_none() {
        let applied = replica("half", 2);
        assert!(!applied.disagrees());
        let other = Replica {
            quota_cpus: Some(0.25),
            ..applied.clone()
        };
        assert!(other.disagrees());
        let none = Replica {
            quota_cpus: None,
            effective_cpus: Some(2.0),
            ..applied.clone()
        };
        assert!(none.disagrees());
        let unknown = Replica {
            quota_cpus: None,
            effective_cpus: None,
            ..applied.clone()
        };
        assert!(!unknown.disagrees());
        let undeclared = Replica {
            declared_cpus: None,
            ..applied
        };
        assert!(!undeclared.disagrees());
    }
}
