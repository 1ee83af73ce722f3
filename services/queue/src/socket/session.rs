//! What a client is still to be told, across its connections.
//!
//! Nothing here grows with what jobs say: a change of a job takes the place of
//! the one before, results stay in the queue until the client can take them, and
//! the feed of all events drops its oldest and counts them.

use crate::job::{Event, JobId, State, What};
use std::collections::{HashMap, HashSet, VecDeque};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Instant;
use tokio::sync::Notify;

/// How many jobs a session may wait for at once.
pub(super) const MOST_JOBS: usize = 10_000;

/// How many events of the feed wait for a client that reads slowly.
const MOST_EVENTS: usize = 1024;

/// One thing to tell a client.
#[derive(Debug, Clone, PartialEq)]
pub(super) enum News {
    /// A job moved.
    Moved { id: JobId, what: What },
    /// A job ended: what came of it is in the queue.
    Ended(JobId),
    /// Something happened to any job, for those who subscribed to all.
    Happened(Arc<Event>),
    /// So many such events came faster than the client read them.
    Missed(u64),
    /// The store is away, and why; `None`: it is back.
    Away(Option<String>),
}

/// A client's session: it stays for a while when its connection ends.
#[derive(Debug)]
pub(super) struct Session {
    id: Box<str>,
    /// Wakes the connection.
    pub news: Notify,
    inner: Mutex<Inner>,
}

#[derive(Debug, Default)]
struct Inner {
    /// Which of the connections it has had is the one now.
    connection: u64,
    /// Since when it has none.
    left: Option<Instant>,
    /// Jobs whose end is to be told.
    watched: HashSet<JobId>,
    /// What is to be told of them before that; the newest of each kind.
    moved: HashMap<JobId, Moves>,
    /// In this order.
    order: VecDeque<JobId>,
    ended: VecDeque<JobId>,
    /// Results that were written, up to which ping, and not yet known to have arrived.
    unconfirmed: VecDeque<(u64, JobId)>,
    pings: u64,
    feed: Option<Feed>,
    store: Store,
}

/// What is to be told of the store.
#[derive(Debug, Default)]
enum Store {
    #[default]
    Nothing,
    Away(String),
    Back,
}

#[derive(Debug, Default)]
struct Moves {
    state: Option<State>,
    progress: Option<f64>,
}

#[derive(Debug, Default)]
struct Feed {
    events: VecDeque<Arc<Event>>,
    missed: u64,
}

/// A session waits for as many jobs as it may.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct TooManyJobs;

impl Session {
    pub fn new() -> Self {
        Self {
            id: uuid::Uuid::new_v4().to_string().into(),
            news: Notify::new(),
            inner: Mutex::default(),
        }
    }

    /// By which a client finds it again; nobody can guess it.
    pub fn id(&self) -> &str {
        &self.id
    }

    /// A connection takes it over; the number tells it from those before.
    /// What was written to the one before and may not have arrived is to be told again.
    pub fn take_over(&self) -> u64 {
        let mut inner = self.inner();
        inner.connection += 1;
        inner.left = None;
        inner.feed = None;
        let unconfirmed = std::mem::take(&mut inner.unconfirmed);
        for (_, id) in unconfirmed.into_iter().rev() {
            inner.ended.push_front(id);
        }
        let connection = inner.connection;
        drop(inner);
        // The one before sees that it was taken over, this one what there is to tell.
        self.news.notify_waiters();
        self.news.notify_one();
        connection
    }

    /// Whether that connection is the one now.
    pub fn is_of(&self, connection: u64) -> bool {
        self.inner().connection == connection
    }

    /// The connection has ended.
    pub fn leave(&self, connection: u64) {
        let mut inner = self.inner();
        if inner.connection == connection {
            inner.left = Some(Instant::now());
            inner.feed = None;
        }
    }

    /// Since when it has no connection.
    pub fn left(&self) -> Option<Instant> {
        self.inner().left
    }

    /// Whether there is nothing that a client could come back for.
    pub fn is_empty(&self) -> bool {
        let inner = self.inner();
        inner.watched.is_empty() && inner.ended.is_empty() && inner.unconfirmed.is_empty()
    }

    /// Whether there is something that its client was not told yet.
    pub fn waits(&self) -> bool {
        let inner = self.inner();
        !inner.watched.is_empty() || !inner.ended.is_empty()
    }

    /// The end of that job is to be told.
    pub fn watch(&self, id: JobId) -> Result<(), TooManyJobs> {
        let mut inner = self.inner();
        let jobs = inner.watched.len() + inner.ended.len() + inner.unconfirmed.len();
        if jobs >= MOST_JOBS && !inner.watched.contains(&id) {
            return Err(TooManyJobs);
        }
        inner.watched.insert(id);
        Ok(())
    }

    /// Whether so many jobs more may be watched.
    pub fn has_room_for(&self, more: usize) -> bool {
        let inner = self.inner();
        inner.watched.len() + inner.ended.len() + inner.unconfirmed.len() + more <= MOST_JOBS
    }

    /// Nothing more is told of that job.
    pub fn unwatch(&self, id: JobId) {
        let mut inner = self.inner();
        inner.watched.remove(&id);
        inner.moved.remove(&id);
    }

    /// The jobs whose end is to be told.
    pub fn watched(&self) -> Vec<JobId> {
        self.inner().watched.iter().copied().collect()
    }

    /// All events are told from now on, or no longer.
    pub fn follow_all(&self, follow: bool) {
        self.inner().feed = follow.then(Feed::default);
    }

    /// Something happened to a job that is watched.
    pub fn moved(&self, id: JobId, what: What) {
        let mut inner = self.inner();
        if !inner.watched.contains(&id) {
            return;
        }
        if let What::State(state) = what
            && state.is_final()
        {
            inner.watched.remove(&id);
            inner.moved.remove(&id);
            inner.ended.push_back(id);
        } else {
            if !inner.moved.contains_key(&id) {
                inner.order.push_back(id);
            }
            let moves = inner.moved.entry(id).or_default();
            match what {
                // A new try begins with no progress.
                What::State(state) => {
                    *moves = Moves {
                        state: Some(state),
                        progress: None,
                    }
                }
                What::Progress(share) => moves.progress = Some(share),
            }
        }
        self.wake(&inner);
    }

    /// Something happened to any job.
    pub fn happened(&self, event: &Arc<Event>) {
        let mut inner = self.inner();
        let Some(feed) = &mut inner.feed else { return };
        if feed.events.len() == MOST_EVENTS {
            feed.events.pop_front();
            feed.missed += 1;
        }
        feed.events.push_back(event.clone());
        self.wake(&inner);
    }

    /// Events were lost before they reached this process's sessions.
    pub fn missed(&self, count: u64) {
        let mut inner = self.inner();
        if let Some(feed) = &mut inner.feed {
            feed.missed += count;
            self.wake(&inner);
        }
    }

    /// The store is away, or back.
    pub fn away(&self, trouble: Option<&str>) {
        let mut inner = self.inner();
        inner.store = trouble.map_or(Store::Back, |why| Store::Away(why.into()));
        self.wake(&inner);
    }

    /// Takes what there is to tell, `most` things at most.
    pub fn take(&self, most: usize) -> Vec<News> {
        let mut inner = self.inner();
        let mut news = Vec::new();
        match std::mem::take(&mut inner.store) {
            Store::Nothing => {}
            Store::Away(why) => news.push(News::Away(Some(why))),
            Store::Back => news.push(News::Away(None)),
        }
        while news.len() < most
            && let Some(id) = inner.order.pop_front()
        {
            let Some(moves) = inner.moved.remove(&id) else {
                continue;
            };
            let state = moves.state.map(What::State);
            let progress = moves.progress.map(What::Progress);
            let both = state.into_iter().chain(progress);
            news.extend(both.map(|what| News::Moved { id, what }));
        }
        while news.len() < most
            && let Some(id) = inner.ended.pop_front()
        {
            news.push(News::Ended(id));
        }
        if let Some(feed) = &mut inner.feed {
            if feed.missed > 0 {
                news.push(News::Missed(std::mem::take(&mut feed.missed)));
            }
            let room = most.saturating_sub(news.len()).min(feed.events.len());
            news.extend(feed.events.drain(..room).map(News::Happened));
        }
        inner.release();
        news
    }

    /// What came of that job could not be told now; it is the next thing to tell.
    pub fn put_back(&self, ids: &[JobId]) {
        let mut inner = self.inner();
        for id in ids.iter().rev() {
            inner.ended.push_front(*id);
        }
    }

    /// Results were written; the number of the ping after them, whose answer says
    /// that they have arrived.
    pub fn written(&self, ids: &[JobId]) -> u64 {
        let mut inner = self.inner();
        inner.pings += 1;
        let ping = inner.pings;
        inner.unconfirmed.extend(ids.iter().map(|id| (ping, *id)));
        ping
    }

    /// That ping was answered: what was written before it has arrived.
    pub fn confirm(&self, ping: u64) {
        let mut inner = self.inner();
        while inner
            .unconfirmed
            .front()
            .is_some_and(|(after, _)| *after <= ping)
        {
            inner.unconfirmed.pop_front();
        }
        inner.release();
    }

    fn wake(&self, inner: &Inner) {
        // Nobody waits: the one that comes looks first.
        if inner.left.is_none() {
            self.news.notify_one();
        }
    }

    fn inner(&self) -> MutexGuard<'_, Inner> {
        // Nothing that can panic runs under the lock.
        self.inner.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Inner {
    /// Gives back memory that a burst took: there are ten thousand of these.
    fn release(&mut self) {
        if self.watched.is_empty() && self.watched.capacity() > 0 {
            self.watched = HashSet::new();
        }
        if self.order.is_empty() && self.order.capacity() > 0 {
            self.order = VecDeque::new();
            self.moved = HashMap::new();
        }
        if self.ended.is_empty() && self.ended.capacity() > 0 {
            self.ended = VecDeque::new();
        }
        if self.unconfirmed.is_empty() && self.unconfirmed.capacity() > 0 {
            self.unconfirmed = VecDeque::new();
        }
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]

    use super::*;
    use crate::job::Seq;

    fn event(number: u64) -> Arc<Event> {
        Arc::new(Event {
            seq: Seq {
                millis: number,
                ..Seq::default()
            },
            at: 0.0,
            id: JobId(number),
            kind: "noop".into(),
            what: What::State(State::Ready),
        })
    }

    fn watching(ids: &[u64]) -> Session {
        let session = Session::new();
        session.take_over();
        for id in ids {
            session.watch(JobId(*id)).unwrap();
        }
        session
    }

    #[test]
    fn of_many_moves_the_newest_are_told_and_then_the_end() {
        let session = watching(&[1, 2]);
        session.moved(JobId(1), What::State(State::Active));
        for step in 0..=1000 {
            session.moved(JobId(1), What::Progress(f64::from(step) / 1000.0));
        }
        session.moved(JobId(2), What::State(State::Active));
        session.moved(JobId(3), What::State(State::Active));
        session.moved(JobId(2), What::State(State::Succeeded));
        session.moved(JobId(2), What::Progress(1.0));

        let told = session.take(100);

        let moved = |what| News::Moved { id: JobId(1), what };
        let expected = [
            moved(What::State(State::Active)),
            moved(What::Progress(1.0)),
            News::Ended(JobId(2)),
        ];
        assert_eq!(told, expected);
        assert_eq!(session.take(100), []);
        assert_eq!(session.watched(), [JobId(1)]);
    }

    #[test]
    fn a_slow_reader_misses_events_and_is_told_how_many() {
        let session = watching(&[]);
        session.happened(&event(0));
        assert_eq!(session.take(1), [], "it did not subscribe");
        session.follow_all(true);
        for number in 0..MOST_EVENTS as u64 + 7 {
            session.happened(&event(number));
        }

        let told = session.take(10_000);

        assert_eq!(told[0], News::Missed(7));
        assert_eq!(told[1], News::Happened(event(7)));
        assert_eq!(told.len(), 1 + MOST_EVENTS);
    }

    #[test]
    fn what_was_not_known_to_arrive_is_told_to_the_next_connection() {
        let session = watching(&[1, 2, 3]);
        for id in 1..=3 {
            session.moved(JobId(id), What::State(State::Succeeded));
        }
        assert_eq!(session.take(1), [News::Ended(JobId(1))]);
        let first = session.written(&[JobId(1)]);
        assert_eq!(session.take(1), [News::Ended(JobId(2))]);
        session.written(&[JobId(2)]);
        session.confirm(first);

        let connection = session.take_over();

        assert_eq!(session.take(9), [2, 3].map(|id| News::Ended(JobId(id))));
        session.put_back(&[JobId(2), JobId(3)]);
        assert_eq!(session.take(9), [2, 3].map(|id| News::Ended(JobId(id))));
        assert!(session.is_of(connection));
        assert!(!session.is_of(connection - 1));
        assert!(session.is_empty());
    }

    #[test]
    fn a_connection_that_was_taken_over_leaves_nothing() {
        let session = watching(&[]);
        let second = session.take_over();

        session.leave(second - 1);
        assert_eq!(session.left(), None);

        session.leave(second);
        assert!(session.left().is_some());
    }

    #[test]
    fn jobs_are_bounded_also_those_that_have_ended() {
        let session = watching(&[]);
        for id in 0..MOST_JOBS as u64 {
            session.watch(JobId(id)).unwrap();
        }
        session.moved(JobId(0), What::State(State::Dead));

        assert_eq!(session.watch(JobId(MOST_JOBS as u64)), Err(TooManyJobs));
        assert_eq!(session.watch(JobId(5)), Ok(()), "it is watched already");
        session.take(1);
        assert_eq!(session.watch(JobId(MOST_JOBS as u64)), Ok(()));
    }
}
