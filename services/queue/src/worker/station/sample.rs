//! A sample of what a worker does.

use super::Bench;
use super::api::{Asked, Figures, Latencies, RunAnswer, Tries};
use crate::store::Taken;
use crate::work::Kind;
use axum::http::StatusCode;
use cpu_budget::clock::monotonic_seconds;
use measure::report::ReplicaAccount;
use service_kit::latency::Latency;
use service_kit::problem::Problem;
use service_kit::sampling::{Window, end_at};
use service_kit::station::UnderWay;
use std::collections::BTreeMap;
use std::sync::PoisonError;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::time::{Duration, Instant};

/// How often it is looked whether the sample is over.
const LOOK_EVERY: Duration = Duration::from_millis(5);

/// How long threads may take to notice a sample: they may be in the middle of a job.
const JOIN_WITHIN: Duration = Duration::from_secs(5);

/// A run under way, for those who watch it.
#[derive(Debug)]
pub(super) struct Under {
    lasts: Duration,
    /// When it began, nanoseconds after `made`, and 1.
    began: AtomicU64,
    made: Instant,
    cancelled: AtomicBool,
}

impl Under {
    pub(super) fn new(asked: &Asked) -> Self {
        Self {
            lasts: asked.lasts,
            began: AtomicU64::new(0),
            made: Instant::now(),
            cancelled: AtomicBool::new(false),
        }
    }

    fn begin(&self) {
        let nanos = self.made.elapsed().as_nanos() as u64;
        self.began.store(nanos + 1, Ordering::Relaxed);
    }
}

impl UnderWay for Under {
    fn progress(&self) -> f64 {
        let began = self.began.load(Ordering::Relaxed);
        if began == 0 {
            return 0.0;
        }
        let gone = self
            .made
            .elapsed()
            .saturating_sub(Duration::from_nanos(began - 1));
        (gone.as_secs_f64() / self.lasts.as_secs_f64()).min(1.0)
    }

    fn cancel(&self) {
        self.cancelled.store(true, Ordering::Relaxed);
    }
}

/// What is told of jobs that end in a sample.
#[derive(Debug, Default)]
pub(in crate::worker) struct Sampled {
    tries: BTreeMap<&'static str, Tries>,
    by_priority: BTreeMap<u8, ByPriority>,
}

#[derive(Debug, Default)]
struct ByPriority {
    wait: Latency,
    service: Latency,
    total: Latency,
}

impl Sampled {
    /// A try ended.
    pub(in crate::worker) fn count(
        &mut self,
        taken: &Taken,
        outcome: &str,
        service: Option<Duration>,
        total: Duration,
    ) {
        let kind = Kind::named(&taken.kind).map_or("unknown", Kind::name);
        let tries = self.tries.entry(kind).or_default();
        let count = match outcome {
            "succeeded" => &mut tries.succeeded,
            "dead" => &mut tries.dead,
            "given_back" => &mut tries.given_back,
            "refused" => &mut tries.refused,
            _ => &mut tries.failed,
        };
        *count += 1;
        if outcome == "succeeded" {
            let nanos = |duration: Duration| duration.as_nanos() as u64;
            let latencies = self.by_priority.entry(taken.priority).or_default();
            latencies.wait.record(nanos(taken.waited), 1);
            latencies
                .service
                .record(nanos(service.unwrap_or_default()), 1);
            latencies.total.record(nanos(total), 1);
        }
    }

    fn figures(self, worker: &str) -> Figures {
        let latencies = |(priority, known): (u8, ByPriority)| {
            let latencies = Latencies {
                wait: known.wait.figures(),
                service: known.service.figures(),
                total: known.total.figures(),
            };
            (priority, latencies)
        };
        Figures {
            worker: worker.to_owned(),
            tries: self
                .tries
                .into_iter()
                .map(|(k, tries)| (k.to_owned(), tries))
                .collect(),
            by_priority: self.by_priority.into_iter().map(latencies).collect(),
        }
    }
}

/// Accounts for what the worker does for as long as is asked.
pub(super) fn take(bench: &Bench, asked: &Asked, under: &Under) -> Result<RunAnswer, Problem> {
    let shared = &bench.shared;
    let threads = shared.settings.threads;
    let live = bench.time.watch(threads);
    let joined = shared.slot.join(live.roster(), threads, JOIN_WITHIN);
    let window = Window::open(&bench.cgroup, threads, asked.start, &under.cancelled);
    live.opened(&window);
    let started = window.started();
    joined.opened(started);
    live.job_started(started);
    counting(bench, Some(Box::default()));
    under.begin();
    while monotonic_seconds() < started + asked.lasts.as_secs_f64()
        && !under.cancelled.load(Ordering::Relaxed)
    {
        std::thread::sleep(LOOK_EVERY);
    }
    let ended = monotonic_seconds();
    let window = window.close(ended);
    live.closed();
    let sampled = counting(bench, None).unwrap_or_default();
    let mut workers = joined.end(JOIN_WITHIN);
    if workers.len() < threads {
        return Err(late());
    }
    for worker in &mut workers {
        end_at(worker, started, ended);
    }
    let account = window.account(workers, 0.0);
    live.settle(&account);
    let figures = sampled.figures(&shared.name);
    let done = figures.tries.values().map(|tries| tries.succeeded).sum();
    Ok(RunAnswer {
        account: ReplicaAccount {
            answer: Some(done),
            ..account
        },
        work_shares: None,
        figures,
    })
}

/// Has jobs that end counted there, and returns where they were counted before.
fn counting(bench: &Bench, sampled: Option<Box<Sampled>>) -> Option<Box<Sampled>> {
    let counted = bench.shared.sampled.lock();
    let mut counted = counted.unwrap_or_else(PoisonError::into_inner);
    std::mem::replace(&mut counted, sampled)
}

fn late() -> Problem {
    Problem::new(
        StatusCode::SERVICE_UNAVAILABLE,
        "a thread was in the middle of a job for too long to take part in the sample, or the \
         worker has no Redis yet",
    )
}
