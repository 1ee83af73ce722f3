//! The thread that asks the store for all.

use super::{Limits, QueueError};
use crate::job::{Job, JobId, NewJob, Rates, Submitted, Totals};
use crate::metrics::Depths;
use crate::store::{Accepted, Place, Store, Stored};
use crossbeam_channel::{Receiver, RecvTimeoutError, Sender, unbounded};
use redis_link::{Patience, Trouble};
use std::collections::VecDeque;
use std::io;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};
use tokio::sync::oneshot;

/// How often what is due is seen to, and what there is counted.
const TICK: Duration = Duration::from_secs(1);

/// Over how long rates are.
const RATES_OVER: Duration = Duration::from_secs(10);

/// The most jobs that are accepted in one step.
const MOST_AT_ONCE: usize = 1000;

/// Requests that may wait for the thread.
const MOST_WAITING: usize = 100_000;

type Reply<T> = oneshot::Sender<Result<T, QueueError>>;

/// What the thread is asked.
pub(super) enum Request {
    /// To accept jobs.
    Submit {
        jobs: Vec<NewJob>,
        reply: Reply<Vec<Submitted>>,
    },
    /// For a job.
    Get {
        id: JobId,
        reply: Reply<Option<Job>>,
    },
    /// For something else.
    Step(Step),
}

/// A step of its own, and who waits for it.
pub(super) struct Step(Box<dyn FnOnce(Asked<'_>) -> Option<Trouble> + Send>);

/// The store, or why there is none.
type Asked<'s> = Result<&'s mut dyn Store, Trouble>;

impl Step {
    pub(super) fn new<T: Send + 'static>(
        step: impl FnOnce(&mut dyn Store) -> Stored<T> + Send + 'static,
        reply: Reply<T>,
    ) -> Self {
        Self(Box::new(move |store| {
            let done = store.and_then(step);
            let trouble = done.as_ref().err().cloned();
            // Whoever asked may have gone.
            let _ = reply.send(done.map_err(QueueError::Away));
            trouble
        }))
    }
}

/// The thread, for those who ask it.
pub(super) struct Front {
    requests: Sender<Request>,
    shared: Arc<Shared>,
}

#[derive(Default)]
struct Shared {
    trouble: Mutex<Option<Trouble>>,
    counted: Mutex<VecDeque<(Instant, Totals)>>,
    depths: Mutex<Option<Depths>>,
    closed: AtomicBool,
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

impl Front {
    pub(super) fn start(place: Place, limits: Limits) -> io::Result<Self> {
        let (requests, asked) = unbounded();
        let shared = Arc::new(Shared::default());
        let thread = Thread {
            place,
            limits,
            shared: shared.clone(),
            store: None,
            patience: Patience::default(),
            again_at: Instant::now(),
        };
        std::thread::Builder::new()
            .name("queue".into())
            .spawn(move || thread.serve(&asked))?;
        Ok(Self { requests, shared })
    }

    pub(super) fn ask(&self, request: Request) -> Result<(), QueueError> {
        if self.shared.closed.load(Ordering::Relaxed) {
            return Err(QueueError::Closed);
        }
        if self.requests.len() >= MOST_WAITING {
            return Err(QueueError::Busy);
        }
        self.requests.send(request).map_err(|_| QueueError::Closed)
    }

    pub(super) fn trouble(&self) -> Option<Trouble> {
        lock(&self.shared.trouble).clone()
    }

    pub(super) fn report_to(&self, depths: Depths) {
        *lock(&self.shared.depths) = Some(depths);
    }

    /// Between the oldest count that is kept and the newest.
    pub(super) fn rates(&self) -> Option<Rates> {
        let counted = lock(&self.shared.counted);
        let ((then, before), (now, after)) = (counted.front()?, counted.back()?);
        let seconds = now.duration_since(*then).as_secs_f64();
        let finished = |totals: &Totals| totals.succeeded + totals.died + totals.cancelled;
        // A Redis that was emptied counts from 0 again.
        let rate = |after: u64, before: u64| after.saturating_sub(before) as f64 / seconds;
        (seconds > 0.0).then(|| Rates {
            submitted: rate(after.submitted, before.submitted),
            finished: rate(finished(after), finished(before)),
        })
    }

    pub(super) fn close(&self) {
        self.shared.closed.store(true, Ordering::Relaxed);
    }
}

struct Thread {
    place: Place,
    limits: Limits,
    shared: Arc<Shared>,
    store: Option<Box<dyn Store>>,
    patience: Patience,
    /// Until then there is no sense in connecting.
    again_at: Instant,
}

impl Thread {
    fn serve(mut self, asked: &Receiver<Request>) {
        let mut tick_at = Instant::now();
        while !self.shared.closed.load(Ordering::Relaxed) {
            if Instant::now() >= tick_at {
                self.tick();
                tick_at = Instant::now() + TICK;
            }
            // Not long: it has to notice that it is to end.
            let left = tick_at.saturating_duration_since(Instant::now());
            match asked.recv_timeout(left.min(TICK / 10)) {
                Ok(request) => self.answer(request, asked),
                Err(RecvTimeoutError::Timeout) => {}
                Err(RecvTimeoutError::Disconnected) => break,
            }
        }
    }

    /// Answers `first` and all that were asked meanwhile.
    fn answer(&mut self, first: Request, asked: &Receiver<Request>) {
        let (mut submits, mut jobs, mut gets) = (Vec::new(), 0, Vec::new());
        let mut next = Some(first);
        while let Some(request) = next {
            match request {
                Request::Submit { jobs: more, reply } => {
                    jobs += more.len();
                    submits.push((more, reply));
                }
                Request::Get { id, reply } => gets.push((id, reply)),
                Request::Step(step) => {
                    // What was asked before it is done before it.
                    self.submit(std::mem::take(&mut submits));
                    self.get(std::mem::take(&mut gets));
                    jobs = 0;
                    // It was told itself.
                    let _ = self.asked(|store| match (step.0)(store) {
                        Some(trouble) => Err(trouble),
                        None => Ok(()),
                    });
                }
            }
            let is_full = jobs >= MOST_AT_ONCE || gets.len() >= MOST_AT_ONCE;
            next = if is_full { None } else { asked.try_recv().ok() };
        }
        self.submit(submits);
        self.get(gets);
    }

    fn submit(&mut self, submits: Vec<(Vec<NewJob>, Reply<Vec<Submitted>>)>) {
        if submits.is_empty() {
            return;
        }
        let limit = self.limits.depth;
        let groups: Vec<&[NewJob]> = submits.iter().map(|(jobs, _)| jobs.as_slice()).collect();
        let accepted = self.asked(|store| store?.submit(&groups, limit));
        match accepted {
            Ok(accepted) => {
                for ((jobs, reply), accepted) in submits.into_iter().zip(accepted) {
                    let _ = reply.send(outcome(accepted, limit, &jobs));
                }
            }
            Err(trouble) => {
                for (_, reply) in submits {
                    let _ = reply.send(Err(QueueError::Away(trouble.clone())));
                }
            }
        }
    }

    fn get(&mut self, gets: Vec<(JobId, Reply<Option<Job>>)>) {
        if gets.is_empty() {
            return;
        }
        let ids: Vec<JobId> = gets.iter().map(|(id, _)| *id).collect();
        let jobs = self.asked(|store| store?.get(&ids));
        let jobs = match jobs {
            Ok(jobs) => jobs.into_iter().map(Ok).collect(),
            Err(trouble) => vec![Err(QueueError::Away(trouble)); gets.len()],
        };
        for ((_, reply), job) in gets.into_iter().zip(jobs) {
            let _ = reply.send(job);
        }
    }

    fn tick(&mut self) {
        let stats = self.asked(|store| {
            let store = store?;
            store.tend()?;
            store.stats()
        });
        let Ok(stats) = stats else {
            return;
        };
        if let Some(depths) = lock(&self.shared.depths).as_ref() {
            depths.show(&stats);
        }
        let now = Instant::now();
        let mut counted = lock(&self.shared.counted);
        counted.push_back((now, stats.totals));
        let is_old = |at: &Instant| now.duration_since(*at) > RATES_OVER + TICK / 2;
        while counted.front().is_some_and(|(at, _)| is_old(at)) {
            counted.pop_front();
        }
    }

    /// Has `ask` ask the store, which is connected to first where it is not.
    fn asked<T>(&mut self, ask: impl FnOnce(Asked<'_>) -> Stored<T>) -> Stored<T> {
        if let Err(trouble) = self.connect() {
            return ask(Err(trouble));
        }
        let store = self.store.as_mut().expect("it was made above");
        let answer = ask(Ok(store.as_mut()));
        match &answer {
            Ok(_) => {
                self.patience.over();
                *lock(&self.shared.trouble) = None;
            }
            Err(trouble) => self.failed(trouble.clone()),
        }
        answer
    }

    /// Those who ask are told at once that there is no Redis; between two tries to
    /// connect nobody waits for it.
    fn connect(&mut self) -> Stored<()> {
        if self.store.is_some() {
            return Ok(());
        }
        let known = lock(&self.shared.trouble).clone();
        if let Some(trouble) = known.filter(|_| Instant::now() < self.again_at) {
            return Err(trouble);
        }
        match self.place.open() {
            Ok(store) => {
                self.store = Some(store);
                Ok(())
            }
            Err(trouble) => {
                self.failed(trouble.clone());
                Err(trouble)
            }
        }
    }

    fn failed(&mut self, trouble: Trouble) {
        self.store = None;
        self.again_at = Instant::now() + self.patience.pause(&trouble);
        *lock(&self.shared.trouble) = Some(trouble);
    }
}

fn outcome(accepted: Accepted, limit: u64, jobs: &[NewJob]) -> Result<Vec<Submitted>, QueueError> {
    match accepted {
        Accepted::All(submitted) => Ok(submitted),
        Accepted::Full(depth) => Err(QueueError::Full { depth, limit }),
        Accepted::KeyReused { index, id } => Err(QueueError::KeyReused {
            index,
            key: jobs[index].key.clone().unwrap_or_default(),
            id,
        }),
    }
}
