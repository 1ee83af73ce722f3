//! What the stages of a sample show, and medians over the rounds.

use super::model::{Binding, Next, Pipeline, Stage, Throughput, littles_law};
use super::raw;
use crate::figures::{RoundFigures, typical_budget};
use crate::report::{
    CpusAccount, Depth, Interval, PipelineFigures, ReplicaAccount, Round, Row, StageFigures,
    StageSample, Station, VerdictKind,
};
use crate::stats::{interval, median};
use crate::verdict::thresholds::{
    ALL_BUSY, BINDS, BINDS_ALONE, LOSS, MOSTLY, ROUNDS_WITH_ONE_ODD, THROTTLED,
};

/// What the CPUs are called where they are what binds.
pub(super) const CPUS: &str = "cpus";

/// What lies between the stages over a network.
const BETWEEN: &str = "redis";

/// A row's time is shown in so many parts.
const PARTS: usize = 10;

/// What a row's rounds come to.
pub(super) struct OfRow {
    pub(super) figures: PipelineFigures,
    pub(super) predicted_wall_seconds: Option<Interval>,
}

/// What sets the pace in one round.
#[derive(Debug, Clone, PartialEq, Eq)]
struct Seen {
    name: String,
    kind: VerdictKind,
}

/// A prediction for one round.
struct Predicted {
    throughput: Throughput,
    name: String,
    /// From how many replicas on what binds, at how many items per second.
    next: Option<(usize, String, f64)>,
    pipeline: Pipeline,
}

pub(super) fn of_row(row: &Row, baseline: &[Round], stations: &[Station]) -> OfRow {
    let rounds: Vec<&Round> = row.rounds.iter().filter(|r| super::is_staged(r)).collect();
    let predicted: Vec<Option<Predicted>> = rounds
        .iter()
        .map(|round| {
            let same = baseline.iter().find(|b| b.round == round.round)?;
            predicted(round, same)
        })
        .collect();
    let known = || predicted.iter().flatten();
    let seen: Vec<Option<Seen>> = rounds
        .iter()
        .map(|round| binding(round, stations))
        .collect();
    let agreed = agreed(&seen);
    let rates: Vec<f64> = rounds.iter().filter_map(|r| items_per_second(r)).collect();
    let predicted_rates: Vec<f64> = known().map(|p| p.throughput.items_per_second).collect();
    let walls: Vec<f64> = rounds
        .iter()
        .zip(&predicted)
        .filter_map(|(round, predicted)| {
            let items = round.figures.get(raw::JOB_ITEMS)?;
            Some(items / predicted.as_ref()?.throughput.items_per_second)
        })
        .collect();
    let typical = typical(known(), median(&predicted_rates));
    OfRow {
        predicted_wall_seconds: interval(&walls),
        figures: PipelineFigures {
            items_per_second: interval(&rates),
            predicted_items_per_second: interval(&predicted_rates),
            binding: agreed.as_ref().map(|seen| seen.name.clone()),
            kind: agreed.map(|seen| seen.kind),
            predicted_binding: typical.map(|p| p.name.clone()),
            replicas_until_next: typical.and_then(|p| Some(p.next.as_ref()?.0)),
            next_binding: typical.and_then(|p| Some(p.next.as_ref()?.1.clone())),
            next_items_per_second: typical.and_then(|p| Some(p.next.as_ref()?.2)),
            cpu_ms_per_item: of_rounds(&rounds, |r| Some(cpu_seconds_of_all(r)? * 1e3)),
            stages: stages(&rounds, typical, stations),
        },
    }
}

/// The prediction whose rate is nearest to the median one.
fn typical<'p>(
    all: impl Iterator<Item = &'p Predicted>,
    median: Option<f64>,
) -> Option<&'p Predicted> {
    let median = median?;
    let away = |p: &&Predicted| (p.throughput.items_per_second - median).abs();
    all.min_by(|a, b| away(a).total_cmp(&away(b)))
}

fn of_rounds(rounds: &[&Round], figure: impl Fn(&Round) -> Option<f64>) -> Option<f64> {
    let known: Vec<f64> = rounds.iter().filter_map(|round| figure(round)).collect();
    median(&known)
}

fn items_of(round: &Round) -> Option<f64> {
    round
        .figures
        .get(raw::GIVEN)
        .copied()
        .filter(|items| *items > 0.0)
}

fn items_per_second(round: &Round) -> Option<f64> {
    let rate = round.figures.get(raw::ARRIVED)? / round.wall_seconds();
    rate.is_finite().then_some(rate)
}

/// The account of the CPUs that all stages share: that of whoever may use most.
fn machine(round: &Round) -> Option<(&CpusAccount, f64)> {
    let replicas = round.stages.iter().flat_map(|stage| &stage.replicas);
    let known = replicas.filter_map(|r| Some((r.cpus.count?, r)));
    let (_, widest) = known.max_by_key(|(count, _)| *count)?;
    Some((&widest.cpus, widest.seconds()))
}

/// CPU seconds of one item, in all stages and between them.
fn cpu_seconds_of_all(round: &Round) -> Option<f64> {
    let items = items_of(round)?;
    Some(of_stages(round)? / items + between_cpu_seconds(round)?)
}

/// CPU seconds that an item cost between the stages: those of Redis, and none
/// where all stages are in one process.
fn between_cpu_seconds(round: &Round) -> Option<f64> {
    if round.stages.iter().all(|stage| stage.shares_process) {
        return Some(0.0);
    }
    Some(round.figures.get(raw::BETWEEN_CPU_SECONDS)? / items_of(round)?)
}

/// CPU seconds of one item in a stage: what its groups used, and where these
/// hold other stages too, its own threads.
fn cpu_seconds(stage: &StageSample, items: f64) -> Option<f64> {
    let of_threads = |replica: &ReplicaAccount| -> Option<f64> {
        replica.workers.iter().map(|w| w.on_cpu_seconds).sum()
    };
    let each = stage.replicas.iter().map(|replica| {
        let group = replica.group.cpu_seconds.filter(|_| !stage.shares_process);
        group.or_else(|| of_threads(replica))
    });
    Some(each.sum::<Option<f64>>()? / items)
}

/// CPU seconds of all stages in a round.
fn of_stages(round: &Round) -> Option<f64> {
    let each = round.stages.iter().map(|stage| cpu_seconds(stage, 1.0));
    each.sum()
}

/// Seconds that a thread of the stage waited for one item on no CPU, as far as
/// that was in its function. What it waited for Redis between items is left out:
/// a stage without much to do asks for each item by itself, one that binds for
/// many at once.
fn wait_seconds(stage: &StageSample, items: f64) -> f64 {
    let workers = || stage.replicas.iter().flat_map(|replica| &replica.workers);
    let io: f64 = workers().map(|w| w.blocked_on.io.max(0.0)).sum();
    let idle: f64 = workers().map(|w| w.blocked_on.idle.max(0.0)).sum();
    (io.min(stage.service_seconds) + idle) / items
}

/// What the costs of the baseline's round come to under this round's limits.
fn predicted(round: &Round, baseline: &Round) -> Option<Predicted> {
    let items = items_of(baseline)?;
    let stages: Vec<Stage> = round
        .stages
        .iter()
        .map(|stage| {
            let like = baseline.stages.iter().find(|b| b.stage == stage.stage)?;
            Some(Stage {
                name: stage.stage.clone(),
                replicas: stage.replicas.len(),
                threads: stage.replicas.first()?.workers.len(),
                quota_cpus: quota(stage),
                cpu_seconds: cpu_seconds(like, items)?,
                wait_seconds: wait_seconds(like, items),
            })
        })
        .collect::<Option<_>>()?;
    let one_process = round.stages.iter().all(|stage| stage.shares_process);
    let between = between_cpu_seconds(baseline).filter(|_| !one_process);
    let mut stages = stages;
    // One thread of it does what all stages ask of it.
    stages.extend(between.map(|cpu_seconds| Stage {
        name: BETWEEN.to_owned(),
        replicas: 1,
        threads: 1,
        quota_cpus: None,
        cpu_seconds,
        wait_seconds: 0.0,
    }));
    let is_known = one_process || between.is_some();
    let pipeline = Pipeline {
        stages,
        cpus: cpus(round).filter(|_| is_known),
    };
    let throughput = pipeline.throughput()?;
    let name = |binding: Binding| match binding {
        Binding::Stage(index) => pipeline.stages[index].name.clone(),
        Binding::Cpus => CPUS.to_owned(),
    };
    let next = match throughput.binding {
        Binding::Stage(index) => pipeline.next_after(index),
        Binding::Cpus => None,
    };
    let next = next.map(
        |Next {
             replicas,
             throughput: then,
         }| { (replicas, name(then.binding), then.items_per_second) },
    );
    Some(Predicted {
        name: name(throughput.binding),
        throughput,
        next,
        pipeline,
    })
}

/// CPUs that the pipeline can use: those of the machine, or what its one process
/// is granted.
fn cpus(round: &Round) -> Option<f64> {
    let there = machine(round)?.0.count? as f64;
    let of_process = round
        .stages
        .iter()
        .filter(|stage| stage.shares_process)
        .flat_map(|stage| &stage.replicas)
        .filter_map(|replica| replica.quota_cpus);
    Some(of_process.fold(there, f64::min))
}

/// The quota of each replica, where it is the stage's own.
fn quota(stage: &StageSample) -> Option<f64> {
    let first = stage.replicas.first().filter(|_| !stage.shares_process)?;
    first.quota_cpus
}

/// The stage's part of a sample as a sample of its own.
fn alone(round: &Round, stage: &StageSample, stations: &[Station]) -> Option<RoundFigures> {
    let station = stations.iter().find(|s| s.name == stage.station)?;
    let alone = Round {
        round: round.round,
        replicas: stage.replicas.clone(),
        ..Round::default()
    };
    RoundFigures::new(&alone, station)
}

/// Share of the threads' time in which they had something to do.
fn utilisation(figures: &RoundFigures) -> Option<f64> {
    let blocked = figures.blocked_by?;
    let nothing = blocked.input + blocked.output + blocked.start + blocked.tail;
    Some((1.0 - nothing).clamp(0.0, 1.0))
}

/// What sets the pace of a round: the CPUs where none was idle, else the one
/// stage whose threads had something to do all the time.
fn binding(round: &Round, stations: &[Station]) -> Option<Seen> {
    let (cpus, seconds) = machine(round)?;
    let all = cpus.count? as f64 * seconds;
    if cpus
        .idle_seconds
        .is_some_and(|idle| idle / all < 1.0 - ALL_BUSY)
    {
        let own = of_stages(round)?;
        let kind = if own / all >= MOSTLY {
            VerdictKind::Cpu
        } else {
            VerdictKind::Host
        };
        return Some(Seen {
            name: CPUS.to_owned(),
            kind,
        });
    }
    let mut stages: Vec<(f64, &StageSample, RoundFigures)> = round
        .stages
        .iter()
        .filter_map(|stage| {
            let figures = alone(round, stage, stations)?;
            Some((utilisation(&figures)?, stage, figures))
        })
        .collect();
    stages.sort_by(|a, b| b.0.total_cmp(&a.0));
    let (most, stage, figures) = stages.first()?;
    let second = stages.get(1).map_or(0.0, |(share, ..)| *share);
    (*most >= BINDS && most - second >= BINDS_ALONE).then(|| Seen {
        name: stage.stage.clone(),
        kind: kind(figures),
    })
}

/// By what a stage that always had something to do is kept from more.
fn kind(figures: &RoundFigures) -> VerdictKind {
    let (Some(states), Some(causes)) = (figures.time_budget, figures.blocked_by) else {
        return VerdictKind::Unclear;
    };
    let io = causes.io;
    let largest = [
        states.running,
        states.throttled,
        states.runnable,
        io,
        causes.idle,
    ]
    .into_iter()
    .fold(0.0, f64::max);
    if states.throttled >= THROTTLED && states.throttled > states.runnable && io < states.running {
        VerdictKind::Quota
    } else if io >= largest {
        VerdictKind::Waiting
    } else if causes.idle >= largest {
        VerdictKind::Idle
    } else if states.runnable >= LOSS && states.runnable > states.running / 2.0 {
        VerdictKind::Host
    } else {
        VerdictKind::Workers
    }
}

/// What the rounds agree on: all of them, of six and more all but one.
fn agreed(seen: &[Option<Seen>]) -> Option<Seen> {
    let first = seen.iter().flatten().max_by_key(|one| {
        let same = |other: &&Option<Seen>| other.as_ref() == Some(*one);
        seen.iter().filter(same).count()
    })?;
    let others = seen
        .iter()
        .filter(|one| one.as_ref() != Some(first))
        .count();
    let allowed = usize::from(seen.len() >= ROUNDS_WITH_ONE_ODD);
    (others <= allowed).then(|| first.clone())
}

fn stages(
    rounds: &[&Round],
    typical: Option<&Predicted>,
    stations: &[Station],
) -> Vec<StageFigures> {
    let Some(first) = rounds.first() else {
        return Vec::new();
    };
    (0..first.stages.len())
        .map(|index| stage(rounds, index, typical, stations))
        .collect()
}

/// A stage's own account of a round, by its place.
fn part(round: &Round, index: usize) -> Option<&StageSample> {
    round.stages.get(index)
}

fn stage(
    rounds: &[&Round],
    index: usize,
    typical: Option<&Predicted>,
    stations: &[Station],
) -> StageFigures {
    let first = &rounds[0].stages[index];
    let alone: Vec<RoundFigures> = rounds
        .iter()
        .filter_map(|round| alone(round, part(round, index)?, stations))
        .collect();
    let budget = typical_budget(&alone);
    let of = |figure: &dyn Fn(&Round, &StageSample) -> Option<f64>| {
        of_rounds(rounds, |round| figure(round, part(round, index)?))
    };
    let per_item = |seconds: fn(&StageSample) -> f64| {
        of(&|_, stage| Some(seconds(stage) / stage.items as f64).filter(|s| s.is_finite()))
    };
    let has_queue = index > 0;
    let utilisations: Vec<f64> = alone.iter().filter_map(utilisation).collect();
    let typical_round = middle(rounds);
    StageFigures {
        stage: first.stage.clone(),
        station: first.station.clone(),
        replicas: first.replicas.len(),
        threads: first.replicas.first().map_or(0, |r| r.workers.len()),
        quota_cpus: quota(first),
        items_per_second: of(&|round, stage| Some(stage.items as f64 / round.wall_seconds())),
        cpu_ms_per_item: of(&|_, stage| Some(cpu_seconds(stage, stage.items as f64)? * 1e3)),
        wait_ms_per_item: of(&|_, stage| Some(wait_seconds(stage, stage.items as f64) * 1e3)),
        capacity_per_second: typical
            .and_then(|p| p.pipeline.stages.get(index))
            .map(Stage::capacity)
            .filter(|rate| rate.is_finite()),
        utilisation: median(&utilisations),
        time_budget: budget.map(|(states, _)| states),
        blocked_by: budget.map(|(_, causes)| causes),
        queue_seconds: per_item(|s| s.queue_seconds).filter(|_| has_queue),
        stage_seconds: per_item(|s| s.stage_seconds).filter(|_| has_queue),
        queue_items: of(&|round, stage| mean_depth(round, stage)),
        queue_items_most: of(&|_, stage| {
            let most = stage.depth.iter().map(|depth| depth.items).max()?;
            Some(most as f64)
        }),
        queue_items_by_law: of(&|round, stage| by_law(round, stage)).filter(|_| has_queue),
        queue_items_over_time: part(typical_round, index)
            .map_or_else(Vec::new, |stage| over_time(typical_round, stage)),
    }
}

/// The round whose wall is the median one.
fn middle<'r>(rounds: &[&'r Round]) -> &'r Round {
    let mut by_wall = rounds.to_vec();
    by_wall.sort_by(|a, b| a.wall_seconds().total_cmp(&b.wall_seconds()));
    by_wall[by_wall.len() / 2]
}

/// Items in a queue on average over the sample's time. Each reading stands until
/// the next one.
fn mean_depth(round: &Round, stage: &StageSample) -> Option<f64> {
    let (start, end) = times(round);
    let ends = stage.depth.iter().skip(1).map(|next| next.at_seconds);
    let spans = stage.depth.iter().zip(ends.chain([end]));
    let sum: f64 = spans
        .map(|(depth, until)| {
            let from = depth.at_seconds.max(start);
            depth.items as f64 * (until.min(end) - from).max(0.0)
        })
        .sum();
    let from = stage.depth.first()?.at_seconds.max(start);
    let mean = sum / (end - from);
    mean.is_finite().then_some(mean)
}

/// By Little's law: a stream holds what a stage has taken until that has moved it
/// on, a queue in one process does not.
fn by_law(round: &Round, stage: &StageSample) -> Option<f64> {
    let within = if stage.shares_process {
        stage.queue_seconds
    } else {
        stage.queue_seconds + stage.stage_seconds
    };
    let items = stage.items as f64;
    let law = littles_law(items / round.wall_seconds(), within / items);
    law.is_finite().then_some(law)
}

fn times(round: &Round) -> (f64, f64) {
    let replicas = || round.stages.iter().flat_map(|stage| &stage.replicas);
    let start = replicas().map(|r| r.started_seconds);
    let end = replicas().map(|r| r.ended_seconds);
    (
        start.fold(f64::INFINITY, f64::min),
        end.fold(f64::NEG_INFINITY, f64::max),
    )
}

/// The mean of the readings in each part of the sample's time; a part without
/// any has that of the part before.
fn over_time(round: &Round, stage: &StageSample) -> Vec<f64> {
    let (start, end) = times(round);
    let seconds = (end - start) / PARTS as f64;
    let readings = |part: usize| {
        let from = start + part as f64 * seconds;
        let within = move |depth: &&Depth| (from..from + seconds).contains(&depth.at_seconds);
        stage.depth.iter().filter(within)
    };
    let mut last = None;
    let mut parts = Vec::with_capacity(PARTS);
    for part in 0..PARTS {
        let items: Vec<f64> = readings(part).map(|depth| depth.items as f64).collect();
        if !items.is_empty() {
            last = Some(items.iter().sum::<f64>() / items.len() as f64);
        }
        parts.extend(last);
    }
    parts
}
