//! What a run does at this moment: the contract between the runner, which
//! writes `now.json` into its control folder, and those who watch.

use crate::report::{Backend, Declared};
use serde::{Deserialize, Serialize};
use std::net::SocketAddr;

/// The file's name in the control folder.
pub const FILE: &str = "now.json";

/// How often it is written while nothing else happens, in seconds: seldom, since
/// the runner shares the CPUs it measures.
pub const BEAT_SECONDS: u64 = 30;

/// A run that has written nothing for so long was killed: four beats.
const KILLED_AFTER_SECONDS: f64 = 4.0 * BEAT_SECONDS as f64;

/// The newest run: all times are Unix time in seconds.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Now {
    /// The lab, `lab-<topic>`.
    pub lab: String,
    /// What its stations are.
    pub backend: Backend,
    /// When it began.
    pub started_seconds: f64,
    /// When this was written.
    pub updated_seconds: f64,
    /// When it ended, whole or not; `null` while it goes on.
    pub ended_seconds: Option<f64>,
    /// The round under way, from 1; 0 before the first.
    pub round: u32,
    /// How many there are to be.
    pub rounds: u32,
    /// The row whose sample is being taken.
    pub row: Option<Row>,
    /// The stations that this machine can grant.
    pub stations: Vec<Station>,
}

/// A row: one station doing the job one way.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Row {
    /// The station's name.
    pub station: String,
    /// How the work is shared out.
    pub strategy: String,
    /// What computes it.
    pub kernel: String,
    /// Workers of one replica.
    pub workers: usize,
}

/// A station as the Compose file has it, and where it answers.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Station {
    /// The Compose service's name.
    pub name: String,
    /// The limits of one replica.
    pub declared: Declared,
    /// How many replicas the file asks for.
    pub declared_replicas: usize,
    /// Those that there are; none before they are known, nor of local ones
    /// that have ended.
    pub replicas: Vec<Replica>,
}

/// Where one replica answers.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub struct Replica {
    /// The service's API.
    pub api: SocketAddr,
    /// Its admin endpoints.
    pub admin: SocketAddr,
}

impl Now {
    /// When the run ended, as far as can be told at this time: one that was
    /// killed ended when it last wrote. `None` while it goes on.
    pub fn ended_at(&self, unix_seconds: f64) -> Option<f64> {
        let silent = unix_seconds - self.updated_seconds;
        self.ended_seconds
            .or_else(|| (silent > KILLED_AFTER_SECONDS).then_some(self.updated_seconds))
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;
    use serde_json::json;

    /// What the others that read the file expect of it.
    const CONTRACT: &str = r#"{"lab": "lab-primes", "backend": "docker",
        "started_seconds": 100.5, "updated_seconds": 130.0, "ended_seconds": null,
        "round": 0, "rounds": 6,
        "row": {"station": "primes-half", "strategy": "work-stealing", "kernel": "trial", "workers": 2},
        "stations": [{"name": "primes-half",
                      "declared": {"cpus": 0.5, "cpuset": null, "memory_bytes": 268435456},
                      "declared_replicas": 1,
                      "replicas": [{"api": "172.18.0.3:8080", "admin": "172.18.0.3:9000"}]}]}"#;

    #[test]
    fn has_the_shape_that_others_read_and_passes_over_what_it_does_not_know() {
        let mut json: serde_json::Value = serde_json::from_str(CONTRACT).unwrap();
        let now: Now = serde_json::from_value(json.clone()).unwrap();

        assert_eq!(serde_json::to_value(&now).unwrap(), json);
        json["later"] = json!({"more": 1});
        assert_eq!(serde_json::from_value::<Now>(json).unwrap(), now);
    }

    #[test]
    fn who_has_written_nothing_for_two_minutes_was_killed() {
        let mut now: Now = serde_json::from_str(CONTRACT).unwrap();

        assert_eq!(now.ended_at(250.0), None);
        assert_eq!(now.ended_at(0.0), None, "a clock that was set back");
        assert_eq!(now.ended_at(250.1), Some(130.0));
        now.ended_seconds = Some(129.0);
        assert_eq!(now.ended_at(131.0), Some(129.0));
    }
}
