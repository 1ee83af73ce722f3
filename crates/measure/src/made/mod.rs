//! Runs made by hand and by chance, for the tests of whatever reads a report.

mod accounts;
pub mod any;
mod sample;
mod stages;

pub use accounts::{ReplicaExt, analysed, baseline, half, replica, round, rounds};
pub use sample::sample;
pub use stages::{MadeStage, staged_round, staged_row};

use crate::report::{
    Backend, Declared, Effective, Host, Interval, Predecessor, ReplicaAccount, Round, Row,
    RunReport, SCHEMA, Station, Verdict, VerdictKind,
};
use std::collections::BTreeMap;

/// The range of six samples.
pub fn interval(median: f64, low: f64, high: f64) -> Interval {
    Interval {
        median,
        low,
        high,
        coverage: 1.0 - 2.0 / 64.0,
    }
}

/// A verdict of which nothing else is to be known.
pub fn verdict(kind: VerdictKind, text: &str, evidence: &str, next: &str) -> Verdict {
    Verdict {
        kind,
        text: text.to_owned(),
        evidence: evidence.to_owned(),
        next: next.to_owned(),
        also: Vec::new(),
    }
}

/// A station of one replica on CPUs 0-1.
pub fn station(name: &str, quota_cpus: Option<f64>) -> Station {
    Station {
        name: name.to_owned(),
        replicas: 1,
        declared: Declared {
            cpus: quota_cpus,
            cpuset: None,
            memory_bytes: Some(64 << 20),
        },
        effective: Effective {
            cpus: Some(quota_cpus.unwrap_or(2.0).min(2.0)),
            quota_cpus,
            quota_known: true,
            quota_set_above: Some(false),
            period_seconds: quota_cpus.map(|_| 0.1),
            cpuset: Some("0-1".to_owned()),
            memory_bytes: Some(64 << 20),
        },
        believed_cpus: Some(2),
        agree: Some(true),
        replica_cpusets: vec![Some("0-1".to_owned())],
        calibrated: Vec::new(),
        set_aside: Vec::new(),
        refused: None,
    }
}

/// A station of several replicas, each with that quota.
pub fn fleet(name: &str, replicas: usize, quota_cpus: f64) -> Station {
    Station {
        replicas,
        replica_cpusets: vec![Some("0-1".to_owned()); replicas],
        ..station(name, Some(quota_cpus))
    }
}

/// A row of which nothing was measured.
pub fn row(station: &str, strategy: &str, workers: usize) -> Row {
    Row {
        station: station.to_owned(),
        strategy: strategy.to_owned(),
        kernel: "trial".to_owned(),
        workers,
        ..Row::default()
    }
}

/// A row with these rounds, and nothing derived yet.
pub fn row_of(station: &str, strategy: &str, workers: usize, rounds: Vec<Round>) -> Row {
    Row {
        rounds,
        ..row(station, strategy, workers)
    }
}

/// A row with one sample per round, of these wall seconds.
pub fn timed_row(station: &str, strategy: &str, workers: usize, walls: &[f64]) -> Row {
    let sample = |ended_seconds| ReplicaAccount {
        ended_seconds,
        ..ReplicaAccount::default()
    };
    let rounds = (0..).zip(walls).map(|(round, &wall)| Round {
        round,
        ..accounts::round(vec![sample(wall)])
    });
    Row {
        wall_seconds: crate::stats::interval(walls),
        ..row_of(station, strategy, workers, rounds.collect())
    }
}

/// A whole run of these, with nothing derived yet.
pub fn report(stations: Vec<Station>, rows: Vec<Row>) -> RunReport {
    RunReport {
        schema: SCHEMA.to_owned(),
        lab: "lab-primes".to_owned(),
        backend: Backend::Docker,
        started: "2025-11-21T09:00:00Z".to_owned(),
        seconds: 120.0,
        quick: false,
        partial: false,
        parameters: BTreeMap::from([
            ("kernel".to_owned(), "trial".into()),
            ("limit".to_owned(), 2_000_000.into()),
        ]),
        host: Host {
            cpus: Some(2),
            ..Host::default()
        },
        stations,
        rows,
        comparisons: Vec::new(),
        drills: Vec::new(),
        groups: Vec::new(),
        invariants: Vec::new(),
        compared_with: Predecessor::default(),
        changes: Vec::new(),
    }
}
