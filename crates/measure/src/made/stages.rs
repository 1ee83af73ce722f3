//! Samples of a pipeline, made by hand.

use crate::pipeline::raw;
use crate::report::{
    BlockedOn, CpusAccount, Depth, GroupAccount, ReplicaAccount, Round, Row, StageSample,
    WorkerAccount,
};
use std::collections::BTreeMap;

/// A stage of one thread in each replica, and what one item takes in it.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct MadeStage {
    /// What it does, and the station that it runs in.
    pub stage: &'static str,
    /// Its replicas.
    pub replicas: usize,
    /// The quota of each.
    pub quota_cpus: Option<f64>,
    /// CPU seconds of one item.
    pub cpu_seconds: f64,
    /// Seconds that a thread waits for one.
    pub wait_seconds: f64,
}

/// Two seconds of a pipeline on two CPUs at so many items per second: before the
/// stage that sets the pace all wait for room, behind it for input.
pub fn staged_round(round: u32, items_per_second: f64, slowest: &str, made: &[MadeStage]) -> Round {
    const SECONDS: f64 = 2.0;
    let items = items_per_second * SECONDS;
    let place = made.iter().position(|stage| stage.stage == slowest);
    let busy: f64 = made.iter().map(|stage| stage.cpu_seconds * items).sum();
    let stages: Vec<StageSample> = made
        .iter()
        .enumerate()
        .map(|(index, stage)| {
            let per_replica = items / stage.replicas as f64;
            let replica = replica(stage, per_replica, SECONDS, Some(index) < place, busy);
            let full = if Some(index) <= place { 100 } else { 1 };
            let reading = |tenth: u32| Depth {
                at_seconds: SECONDS * f64::from(tenth) / 10.0,
                items: full,
                pending: 0,
            };
            let depth = if index == 0 {
                Vec::new()
            } else {
                (0..10).map(reading).collect()
            };
            StageSample {
                stage: stage.stage.to_owned(),
                station: stage.stage.to_owned(),
                replicas: vec![replica; stage.replicas],
                items: items as u64,
                service_seconds: (stage.cpu_seconds + stage.wait_seconds) * items,
                // By Little's law, with nothing in hand.
                queue_seconds: full as f64 * SECONDS,
                depth,
                ..StageSample::default()
            }
        })
        .collect();
    let figures = [
        (raw::GIVEN, items),
        (raw::ARRIVED, items),
        (raw::JOB_ITEMS, items),
        (raw::EXACT, 1.0),
        (raw::BETWEEN_CPU_SECONDS, 0.000_1 * items),
        (raw::P50_SECONDS, 0.2),
    ];
    let figures = figures.map(|(name, figure)| (name.to_owned(), figure));
    Round {
        round,
        figures: BTreeMap::from(figures),
        replicas: stages
            .iter()
            .find(|stage| stage.stage == "transform")
            .map_or_else(Vec::new, |stage| stage.replicas.clone()),
        stages,
        ..Round::default()
    }
}

fn replica(
    stage: &MadeStage,
    items: f64,
    seconds: f64,
    waits_for_room: bool,
    busy: f64,
) -> ReplicaAccount {
    let on_cpu = stage.cpu_seconds * items;
    let io = stage.wait_seconds * items;
    let rest = (seconds - on_cpu - io).max(0.0);
    // One that its quota stops is stopped for all that is left.
    let used_up = stage
        .quota_cpus
        .is_some_and(|quota| on_cpu >= 0.97 * quota * seconds && quota < 1.0);
    let (throttled, blocked) = if used_up { (rest, 0.0) } else { (0.0, rest) };
    let (output, input) = if waits_for_room {
        (blocked, 0.0)
    } else {
        (0.0, blocked)
    };
    ReplicaAccount {
        instance: format!("{}-1", stage.stage),
        run_sequence: 1,
        ended_seconds: seconds,
        quota_cpus: stage.quota_cpus,
        quota_known: true,
        period_seconds: stage.quota_cpus.map(|_| 0.1),
        workers: vec![WorkerAccount {
            items: items as u64,
            ended_seconds: seconds,
            on_cpu_seconds: Some(on_cpu),
            waited_seconds: Some(throttled),
            blocked_on: BlockedOn {
                io,
                input,
                output,
                ..BlockedOn::default()
            },
            ..WorkerAccount::default()
        }],
        group: GroupAccount {
            cpu_seconds: Some(on_cpu),
            periods: Some(20),
            throttled_periods: Some(if used_up { 20 } else { 0 }),
            throttled_seconds: Some(throttled),
        },
        cpus: CpusAccount {
            allowed: Some("0-1".to_owned()),
            count: Some(2),
            idle_seconds: Some((2.0 * seconds - busy).max(0.0)),
            steal_seconds: Some(0.0),
            others_seconds: Some(0.0),
        },
        ..ReplicaAccount::default()
    }
}

/// A row of those rounds on the station `transform`.
pub fn staged_row(strategy: &str, baseline: bool, rounds: Vec<Round>) -> Row {
    Row {
        station: "transform".to_owned(),
        strategy: strategy.to_owned(),
        kernel: "pipeline".to_owned(),
        workers: 1,
        baseline,
        rounds,
        ..Row::default()
    }
}
