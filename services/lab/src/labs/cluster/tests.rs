//! The plan, the loads, and what the lab says of made runs.
#![allow(clippy::unwrap_used)]

use super::*;
use measure::made::{self, ReplicaExt, replica, rounds, row_of};
use measure::report::{Drill, Row, Slice};
use measure::serving::raw;
use std::collections::BTreeMap;

fn stations() -> Vec<Station> {
    vec![
        made::station("cluster-one", Some(1.0)),
        made::station("cluster-two", Some(2.0)),
        made::station("cluster-over", Some(1.0)),
        made::fleet("cluster-replicas", 2, 1.0),
    ]
}

fn planned(options: &Options) -> Vec<PlannedRow> {
    Cluster
        .plan(&stations(), &Cluster.abilities(), options)
        .unwrap()
}

fn workers_of(rows: &[PlannedRow], station: &str, load: &str) -> Vec<usize> {
    let of = |row: &&PlannedRow| row.station == station && row.strategy == load;
    rows.iter().filter(of).map(|row| row.workers).collect()
}

#[test]
fn each_station_has_its_workers_and_one_the_rules_for_them() {
    let rows = planned(&Options::default());

    assert_eq!(workers_of(&rows, "cluster-one", "saturated"), [1, 3, 2]);
    assert_eq!(workers_of(&rows, "cluster-one", "at-80"), [1, 3, 2]);
    assert_eq!(workers_of(&rows, "cluster-two", "saturated"), [2]);
    assert_eq!(workers_of(&rows, "cluster-over", "at-target"), [8]);
    assert_eq!(workers_of(&rows, "cluster-replicas", "at-50"), [1]);
    // One worker shares its port with nobody.
    assert!(workers_of(&rows, "cluster-one", "reuseport").is_empty());
    assert_eq!(workers_of(&rows, "cluster-over", "reuseport"), [8]);
    let quick = planned(&Options {
        quick: true,
        ..Options::default()
    });
    assert_eq!(quick.len(), 6);
    for station in [OVER, REPLICAS] {
        assert!(
            !workers_of(&quick, station, AT_HALF).is_empty(),
            "its drill needs it"
        );
    }
}

#[test]
fn the_family_is_the_rows_and_the_port_is_shared_as_the_load_says() {
    let part = Part {
        index: 0,
        count: 1,
        repeats: 1,
        start_at_seconds: Some(5.0),
    };
    let asked = |load: &str| {
        Cluster.request(
            &row(OVER, load, 8),
            part,
            &Options::default(),
            &Around::default(),
        )
    };
    assert_eq!(asked(REUSEPORT)["strategy"], "reuseport");
    let inherited = asked(SATURATED);
    assert_eq!(inherited["strategy"], "inherit");
    assert_eq!(
        (&inherited["workers"], &inherited["threads"]),
        (&json!(8), &json!(1))
    );
}

#[test]
fn rates_are_shares_of_what_was_found() {
    let mut known = Known::default();
    known.keep(steps::found_on("cluster-one"), Some(1000.0));
    known.keep(steps::too_many_on("cluster-one"), Some(1100.0));
    known.keep(steps::confirmed_on("cluster-one"), Some(3.0));
    let load = |name: &str| loads::load(&row("cluster-one", name, 1), &known, 7);
    for (name, rate) in [("at-target", 1000.0), ("at-80", 800.0), ("at-50", 500.0)] {
        let load = load(name).unwrap();
        assert!((load.body["rate"].as_f64().unwrap() - rate).abs() < 1e-9);
        assert!((load.figures[raw::TOO_MANY_PER_SECOND] - 1100.0).abs() < 1e-9);
        assert!((load.figures[raw::CONFIRMATIONS] - 3.0).abs() < 1e-9);
    }
    assert_eq!(load("saturated").unwrap().body["loop"], "closed");
    known.unknown(&steps::found_on("cluster-two"), "no rate was found for it");
    let why = loads::load(&row("cluster-two", "at-80", 2), &known, 7).unwrap_err();
    assert_eq!(why, "no rate was found for it");
}

/// Six samples of 1.5 s with that many answers, p99 and fairness.
fn served(station: &str, load: &str, workers: usize, answered: f64, p99: f64) -> Row {
    let sample = replica(1.5).worker(1.4, 0.0).blocked(|b| b.idle = 0.1);
    let mut rounds = rounds(6, &[sample]);
    for round in &mut rounds {
        round.figures = [
            (raw::SENT, answered),
            (raw::ANSWERED, answered),
            (raw::LOAD_SECONDS, 1.5),
            (raw::P99_SECONDS, p99),
            (raw::FAIRNESS, if load == REUSEPORT { 0.8 } else { 0.99 }),
        ]
        .map(|(name, figure)| (name.to_owned(), figure))
        .into();
        if load.starts_with("at-") {
            for (name, figure) in [
                (raw::FOUND_PER_SECOND, 1000.0),
                (raw::TOO_MANY_PER_SECOND, 1050.0),
                (raw::CONFIRMATIONS, 3.0),
                (raw::TARGET_P99_SECONDS, 0.05),
            ] {
                round.figures.insert(name.to_owned(), figure);
            }
        }
    }
    row_of(station, load, workers, rounds)
}

fn drill() -> Drill {
    let slice = |(index, failed): (u32, u64)| Slice {
        at_seconds: f64::from(index) / 10.0,
        sent: 50,
        answered: 50 - failed,
        failed,
        p99_seconds: Some(0.002),
    };
    Drill {
        name: "one of its workers is killed (SIGKILL)".to_owned(),
        station: OVER.to_owned(),
        workers: 8,
        connections: 64,
        offered_per_second: 500.0,
        seconds: 0.6,
        done_at_seconds: Some(0.21),
        sent: 300,
        answered: 297,
        failed: BTreeMap::from([("reset".to_owned(), 3)]),
        restarts: Some(1),
        timeline: (0..).zip([0, 0, 3, 0, 0, 0]).map(slice).collect(),
        ..Drill::default()
    }
}

#[test]
fn the_groups_tell_rates_rules_fairness_and_drills() {
    let rows = vec![
        served("cluster-one", SATURATED, 1, 3000.0, 0.005),
        served("cluster-one", SATURATED, 3, 2990.0, 0.06),
        served("cluster-one", loads::AT_80, 1, 1200.0, 0.003),
        served("cluster-two", SATURATED, 2, 5000.0, 0.006),
        served("cluster-over", SATURATED, 8, 2900.0, 0.09),
        served("cluster-over", REUSEPORT, 8, 2900.0, 0.11),
    ];
    let mut report = made::report(stations(), rows);
    report.drills = vec![drill()];
    measure::analysis::analyse(&mut report);

    Cluster.conclude(&mut report);

    let sentence = |title: &str| {
        let found = report
            .groups
            .iter()
            .find(|group| group.title.starts_with(title));
        found
            .unwrap_or_else(|| panic!("{title}: {:?}", report.groups))
            .sentence
            .clone()
    };
    let target = sentence("requests per second with p99 under 50.0 ms");
    assert!(
        target.contains("cluster-one up to 1000 requests/s (3 × confirmed) and no longer at 1050"),
        "{target}"
    );
    assert!(
        target.contains("At 80 % of its own rate p99 was: cluster-one (1 worker) 3.00 ms."),
        "{target}"
    );
    let most = sentence("saturated, by station");
    assert!(
        most.contains("cluster-over (8 workers) 1933 requests/s at p99 90.0 ms"),
        "{most}"
    );
    assert!(
        most.ends_with("In every round cluster-two answered more than cluster-one, cluster-over."),
        "{most}"
    );
    let rules = sentence("rules for worker counts");
    assert!(
        rules.starts_with(
            "1 worker (n by the quota): 2000 requests/s, p99 5.00 ms saturated, 3.00 ms at 80 %"
        ),
        "{rules}"
    );
    assert!(
        rules.contains("3 workers (2n + 1): 1993 requests/s"),
        "{rules}"
    );
    assert!(
        rules.contains("In every round the p99 was longer with 3 than with 1"),
        "{rules}"
    );
    let fair = sentence("how evenly");
    assert!(
        fair.contains("cluster-over (8 workers): 0.99 with one listening socket for all, 0.80"),
        "{fair}"
    );
    let killed = sentence("drill on cluster-over");
    assert!(
        killed.contains("3 of 300 requests were lost (3 reset), the last of them within 90.0 ms"),
        "{killed}"
    );
    assert!(
        killed.ends_with("The master started one worker in its place."),
        "{killed}"
    );
}

#[test]
fn a_drill_that_loses_requests_in_another_way_breaks_the_invariant() {
    let with = |kind: &str| {
        let mut report = made::report(stations(), Vec::new());
        report.drills = vec![Drill {
            failed: BTreeMap::from([(kind.to_owned(), 2)]),
            ..drill()
        }];
        served::drills_explained(&report).unwrap()
    };
    assert!(with("reset").held);
    assert!(with("connect_refused").held);
    let wrong = with("status-500");
    assert!(
        !wrong.held && wrong.detail.contains("2 × status-500"),
        "{}",
        wrong.detail
    );
    assert_eq!(
        served::drills_explained(&made::report(stations(), Vec::new())),
        None
    );
}
