//! The part of one stage, or of the source, in a run over Redis.

use super::Bench;
use super::api::{Asked, DepthReading, Figures, Outcome, RunAnswer, StageAccount};
use super::sample::{SampleFailed, Sampled, Under};
use crate::counts::StageFigures;
use crate::pace::{self, Pace};
use crate::source::Origin;
use crate::stages::Stage;
use crate::streams::{Fed, Feeder, Link, Measured, Run, Server, Shared, State, Trouble, connected};
use measure::report::{ReplicaAccount, WorkerAccount};
use service_kit::latency::Latency;
use service_kit::sampling::{Window, end_at};
use std::sync::{Arc, PoisonError};
use std::time::{Duration, Instant};

/// How often it is looked whether the run has ended.
const LOOK_EVERY: Duration = Duration::from_millis(20);

/// How often the queue is looked at.
const DEPTH_EVERY: Duration = Duration::from_millis(100);

/// How long threads may take to notice a sample: they may be in the middle of an item.
const JOIN_WITHIN: Duration = Duration::from_secs(5);

/// Takes part in a run until its mark has come to the sink.
pub(super) fn take_part(
    bench: &Bench,
    asked: &Asked,
    under: &Under,
    server: &Server,
    shared: &Arc<Shared>,
) -> Sampled<RunAnswer> {
    let threads = shared.settings.threads;
    let live = bench.time.watch(threads);
    let joined = shared.slot.join(live.roster(), threads, JOIN_WITHIN);
    *shared
        .latency
        .lock()
        .unwrap_or_else(PoisonError::into_inner) = Latency::default();
    let before = shared.counts.figures();
    let window = Window::open(&bench.cgroup, threads, asked.start, &under.cancelled);
    live.opened(&window);
    let started = window.started();
    joined.opened(started);
    live.job_started(started);
    let followed = follow(asked, under, server, shared.stage);
    let ended = followed.ended_seconds();
    let window = window.close(ended);
    live.closed();
    let mut workers = joined.end(JOIN_WITHIN);
    if workers.len() < threads {
        return Err(SampleFailed::Late);
    }
    for worker in &mut workers {
        after_the_mark(worker, followed.done_seconds(shared.stage), ended);
        end_at(worker, started, ended);
    }
    let account = window.account(workers, 0.0);
    live.settle(&account);
    let latency = shared
        .latency
        .lock()
        .unwrap_or_else(PoisonError::into_inner);
    let is_sink = shared.stage == Stage::Sink;
    Ok(RunAnswer {
        account,
        work_shares: None,
        figures: Figures {
            run: asked.run.clone(),
            latency: is_sink.then(|| latency.figures()),
            outcome: None,
            stages: vec![StageAccount {
                stage: shared.stage,
                workers: [0, threads],
                figures: shared.counts.figures().since(&before),
                done_seconds: followed.done_seconds(shared.stage),
                depth: followed.depth,
            }],
        },
    })
}

/// Once the mark has passed a stage, its threads' wait for input is a wait for
/// the others' end.
fn after_the_mark(worker: &mut WorkerAccount, done: Option<f64>, ended: f64) {
    let after = done.map_or(0.0, |done| (ended - done).max(0.0));
    let moved = worker.blocked_on.input.min(after);
    worker.blocked_on.input -= moved;
    worker.blocked_on.tail += moved;
}

/// What was seen of a run.
#[derive(Default)]
struct Followed {
    state: Option<State>,
    depth: Vec<DepthReading>,
}

impl Followed {
    fn done_seconds(&self, stage: Stage) -> Option<f64> {
        let nanos = self.state.as_ref()?.done.get(&stage)?;
        Some(*nanos as f64 / 1e9)
    }

    /// When the mark came to the sink; now, where it has not.
    fn ended_seconds(&self) -> f64 {
        let ended = self.done_seconds(Stage::Sink);
        ended.unwrap_or_else(|| pace::now() as f64 / 1e9)
    }
}

/// Follows a run to its end, reading the queue before `stage` now and then.
fn follow(asked: &Asked, under: &Under, server: &Server, stage: Stage) -> Followed {
    let mut followed = Followed::default();
    let run = Run::new(
        asked.run.clone().unwrap_or_default(),
        &asked.declaration,
        asked.keep,
    );
    let mut link = None;
    let mut depth_at = Instant::now();
    while !under.is_cancelled() {
        let looked = look(server, &mut link, &run);
        match looked {
            Ok(now) => {
                under.reached(now.sink.weight);
                let has_ended = now.has_ended();
                followed.state = Some(now);
                if has_ended {
                    break;
                }
            }
            // The threads say it aloud, and go on when Redis is back.
            Err(_) => link = None,
        }
        if Instant::now() >= depth_at
            && let Some(depth) = link.as_mut().and_then(|link| link.depth(stage).ok())
        {
            followed.depth.push(DepthReading {
                at_seconds: pace::now() as f64 / 1e9,
                items: depth.entries as u64,
                pending: depth.pending as u64,
            });
            depth_at = Instant::now() + DEPTH_EVERY;
        }
        std::thread::sleep(LOOK_EVERY);
    }
    followed
}

fn look(server: &Server, link: &mut Option<Link>, run: &Run) -> Result<State, Trouble> {
    if link.is_none() {
        *link = Some(server.connect()?);
    }
    State::read(link.as_mut().expect("it was made above"), run)
}

/// Gives a run's items, and waits until they are at the sink.
pub(super) fn give(
    bench: &Bench,
    asked: &Asked,
    under: &Under,
    server: &Server,
) -> Sampled<RunAnswer> {
    let id = asked.run.clone().unwrap_or_default();
    let run = Run::new(id, &asked.declaration, asked.keep);
    record(server, &run, under)?;
    let mut origin = Origin::Made {
        items: asked.all_items(),
        bytes: asked.bytes,
    };
    let counts = bench.metrics.counts(Stage::Source);
    let before = counts.figures();
    let live = bench.time.watch(1);
    let window = Window::open(&bench.cgroup, 1, asked.start, &under.cancelled);
    live.opened(&window);
    let started = window.started();
    live.job_started(started);
    let feeder = Feeder {
        server: server.clone(),
        run,
        pace: Pace {
            rate: asked.rate,
            started: (started * 1e9) as u64,
        },
        counts: &counts,
        stop: &under.cancelled,
        measured: Some(Measured {
            roster: live.roster().clone(),
            started,
        }),
    };
    let (worker, fed) = fed(&feeder, &mut origin, under)?;
    let done = fed.state.done.get(&Stage::Sink);
    let ended = done.map_or_else(|| pace::now() as f64 / 1e9, |nanos| *nanos as f64 / 1e9);
    let window = window.close(ended);
    live.closed();
    let mut workers: Vec<WorkerAccount> = worker.into_iter().collect();
    for worker in &mut workers {
        end_at(worker, started, ended);
    }
    let account = window.account(workers, 0.0);
    live.settle(&account);
    let figures = counts.figures().since(&before);
    Ok(answer(asked, account, &fed, figures))
}

/// On a thread of its own, so that its clock is that thread's alone.
fn fed(
    feeder: &Feeder,
    origin: &mut Origin,
    under: &Under,
) -> Sampled<(Option<WorkerAccount>, Fed)> {
    let worker = std::thread::scope(|scope| {
        let thread = std::thread::Builder::new().name("source".into());
        let feeding = thread.spawn_scoped(scope, || feeder.feed(origin))?;
        while !feeding.is_finished() {
            under.reached(feeder.counts.figures().given);
            std::thread::sleep(LOOK_EVERY);
        }
        let joined = feeding.join();
        let panicked = |_| SampleFailed::Threads(std::io::Error::other("the source panicked"));
        Ok::<_, SampleFailed>(joined.map_err(panicked)??)
    })?;
    Ok((worker, feeder.wait(&under.cancelled)?))
}

/// The stages may ask for the run before its first item is there.
fn record(server: &Server, run: &Run, under: &Under) -> Sampled<()> {
    match connected(server, || under.is_cancelled()) {
        Ok(mut link) => Ok(run.record(&mut link)?),
        Err(Some(trouble)) => Err(trouble.into()),
        // It was cancelled: nobody waits for the answer.
        Err(None) => Ok(()),
    }
}

fn answer(asked: &Asked, account: ReplicaAccount, fed: &Fed, figures: StageFigures) -> RunAnswer {
    let exactness = fed.state.exactness(&fed.dead);
    let exact = exactness.holds() && fed.state.doubled == 0 && fed.ended;
    let answer = exact.then_some(exactness.arrived / u64::from(asked.repeats));
    RunAnswer {
        account: ReplicaAccount { answer, ..account },
        work_shares: None,
        figures: Figures {
            run: asked.run.clone(),
            latency: None,
            outcome: Some(Outcome {
                given: exactness.given,
                arrived: exactness.arrived,
                dead: exactness.dead,
                doubled: Some(fed.state.doubled),
                exact,
                results: fed.state.sink.items,
                content: format!("{:016x}", fed.state.sink.content),
            }),
            stages: vec![StageAccount {
                stage: Stage::Source,
                workers: [0, 1],
                figures,
                done_seconds: fed
                    .state
                    .done
                    .get(&Stage::Source)
                    .map(|nanos| *nanos as f64 / 1e9),
                depth: Vec::new(),
            }],
        },
    }
}
