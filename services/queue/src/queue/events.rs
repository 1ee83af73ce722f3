//! What happens, told to all who listen.

use crate::job::{Event, JobId, What};
use crate::store::{Place, Store};
use redis_link::Patience;
use std::collections::HashMap;
use std::io;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;
use tokio::sync::Notify;
use tokio::sync::broadcast;
use tokio::sync::futures::OwnedNotified;

/// Events that a slow listener may lag behind.
const MOST_BEHIND: usize = 16_384;

/// Entries that are read at once.
const MOST_AT_ONCE: usize = 256;

/// How long one read waits.
const WAIT: Duration = Duration::from_secs(1);

/// Who listens.
pub(super) struct Listeners {
    all: broadcast::Sender<Arc<Event>>,
    ends: Mutex<HashMap<JobId, Arc<Notify>>>,
    closed: AtomicBool,
}

impl Default for Listeners {
    fn default() -> Self {
        Self {
            all: broadcast::Sender::new(MOST_BEHIND),
            ends: Mutex::default(),
            closed: AtomicBool::new(false),
        }
    }
}

/// Somebody waits for the end of a job, until this is dropped.
pub(super) struct EndOf {
    id: JobId,
    notify: Arc<Notify>,
    listeners: Arc<Listeners>,
}

impl EndOf {
    /// Ready when the job ends, from now on.
    pub(super) fn next(&self) -> OwnedNotified {
        self.notify.clone().notified_owned()
    }
}

impl Drop for EndOf {
    fn drop(&mut self) {
        let mut ends = self.listeners.ends();
        // The map's, and this one's.
        if Arc::strong_count(&self.notify) <= 2 {
            ends.remove(&self.id);
        }
    }
}

impl Listeners {
    pub(super) fn subscribe(&self) -> broadcast::Receiver<Arc<Event>> {
        self.all.subscribe()
    }

    pub(super) fn end_of(self: &Arc<Self>, id: JobId) -> EndOf {
        let notify = self.ends().entry(id).or_default().clone();
        EndOf {
            id,
            notify,
            listeners: self.clone(),
        }
    }

    pub(super) fn close(&self) {
        self.closed.store(true, Ordering::Relaxed);
    }

    fn ends(&self) -> MutexGuard<'_, HashMap<JobId, Arc<Notify>>> {
        self.ends.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn tell(&self, events: Vec<Event>) {
        let ends = self.ends();
        for event in events {
            let is_end = matches!(event.what, What::State(state) if state.is_final());
            if let Some(waiting) = ends.get(&event.id).filter(|_| is_end) {
                waiting.notify_waiters();
            }
            // An error says that nobody listens.
            let _ = self.all.send(Arc::new(event));
        }
    }
}

/// Starts the thread that reads what happens at `place`, until the listeners are
/// closed.
pub(super) fn follow(place: Place, listeners: &Arc<Listeners>) -> io::Result<()> {
    let listeners = listeners.clone();
    std::thread::Builder::new()
        .name("events".into())
        .spawn(move || read(&place, &listeners))
        .map(drop)
}

fn read(place: &Place, listeners: &Listeners) {
    let mut patience = Patience::default();
    let mut store: Option<Box<dyn Store>> = None;
    let mut after = None;
    while !listeners.closed.load(Ordering::Relaxed) {
        let mut turn = || {
            let open = match &mut store {
                Some(open) => open,
                None => store.insert(place.open()?),
            };
            // Only what happens from now on; after trouble from where it was.
            let from = match after {
                Some(from) => from,
                None => open.last_event()?,
            };
            let events = open.events(from, MOST_AT_ONCE, WAIT)?;
            after = Some(events.last().map_or(from, |event| event.seq.whole()));
            Ok::<_, redis_link::Trouble>(events)
        };
        match turn() {
            Ok(events) => {
                patience.over();
                listeners.tell(events);
            }
            Err(trouble) => {
                store = None;
                std::thread::sleep(patience.pause(&trouble));
            }
        }
    }
}
