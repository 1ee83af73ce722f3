//! What changed between two runs, and what it did.

use measure::analysis::analyse;
use measure::changes::{changes, why_not_comparable};
use measure::made::*;
use measure::report::{Backend, Change, ReplicaAccount, Round, Row, RunReport};

const DRIFT: [f64; 6] = [1.021, 1.033, 1.045, 1.031, 1.022, 1.034];

/// A run with a baseline and one sequential row at `quota` on `edited`.
fn run(quota: f64, sample: impl Fn(f64) -> ReplicaAccount, rounds: usize, speed: f64) -> RunReport {
    let cpu: Vec<f64> = DRIFT[..rounds].iter().map(|c| c * speed).collect();
    let samples: Vec<Round> = (0..)
        .zip(&cpu)
        .map(|(round, &cpu)| Round {
            round,
            repeats: 1,
            replicas: vec![sample(cpu)],
            ..Round::default()
        })
        .collect();
    let mut report = report(
        vec![station("two", None), station("edited", Some(quota))],
        vec![baseline(&cpu), row_of("edited", "sequential", 1, samples)],
    );
    analyse(&mut report);
    report
}

fn full(cpu: f64) -> ReplicaAccount {
    replica(cpu).worker(cpu, 0.0).throttled(10, 0, 0.0)
}

fn effects(before: &RunReport, after: &RunReport) -> Vec<String> {
    changes(before, after)
        .into_iter()
        .flat_map(|c| c.effects)
        .collect()
}

#[test]
fn no_change_is_no_entry() {
    let report = run(0.5, half, 6, 1.0);
    assert!(changes(&report, &report).is_empty());
    // A machine that is slower today is not a change of the lab.
    assert!(changes(&report, &run(0.5, half, 6, 1.3)).is_empty());
}

#[test]
fn how_control_groups_look_is_no_change_where_one_run_was_in_containers() {
    let mut before = run(0.5, half, 6, 1.0);
    let mut after = before.clone();
    before.host.cgroup_version = Some("v1".into());
    after.host.cgroup_version = Some("hybrid".into());
    assert_eq!(changes(&before, &after).len(), 1);

    after.backend = Backend::Local;
    assert!(changes(&before, &after).is_empty());
}

#[test]
fn a_raised_quota_is_named_with_its_effect_and_the_prediction() {
    let (before, after) = (run(0.5, half, 6, 1.0), run(1.0, full, 6, 1.3));
    let found: Vec<Change> = changes(&before, &after);
    assert_eq!(found.len(), 1);
    assert_eq!(
        (found[0].subject.as_str(), found[0].knob.as_str()),
        ("edited", "cpus")
    );
    assert_eq!(
        (found[0].before.as_str(), found[0].after.as_str()),
        ("0.5", "1")
    );
    let effect = &found[0].effects[0];
    assert!(
        effect.starts_with("edited · sequential · 1 worker: 1.9"),
        "{effect}"
    );
    assert!(
        effect.contains("× as fast") && effect.contains("as the model predicted"),
        "{effect}"
    );
    // The machine was slower the second time: the walls alone would mislead.
    assert!(
        effect.contains("while the baseline went 1.03 s → 1.34 s"),
        "{effect}"
    );
    let back = &effects(&after, &before)[0];
    assert!(back.contains("× as long"), "{back}");
}

#[test]
fn a_quota_that_changes_nothing_is_within_noise() {
    let effect = &effects(&run(1.0, full, 6, 1.0), &run(1.5, full, 6, 1.0))[0];
    assert!(
        effect.contains("within noise") && effect.contains("1.00 × as fast"),
        "{effect}"
    );
}

#[test]
fn what_did_not_move_as_predicted_is_said() {
    let effect = &effects(&run(0.5, half, 6, 1.0), &run(1.0, half, 6, 1.0))[0];
    assert!(effect.contains("within noise"), "{effect}");
    assert!(effect.contains("; the model predicted"), "{effect}");
}

#[test]
fn a_row_that_cannot_be_compared_says_why() {
    let (before, after) = (run(0.5, half, 6, 1.0), run(1.0, full, 5, 1.0));
    let effect = &effects(&before, &after)[0];
    let expected = "edited · sequential · 1 worker: not compared: 6 and 5 rounds, six needed (";
    assert!(effect.starts_with(expected), "{effect}");
    assert!(!effect.contains("model"), "{effect}");
    let mut quick = run(1.0, full, 6, 1.0);
    quick.quick = true;
    let effect = &effects(&before, &quick)[0];
    assert!(
        effect.contains("not compared: this run was quick"),
        "{effect}"
    );

    // Beside a change that bears on all rows, rows alike are counted.
    let mut elsewhere = run(0.5, half, 5, 1.0);
    elsewhere.host.cpus = Some(4);
    assert_eq!(
        effects(&before, &elsewhere),
        ["1 row: not compared: 6 and 5 rounds, six needed."]
    );
}

#[test]
fn knobs_of_one_station_that_changed_together_share_one_effect() {
    let before = run(0.5, half, 6, 1.0);
    let mut after = run(1.0, full, 6, 1.0);
    after.stations[1].declared.memory_bytes = Some(128 << 20);
    let found = changes(&before, &after);
    assert_eq!(
        found.iter().map(|c| c.knob.as_str()).collect::<Vec<_>>(),
        ["cpus", "memory"]
    );
    assert_eq!(found[1].after, "128 MiB");
    assert!(
        found[1].effects[0].contains("together with cpus"),
        "{:?}",
        found[1]
    );
}

#[test]
fn another_job_is_a_change_whose_effect_is_not_compared() {
    let before = run(0.5, half, 6, 1.0);
    let mut after = run(1.0, full, 6, 1.0);
    after
        .parameters
        .insert("limit".to_owned(), 8_000_000.into());
    after.parameters.insert("rounds".to_owned(), 6.into());

    let found = changes(&before, &after);

    let names: Vec<_> = found
        .iter()
        .map(|c| (c.subject.as_str(), c.knob.as_str()))
        .collect();
    assert_eq!(names, [("edited", "cpus"), ("lab-primes", "limit")]);
    for change in &found {
        assert_eq!(
            change.effects,
            ["Not compared: the two runs did different jobs (limit 2000000 → 8000000)."]
        );
    }
}

#[test]
fn how_many_rounds_were_asked_for_is_no_change() {
    let before = run(0.5, half, 6, 1.0);
    let mut after = before.clone();
    after.parameters.insert("rounds".to_owned(), 3.into());
    assert!(changes(&before, &after).is_empty());
}

#[test]
fn stations_that_come_and_go_and_the_hosts_cpus_are_named() {
    let mut before = run(0.5, half, 6, 1.0);
    let mut after = before.clone();
    after.stations.push(station("new", Some(0.25)));
    before.stations.push(station("old", Some(0.25)));
    after.host.cpus = Some(4);
    let found = changes(&before, &after);
    let names: Vec<_> = found
        .iter()
        .map(|c| (c.subject.as_str(), c.after.as_str()))
        .collect();
    assert_eq!(
        names,
        [("new", "present"), ("old", "absent"), ("host", "4")]
    );
}

#[test]
fn a_baseline_that_its_own_edit_holds_back_tells_nothing() {
    let before = run(0.5, half, 6, 1.0);
    let mut after = run(1.0, full, 6, 1.0);
    after.stations[0] = station("two", Some(0.8));
    analyse(&mut after);
    let effects = effects(&before, &after);
    assert!(
        effects.iter().all(|e| e.contains("No effect can be told")),
        "{effects:?}"
    );
    // A quota that one worker never meets leaves it a baseline.
    after.stations[0] = station("two", Some(1.0));
    analyse(&mut after);
    assert!(
        changes(&before, &after)
            .iter()
            .any(|c| c.effects[0].contains("as fast"))
    );
}

#[test]
fn a_station_without_a_common_row_says_so() {
    let before = run(0.5, half, 6, 1.0);
    let mut after = run(1.0, full, 6, 1.0);
    after.rows.retain(|row: &Row| row.baseline);
    assert!(effects(&before, &after)[0].contains("No row of this station"));
}

#[test]
fn a_stations_change_beside_one_for_all_rows_claims_no_cause() {
    let mut before = run(0.5, half, 6, 1.0);
    before.host.model = Some("one".to_owned());
    let mut after = run(1.0, full, 6, 1.0);
    after.host.cpus = Some(4);
    after.host.model = Some("another".to_owned());

    let found = changes(&before, &after);

    let names: Vec<_> = found.iter().map(|c| c.knob.as_str()).collect();
    assert_eq!(names, ["cpus", "cpus", "model"]);
    let of_station = &found[0].effects;
    assert_eq!(
        of_station[0],
        "cpus (host), model (host) changed as well, for every row: what follows came \
         of all that together, and no cause is claimed."
    );
    assert!(of_station[1].contains("as fast"), "{of_station:?}");
    let of_host = found[1].effects.join(" ");
    assert!(
        of_host.starts_with("model (host) changed as well"),
        "{of_host}"
    );
    assert!(
        of_host.ends_with("Left out here, since their own limits changed too: edited."),
        "{of_host}"
    );
    assert!(!of_host.contains("as fast"), "{of_host}");
    assert!(
        found[2].effects[0].contains("together with cpus (host)"),
        "{:?}",
        found[2]
    );
}

#[test]
fn another_kernel_of_the_host_is_a_change_for_all_rows() {
    let mut before = run(0.5, half, 6, 1.0);
    let mut after = before.clone();
    before.host.kernel = Some("5.10".to_owned());
    assert!(changes(&before, &after).is_empty(), "one side is unknown");
    after.host.kernel = Some("6.1".to_owned());
    let found = changes(&before, &after);
    assert_eq!(
        (found[0].subject.as_str(), found[0].knob.as_str()),
        ("host", "kernel")
    );
    assert!(found[0].effects[0].contains("no difference"));
}

#[test]
fn what_does_not_compare_says_why() {
    let after = run(1.0, full, 6, 1.0);
    let why = |edit: fn(&mut RunReport)| {
        let mut before = run(0.5, half, 6, 1.0);
        edit(&mut before);
        why_not_comparable(&before, &after)
    };
    assert_eq!(why(|_| ()), None);
    assert_eq!(why(|r| r.quick = true).unwrap(), "it was quick");
    assert_eq!(why(|r| r.partial = true).unwrap(), "it was interrupted");
    let limit = why(|r| {
        r.parameters.insert("limit".to_owned(), 5_000_000.into());
    });
    assert_eq!(
        limit.unwrap(),
        "its limit was 5000000 and not 2000000, which is another job"
    );
    // Which rows and rounds were chosen does not change the work.
    let rounds = why(|r| {
        r.parameters.insert("rounds".to_owned(), 3.into());
    });
    assert_eq!(rounds, None);
    let narrowed = why(|r| r.rows.retain(|row| row.baseline));
    assert_eq!(narrowed.unwrap(), "it has none of these rows");
    // A quick run may be compared with a whole one.
    let mut quick = run(1.0, full, 6, 1.0);
    quick.quick = true;
    assert_eq!(why_not_comparable(&run(0.5, half, 6, 1.0), &quick), None);
}
