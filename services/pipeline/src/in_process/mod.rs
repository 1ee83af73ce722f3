//! The whole pipeline in one process: threads per stage, bounded channels between.
//!
//! The end of the stream needs no mark here: a queue whose givers have all
//! ended says so to each that takes from it.

mod queue;
mod threads;
mod worker;

pub use threads::{Letter, Letters};
pub use worker::Control;

use crate::attempt::Attempt;
use crate::counts::{Counts, StageFigures};
use crate::declaration::Declaration;
use crate::item::Item;
use crate::metrics::Metrics;
use crate::pace::Pace;
use crate::source::Origin;
use crate::stages::{Function, Stage};
use crate::tally::{Exactness, Tally};
use cpu_budget::clock::monotonic_seconds;
use measure::report::WorkerAccount;
use queue::{Depth, Give, Take, queue};
use service_kit::latency::Latency;
use service_kit::sampling::{Roster, end_at};
use std::collections::BTreeMap;
use std::io;
use std::sync::{Arc, Mutex, PoisonError};
use std::thread::{Builder, Scope, ScopedJoinHandle};
use threads::{Given, Sunk};
use worker::{Outgoing, Worker};

/// A pipeline and how it is to be run in one process.
#[derive(Debug, Clone)]
pub struct Plan {
    /// What there is.
    pub declaration: Declaration,
    /// How many threads each stage between the ends has; 1 where nothing is said.
    pub threads: BTreeMap<Stage, usize>,
    /// How often an item is tried that makes a stage panic.
    pub tries: u32,
    /// What makes an item poison, by stage.
    pub poison: BTreeMap<Stage, Vec<u8>>,
    /// Items a second; `None`: as fast as they are taken.
    pub rate: Option<f64>,
    /// Whether results are kept.
    pub keep: bool,
}

/// What watches and stops a run.
#[derive(Debug, Clone)]
pub struct Watch {
    /// How it is stopped.
    pub control: Control,
    /// Where its threads enter.
    pub roster: Roster,
    /// When the job started, seconds of the monotonic clock.
    pub started: f64,
    /// Where latencies are counted, of all runs together.
    pub latency: prometheus::Histogram,
    /// Each stage's counts, in order.
    pub stages: Arc<Vec<Watched>>,
}

/// One stage of a run under way.
#[derive(Debug)]
pub struct Watched {
    /// Which.
    pub stage: Stage,
    /// What it has done, in this run and before it.
    pub counts: Counts,
    before: StageFigures,
    /// What waits before it; the source has no queue.
    depth: Mutex<Option<Arc<Depth>>>,
}

/// What a run came to.
#[derive(Debug)]
pub struct Report {
    /// Whether each item came once.
    pub exactness: Exactness,
    /// What the sink got.
    pub sink: Tally,
    /// How long items took.
    pub latency: Latency,
    /// Items that no try got through.
    pub letters: Letters,
    /// Each stage, in order.
    pub stages: Vec<StageReport>,
    /// When the last worker ended, seconds of the monotonic clock.
    pub ended: f64,
    /// The results, where they were to be kept.
    pub results: Vec<Item>,
    /// Why the source gave no more, where that was not its end.
    pub source_failed: Option<io::Error>,
}

/// One stage of a run.
#[derive(Debug, Clone)]
pub struct StageReport {
    /// Which.
    pub stage: Stage,
    /// What it did.
    pub figures: StageFigures,
    /// Its threads' accounts.
    pub workers: Vec<WorkerAccount>,
}

/// What a thread came to.
enum Ended {
    Source(Given),
    Stage(Letters),
    Sink(Sunk),
}

type Thread<'scope> = io::Result<ScopedJoinHandle<'scope, (Ended, WorkerAccount)>>;

impl Plan {
    /// How many threads a stage has.
    pub fn threads_of(&self, stage: Stage) -> usize {
        match stage {
            Stage::Source | Stage::Sink => 1,
            stage => self.threads.get(&stage).copied().unwrap_or(1),
        }
    }

    /// How many threads there are in all.
    pub fn all_threads(&self) -> usize {
        let stages = self.declaration.stages.iter();
        stages.map(|stage| self.threads_of(*stage)).sum()
    }

    fn attempt(&self, stage: Stage) -> Option<Attempt> {
        Some(Attempt {
            function: Function::of(stage, &self.declaration.work)?,
            tries: self.tries,
            poison: self.poison.get(&stage).cloned(),
        })
    }
}

impl Watch {
    /// Of a run of `declaration`, counted in `metrics`. It starts when
    /// `started` is set.
    pub fn new(declaration: &Declaration, roster: Roster, metrics: &Metrics) -> Self {
        let stages = declaration.stages.iter().map(|stage| {
            let counts = metrics.counts(*stage);
            Watched {
                stage: *stage,
                before: counts.figures(),
                counts,
                depth: Mutex::default(),
            }
        });
        Self {
            control: Control::default(),
            roster,
            started: 0.0,
            latency: metrics.latency.clone(),
            stages: Arc::new(stages.collect()),
        }
    }

    fn worker(&self, index: usize) -> Worker {
        Worker::new(
            &self.roster,
            self.started,
            self.stages[index].counts.clone(),
            self.control.clone(),
        )
    }

    fn queue_before(&self, index: usize, take: &Take) {
        let depth = &self.stages[index].depth;
        *depth.lock().unwrap_or_else(PoisonError::into_inner) = Some(take.depth());
    }
}

/// Runs the pipeline on threads of its own, while this one waits.
///
/// # Errors
/// When threads could not be had; then no item was given.
pub fn run(plan: &Plan, origin: &mut Origin, watch: &Watch) -> io::Result<Report> {
    let results = Mutex::new(Vec::new());
    let joined = std::thread::scope(|scope| {
        let threads = start(plan, origin, watch, &results, scope);
        if threads.iter().any(|(_, thread)| thread.is_err()) {
            watch.control.cancel();
        }
        let joined = threads.into_iter().map(|(index, thread)| {
            let joined = thread?.join();
            Ok((
                index,
                joined.map_err(|_| io::Error::other("a thread panicked"))?,
            ))
        });
        // Not lazily: all must be joined, whatever one of them says.
        joined.collect::<Vec<io::Result<_>>>()
    });
    let joined: Vec<_> = joined.into_iter().collect::<io::Result<_>>()?;
    let results = results.into_inner().unwrap_or_else(PoisonError::into_inner);
    Ok(report(watch, joined, results))
}

/// Starts all threads, the last stage's first.
fn start<'scope, 'env: 'scope>(
    plan: &'env Plan,
    origin: &'env mut Origin,
    watch: &'env Watch,
    results: &'env Mutex<Vec<Item>>,
    scope: &'scope Scope<'scope, 'env>,
) -> Vec<(usize, Thread<'scope>)> {
    let stages = &plan.declaration.stages;
    let mut threads = Vec::new();
    // The queue before the stage that was started last.
    let mut after: Option<Give> = None;
    for (index, stage) in stages.iter().enumerate().rev() {
        let next = after.take();
        let (give, take) = queue(plan.declaration.capacity(*stage));
        if index > 0 {
            watch.queue_before(index, &take);
            after = Some(give);
        }
        for number in 0..plan.threads_of(*stage) {
            let (take, next) = (take.clone(), next.clone());
            let attempt = plan.attempt(*stage);
            let worker = move || watch.worker(index);
            let named = Builder::new().name(format!("{}-{number}", stage.name()));
            let work = move || {
                let mut worker = worker();
                let ended = match (attempt, next) {
                    (Some(attempt), Some(next)) => {
                        let mut out = Outgoing::new(next);
                        Ended::Stage(threads::stage(&mut worker, &attempt, &take, &mut out))
                    }
                    _ => Ended::Sink(threads::sink(&mut worker, &take, &watch.latency, |item| {
                        if plan.keep {
                            let mut kept = results.lock().unwrap_or_else(PoisonError::into_inner);
                            kept.push(item.clone());
                        }
                    })),
                };
                (ended, worker.account())
            };
            if *stage != Stage::Source {
                threads.push((index, named.spawn_scoped(scope, work)));
            }
        }
        if *stage == Stage::Source
            && let Some(next) = next
        {
            let named = Builder::new().name("source".into());
            let pace = Pace {
                rate: plan.rate,
                started: (watch.started * 1e9) as u64,
            };
            let origin = &mut *origin;
            let work = move || {
                let mut worker = watch.worker(0);
                let mut out = Outgoing::new(next);
                let given = threads::source(&mut worker, origin, pace, &mut out);
                (Ended::Source(given), worker.account())
            };
            threads.push((0, named.spawn_scoped(scope, work)));
            break;
        }
    }
    threads
}

fn report(
    watch: &Watch,
    joined: Vec<(usize, (Ended, WorkerAccount))>,
    results: Vec<Item>,
) -> Report {
    let mut stages: Vec<StageReport> = watch.stages.iter().map(Watched::report).collect();
    let (mut given, mut letters, mut sink) =
        (Given::default(), Letters::default(), Sunk::default());
    for (index, (ended, account)) in joined {
        stages[index].workers.push(account);
        match ended {
            Ended::Source(source) => given = source,
            Ended::Stage(dead) => letters.merge(dead),
            Ended::Sink(part) => {
                sink.tally.merge(&part.tally);
                sink.latency.merge(&part.latency);
            }
        }
    }
    let workers = || stages.iter().flat_map(|stage| &stage.workers);
    let last = workers().map(|worker| worker.ended_seconds);
    let mut ended = last.fold(watch.started, f64::max);
    if workers().all(|worker| worker.items == 0) {
        ended = monotonic_seconds();
    }
    for worker in stages.iter_mut().flat_map(|stage| &mut stage.workers) {
        end_at(worker, watch.started, ended);
    }
    Report {
        exactness: Exactness::of(given.items, &sink.tally, &letters.tally),
        sink: sink.tally,
        latency: sink.latency,
        letters,
        stages,
        ended,
        results,
        source_failed: given.failed,
    }
}

impl Watched {
    /// What it has done in this run.
    pub fn figures(&self) -> StageFigures {
        self.counts.figures().since(&self.before)
    }

    /// Items in the queue before it.
    pub fn depth(&self) -> Option<u64> {
        let depth = self.depth.lock().unwrap_or_else(PoisonError::into_inner);
        Some(depth.as_ref()?.now())
    }

    fn report(&self) -> StageReport {
        StageReport {
            stage: self.stage,
            figures: self.figures(),
            workers: Vec::new(),
        }
    }
}

#[cfg(test)]
mod tests;
