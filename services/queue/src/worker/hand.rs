//! The jobs that a worker has.

use super::crew::Settings;
use crate::job::JobId;
use crate::store::{Lease, Taken};
use crate::work::{Class, Control, Stop, Task};
use std::collections::{HashMap, VecDeque};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

/// The most jobs of one claim.
const MOST_AT_ONCE: usize = 1000;

/// What waits in a worker for a thread takes so long: enough that no thread waits
/// for a round trip, too little to keep jobs from workers that have nothing to do.
const AHEAD: Duration = Duration::from_millis(20);

/// A job that this worker has.
#[derive(Debug)]
pub(super) struct Held {
    pub(super) taken: Taken,
    pub(super) task: Task,
    /// When it was taken.
    pub(super) since: Instant,
    pub(super) control: Control,
    /// Somebody works on it.
    pub(super) begun: AtomicBool,
}

impl Held {
    pub(super) fn new(taken: Taken, task: Task) -> Arc<Self> {
        Arc::new(Self {
            taken,
            task,
            since: Instant::now(),
            control: Control::default(),
            begun: AtomicBool::new(false),
        })
    }

    /// Work on it begins.
    pub(super) fn begin(&self) -> Instant {
        self.begun.store(true, Ordering::Relaxed);
        self.control.begin(self.taken.timeout);
        Instant::now()
    }
}

/// All of them.
#[derive(Debug)]
pub(super) struct Hand {
    settings: Settings,
    jobs: Mutex<Jobs>,
    /// There may be room for more.
    room: Condvar,
    /// There may be CPU jobs to begin.
    work: Condvar,
}

#[derive(Debug, Default)]
struct Jobs {
    all: HashMap<JobId, Arc<Held>>,
    /// CPU jobs that wait for a thread.
    waiting: VecDeque<Arc<Held>>,
    cpu: usize,
    io: usize,
    /// How many CPU jobs may wait for a thread now.
    ahead: usize,
    stopping: bool,
    ended: bool,
}

/// What a thread gets.
pub(super) enum Next {
    /// A job.
    Job(Arc<Held>),
    /// Nothing just now.
    Nothing,
    /// Nothing any more.
    Ended,
}

impl Hand {
    pub(super) fn new(settings: Settings) -> Self {
        Self {
            settings,
            jobs: Mutex::default(),
            room: Condvar::new(),
            work: Condvar::new(),
        }
    }

    /// For how many jobs of `class` there is room, as soon as it is worth a round
    /// trip. `None` once no more are to be taken.
    pub(super) fn room(&self, class: Class) -> Option<usize> {
        let mut jobs = self.lock();
        loop {
            if jobs.stopping {
                return None;
            }
            let threads = self.settings.threads;
            let (room, is_worth_it) = match class {
                // While all threads have something to do, not for a few jobs.
                Class::Cpu => {
                    let most = threads + jobs.ahead;
                    let room = most.saturating_sub(jobs.cpu);
                    (room, jobs.cpu < threads || room > most / 4)
                }
                Class::Io => (self.settings.io.saturating_sub(jobs.io), true),
            };
            if room > 0 && is_worth_it {
                return Some(room.min(MOST_AT_ONCE));
            }
            jobs = self.room.wait(jobs).unwrap_or_else(PoisonError::into_inner);
        }
    }

    /// Takes jobs in; returns those that are not for a CPU, and none of them where
    /// no more are to be taken.
    pub(super) fn take(&self, taken: Vec<Arc<Held>>) -> Result<Vec<Arc<Held>>, Vec<Arc<Held>>> {
        let mut jobs = self.lock();
        if jobs.stopping {
            return Err(taken);
        }
        let mut to_wait = Vec::new();
        for held in taken {
            jobs.all.insert(held.taken.id, held.clone());
            match held.task.class() {
                Class::Cpu => {
                    jobs.cpu += 1;
                    jobs.waiting.push_back(held);
                }
                Class::Io => {
                    jobs.io += 1;
                    to_wait.push(held);
                }
            }
        }
        drop(jobs);
        self.work.notify_all();
        Ok(to_wait)
    }

    /// The next CPU job; waits at most so long for one.
    pub(super) fn next(&self, within: Duration) -> Next {
        let mut jobs = self.lock();
        if jobs.waiting.is_empty() && !jobs.ended {
            let woken = self.work.wait_timeout(jobs, within);
            jobs = woken.unwrap_or_else(PoisonError::into_inner).0;
        }
        match jobs.waiting.pop_front() {
            Some(held) => Next::Job(held),
            None if jobs.ended => Next::Ended,
            None => Next::Nothing,
        }
    }

    /// Lets go of jobs: they were settled, or are not this worker's any more.
    pub(super) fn release<'h>(&self, gone: impl IntoIterator<Item = &'h Arc<Held>>) {
        let mut jobs = self.lock();
        for held in gone {
            // Another lease on the same job may have begun meanwhile.
            let own = |known: &Arc<Held>| Arc::ptr_eq(known, held);
            if !jobs.all.get(&held.taken.id).is_some_and(own) {
                continue;
            }
            jobs.all.remove(&held.taken.id);
            match held.task.class() {
                Class::Cpu => jobs.cpu -= 1,
                Class::Io => jobs.io -= 1,
            }
            if !held.begun.load(Ordering::Relaxed) {
                jobs.waiting.retain(|other| !Arc::ptr_eq(other, held));
            }
        }
        drop(jobs);
        self.room.notify_all();
    }

    /// CPU jobs are done at this rate, per second: as many may wait as are done
    /// meanwhile.
    pub(super) fn done_at(&self, rate: f64) {
        let ahead = (rate * AHEAD.as_secs_f64()) as usize;
        self.lock().ahead = ahead.min(self.settings.prefetch);
        self.room.notify_all();
    }

    /// All leases, and whose they are.
    pub(super) fn leases(&self) -> Vec<(Arc<Held>, Lease)> {
        let jobs = self.lock();
        let lease = |held: &Arc<Held>| Lease {
            id: held.taken.id,
            token: held.taken.token,
            progress: held.control.progress(),
        };
        let held = jobs.all.values();
        held.map(|held| (held.clone(), lease(held))).collect()
    }

    /// How many there are, and how many of them are worked on.
    pub(super) fn counts(&self) -> (usize, usize) {
        let jobs = self.lock();
        (jobs.all.len(), jobs.all.len() - jobs.waiting.len())
    }

    /// Takes back from the threads what they have not begun: all of it, or, if the
    /// first has waited longer than `longer_than`, since others may be idle.
    pub(super) fn not_begun(&self, longer_than: Duration) -> Vec<Arc<Held>> {
        let mut jobs = self.lock();
        let first = jobs.waiting.front();
        if first.is_none_or(|held| held.since.elapsed() < longer_than) {
            return Vec::new();
        }
        jobs.ahead = 0;
        jobs.waiting.drain(..).collect()
    }

    /// Takes no more.
    pub(super) fn stop(&self) {
        self.lock().stopping = true;
        self.room.notify_all();
    }

    /// Has all end that is worked on.
    pub(super) fn interrupt(&self) {
        for held in self.lock().all.values() {
            held.control.stop(Stop::GivenBack);
        }
    }

    /// There will be nothing any more.
    pub(super) fn end(&self) {
        let mut jobs = self.lock();
        jobs.stopping = true;
        jobs.ended = true;
        drop(jobs);
        self.room.notify_all();
        self.work.notify_all();
    }

    /// Whether there is nothing.
    pub(super) fn is_empty(&self) -> bool {
        self.lock().all.is_empty()
    }

    fn lock(&self) -> MutexGuard<'_, Jobs> {
        // Nothing that can panic runs under the lock.
        self.jobs.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
