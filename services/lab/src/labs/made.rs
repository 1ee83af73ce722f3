//! Reports made by hand, for the tests of what a lab concludes.

use measure::report::{
    Backend, Declared, Effective, Host, Predecessor, ReplicaAccount, Round, Row, RunReport, SCHEMA,
    Station,
};
use std::collections::BTreeMap;

/// A station of one replica on a host of two CPUs.
pub fn station(name: &str, quota_cpus: Option<f64>) -> Station {
    Station {
        name: name.into(),
        replicas: 1,
        declared: Declared {
            cpus: quota_cpus,
            ..Declared::default()
        },
        effective: Effective {
            cpus: Some(quota_cpus.unwrap_or(2.0).min(2.0)),
            quota_cpus,
            quota_known: true,
            quota_set_above: Some(false),
            period_seconds: quota_cpus.map(|_| 0.1),
            cpuset: Some("0-1".into()),
            memory_bytes: None,
        },
        believed_cpus: Some(2),
        agree: Some(true),
        replica_cpusets: vec![Some("0-1".into())],
        calibrated: Vec::new(),
        refused: None,
    }
}

/// A row with one sample per round, of these wall seconds.
pub fn row(station: &str, strategy: &str, workers: usize, walls: &[f64]) -> Row {
    let sample = |ended_seconds| ReplicaAccount {
        ended_seconds,
        ..ReplicaAccount::default()
    };
    Row {
        station: station.into(),
        strategy: strategy.into(),
        kernel: "trial".into(),
        workers,
        wall_seconds: measure::stats::interval(walls),
        rounds: (0..)
            .zip(walls)
            .map(|(round, &wall)| Round {
                round,
                repeats: 1,
                replicas: vec![sample(wall)],
            })
            .collect(),
        ..Row::default()
    }
}

/// A whole run.
pub fn report(stations: Vec<Station>, rows: Vec<Row>) -> RunReport {
    RunReport {
        schema: SCHEMA.into(),
        lab: "lab-primes".into(),
        backend: Backend::Docker,
        started: "2025-11-21T09:00:00Z".into(),
        seconds: 120.0,
        quick: false,
        partial: false,
        parameters: BTreeMap::from([
            ("kernel".into(), "trial".into()),
            ("limit".into(), 2_000_000.into()),
        ]),
        host: Host {
            cpus: Some(2),
            ..Host::default()
        },
        stations,
        rows,
        comparisons: Vec::new(),
        groups: Vec::new(),
        invariants: Vec::new(),
        compared_with: Predecessor::default(),
        changes: Vec::new(),
    }
}
