//! Two runs row by row, and many runs a line each.

use measure::analysis::analyse;
use measure::changes::compared_rows;
use measure::made::*;
use measure::report::{Change, Round, RunReport};
use measure::stats::RunsOutcome;
use measure::text::{Style, past_runs, two_runs};

const WALLS: [f64; 6] = [1.021, 1.033, 1.045, 1.031, 1.022, 1.034];
const STYLE: Style = Style {
    width: 160,
    color: false,
    unicode: true,
};

/// A run on a machine of this speed, with a row under quota 0.5 or without quota.
fn run(started: &str, speed: f64, quota: Option<f64>) -> RunReport {
    let walls = WALLS.map(|wall| wall * speed);
    let sample = |cpu: f64| match quota {
        Some(_) => half(cpu),
        None => replica(cpu).worker(cpu, 0.0),
    };
    let rounds: Vec<Round> = (0..)
        .zip(walls)
        .map(|(round, cpu)| Round {
            round,
            repeats: 1,
            replicas: vec![sample(cpu)],
            ..Round::default()
        })
        .collect();
    let mut report = report(
        vec![station("two", None), station("edited", quota)],
        vec![baseline(&walls), row_of("edited", "sequential", 1, rounds)],
    );
    started.clone_into(&mut report.started);
    analyse(&mut report);
    report
}

#[test]
fn a_row_is_compared_beside_its_own_runs_baseline() {
    // The second machine is half as fast, and the quota is gone.
    let (before, after) = (run("a", 1.0, Some(0.5)), run("b", 2.0, None));
    let rows = compared_rows(&before, &after).unwrap();
    assert_eq!(rows.len(), 1);
    assert_eq!(rows[0].key, "edited/sequential/trial/1");
    assert_eq!(rows[0].outcome, RunsOutcome::Faster);
    assert!((1.9..2.1).contains(&rows[0].ratio), "{:?}", rows[0]);
    assert!(
        (1.9..2.1).contains(&rows[0].predicted_ratio.unwrap()),
        "{:?}",
        rows[0]
    );
}

#[test]
fn the_models_ratio_is_that_of_the_limits_though_a_baseline_was_kept_waiting() {
    let before = run("a", 1.0, Some(0.5));
    let mut after = before.clone();
    let wall = after.rows[0].wall_seconds.as_mut().unwrap();
    wall.median *= 1.05;
    let rows = compared_rows(&before, &after).unwrap();
    assert_eq!(rows[0].predicted_ratio, Some(1.0));
}

#[test]
fn the_table_has_the_knobs_each_row_and_what_may_be_claimed() {
    let (before, mut after) = (run("a", 1.0, Some(0.5)), run("b", 2.0, None));
    after
        .rows
        .push(row_of("new", "sequential", 1, after.rows[1].rounds.clone()));
    let text = two_runs(&before, &after, &STYLE);
    let line = |part: &str| {
        text.lines()
            .find(|line| line.contains(part))
            .unwrap_or_default()
    };
    assert!(line("edited · cpus").contains("0.5 → none"), "{text}");
    assert!(line("(baseline)").contains("1.03 s"), "{text}");
    let row = text.lines().find(|line| line.contains("as fast")).unwrap();
    assert!(row.starts_with("edited · sequential · 1 worker"), "{text}");
    assert!(
        line("Only in the later run").contains("new · sequential"),
        "{text}"
    );
    assert!(!text.contains("Only in the earlier run"), "{text}");
}

#[test]
fn runs_that_differ_in_nothing_say_so_and_claim_nothing() {
    let (before, mut after) = (run("a", 1.0, None), run("b", 1.3, None));
    let text = two_runs(&before, &after, &STYLE);
    assert!(text.contains("No limit, no parameter"), "{text}");
    assert!(text.contains("within noise"), "{text}");
    after.quick = true;
    assert!(two_runs(&before, &after, &STYLE).contains("too few rounds"));
    let mut quick = before.clone();
    quick.quick = true;
    after.quick = false;
    assert!(two_runs(&quick, &after, &STYLE).contains("Of the earlier run: it was quick."));
}

#[test]
fn runs_without_a_baseline_to_divide_by_say_why() {
    let before = run("a", 1.0, None);
    let mut after = before.clone();
    after.rows.retain(|row| !row.baseline);
    assert!(two_runs(&before, &after, &STYLE).contains("a run has no baseline row"));
}

#[test]
fn a_line_of_the_history_tells_what_was_changed_and_the_headline_figures() {
    let mut run = run("2025-11-21T09:00:00Z", 1.0, Some(0.5));
    run.changes = vec![Change {
        subject: "edited".to_owned(),
        knob: "cpus".to_owned(),
        before: "0.25".to_owned(),
        after: "0.5".to_owned(),
        effects: Vec::new(),
    }];
    run.partial = true;
    let text = past_runs(std::slice::from_ref(&run), &STYLE);
    let line = text.lines().last().unwrap();
    for part in [
        "2025-11-21T09:00:00Z",
        "Docker, 2 CPUs",
        "2 × 6, partial",
        "edited cpus 0.25 → 0.5",
        "1.03 s",
        "no row was faster than the baseline",
    ] {
        assert!(line.contains(part), "{part} in {line}");
    }
    assert_eq!(past_runs(&[], &STYLE), "");
}
