//! A report as `lab-primes` would give it, with one of everything.

mod rows;

use super::{fleet, interval, report, station};
use crate::report::{
    Change, Comparison, Declared, Effective, Group, Host, Invariant, Outcome, Predecessor,
    RunReport, Station,
};

/// A station whose runtime believes in so many CPUs.
fn believing(believed: usize, name: &str, cpus: f64) -> Station {
    Station {
        believed_cpus: Some(believed),
        ..station(name, Some(cpus))
    }
}

fn pinned() -> Station {
    Station {
        declared: Declared {
            cpuset: Some("0".to_owned()),
            ..Declared::default()
        },
        effective: Effective {
            cpus: Some(1.0),
            quota_known: true,
            cpuset: Some("0".to_owned()),
            ..Effective::default()
        },
        ..believing(1, "primes-pinned", 1.0)
    }
}

/// A station that this host cannot grant.
fn refused() -> Station {
    Station {
        effective: Effective::default(),
        believed_cpus: None,
        agree: None,
        refused: Some(REFUSED.to_owned()),
        ..station("primes-four", Some(4.0))
    }
}

const REFUSED: &str = "4.0 CPUs are declared and this host has 2 (compose/lab-primes.yml:58)";

fn comparisons() -> Vec<Comparison> {
    let key = |station: &str, strategy: &str, workers: usize| {
        format!("{station}/{strategy}/trial/{workers}")
    };
    let compare = |question: &str, row, against, ratio, outcome| Comparison {
        question: question.to_owned(),
        row,
        against,
        ratio,
        outcome,
    };
    vec![
        compare(
            "Do two workers gain under half a CPU?",
            key("primes-half", "work-stealing", 2),
            key("primes-half", "work-stealing", 1),
            interval(1.003, 0.992, 1.011),
            Outcome::NoDifferenceSeen,
        ),
        compare(
            "Do chunks taken as needed beat equal ranges?",
            key("primes-two", "work-stealing", 2),
            key("primes-two", "static-threads", 2),
            interval(1.172, 1.15, 1.19),
            Outcome::Faster,
        ),
        compare(
            "Is a fleet as good as one container?",
            key("primes-fleet", "work-stealing", 1),
            key("primes-two", "work-stealing", 2),
            interval(0.97, 0.95, 0.98),
            Outcome::Slower,
        ),
    ]
}

/// What another run than the one before found, and what must hold.
fn conclusions(report: &mut RunReport) {
    report.comparisons = comparisons();
    report.groups = vec![Group {
        title: "work-stealing, 2 workers, by limit".to_owned(),
        rows: Vec::new(),
        sentence: "primes-two is fastest (516 ms) and primes-half slowest (2.03 s), 3.94 × apart."
            .to_owned(),
        serial_fractions: Vec::new(),
    }];
    let invariant = |name: &str, detail: &str| Invariant {
        name: name.to_owned(),
        held: name != "every row was measured to the end",
        detail: detail.to_owned(),
    };
    report.invariants = vec![
        invariant(
            "every answer is right",
            "every sample found the 148933 primes",
        ),
        invariant(
            "every limit was applied as declared",
            "read inside 5 stations",
        ),
        invariant(
            "every row was measured to the end",
            "primes-fleet · executor · 4 × 1 worker, since primes-fleet restarted during the run",
        ),
    ];
    report.changes = vec![Change {
        subject: "primes-half".to_owned(),
        knob: "cpus".to_owned(),
        before: "0.25".to_owned(),
        after: "0.5".to_owned(),
        effects: vec![
            "primes-half · work-stealing · 1 worker: 2.00 × as fast (4.08 s → 2.04 s); as the model \
             predicted (2.00 × as fast)."
                .to_owned(),
        ],
    }];
}

/// A run of four stations, and of one that this host cannot grant. Its figures
/// are made too: the analysis was not run.
pub fn sample() -> RunReport {
    let stations = vec![
        believing(1, "primes-half", 0.5),
        station("primes-two", Some(2.0)),
        pinned(),
        Station {
            believed_cpus: Some(1),
            ..fleet("primes-fleet", 4, 0.5)
        },
        refused(),
    ];
    let mut sample = RunReport {
        seconds: 252.3,
        host: Host {
            cpus: Some(2),
            model: Some("Intel(R) Xeon(R) CPU @ 2.20GHz".to_owned()),
            kernel: Some("5.10.0".to_owned()),
            cgroup_version: Some("v1".to_owned()),
            enforcement: None,
            engine: Some("20.10.24".to_owned()),
        },
        compared_with: Predecessor {
            started: Some("2025-11-21T08:30:00Z".to_owned()),
            passed_over: Vec::new(),
        },
        ..report(stations, rows::rows())
    };
    conclusions(&mut sample);
    sample
}
