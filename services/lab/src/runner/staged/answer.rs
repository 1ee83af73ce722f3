//! The stations' answers as one sample.

use measure::pipeline::raw;
use measure::report::{Depth, ReplicaAccount, Round, StageSample};
use serde::Deserialize;
use std::collections::BTreeMap;

/// What a station of a pipeline answers to `POST /run`.
#[derive(Debug, Clone, Deserialize)]
pub(super) struct StationAnswer {
    pub(super) account: ReplicaAccount,
    pub(super) figures: Figures,
}

/// What a run came to at one station.
#[derive(Debug, Clone, Default, Deserialize)]
pub(super) struct Figures {
    pub(super) stages: Vec<StageAccount>,
    pub(super) latency: Option<Latency>,
    pub(super) outcome: Option<Outcome>,
    /// Items that each queue may hold, by the run's declaration.
    pub(super) capacity: Option<u64>,
}

/// A stage's part.
#[derive(Debug, Clone, Deserialize)]
pub(super) struct StageAccount {
    pub(super) stage: String,
    /// The first of its workers in the account, and how many.
    pub(super) workers: [usize; 2],
    pub(super) figures: Counts,
    pub(super) depth: Vec<Depth>,
}

/// What a stage counted.
#[derive(Debug, Clone, Deserialize)]
pub(super) struct Counts {
    taken: u64,
    given: u64,
    claimed: u64,
    service_seconds: f64,
    queue_seconds: f64,
    stage_seconds: f64,
}

/// How long items took, as how many took how many microseconds.
#[derive(Debug, Clone, Deserialize)]
pub(super) struct Latency {
    counts: Vec<(u64, u64)>,
}

/// What the source knows of the end.
#[derive(Debug, Clone, Deserialize)]
pub(super) struct Outcome {
    pub(super) given: u64,
    pub(super) arrived: u64,
    pub(super) dead: u64,
    pub(super) doubled: Option<u64>,
    pub(super) exact: bool,
}

/// The answers of a pipeline's stations, in the order of its stages, as a sample
/// of the row that is about `station`.
pub(super) fn round(
    answers: Vec<(String, StationAnswer)>,
    station: &str,
    round: u32,
    repeats: u32,
    own: impl Fn(ReplicaAccount) -> ReplicaAccount,
) -> Result<Round, String> {
    let figures = figures(&answers, repeats)?;
    let mut sample = Round {
        round,
        repeats,
        figures,
        ..Round::default()
    };
    for (of, answer) in answers {
        let account = own(answer.account);
        let shares = answer.figures.stages.len() > 1;
        for stage in answer.figures.stages {
            add(&mut sample.stages, &of, stage, &account, shares)?;
        }
        if of == station {
            sample.replicas.push(account);
        }
    }
    Ok(sample)
}

/// Adds one replica's part of a stage.
fn add(
    stages: &mut Vec<StageSample>,
    station: &str,
    part: StageAccount,
    account: &ReplicaAccount,
    shares_process: bool,
) -> Result<(), String> {
    let [first, count] = part.workers;
    let workers = account.workers.get(first..first + count);
    let workers = workers.ok_or_else(|| {
        format!(
            "{station} tells of {count} workers of {} that its account has not",
            part.stage
        )
    })?;
    let known = stages.iter().position(|stage| stage.stage == part.stage);
    let place = known.unwrap_or_else(|| {
        stages.push(StageSample {
            stage: part.stage,
            station: station.to_owned(),
            shares_process,
            // One replica's readings are enough: all look at the same queue.
            depth: part.depth,
            ..StageSample::default()
        });
        stages.len() - 1
    });
    let stage = &mut stages[place];
    let counts = part.figures;
    // The source takes nothing, and the sink gives nothing.
    stage.items += if counts.taken > 0 {
        counts.taken
    } else {
        counts.given
    };
    stage.claimed += counts.claimed;
    stage.service_seconds += counts.service_seconds;
    stage.queue_seconds += counts.queue_seconds;
    stage.stage_seconds += counts.stage_seconds;
    stage.replicas.push(ReplicaAccount {
        workers: workers.to_vec(),
        ..account.clone()
    });
    Ok(())
}

fn figures(
    answers: &[(String, StationAnswer)],
    repeats: u32,
) -> Result<BTreeMap<String, f64>, String> {
    let outcome = answers.iter().find_map(|(_, a)| a.figures.outcome.as_ref());
    let outcome = outcome.ok_or("no station tells how the run ended")?;
    let mut figures = BTreeMap::from([
        (raw::GIVEN.to_owned(), outcome.given as f64),
        (raw::ARRIVED.to_owned(), outcome.arrived as f64),
        (raw::DEAD.to_owned(), outcome.dead as f64),
        (raw::EXACT.to_owned(), f64::from(u8::from(outcome.exact))),
        (
            raw::JOB_ITEMS.to_owned(),
            outcome.given as f64 / f64::from(repeats),
        ),
    ]);
    let mut keep = |name: &str, figure: Option<f64>| {
        figures.extend(figure.map(|figure| (name.to_owned(), figure)));
    };
    keep(raw::DOUBLED, outcome.doubled.map(|doubled| doubled as f64));
    let capacity = answers.iter().find_map(|(_, a)| a.figures.capacity);
    keep(raw::CAPACITY, capacity.map(|items| items as f64));
    let counts = latencies(answers);
    keep(raw::P50_SECONDS, quantile(&counts, 0.5));
    keep(raw::P99_SECONDS, quantile(&counts, 0.99));
    keep(raw::MAX_SECONDS, quantile(&counts, 1.0));
    Ok(figures)
}

/// How many items took how many microseconds, of all sinks.
fn latencies(answers: &[(String, StationAnswer)]) -> BTreeMap<u64, u64> {
    let mut all = BTreeMap::new();
    let of_sinks = answers
        .iter()
        .filter_map(|(_, a)| a.figures.latency.as_ref());
    for (micros, items) in of_sinks.flat_map(|latency| &latency.counts) {
        *all.entry(*micros).or_insert(0) += items;
    }
    all
}

/// What that share of the items did not exceed, in seconds.
fn quantile(counts: &BTreeMap<u64, u64>, share: f64) -> Option<f64> {
    let all: u64 = counts.values().sum();
    let wanted = ((all as f64 * share).ceil() as u64).max(1);
    let mut seen = 0;
    counts.iter().find_map(|(micros, items)| {
        seen += items;
        (seen >= wanted).then_some(*micros as f64 / 1e6)
    })
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;
    use measure::report::WorkerAccount;
    use serde_json::json;

    fn answered(stage: &str, figures: serde_json::Value) -> (String, StationAnswer) {
        let workers = vec![WorkerAccount::default(); 2];
        let account = ReplicaAccount {
            ended_seconds: 2.0,
            workers,
            ..ReplicaAccount::default()
        };
        let figures = serde_json::from_value(figures).unwrap();
        (stage.to_owned(), StationAnswer { account, figures })
    }

    fn counts(taken: u64, given: u64) -> serde_json::Value {
        json!({"taken": taken, "given": given, "claimed": 0, "service_seconds": 0.1,
               "queue_seconds": 1.0, "stage_seconds": 0.5})
    }

    fn stage(name: &str, taken: u64, given: u64, workers: [usize; 2]) -> serde_json::Value {
        json!({"stage": name, "workers": workers, "figures": counts(taken, given), "depth": []})
    }

    #[test]
    fn replicas_of_a_stage_are_one_part_of_the_sample_and_sinks_add_up() {
        let outcome = json!({"given": 10, "arrived": 10, "dead": 0, "doubled": 0, "exact": true});
        let sink = |counts: serde_json::Value| {
            answered(
                "sink",
                json!({"stages": [stage("sink", 5, 0, [0, 2])],
                                    "latency": {"counts": counts}}),
            )
        };
        let answers = vec![
            answered(
                "source",
                json!({"stages": [stage("source", 0, 10, [0, 1])],
                                      "outcome": outcome, "capacity": 7}),
            ),
            sink(json!([[1000, 4], [9000, 1]])),
            sink(json!([[2000, 5]])),
        ];

        let round = round(answers, "sink", 3, 2, |account| account).unwrap();

        let names: Vec<_> = round.stages.iter().map(|s| (&*s.stage, s.items)).collect();
        assert_eq!(names, [("source", 10), ("sink", 10)]);
        assert_eq!(round.stages[1].replicas.len(), 2);
        assert_eq!(round.stages[0].replicas[0].workers.len(), 1);
        assert_eq!(round.replicas.len(), 2, "those of the row's own station");
        assert!((round.stages[1].queue_seconds - 2.0).abs() < 1e-9);
        let figure = |name: &str| round.figures[name];
        assert!((figure(raw::JOB_ITEMS) - 5.0).abs() < 1e-9);
        assert!((figure(raw::CAPACITY) - 7.0).abs() < 1e-9);
        assert!((figure(raw::EXACT) - 1.0).abs() < 1e-9);
        assert!((figure(raw::P50_SECONDS) - 0.002).abs() < 1e-9);
        assert!((figure(raw::P99_SECONDS) - 0.009).abs() < 1e-9);
    }

    #[test]
    fn what_tells_of_no_end_or_of_workers_that_are_not_there_is_no_sample() {
        let no_end = vec![answered("sink", json!({"stages": []}))];
        let why = round(no_end, "sink", 0, 1, |account| account).unwrap_err();
        assert!(why.contains("how the run ended"), "{why}");
        let outcome = json!({"given": 1, "arrived": 1, "dead": 0, "doubled": null, "exact": true});
        let more = json!({"stages": [stage("sink", 1, 0, [1, 2])], "outcome": outcome});
        let why = round(vec![answered("sink", more)], "sink", 0, 1, |a| a).unwrap_err();
        assert!(why.contains("2 workers of sink"), "{why}");
    }
}
