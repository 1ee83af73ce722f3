//! A report with one of everything.

use measure::report::{
    Backend, Change, Comparison, Declared, Effective, Group, Host, Interval, Invariant, Outcome,
    Predecessor, Row, RunReport, SCHEMA, Station, TimeBudget, Verdict, VerdictKind,
};
use std::collections::BTreeMap;

pub fn interval(median: f64) -> Interval {
    Interval {
        median,
        low: median * 0.99,
        high: median * 1.015,
        coverage: 1.0 - 2.0 / 64.0,
    }
}

pub fn station(name: &str, cpus: f64) -> Station {
    Station {
        name: name.to_owned(),
        replicas: 1,
        declared: Declared {
            cpus: Some(cpus),
            ..Declared::default()
        },
        effective: Effective {
            cpus: Some(cpus),
            quota_cpus: Some(cpus),
            quota_known: true,
            ..Effective::default()
        },
        believed_cpus: Some(1),
        agree: Some(true),
        replica_cpusets: Vec::new(),
        calibrated: Vec::new(),
        refused: None,
    }
}

pub fn row(station: &str, strategy: &str, workers: usize) -> Row {
    Row {
        station: station.to_owned(),
        strategy: strategy.to_owned(),
        kernel: "trial".to_owned(),
        workers,
        ..Row::default()
    }
}

pub fn budget([running, throttled, runnable, blocked]: [f64; 4]) -> TimeBudget {
    TimeBudget {
        running,
        throttled,
        runnable,
        blocked,
        stolen: None,
    }
}

pub fn verdict(text: &str) -> Verdict {
    Verdict {
        kind: VerdictKind::Quota,
        text: text.to_owned(),
        evidence: format!("figures of {text}"),
        next: format!("advice on {text}"),
        also: Vec::new(),
    }
}

fn measured(row: Row, wall: f64, granted: f64, time: [f64; 4]) -> Row {
    Row {
        samples: vec![wall; 6],
        wall_seconds: Some(interval(wall)),
        predicted_wall_seconds: Some(interval(wall)),
        speedup: Some(interval(1.02 / wall)),
        efficiency: Some(0.5),
        cpus_used: Some(granted),
        granted_cpus: Some(granted),
        time_budget: Some(budget(time)),
        verdict: Some(verdict(&format!("{} on {}", row.strategy, row.station))),
        ..row
    }
}

pub fn report() -> RunReport {
    let key = |station: &str| format!("{station}/work-stealing/trial/2");
    RunReport {
        schema: SCHEMA.to_owned(),
        lab: "lab-primes".to_owned(),
        backend: Backend::Docker,
        started: "2025-11-21T09:00:00Z".to_owned(),
        seconds: 252.3,
        quick: false,
        partial: false,
        parameters: BTreeMap::from([("limit".to_owned(), 2_000_000.into())]),
        host: Host {
            cpus: Some(2),
            cgroup_version: Some("v1".to_owned()),
            ..Host::default()
        },
        stations: vec![station("half", 0.5), station("two", 2.0)],
        rows: vec![
            measured(
                row("half", "work-stealing", 2),
                2.04,
                0.5,
                [0.5, 0.5, 0.0, 0.0],
            ),
            measured(
                row("two", "work-stealing", 2),
                0.515,
                2.0,
                [0.97, 0.0, 0.01, 0.02],
            ),
            Row {
                baseline: true,
                ..measured(row("two", "sequential", 1), 1.02, 2.0, [1.0, 0.0, 0.0, 0.0])
            },
        ],
        comparisons: vec![Comparison {
            question: "Is it so?".to_owned(),
            row: key("half"),
            against: key("two"),
            ratio: interval(0.25),
            outcome: Outcome::Slower,
        }],
        groups: vec![Group {
            title: "by limit".to_owned(),
            rows: Vec::new(),
            serial_fractions: Vec::new(),
            sentence: "two is fastest.".to_owned(),
        }],
        invariants: vec![Invariant {
            name: "right answers".to_owned(),
            held: true,
            detail: "all of them".to_owned(),
        }],
        compared_with: Predecessor {
            started: Some("2025-11-20T09:00:00Z".to_owned()),
            passed_over: Vec::new(),
        },
        changes: vec![Change {
            subject: "half".to_owned(),
            knob: "cpus".to_owned(),
            before: "0.25".to_owned(),
            after: "0.5".to_owned(),
            effects: vec!["half: 2.00 × as fast".to_owned()],
        }],
    }
}
