//! The plan, who takes part, and what the lab says of made runs.
#![allow(clippy::unwrap_used)]

use super::*;
use measure::made::{self, MadeStage, staged_round, staged_row};
use measure::pipeline::raw;
use measure::report::{Drill, Row, RunReport};
use std::collections::BTreeMap;

fn stations(transforms: usize) -> Vec<Station> {
    let mut stations: Vec<Station> = STAGES
        .iter()
        .map(|&stage| match stage {
            TRANSFORM => made::fleet(stage, transforms, 0.5),
            "lookup" => made::fleet(stage, 2, 1.0),
            _ => made::station(stage, Some(1.0)),
        })
        .collect();
    stations.push(made::station(ONE_CPU, Some(1.0)));
    stations.push(made::station(IN_PROCESS, Some(2.0)));
    stations
}

fn planned(transforms: usize, options: &Options) -> Vec<PlannedRow> {
    Pipeline
        .plan(&stations(transforms), &Pipeline.abilities(), options)
        .unwrap()
}

fn names(rows: &[PlannedRow]) -> Vec<&str> {
    rows.iter().map(|row| row.strategy.as_str()).collect()
}

fn only(strategies: &[&str]) -> Options {
    Options {
        strategies: strategies.iter().map(|&name| name.to_owned()).collect(),
        ..Options::default()
    }
}

#[test]
fn each_way_is_a_row_and_the_declared_number_of_replicas_is_one_already() {
    let rows = planned(1, &Options::default());
    assert_eq!(
        names(&rows),
        [
            "as-declared",
            "replicas-2",
            "replicas-4",
            "one-cpu",
            "capacity-10",
            "capacity-10000",
            "in-process"
        ]
    );
    assert!(rows[0].baseline && rows[1..].iter().all(|row| !row.baseline));
    let four = planned(4, &Options::default());
    assert!(names(&four).contains(&"replicas-1") && !names(&four).contains(&"replicas-4"));
    let quick = planned(
        1,
        &Options {
            quick: true,
            ..Options::default()
        },
    );
    assert_eq!(quick.len(), 5, "{quick:?}");
    assert_eq!(
        names(&planned(1, &only(&["capacity-100"]))),
        ["as-declared", "capacity-100"]
    );
}

#[test]
fn what_the_file_or_the_options_lack_is_refused() {
    let mut without = stations(1);
    without.retain(|station| station.name != "parse");
    let refused = Pipeline.plan(&without, &Pipeline.abilities(), &Options::default());
    assert!(refused.unwrap_err().contains("no station parse"));
    let misspelt = Pipeline.plan(&stations(1), &Pipeline.abilities(), &only(&["replica-2"]));
    assert!(misspelt.unwrap_err().contains("did you mean replicas-2?"));
    let workers = Options {
        workers: vec![crate::labs::Workers::Exactly(4)],
        ..Options::default()
    };
    let refused = Pipeline.plan(&stations(1), &Pipeline.abilities(), &workers);
    assert!(refused.unwrap_err().contains("TRANSFORM=4"));
}

#[test]
fn the_stages_take_part_in_the_rows_replicas_and_nobody_else_does() {
    let stations = stations(3);
    let members = |row: &PlannedRow| -> Vec<(String, usize)> {
        let members = Pipeline.members(row, &stations).into_iter();
        members
            .map(|member| (member.station, member.replicas))
            .collect()
    };
    let named = |name: &str, replicas| (name.to_owned(), replicas);
    let rows = planned(3, &Options::default());
    let row = |name: &str| rows.iter().find(|row| row.strategy == name).unwrap();

    let declared = [
        named("source", 1),
        named("parse", 1),
        named("transform", 3),
        named("lookup", 2),
        named("sink", 1),
    ];
    assert_eq!(members(row("as-declared")), declared);
    assert_eq!(members(row("replicas-4"))[2], named("transform", 4));
    assert_eq!(members(row("one-cpu"))[2], named("transform-one", 1));
    assert_eq!(Pipeline.absent(row("one-cpu")), [TRANSFORM]);
    assert_eq!(Pipeline.absent(row("capacity-10")), [ONE_CPU]);
    assert_eq!(members(row("in-process")), [named("in-process", 1)]);
}

#[test]
fn the_request_has_the_rows_queues_and_else_leaves_the_file_its_own() {
    let part = Part {
        index: 0,
        count: 1,
        repeats: 3,
        start_at_seconds: Some(7.0),
    };
    let asked = |name: &str| {
        let rows = planned(1, &only(&[name]));
        let row = rows.iter().find(|row| row.strategy == name).unwrap();
        Pipeline.request(row, part, &Options::default(), &Around::default())
    };
    assert_eq!(asked("capacity-10")["capacity"], 10);
    let plain = asked("replicas-2");
    assert!(plain["capacity"].is_null());
    assert_eq!(
        (&plain["items"], &plain["repeats"]),
        (&json!(1000), &json!(3))
    );
}

#[test]
fn what_is_broken_is_broken_in_a_whole_run_alone() {
    let drills = Pipeline.drills(&Options::default());
    assert_eq!(drills.len(), 3);
    assert!(
        drills
            .iter()
            .all(|drill| drill.items > 0 && drill.at_seconds > 0.0)
    );
    assert!(Pipeline.drills(&only(&["replicas-2"])).is_empty());
}

/// A run of these rows, with what is derived from them.
fn run(rows: Vec<Row>) -> RunReport {
    let mut report = made::report(stations(1), rows);
    Pipeline.compare(&mut report);
    measure::analysis::analyse(&mut report);
    Pipeline.conclude(&mut report);
    report
}

fn rounds(rate: f64, slowest: &str, transforms: usize) -> Vec<measure::report::Round> {
    let stage = |stage, replicas, quota, cpu_seconds, wait_seconds| MadeStage {
        stage,
        replicas,
        quota_cpus: Some(quota),
        cpu_seconds,
        wait_seconds,
    };
    let stages = [
        stage("source", 1, 1.0, 0.000_01, 0.0),
        stage("parse", 1, 1.0, 0.000_05, 0.0),
        stage("transform", transforms, 0.5, 0.001, 0.0),
        stage("lookup", 2, 1.0, 0.000_05, 0.001_55),
        stage("sink", 1, 1.0, 0.000_05, 0.0),
    ];
    let round = |round| {
        let mut round = staged_round(round, rate, slowest, &stages);
        for (stage, replica) in round.stages.iter_mut().flat_map(|stage| {
            let name = stage.stage.clone();
            stage
                .replicas
                .iter_mut()
                .map(move |replica| (name.clone(), replica))
        }) {
            replica.instance = format!("{stage}-{transforms}");
            replica.run_sequence = u64::from(round.round) + 1;
            replica.started_seconds = f64::from(round.round) * 10.0;
            replica.ended_seconds = replica.started_seconds + 2.0;
        }
        round
    };
    (0..6).map(round).collect()
}

fn held<'r>(report: &'r RunReport, name: &str) -> &'r measure::report::Invariant {
    report
        .invariants
        .iter()
        .find(|invariant| invariant.name == name)
        .unwrap()
}

#[test]
fn replicas_are_told_side_by_side_with_who_set_the_pace() {
    let report = run(vec![
        staged_row("as-declared", true, rounds(500.0, "transform", 1)),
        staged_row("replicas-2", false, rounds(980.0, "transform", 2)),
        staged_row("replicas-4", false, rounds(1230.0, "lookup", 4)),
    ]);

    let group = report
        .groups
        .iter()
        .find(|g| g.title.contains("replicas"))
        .unwrap();
    let said = &group.sentence;
    for part in [
        "1 × 500 items/s (transform",
        "2 × 980 items/s, 1000 predicted",
        "(lookup set",
    ] {
        assert!(said.contains(part), "{part} is not in {said}");
    }
    assert_eq!(report.comparisons.len(), 1);
    let broken: Vec<_> = report.invariants.iter().filter(|i| !i.held).collect();
    assert!(broken.is_empty(), "{broken:?}");
}

#[test]
fn an_item_that_is_lost_doubled_or_missing_in_a_stage_breaks_the_run() {
    let of = |edit: fn(&mut measure::report::Round)| {
        let mut rounds = rounds(500.0, "transform", 1);
        edit(&mut rounds[2]);
        run(vec![staged_row("as-declared", true, rounds)])
    };
    let lost = of(|round| {
        round.figures.insert(raw::ARRIVED.to_owned(), 999.0);
    });
    assert!(!held(&lost, invariants::EXACTLY_ONCE).held);
    let doubled = of(|round| {
        round.figures.insert(raw::EXACT.to_owned(), 0.0);
        round.figures.insert(raw::DOUBLED.to_owned(), 1.0);
    });
    let said = held(&doubled, invariants::EXACTLY_ONCE);
    assert!(
        !said.held && said.detail.contains("1 came again"),
        "{said:?}"
    );
    let missing = of(|round| round.stages[1].items -= 1);
    let said = held(&missing, invariants::THROUGH_EVERY_STAGE);
    assert!(
        !said.held && said.detail.contains("999 items through parse"),
        "{said:?}"
    );
    let strange = of(|round| round.stages[1].replicas[0].run_sequence += 5);
    let name = crate::labs::invariants::NOTHING_ELSE_RAN;
    assert!(!held(&strange, name).held);
}

#[test]
fn a_drill_holds_when_items_in_are_items_out() {
    let drill = Drill {
        name: "the sink crashes".to_owned(),
        sent: 2000,
        answered: 2000,
        ..Drill::default()
    };
    let of = |drill: Drill| {
        let mut report = made::report(stations(1), Vec::new());
        report.drills = vec![drill];
        invariants::survived(&report)
    };
    assert!(of(drill.clone()).held);
    let lost = Drill {
        answered: 1999,
        failed: BTreeMap::from([("lost".to_owned(), 1)]),
        ..drill.clone()
    };
    let said = of(lost);
    assert!(
        !said.held && said.detail.contains("2000 items in, 1999 out (1 lost)"),
        "{said:?}"
    );
    let not_done = Drill {
        failed_because: Some("the host script did not answer".to_owned()),
        ..drill
    };
    assert!(!of(not_done).held);
}
