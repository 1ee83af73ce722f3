//! The queue as servers use it: asynchronous, by many at once.
//!
//! One thread has the connection. What many ask for meanwhile goes in one round
//! trip: all jobs that wait to be accepted in one step, all questions in another.
//! A second thread reads what happens and tells everybody who listens.

mod events;
mod front;

use crate::job::{
    Cancelled, Event, Job, JobId, Listing, NewJob, Page, Seq, State, Stats, Submitted,
};
use crate::metrics::Depths;
use crate::spec::MOST_BATCH;
use crate::store::memory::Memory;
use crate::store::redis::Server;
use crate::store::{Place, Store, Stored};
use events::Listeners;
use front::{Front, Request, Step};
use redis_link::{Trouble, patiently};
use std::io;
use std::sync::Arc;
use std::time::{Duration, Instant};
use tokio::sync::{broadcast, oneshot};

/// A job that is waited for is looked at this often even if nothing is heard of
/// it: events may be lost where very many happen at once.
const LOOK_EVERY: Duration = Duration::from_secs(5);

/// How many jobs may wait, and how they age.
#[derive(Debug, Clone, Copy)]
pub struct Limits {
    /// Jobs that may wait: scheduled, ready and failed ones.
    pub depth: u64,
}

/// A queue; clones share it. It ends with the last of them.
#[derive(Clone)]
pub struct Queue(Arc<Inner>);

struct Inner {
    place: Place,
    front: Front,
    listeners: Arc<Listeners>,
}

/// Why the queue did not do what it was asked for.
#[derive(Debug, Clone, thiserror::Error)]
pub enum QueueError {
    /// Redis is away, or will not have it. Whether it was done is not known.
    #[error(transparent)]
    Away(Trouble),
    /// So many jobs wait that no more are accepted.
    #[error("{depth} jobs wait, and at most {limit} may: none of these was accepted")]
    Full {
        /// How many wait.
        depth: u64,
        /// How many may.
        limit: u64,
    },
    /// The idempotency key is that of another job.
    #[error("the idempotency key {key:?} is that of job {id}, which has another type or payload")]
    KeyReused {
        /// Which of the jobs that were to be accepted.
        index: usize,
        /// Its key.
        key: String,
        /// The other job; 0: one of the same batch.
        id: JobId,
    },
    /// More jobs at once than are accepted.
    #[error("{jobs} jobs are more than the {MOST_BATCH} that are accepted together")]
    TooMany {
        /// How many.
        jobs: usize,
    },
    /// So many requests wait for Redis already that this one was not taken.
    #[error("too many requests wait for Redis: it is slower than they come")]
    Busy,
    /// The queue was closed.
    #[error("the queue is closed: the service ends")]
    Closed,
}

impl Queue {
    /// The queue in Redis. It connects by itself, again and again.
    ///
    /// # Errors
    /// When threads cannot be had.
    pub fn over_redis(server: Server, limits: Limits) -> io::Result<Self> {
        Self::at(Place::Redis(server), limits)
    }

    /// A queue in this process.
    ///
    /// # Errors
    /// When threads cannot be had.
    pub fn embedded(limits: Limits) -> io::Result<Self> {
        Self::at(Place::Memory(Memory::new()), limits)
    }

    /// The queue at `place`.
    ///
    /// # Errors
    /// When threads cannot be had.
    pub fn at(place: Place, limits: Limits) -> io::Result<Self> {
        let listeners = Arc::new(Listeners::default());
        let front = Front::start(place.clone(), limits)?;
        events::follow(place.clone(), &listeners)?;
        Ok(Self(Arc::new(Inner {
            place,
            front,
            listeners,
        })))
    }

    /// Where it is, for workers in this process.
    pub fn place(&self) -> &Place {
        &self.0.place
    }

    /// Waits until Redis is there and takes writes.
    ///
    /// # Errors
    /// Trouble that waiting does not help.
    pub async fn connected(&self) -> Result<(), Trouble> {
        let place = self.place().clone();
        let connecting = tokio::task::spawn_blocking(move || {
            patiently(|| place.open()?.tend(), || false)
                .map_err(|trouble| trouble.expect("nobody stops it"))
        });
        connecting.await.unwrap_or(Ok(()))
    }

    /// What is wrong with Redis now, in words.
    pub fn trouble(&self) -> Option<String> {
        self.0.front.trouble().map(|trouble| trouble.to_string())
    }

    /// Has `depths` say what the queue holds, once a second.
    pub fn report_to(&self, depths: Depths) {
        self.0.front.report_to(depths);
    }

    /// Accepts all of `jobs`, or none.
    ///
    /// # Errors
    /// Why none was accepted; with [`QueueError::Away`] they may have been: only
    /// an idempotency key makes it safe to try again.
    pub async fn submit(&self, jobs: Vec<NewJob>) -> Result<Vec<Submitted>, QueueError> {
        if jobs.len() > MOST_BATCH {
            return Err(QueueError::TooMany { jobs: jobs.len() });
        }
        if jobs.is_empty() {
            return Ok(Vec::new());
        }
        self.asked(|reply| Request::Submit { jobs, reply }).await?
    }

    /// A job, as it is; `None`: there is no such job.
    ///
    /// # Errors
    /// When Redis is away.
    pub async fn get(&self, id: JobId) -> Result<Option<Job>, QueueError> {
        self.asked(|reply| Request::Get { id, reply }).await?
    }

    /// A page of jobs.
    ///
    /// # Errors
    /// When Redis is away.
    pub async fn list(&self, listing: Listing) -> Result<Page, QueueError> {
        self.step(move |store| store.list(&listing)).await
    }

    /// Cancels a job. A worker that has it hears of it within a heartbeat.
    ///
    /// # Errors
    /// When Redis is away.
    pub async fn cancel(&self, id: JobId) -> Result<Cancelled, QueueError> {
        self.step(move |store| store.cancel(id)).await
    }

    /// Waits at most so long until a job is in a final state; returns it as it is
    /// then, `None` for no such job.
    ///
    /// # Errors
    /// When Redis is away.
    pub async fn wait(&self, id: JobId, within: Duration) -> Result<Option<Job>, QueueError> {
        let deadline = Instant::now() + within;
        // From before it is looked at: else an end in between would be missed.
        let ended = self.0.listeners.end_of(id);
        loop {
            let end = ended.next();
            let job = self.get(id).await?;
            let left = deadline.saturating_duration_since(Instant::now());
            let is_over = job.as_ref().is_none_or(|job| job.state.is_final());
            if is_over || left.is_zero() {
                return Ok(job);
            }
            let _ = tokio::time::timeout(left.min(LOOK_EVERY), end).await;
        }
    }

    /// What the queue holds and has done.
    ///
    /// # Errors
    /// When Redis is away.
    pub async fn stats(&self) -> Result<Stats, QueueError> {
        let stats = self.step(|store| store.stats()).await?;
        let rates = self.0.front.rates();
        Ok(Stats { rates, ..stats })
    }

    /// Gives dead jobs another chance; all where none is named. How many.
    ///
    /// # Errors
    /// When Redis is away.
    pub async fn retry_dead(&self, ids: Vec<JobId>) -> Result<u64, QueueError> {
        self.of_dead(ids, |store, ids| store.retry(ids)).await
    }

    /// Throws dead jobs away; all where none is named. How many.
    ///
    /// # Errors
    /// When Redis is away.
    pub async fn drop_dead(&self, ids: Vec<JobId>) -> Result<u64, QueueError> {
        self.of_dead(ids, |store, ids| store.drop_dead(ids)).await
    }

    /// What happens from now on. Who is slow is told so, and misses some.
    pub fn events(&self) -> broadcast::Receiver<Arc<Event>> {
        self.0.listeners.subscribe()
    }

    /// What happened after `after`, as far as it is kept.
    ///
    /// # Errors
    /// When Redis is away.
    pub async fn events_after(&self, after: Seq, most: usize) -> Result<Vec<Event>, QueueError> {
        self.step(move |store| {
            let mut events = store.events(after, most, Duration::ZERO)?;
            events.truncate(most);
            Ok(events)
        })
        .await
    }

    /// Ends its threads; whatever is asked for afterwards fails.
    pub fn close(&self) {
        self.0.front.close();
        self.0.listeners.close();
    }

    /// The same step, where all dead jobs are meant: as often as there were some,
    /// but for no more jobs than there were at first.
    async fn of_dead(
        &self,
        ids: Vec<JobId>,
        step: fn(&mut dyn Store, &[JobId]) -> Stored<u64>,
    ) -> Result<u64, QueueError> {
        if !ids.is_empty() {
            return self.step(move |store| step(store, &ids)).await;
        }
        let stats = self.stats().await?;
        let all = stats.by_state.get(&State::Dead).copied().unwrap_or(0);
        let mut done = 0;
        while done < all {
            match self.step(move |store| step(store, &[])).await? {
                0 => break,
                more => done += more,
            }
        }
        Ok(done)
    }

    async fn step<T: Send + 'static>(
        &self,
        step: impl FnOnce(&mut dyn Store) -> Stored<T> + Send + 'static,
    ) -> Result<T, QueueError> {
        self.asked(|reply| Request::Step(Step::new(step, reply)))
            .await?
    }

    async fn asked<T>(
        &self,
        request: impl FnOnce(oneshot::Sender<T>) -> Request,
    ) -> Result<T, QueueError> {
        let (reply, answer) = oneshot::channel();
        self.0.front.ask(request(reply))?;
        answer.await.map_err(|_| QueueError::Closed)
    }
}

impl Drop for Inner {
    fn drop(&mut self) {
        self.front.close();
        self.listeners.close();
    }
}
