//! The runner against stations that answer HTTP as the real ones do, without
//! doing any work.
#![allow(clippy::unwrap_used)]

mod driven;
mod fleet;
mod made;
mod staged;
mod witness;

use super::*;
use crate::labs::invariants::{
    LIMITS_APPLIED, LIMITS_STAYED, NOTHING_ELSE_RAN, NOTHING_LOST, RIGHT_ANSWERS,
};
use crate::labs::{Workers, by_name};
use made::{Made, MadeStations, PRIMES, made, start};
use std::path::Path;
use std::sync::{Arc, Mutex};

fn options(rounds: u32) -> Options {
    Options {
        workers: vec![Workers::Exactly(1)],
        rounds: Some(rounds),
        ..Options::default()
    }
}

async fn run(stations: &MadeStations, options: &Options) -> anyhow::Result<RunReport> {
    let (_keep, interrupted) = watch::channel(false);
    run_until(stations, options, interrupted).await
}

async fn run_until(
    stations: &MadeStations,
    options: &Options,
    interrupted: watch::Receiver<bool>,
) -> anyhow::Result<RunReport> {
    let control = tempfile::tempdir().unwrap();
    run_seen(stations, options, interrupted, control.path()).await
}

async fn run_seen(
    stations: &MadeStations,
    options: &Options,
    interrupted: watch::Receiver<bool>,
    control: &Path,
) -> anyhow::Result<RunReport> {
    let progress = Progress::new();
    let runner = Runner {
        lab: by_name("primes").unwrap(),
        stations,
        options,
        progress: &progress,
        interrupted,
        engine: None,
        now: &now::Writer::new(control, &progress),
    };
    runner.run().await
}

fn held(report: &RunReport, name: &str) -> bool {
    report
        .invariants
        .iter()
        .find(|i| i.name == name)
        .unwrap()
        .held
}

#[tokio::test]
async fn rows_are_measured_one_at_a_time_in_interleaved_rounds() {
    let order = Arc::new(Mutex::new(Vec::new()));
    let shared = |made| Made {
        order: order.clone(),
        ..made
    };
    let stations = start(vec![
        shared(made("primes-half", 0.25)),
        shared(made("primes-two", 2.0)),
    ])
    .await;

    let report = run(&stations, &options(3)).await.unwrap();

    // Three rows: the baseline on the larger station, and each station with one
    // worker. Every round has all of them, and none begins as the one before.
    let (half, two) = ("primes-half", "primes-two");
    let order = order.lock().unwrap();
    assert_eq!(
        order[order.len() - 9..],
        [[two, two, half], [half, two, two], [two, half, two]].concat()
    );
    assert!(report.rows.iter().all(|row| row.rounds.len() == 3));
    assert!(
        report.invariants.iter().all(|invariant| invariant.held),
        "{:?}",
        report.invariants
    );
    // 1.6 s a job for the 2 s wanted under a quota that binds, 0.4 s for 1 s elsewhere.
    let repeats: Vec<_> = report
        .rows
        .iter()
        .map(|row| row.rounds[0].repeats)
        .collect();
    assert_eq!(repeats, [3, 2, 3]);
}

#[tokio::test]
async fn a_station_that_fails_is_named_and_the_others_go_on() {
    let failing = Made {
        fails: Some((0, 3)),
        ..made("primes-half", 0.5)
    };
    let stations = start(vec![failing, made("primes-two", 2.0)]).await;

    let report = run(&stations, &options(3)).await.unwrap();

    let half = report
        .rows
        .iter()
        .find(|row| row.station == "primes-half")
        .unwrap();
    assert_eq!(
        half.rounds.len(),
        1,
        "one probe, one round, then the failure"
    );
    assert_eq!(
        half.not_run.as_deref(),
        Some("primes-half was lost in round 2: the service was told to end")
    );
    for row in report.rows.iter().filter(|row| row.station == "primes-two") {
        assert_eq!(row.rounds.len(), 3);
    }
    assert!(!held(&report, NOTHING_LOST));
}

#[tokio::test]
async fn a_lost_station_keeps_the_same_whole_rounds_in_all_its_rows() {
    // Two rows: two probes and two samples, then the first row's of round 2.
    let failing = Made {
        fails: Some((0, 6)),
        ..made("primes-half", 0.5)
    };
    let stations = start(vec![failing, made("primes-two", 2.0)]).await;
    let both = Options {
        workers: vec![Workers::Exactly(1), Workers::Exactly(2)],
        ..options(3)
    };

    let report = run(&stations, &both).await.unwrap();

    let half = report.rows.iter().filter(|r| r.station == "primes-half");
    let rounds: Vec<_> = half.map(|row| row.rounds.len()).collect();
    assert_eq!(rounds, [1, 1]);
}

#[tokio::test]
async fn a_stranger_on_a_station_and_a_wrong_answer_break_an_invariant() {
    let stranger = Made {
        skips_a_sequence: true,
        ..made("primes-two", 2.0)
    };
    let report = run(&start(vec![stranger]).await, &options(2))
        .await
        .unwrap();
    assert!(!held(&report, NOTHING_ELSE_RAN));
    assert!(held(&report, RIGHT_ANSWERS));

    let wrong = Made {
        answer: PRIMES - 1,
        ..made("primes-two", 2.0)
    };
    let report = run(&start(vec![wrong]).await, &options(2)).await.unwrap();
    assert!(!held(&report, RIGHT_ANSWERS));
    assert!(held(&report, NOTHING_ELSE_RAN));
}

#[tokio::test]
async fn a_quota_that_is_changed_while_the_lab_runs_is_seen() {
    // One row beside the baseline: one probe each, then four samples.
    let updated = Made {
        updated: Some((5, 1.0)),
        ..made("primes-two", 2.0)
    };
    let report = run(&start(vec![updated]).await, &options(2)).await.unwrap();
    assert!(held(&report, LIMITS_APPLIED), "the survey saw the old one");
    assert!(!held(&report, LIMITS_STAYED));
}

#[tokio::test]
async fn a_limit_that_is_not_the_declared_one_is_seen() {
    let mut stations = start(vec![made("primes-two", 2.0)]).await;
    stations.specs[0].declared.cpus = Some(1.0);

    let report = run(&stations, &options(2)).await.unwrap();

    assert_eq!(report.stations[0].agree, Some(false));
    assert!(!held(&report, LIMITS_APPLIED));
}

#[tokio::test]
async fn an_unknown_name_is_refused_with_the_nearest() {
    let stations = start(vec![made("primes-half", 0.5), made("primes-two", 2.0)]).await;
    let refusal = async |options: &Options| run(&stations, options).await.unwrap_err().to_string();

    let wrong = Options {
        stations: vec!["primes-hlaf".into()],
        ..Options::default()
    };
    assert!(refusal(&wrong).await.contains("did you mean primes-half?"));
    let wrong = Options {
        strategies: vec!["work-staling".into()],
        ..Options::default()
    };
    assert!(
        refusal(&wrong)
            .await
            .contains("did you mean work-stealing?")
    );
}

#[tokio::test]
async fn auto_gives_each_station_as_many_workers_as_use_all_of_it() {
    let stations = start(vec![made("primes-half", 0.5), made("primes-two", 2.0)]).await;
    let auto = Options {
        workers: vec![Workers::Auto],
        ..options(1)
    };

    let report = run(&stations, &auto).await.unwrap();

    let rows = report.rows.iter().filter(|row| !row.baseline);
    let workers: Vec<_> = rows.map(|r| (r.station.as_str(), r.workers)).collect();
    assert_eq!(workers, [("primes-half", 1), ("primes-two", 2)]);
}

#[tokio::test]
async fn an_interrupted_run_keeps_its_whole_rounds() {
    let (stop, interrupted) = watch::channel(false);
    let order = Arc::new(Mutex::new(Vec::new()));
    let two = Made {
        order: order.clone(),
        ..made("primes-two", 2.0)
    };
    let stations = start(vec![two, made("primes-half", 0.5)]).await;
    let watching = tokio::spawn(async move {
        // Two calibrations of its two rows, two rounds of two, and into the third.
        while order.lock().unwrap().len() < 7 {
            tokio::time::sleep(Duration::from_millis(1)).await;
        }
        stop.send(true).unwrap();
        stop
    });

    let report = run_until(&stations, &options(50), interrupted)
        .await
        .unwrap();

    watching.await.unwrap();
    assert!(report.partial);
    let rounds: Vec<_> = report.rows.iter().map(|row| row.rounds.len()).collect();
    assert!(rounds[0] >= 2 && rounds[0] < 50, "{rounds:?}");
    assert!(rounds.iter().all(|&n| n == rounds[0]), "{rounds:?}");
}

#[tokio::test]
async fn a_station_that_the_host_refuses_has_a_row_that_says_why() {
    let mut stations = start(vec![made("primes-half", 0.5), made("primes-two", 2.0)]).await;
    stations.specs[0].refused = Some("cpus 99 is above this host's 2 CPUs".into());

    let report = run(&stations, &options(2)).await.unwrap();

    let half = report
        .rows
        .iter()
        .find(|row| row.station == "primes-half")
        .unwrap();
    assert!(half.rounds.is_empty());
    assert_eq!(
        half.not_run.as_deref(),
        Some("cpus 99 is above this host's 2 CPUs")
    );
    assert!(
        held(&report, NOTHING_LOST),
        "what was refused beforehand is not lost"
    );
}

#[tokio::test]
async fn where_no_station_runs_the_reason_is_said_once() {
    let mut stations = start(vec![made("primes-half", 0.5), made("primes-two", 2.0)]).await;
    for spec in &mut stations.specs {
        spec.refused = Some("it ended at once (exit status: 3)".into());
    }
    let narrowed = Options {
        strategies: vec!["executor".into()],
        ..options(2)
    };

    let why = run(&stations, &narrowed).await.unwrap_err().to_string();

    let reason = "there is nothing to measure: it ended at once (exit status: 3)";
    assert!(why.ends_with(reason), "{why}");
}

#[tokio::test]
async fn others_see_the_run_its_row_and_its_end_also_where_it_is_interrupted() {
    let (stop, interrupted) = watch::channel(false);
    let control = tempfile::tempdir().unwrap();
    let stations = start(vec![made("primes-two", 2.0), made("primes-half", 0.5)]).await;
    let folder = control.path().to_owned();
    let watching = tokio::spawn(async move {
        loop {
            match now::read(&folder).unwrap() {
                Some(now) if now.round >= 3 => {
                    stop.send(true).unwrap();
                    return now;
                }
                _ => tokio::time::sleep(Duration::from_millis(1)).await,
            }
        }
    });

    let report = run_seen(&stations, &options(50), interrupted, control.path())
        .await
        .unwrap();

    let seen = watching.await.unwrap();
    let row = seen.row.unwrap();
    let is_row = |other: &measure::report::Row| {
        (&other.station, &other.strategy, other.workers)
            == (&row.station, &row.strategy, row.workers)
    };
    assert!(report.rows.iter().any(is_row), "{row:?}");
    assert_eq!((seen.rounds, seen.ended_seconds), (50, None));
    let half = &seen.stations[1];
    assert_eq!(
        (half.name.as_str(), half.declared.cpus),
        ("primes-half", Some(0.5))
    );
    assert_eq!(half.replicas.len(), 1);
    let last = now::read(control.path()).unwrap().unwrap();
    assert!(
        last.ended_seconds.is_some() && last.row.is_none(),
        "{last:?}"
    );
    assert!((last.started_seconds - seen.started_seconds).abs() < 1e-6);
}

#[tokio::test]
async fn a_run_that_fails_has_ended_for_others_too() {
    let (_keep, interrupted) = watch::channel(false);
    let control = tempfile::tempdir().unwrap();
    let mut stations = start(vec![made("primes-two", 2.0)]).await;
    stations.specs[0].refused = Some("too large".into());

    let failed = run_seen(&stations, &options(1), interrupted, control.path()).await;

    failed.unwrap_err();
    let last = now::read(control.path()).unwrap().unwrap();
    assert!(
        last.ended_seconds.is_some() && last.stations.is_empty(),
        "{last:?}"
    );
}

#[tokio::test]
async fn the_baseline_alone_is_not_measured_for_a_station_that_cannot_run() {
    let order = Arc::new(Mutex::new(Vec::new()));
    let two = Made {
        order: order.clone(),
        ..made("primes-two", 2.0)
    };
    let mut stations = start(vec![
        made("primes-half", 0.5),
        made("primes-pinned", 1.0),
        two,
    ])
    .await;
    stations.specs[0].refused = Some("cpus 99 is above this host's 2 CPUs".into());
    let refusal = async |station: &str, quick: bool| {
        let asked = Options {
            stations: vec![station.into()],
            quick,
            ..Options::default()
        };
        run(&stations, &asked).await.unwrap_err().to_string()
    };

    let refused = refusal("primes-half", false).await;
    let left_out = refusal("primes-pinned", true).await;

    assert!(
        refused.ends_with("primes-half: cpus 99 is above this host's 2 CPUs"),
        "{refused}"
    );
    assert!(left_out.ends_with("leave QUICK out"), "{left_out}");
    assert!(order.lock().unwrap().is_empty(), "nothing was measured");
}
