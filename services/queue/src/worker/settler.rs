//! The thread that says what came of jobs.

use super::crew::Shared;
use super::hand::Held;
use crate::job::State;
use crate::store::{Outcome, Settlement, Store, Stored, Verdict};
use crate::work::{Class, End, Kind, Stop};
use crossbeam_channel::{Receiver, RecvTimeoutError};
use redis_link::Patience;
use std::sync::atomic::Ordering;
use std::sync::{Arc, PoisonError};
use std::time::{Duration, Instant};

/// The most jobs of one step.
const MOST_AT_ONCE: usize = 500;

/// How long it waits for jobs before it looks whether it is to end.
const WAIT: Duration = Duration::from_millis(100);

/// Over how long the rate is measured by which jobs are fetched ahead.
const RATE_OVER: Duration = Duration::from_millis(50);

/// A job that ended here.
pub(super) struct Finished {
    held: Arc<Held>,
    outcome: Option<Outcome>,
    /// How long it was worked on.
    service: Option<Duration>,
}

impl Finished {
    /// After some work.
    pub(super) fn after(held: Arc<Held>, end: End, service: Duration) -> Self {
        Self {
            outcome: outcome(&held, end),
            held,
            service: Some(service),
        }
    }

    /// Before any.
    pub(super) fn unbegun(held: Arc<Held>, end: End) -> Self {
        Self {
            outcome: outcome(&held, end),
            held,
            service: None,
        }
    }

    /// For a reason that no try helps against.
    pub(super) fn hopeless(held: Arc<Held>, reason: String) -> Self {
        Self {
            held,
            outcome: Some(Outcome::Hopeless(reason)),
            service: None,
        }
    }
}

/// What to say of it; nothing of what is not this worker's any more.
fn outcome(held: &Held, end: End) -> Option<Outcome> {
    match end {
        End::Done(result) => Some(Outcome::Done(result)),
        End::Failed(error) => Some(Outcome::Failed(error)),
        End::Stopped(Stop::GivenBack) => Some(Outcome::GivenBack),
        End::Stopped(Stop::Lost) => None,
        End::Stopped(Stop::TimedOut) => {
            let seconds = held.taken.timeout.unwrap_or_default().as_secs_f64();
            Some(Outcome::Failed(format!(
                "it took longer than its time-out of {seconds} s"
            )))
        }
    }
}

/// The thread.
pub(super) struct Settler {
    shared: Arc<Shared>,
    finished: Receiver<Finished>,
    store: Option<Box<dyn Store>>,
    patience: Patience,
    /// Since when CPU jobs are counted for the rate, and how many there were.
    rate_since: Instant,
    rated: usize,
}

impl Settler {
    pub(super) fn new(shared: Arc<Shared>, finished: Receiver<Finished>) -> Self {
        Self {
            shared,
            finished,
            store: None,
            patience: Patience::default(),
            rate_since: Instant::now(),
            rated: 0,
        }
    }

    /// Settles until the worker has ended.
    pub(super) fn settle(mut self) {
        while !self.shared.ended.load(Ordering::Relaxed) {
            match self.finished.recv_timeout(WAIT) {
                Ok(first) => {
                    let more = self.finished.try_iter().take(MOST_AT_ONCE - 1);
                    let batch: Vec<Finished> = std::iter::once(first).chain(more).collect();
                    self.batch(&batch);
                    self.rate(&batch);
                }
                Err(RecvTimeoutError::Timeout) => self.rate(&[]),
                Err(RecvTimeoutError::Disconnected) => break,
            }
        }
    }

    /// Says what came of all, however long that takes.
    fn batch(&mut self, batch: &[Finished]) {
        let told: Vec<&Finished> = batch.iter().filter(|one| one.outcome.is_some()).collect();
        let settlement = |one: &&Finished| {
            one.outcome.clone().map(|outcome| Settlement {
                id: one.held.taken.id,
                token: one.held.taken.token,
                outcome,
                jitter: fastrand::f64(),
            })
        };
        let settlements: Vec<Settlement> = told.iter().filter_map(settlement).collect();
        while !settlements.is_empty() && !self.shared.ended.load(Ordering::Relaxed) {
            match self.tell(&settlements, batch) {
                Ok(verdicts) => {
                    self.patience.over();
                    for (finished, verdict) in told.iter().zip(verdicts) {
                        self.count(finished, verdict);
                    }
                    return;
                }
                // The leases may run out meanwhile: then it is refused.
                Err(trouble) => {
                    self.store = None;
                    std::thread::sleep(self.patience.pause(&trouble));
                }
            }
        }
        self.shared.hand.release(batch.iter().map(|one| &one.held));
    }

    fn tell(&mut self, settlements: &[Settlement], batch: &[Finished]) -> Stored<Vec<Verdict>> {
        let store = match &mut self.store {
            Some(store) => store,
            None => self.store.insert(self.shared.place.open()?),
        };
        let telling = &self.shared.telling;
        let _telling = telling.lock().unwrap_or_else(PoisonError::into_inner);
        let verdicts = store.settle(settlements)?;
        self.shared.hand.release(batch.iter().map(|one| &one.held));
        Ok(verdicts)
    }

    fn count(&self, finished: &Finished, verdict: Verdict) {
        let shared = &self.shared;
        let taken = &finished.held.taken;
        let kind = Kind::named(&taken.kind).map_or("unknown", Kind::name);
        let outcome = match (verdict, &finished.outcome) {
            (Verdict::Refused(_), _) => "refused",
            (Verdict::Settled(State::Succeeded), _) => "succeeded",
            (Verdict::Settled(State::Dead), _) => "dead",
            (_, Some(Outcome::GivenBack)) => "given_back",
            _ => "failed",
        };
        let tries = &shared.metrics.tries;
        tries.with_label_values(&[kind, outcome]).inc();
        let total = match outcome {
            "refused" => {
                shared.metrics.refused.inc();
                Some(&shared.totals.refused)
            }
            "succeeded" => Some(&shared.totals.done),
            "given_back" => None,
            _ => Some(&shared.totals.failed),
        };
        if let Some(total) = total {
            total.fetch_add(1, Ordering::Relaxed);
        }
        if let Some(service) = finished.service {
            shared.metrics.service.observe(service.as_secs_f64());
        }
        let latency = taken.age + finished.held.since.elapsed();
        if outcome == "succeeded" {
            shared.metrics.by_priority[usize::from(taken.priority.min(9))]
                .1
                .observe(latency.as_secs_f64());
        }
        let sampled = shared.sampled.lock();
        if let Some(sampled) = sampled.unwrap_or_else(PoisonError::into_inner).as_mut() {
            sampled.count(taken, outcome, finished.service, latency);
        }
    }

    /// Measures how many CPU jobs a second are done, and has as many fetched ahead.
    fn rate(&mut self, batch: &[Finished]) {
        let is_cpu = |one: &&Finished| one.held.task.class() == Class::Cpu;
        self.rated += batch.iter().filter(is_cpu).count();
        let over = self.rate_since.elapsed();
        if over >= RATE_OVER {
            self.shared
                .hand
                .done_at(self.rated as f64 / over.as_secs_f64());
            self.rate_since = Instant::now();
            self.rated = 0;
        }
    }
}
