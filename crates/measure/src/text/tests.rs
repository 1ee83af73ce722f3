//! The text of whole reports, and what must hold at every width.
#![allow(clippy::unwrap_used)]

use super::wrap::visible;
use super::*;
use crate::report::*;
use proptest::prelude::*;

fn interval(median: f64) -> Option<Interval> {
    Some(Interval {
        median,
        low: median * 0.99,
        high: median * 1.01,
        coverage: 1.0 - 2.0 / 64.0,
    })
}

fn station(name: &str, replicas: usize, cpus: Option<f64>) -> Station {
    Station {
        name: name.into(),
        replicas,
        declared: Declared {
            cpus,
            ..Declared::default()
        },
        effective: Effective {
            cpus: Some(cpus.unwrap_or(2.0)),
            quota_cpus: cpus,
            quota_known: true,
            period_seconds: Some(0.1),
            cpuset: Some("0-1".into()),
            memory_bytes: None,
        },
        believed_cpus: Some(1),
        agree: Some(true),
        replica_cpusets: vec![Some("0-1".into()); replicas],
        refused: None,
    }
}

fn row(station: &str, strategy: &str, workers: usize, wall: f64, shares: [f64; 4]) -> Row {
    let [running, throttled, runnable, blocked] = shares;
    Row {
        station: station.into(),
        strategy: strategy.into(),
        kernel: "trial".into(),
        workers,
        samples: vec![wall; 6],
        wall_seconds: interval(wall),
        predicted_wall_seconds: interval(wall),
        speedup: interval(0.6 / wall),
        efficiency: Some(0.6 / wall / workers as f64),
        cpus_used: Some(0.5),
        time_budget: Some(TimeBudget {
            running,
            throttled,
            runnable,
            blocked,
            stolen: None,
        }),
        verdict: Some(Verdict {
            kind: VerdictKind::Quota,
            text: "The quota was the limit.".into(),
            evidence: "0.50 of 0.5 granted CPUs in use".into(),
            next: "1 CPU would be 1.98 × as fast.".into(),
            also: Vec::new(),
        }),
        ..Row::default()
    }
}

fn report() -> RunReport {
    RunReport {
        schema: SCHEMA.into(),
        lab: "lab-primes".into(),
        backend: Backend::Docker,
        started: "2026-01-02T03:04:05Z".into(),
        seconds: 100.0,
        quick: false,
        partial: false,
        parameters: std::collections::BTreeMap::new(),
        host: Host {
            cpus: Some(2),
            cgroup_version: Some("v2".into()),
            ..Host::default()
        },
        stations: vec![
            station("primes-half", 1, Some(0.5)),
            station("primes-fleet", 4, Some(0.5)),
        ],
        rows: vec![
            Row {
                baseline: true,
                ..row("primes-half", "sequential", 1, 0.6, [0.5, 0.5, 0.0, 0.0])
            },
            row(
                "primes-half",
                "work-stealing",
                2,
                0.63,
                [0.25, 0.74, 0.01, 0.0],
            ),
            row(
                "primes-fleet",
                "work-stealing",
                1,
                0.16,
                [0.49, 0.01, 0.5, 0.0],
            ),
        ],
        comparisons: Vec::new(),
        groups: Vec::new(),
        invariants: vec![Invariant {
            name: "right answers".into(),
            held: true,
            detail: "every sample found 148933 primes".into(),
        }],
        changes: Vec::new(),
    }
}

fn plain(width: usize) -> Style {
    Style {
        width,
        color: false,
        unicode: true,
    }
}

#[test]
fn a_wide_page_shows_every_column() {
    let text = render(&report(), &plain(160));
    let expected = "
 station       declared  effective  sees  strategy       workers  wall              predicted  speedup  eff.  CPUs  time        % run thr rdy blk
 primes-half   0.5       0.5           1  sequential           1  600 ms (594–606)   baseline     1.00  1.00  0.50  █████▒▒▒▒▒     50  50   0   0
                                          work-stealing        2  630 ms (624–636)     630 ms     0.95  0.48  0.50  ███▒▒▒▒▒▒▒     25  74   1   0
 primes-fleet  4 × 0.5   0.5           1  work-stealing    4 × 1  160 ms (158–162)     160 ms     3.75  3.75  0.50  █████░░░░░     49   1  50   0
";
    let table: String = text
        .lines()
        .skip_while(|line| !line.starts_with(" station"))
        .take(4)
        .map(|line| format!("{}\n", line.trim_end()))
        .collect();
    assert_eq!(format!("\n{table}"), expected, "\n{text}");
}

#[test]
fn a_narrow_page_keeps_what_matters_most() {
    let text = render(&report(), &plain(80));
    let head = text
        .lines()
        .find(|line| line.starts_with(" station"))
        .unwrap();
    for column in ["station", "strategy", "workers", "wall", "time"] {
        assert!(head.contains(column), "{head}");
    }
    assert!(!head.contains("eff."), "{head}");
}

#[test]
fn what_is_odd_comes_before_the_table_and_what_is_unknown_is_no_zero() {
    let mut odd = report();
    odd.stations[0].agree = Some(false);
    odd.stations[1].refused = Some("cpus 9 is above this host's 2 CPUs".into());
    odd.rows[1].predicted_wall_seconds = None;
    odd.rows[1].time_budget = None;
    odd.rows[2].wall_seconds = None;
    odd.rows[2].not_run = Some("cpus 9 is above this host's 2 CPUs".into());

    let text = render(&odd, &plain(160));

    let place = |part: &str| {
        text.find(part)
            .unwrap_or_else(|| panic!("{part:?} is not in\n{text}"))
    };
    let table = place(" station ");
    assert!(place("the kernel applied 0.5 CPUs") < table);
    assert!(place("primes-fleet did not run: cpus 9") < table);
    assert!(place("primes-fleet · work-stealing · 1: cpus 9") > table);
    let unknown = text
        .lines()
        .find(|line| line.contains("work-stealing        2"))
        .unwrap();
    assert_eq!(unknown.matches('?').count(), 3, "{unknown}");
}

#[test]
fn colours_are_codes_around_the_same_text() {
    let painted = render(
        &report(),
        &Style {
            color: true,
            ..plain(120)
        },
    );
    assert!(painted.contains("\x1b["));
    let mut bare = String::new();
    let mut in_code = false;
    for character in painted.chars() {
        match character {
            '\x1b' => in_code = true,
            'm' if in_code => in_code = false,
            _ if in_code => {}
            other => bare.push(other),
        }
    }
    assert_eq!(bare, render(&report(), &plain(120)));
}

#[test]
fn colour_is_for_terminals_without_no_color() {
    assert!(Style::detect(true, false, Some(100)).color);
    assert!(!Style::detect(true, true, Some(100)).color);
    assert!(!Style::detect(false, false, None).color);
    assert_eq!(Style::detect(true, false, Some(100)).width, 100);
    assert_eq!(Style::detect(true, false, Some(7)).width, 60);
}

proptest! {
    #[test]
    fn bars_have_their_length_and_no_room_for_what_was_not(
        shares in prop::array::uniform4(0.0f64..1.0), cells in 1usize..40,
    ) {
        let sum = shares.iter().sum::<f64>().max(1e-9);
        let [running, throttled, runnable, blocked] = shares.map(|share| share / sum);
        let budget = TimeBudget { running, throttled, runnable, blocked, stolen: None };
        let bar = bar(&budget, cells, &plain(80));
        prop_assert_eq!(bar.chars().count(), cells);
        prop_assert!(!bar.contains('!'));
        let shown = bar.chars().filter(|&c| c == '█').count() as f64;
        prop_assert!((shown - running * cells as f64).abs() < 1.0);
    }

    #[test]
    fn no_line_is_longer_than_the_page(width in 72usize..240, long in "[a-z]{1,12}( [a-z]{1,12}){0,60}") {
        let mut report = report();
        report.rows[1].verdict.as_mut().unwrap().text = long.clone();
        report.rows[2].not_run = Some(long.clone());
        report.stations[0].refused = Some(long);
        for line in render(&report, &plain(width)).lines() {
            prop_assert!(visible(line) <= width, "{} > {width}: {line}", visible(line));
        }
    }
}
