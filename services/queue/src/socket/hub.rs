//! What happens to jobs, brought to the sessions that want to know.
//!
//! One task listens for all clients: ten thousand listeners of their own would
//! all be woken for every event, nearly always for nothing.

use super::session::{Session, TooManyJobs};
use crate::job::{Event, JobId, State, What};
use crate::queue::{Queue, QueueError};
use service_kit::shutdown::Shutdown;
use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError, Weak};
use std::time::{Duration, Instant};
use tokio::sync::broadcast::error::RecvError;

/// How long a session waits for its client to come back.
pub(super) const SESSIONS_WAIT: Duration = Duration::from_mins(10);

/// How many sessions wait for their clients at most; beyond it those go first that
/// have waited longest.
const MOST_LEFT: usize = 20_000;

/// How often is looked which of them waited too long.
const TIDY: Duration = Duration::from_secs(15);

/// How often is looked whether the store is away.
const LOOK: Duration = Duration::from_secs(1);

/// All sessions.
pub struct Hub {
    queue: Queue,
    inner: Mutex<Inner>,
}

#[derive(Debug, Default)]
struct Inner {
    sessions: HashMap<Box<str>, Arc<Session>>,
    /// Whom a job's events go to.
    watchers: HashMap<JobId, Vec<Weak<Session>>>,
    /// Who gets all events.
    followers: Vec<Weak<Session>>,
    /// Jobs that are being asked after.
    looks: HashMap<JobId, Look>,
    /// Why the store is away.
    away: Option<String>,
}

/// A job that is being asked after.
#[derive(Debug, Default)]
struct Look {
    /// By so many at once.
    count: usize,
    /// An event of it came meanwhile.
    has_moved: bool,
}

impl Inner {
    /// One who asked after a job knows; whether an event of it came meanwhile.
    fn looked(&mut self, id: JobId) -> bool {
        let Some(look) = self.looks.get_mut(&id) else {
            return false;
        };
        look.count -= 1;
        let has_moved = look.has_moved;
        if look.count == 0 {
            self.looks.remove(&id);
        }
        has_moved
    }
}

/// A connection's hold on its session.
pub(super) struct Seat {
    pub session: Arc<Session>,
    pub connection: u64,
    hub: Arc<Hub>,
}

impl Hub {
    /// No sessions yet.
    pub fn new(queue: Queue) -> Arc<Self> {
        let inner = Mutex::default();
        Arc::new(Self { queue, inner })
    }

    /// Brings events to sessions until `shutdown`.
    pub async fn follow(self: Arc<Self>, shutdown: Shutdown) {
        let mut events = self.queue.events();
        let mut look = tokio::time::interval(LOOK);
        let mut tidy = tokio::time::interval(TIDY);
        loop {
            tokio::select! {
                _ = shutdown.begun() => return,
                event = events.recv() => match event {
                    Ok(event) => self.happened(&event),
                    Err(RecvError::Lagged(count)) => {
                        self.missed(count);
                        tokio::spawn(self.clone().catch_up());
                    }
                    Err(RecvError::Closed) => return,
                },
                _ = look.tick() => self.look(),
                _ = tidy.tick() => self.tidy(Instant::now()),
            }
        }
    }

    /// A seat in a new session.
    pub(super) fn sit(self: &Arc<Self>) -> Seat {
        let mut inner = self.inner();
        let new = Arc::new(Session::new());
        inner.sessions.insert(new.id().into(), new.clone());
        self.seat_in(new, &inner)
    }

    /// A seat in the session of that name, if there is one; who sat there has it no longer.
    pub(super) fn resume(self: &Arc<Self>, name: &str) -> Option<Seat> {
        let inner = self.inner();
        let session = inner.sessions.get(name)?.clone();
        Some(self.seat_in(session, &inner))
    }

    fn seat_in(self: &Arc<Self>, session: Arc<Session>, inner: &Inner) -> Seat {
        let connection = session.take_over();
        if let Some(away) = &inner.away {
            session.away(Some(away));
        }
        Seat {
            session,
            connection,
            hub: self.clone(),
        }
    }

    fn happened(&self, event: &Arc<Event>) {
        let mut inner = self.inner();
        if let Some(look) = inner.looks.get_mut(&event.id) {
            look.has_moved = true;
        }
        let ends = matches!(event.what, What::State(state) if state.is_final());
        let told = |watchers: &[Weak<Session>]| {
            for session in watchers.iter().filter_map(Weak::upgrade) {
                session.moved(event.id, event.what);
            }
        };
        if ends {
            told(&inner.watchers.remove(&event.id).unwrap_or_default());
        } else if let Some(watchers) = inner.watchers.get(&event.id) {
            told(watchers);
        }
        for session in inner.followers.iter().filter_map(Weak::upgrade) {
            session.happened(event);
        }
    }

    fn missed(&self, count: u64) {
        for session in self.inner().followers.iter().filter_map(Weak::upgrade) {
            session.missed(count);
        }
    }

    /// Asks after every job that is watched: events of some were missed.
    async fn catch_up(self: Arc<Self>) {
        let watched: Vec<JobId> = self.inner().watchers.keys().copied().collect();
        for id in watched {
            // One whose store is away is asked after again when that is back.
            let Ok(()) = self.look_at(id).await else {
                return;
            };
        }
    }

    /// Tells the state of a job as the queue has it now: it may have changed before
    /// it was watched.
    pub(super) async fn look_at(&self, id: JobId) -> Result<(), QueueError> {
        self.inner().looks.entry(id).or_default().count += 1;
        let found = self.queue.get(id).await;
        let mut inner = self.inner();
        let has_moved = inner.looked(id);
        // One that is gone had ended long ago.
        let state = found?.map_or(State::Dead, |job| job.state);
        let watchers = if state.is_final() {
            inner.watchers.remove(&id).unwrap_or_default()
        } else if has_moved {
            // Its events have told more than this.
            return Ok(());
        } else {
            inner.watchers.get(&id).cloned().unwrap_or_default()
        };
        for session in watchers.iter().filter_map(Weak::upgrade) {
            session.moved(id, What::State(state));
        }
        Ok(())
    }

    /// Tells all sessions when the store goes away and when it is back.
    fn look(self: &Arc<Self>) {
        let trouble = self.queue.trouble();
        let mut inner = self.inner();
        if inner.away.is_some() == trouble.is_some() {
            return;
        }
        for session in inner.sessions.values() {
            session.away(trouble.as_deref());
        }
        let is_back = trouble.is_none();
        inner.away = trouble;
        drop(inner);
        if is_back {
            tokio::spawn(self.clone().catch_up());
        }
    }

    /// Forgets the sessions whose clients did not come back.
    fn tidy(&self, now: Instant) {
        let mut inner = self.inner();
        let mut left: Vec<Instant> = inner.sessions.values().filter_map(|s| s.left()).collect();
        let too_many = left.len().saturating_sub(MOST_LEFT);
        left.sort_unstable();
        let oldest = too_many.checked_sub(1).map(|at| left[at]);
        inner.sessions.retain(|_, session| {
            let Some(left) = session.left() else {
                return true;
            };
            now.saturating_duration_since(left) < SESSIONS_WAIT && oldest.is_none_or(|at| left > at)
        });
        inner.followers.retain(|session| session.strong_count() > 0);
        inner.watchers.retain(|_, watchers| {
            watchers.retain(|session| session.strong_count() > 0);
            !watchers.is_empty()
        });
    }

    fn inner(&self) -> MutexGuard<'_, Inner> {
        // Nothing that can panic runs under the lock.
        self.inner.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Seat {
    /// The end of that job is told from now on. What it was before, [`Hub::look_at`] tells.
    pub fn watch(&self, id: JobId) -> Result<(), TooManyJobs> {
        self.session.watch(id)?;
        let mut inner = self.hub.inner();
        let watchers = inner.watchers.entry(id).or_default();
        let me = Arc::downgrade(&self.session);
        if !watchers.iter().any(|watcher| watcher.ptr_eq(&me)) {
            watchers.push(me);
        }
        Ok(())
    }

    /// All events are told from now on, or no longer.
    pub fn follow_all(&self, follow: bool) {
        self.session.follow_all(follow);
        let me = Arc::downgrade(&self.session);
        let followers = &mut self.hub.inner().followers;
        followers.retain(|follower| !follower.ptr_eq(&me));
        if follow {
            followers.push(me);
        }
    }

    /// Whether another connection has the session now.
    pub fn is_taken_over(&self) -> bool {
        !self.session.is_of(self.connection)
    }

    pub fn hub(&self) -> &Arc<Hub> {
        &self.hub
    }
}

/// The session waits for its client, unless there is nothing to come back for.
impl Drop for Seat {
    fn drop(&mut self) {
        if self.is_taken_over() {
            // The wake that this one may have got was for the one after it.
            self.session.news.notify_one();
            return;
        }
        self.follow_all(false);
        self.session.leave(self.connection);
        let mut inner = self.hub.inner();
        // Under the lock that `sit` takes, so nobody is just coming back.
        if self.session.is_empty() && self.session.left().is_some() {
            inner.sessions.remove(self.session.id());
        }
    }
}
