//! Pipelines: what sets the pace, by what was measured and by the model.

use measure::analysis::analyse;
use measure::made::{self, MadeStage, staged_round, staged_row};
use measure::report::{Round, Row, RunReport, Station, VerdictKind};
use measure::text::{self, Style};

const STAGES: [&str; 4] = ["source", "parse", "transform", "lookup"];

/// Half a CPU for 1 ms of work, and two lookups of 1.6 ms.
fn stages(transforms: usize) -> [MadeStage; 4] {
    let stage = |stage, replicas, quota_cpus, cpu_seconds, wait_seconds| MadeStage {
        stage,
        replicas,
        quota_cpus,
        cpu_seconds,
        wait_seconds,
    };
    [
        stage("source", 1, Some(1.0), 0.000_01, 0.0),
        stage("parse", 1, Some(1.0), 0.000_05, 0.0),
        stage("transform", transforms, Some(0.5), 0.001, 0.0),
        stage("lookup", 2, Some(1.0), 0.000_05, 0.001_55),
    ]
}

fn stations() -> Vec<Station> {
    let quota = |name: &&str| if **name == *"transform" { 0.5 } else { 1.0 };
    let all = STAGES.iter();
    all.map(|name| made::station(name, Some(quota(name))))
        .collect()
}

fn rounds(items_per_second: f64, slowest: &str, made: &[MadeStage]) -> Vec<Round> {
    (0..6)
        .map(|round| staged_round(round, items_per_second, slowest, made))
        .collect()
}

fn analysed(rows: Vec<Row>) -> RunReport {
    let mut report = made::report(stations(), rows);
    "lab-pipeline".clone_into(&mut report.lab);
    analyse(&mut report);
    report
}

fn as_declared() -> Row {
    staged_row("as-declared", true, rounds(500.0, "transform", &stages(1)))
}

#[test]
fn the_stage_that_always_has_something_to_do_is_named_with_its_kind_and_what_comes_next() {
    let report = analysed(vec![as_declared()]);

    let row = &report.rows[0];
    let pipeline = row.pipeline.as_ref().unwrap();
    assert_eq!(pipeline.binding.as_deref(), Some("transform"));
    assert_eq!(pipeline.kind, Some(VerdictKind::Quota));
    assert_eq!(pipeline.predicted_binding.as_deref(), Some("transform"));
    assert_eq!(pipeline.replicas_until_next, Some(3));
    assert_eq!(pipeline.next_binding.as_deref(), Some("lookup"));
    let verdict = row.verdict.as_ref().unwrap();
    assert_eq!(verdict.kind, VerdictKind::Quota);
    assert!(
        verdict.text.contains("transform set the pace"),
        "{verdict:?}"
    );
    assert!(
        verdict
            .next
            .contains("From 3 replicas of transform on lookup binds, at 1250 items/s"),
        "{verdict:?}"
    );
}

#[test]
fn more_replicas_are_predicted_from_the_baselines_costs_and_their_own_limits() {
    let two = staged_row("replicas-2", false, rounds(980.0, "transform", &stages(2)));
    let four = staged_row("replicas-4", false, rounds(1230.0, "lookup", &stages(4)));

    let report = analysed(vec![as_declared(), two, four]);

    let of = |index: usize| report.rows[index].pipeline.clone().unwrap();
    let predicted = |index: usize| of(index).predicted_items_per_second.unwrap().median;
    assert!((predicted(1) - 1000.0).abs() < 0.1);
    assert!((predicted(2) - 1250.0).abs() < 0.1);
    assert_eq!(of(2).binding.as_deref(), Some("lookup"));
    assert_eq!(of(2).kind, Some(VerdictKind::Waiting));
    // 1960 items at 1000 per second.
    let wall = report.rows[1].predicted_wall_seconds.unwrap().median;
    assert!((wall - 1.96).abs() < 1e-3, "{wall}");
    assert!((report.rows[1].figures["items_per_second"] - 980.0).abs() < 0.1);
}

#[test]
fn wherever_the_bottleneck_is_it_is_named() {
    for slowest in STAGES {
        let mut made = stages(1);
        for stage in &mut made {
            let is_it = stage.stage == slowest;
            *stage = MadeStage {
                replicas: 1,
                quota_cpus: Some(if is_it { 0.1 } else { 1.0 }),
                cpu_seconds: 0.000_2,
                wait_seconds: 0.0,
                ..*stage
            };
        }
        let row = staged_row("as-declared", true, rounds(500.0, slowest, &made));
        let report = analysed(vec![row]);
        let pipeline = report.rows[0].pipeline.as_ref().unwrap();
        assert_eq!(pipeline.binding.as_deref(), Some(slowest));
        assert_eq!(pipeline.predicted_binding.as_deref(), Some(slowest));
    }
}

#[test]
fn of_two_that_are_as_busy_and_of_cpus_all_in_use_no_stage_is_named() {
    let mut made = stages(1);
    made[1].cpu_seconds = 0.000_99;
    made[1].quota_cpus = Some(0.5);
    let both = staged_row("as-declared", true, rounds(500.0, "transform", &made));
    let report = analysed(vec![both]);
    let verdict = report.rows[0].verdict.as_ref().unwrap();
    assert_eq!(verdict.kind, VerdictKind::Unclear, "{verdict:?}");

    let mut all_used = rounds(500.0, "transform", &stages(1));
    for round in &mut all_used {
        for replica in round.stages.iter_mut().flat_map(|s| &mut s.replicas) {
            replica.cpus.idle_seconds = Some(0.05);
        }
    }
    let kind_of = |rounds: Vec<Round>| {
        let report = analysed(vec![staged_row("as-declared", true, rounds)]);
        let pipeline = report.rows[0].pipeline.clone().unwrap();
        assert_eq!(pipeline.binding.as_deref(), Some("cpus"));
        pipeline.kind
    };
    // The stages used half a CPU of two: somebody else had the rest.
    assert_eq!(kind_of(all_used.clone()), Some(VerdictKind::Host));
    for round in &mut all_used {
        round.stages[2].replicas[0].group.cpu_seconds = Some(3.0);
    }
    assert_eq!(kind_of(all_used), Some(VerdictKind::Cpu));
}

#[test]
fn rounds_that_do_not_agree_name_nobody_and_one_odd_one_of_six_does_not_count() {
    let mixed = |odd: usize| {
        let mut all = rounds(500.0, "transform", &stages(1));
        let other = rounds(1230.0, "lookup", &stages(4));
        all[..odd].clone_from_slice(&other[..odd]);
        let report = analysed(vec![staged_row("as-declared", true, all)]);
        report.rows[0].pipeline.as_ref().unwrap().binding.clone()
    };
    assert_eq!(mixed(1).as_deref(), Some("transform"));
    assert_eq!(mixed(2), None);
}

#[test]
fn littles_law_is_what_the_queue_holds_and_the_text_shows_both() {
    let report = analysed(vec![as_declared()]);

    let stages = &report.rows[0].pipeline.as_ref().unwrap().stages;
    assert_eq!(stages[0].queue_items, None, "the source has no queue");
    assert_eq!(stages[0].queue_seconds, None);
    let queue = &stages[2];
    assert!((queue.queue_items.unwrap() - 100.0).abs() < 1e-6);
    assert!((queue.queue_items_by_law.unwrap() - 100.0).abs() < 0.2);
    assert_eq!(queue.queue_items_over_time.len(), 10);
    let said = text::render(&report, &Style::detect(false, true, Some(160)));
    for part in [
        "Stages: where",
        "Queues: what",
        "by L = λW",
        "|██████████|",
        "transform set",
    ] {
        assert!(said.contains(part), "{part} is not in\n{said}");
    }
}
