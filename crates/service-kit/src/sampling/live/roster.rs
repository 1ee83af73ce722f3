//! The workers of one sample: who is there, who has ended, who is still to come.

use super::track::{Begun, Counted, Track};
use cpu_budget::clock::monotonic_seconds;
use cpu_budget::{SchedStat, thread};
use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, MutexGuard, OnceLock, PoisonError};

/// The workers of one sample, for whoever watches it; clones share it.
///
/// Threads enter it with [`WorkerClock::watched_by`](crate::sampling::WorkerClock::watched_by)
/// and leave it with their clock; child processes are entered by those who
/// start them. That is all that a sample pays for being watched (a lock and a
/// reading, a few microseconds per worker and job): the rest is done when somebody asks.
#[derive(Debug, Clone)]
pub struct Roster {
    entries: Arc<Mutex<Entries>>,
    /// How many work at once.
    workers: usize,
}

#[derive(Debug, Default)]
struct Entries {
    next_key: u64,
    present: BTreeMap<u64, Arc<Worker>>,
    /// What those counted that have ended.
    ended: Counted,
    ended_in_job: usize,
    job_started: f64,
}

#[derive(Debug)]
struct Worker {
    stat: Arc<SchedStat>,
    track: Mutex<Track>,
    /// Beside the track, whose lock a reader may hold while it is stopped.
    begun: OnceLock<Begun>,
}

/// A worker's place in a [`Roster`]; dropped when it ends.
#[derive(Debug)]
pub struct Watching {
    roster: Roster,
    key: u64,
    worker: Arc<Worker>,
    /// By its own account; what was read of it last counts where it gives none.
    counted: Option<Counted>,
}

/// The sum over all workers of a sample, in seconds.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) struct Seen {
    pub(super) counted: Counted,
    /// Blocked or stolen at least.
    pub(super) off: f64,
}

impl Roster {
    /// One for `workers` that work at once.
    pub fn new(workers: usize) -> Self {
        Self {
            entries: Arc::default(),
            workers,
        }
    }

    /// How many work at once.
    pub(super) fn workers(&self) -> usize {
        self.workers
    }

    /// Says that a job began then: workers that live for one job begin anew.
    pub(super) fn job_started(&self, at: f64) {
        let mut entries = self.lock();
        entries.job_started = at;
        entries.ended_in_job = 0;
    }

    /// Enters the calling thread; what it had used up to these seconds is no
    /// part of the sample.
    pub(crate) fn enter(&self, stat: &Arc<SchedStat>, on_cpu: f64, waited: f64) -> Watching {
        let mut figures = stat.read().unwrap_or_default();
        // The thread's own clock lacks no tick.
        figures.on_cpu = thread::on_cpu().unwrap_or(figures.on_cpu);
        let base = Counted { on_cpu, waited };
        let track = Track::new(monotonic_seconds(), figures, base);
        self.add(stat.clone(), track)
    }

    /// Enters a child process that was just started; `None` where the kernel
    /// does not count its time. Its whole life is work of the sample.
    pub fn enter_child(&self, id: u32) -> Option<Watching> {
        let stat = SchedStat::of_process(id)?;
        Some(self.add(stat.into(), Track::of_child(monotonic_seconds())))
    }

    /// Enters a thread of another process, which lived before the sample and will
    /// after it; what it has used until now is no part of it. `None` where the
    /// kernel does not count its time.
    pub fn enter_other(&self, stat: Arc<SchedStat>) -> Option<Watching> {
        let (at, read) = (monotonic_seconds(), stat.read()?);
        let figures = Counted::from(read);
        let mut track = Track::new(at, read, figures);
        track.begin(Begun { at, figures });
        Some(self.add(stat, track))
    }

    fn add(&self, stat: Arc<SchedStat>, track: Track) -> Watching {
        let worker = Arc::new(Worker {
            stat,
            track: Mutex::new(track),
            begun: OnceLock::new(),
        });
        let mut entries = self.lock();
        let key = entries.next_key;
        entries.next_key += 1;
        entries.present.insert(key, worker.clone());
        Watching {
            roster: self.clone(),
            key,
            worker,
            counted: None,
        }
    }

    /// Reads all workers of the sample that `started` then.
    ///
    /// The lock is not held meanwhile: in a throttled group a reader may be
    /// stopped for most of a period, and no worker may wait for it.
    pub(super) fn read(&self, started: f64) -> Seen {
        let now = monotonic_seconds();
        let (present, mut counted, yet_to_come, job_started) = {
            let entries = self.lock();
            let present: Vec<_> = entries.present.values().cloned().collect();
            let here = present.len() + entries.ended_in_job;
            let yet_to_come = self.workers.saturating_sub(here);
            let job_started = entries.job_started.max(started);
            (present, entries.ended, yet_to_come, job_started)
        };
        // A worker that is not there yet may wait for its first turn.
        let mut open = yet_to_come as f64 * (now - job_started).max(0.0);
        for worker in &present {
            let mut track = worker.track();
            if let Some(begun) = worker.begun.get() {
                track.begin(*begun);
            }
            let sleeps = || worker.stat.sleeps() == Some(true);
            track.read(now, || worker.stat.read(), sleeps);
            counted += track.counted(started);
            open += track.open(started, now);
        }
        Seen::new(self.workers as f64 * (now - started), counted, open)
    }

    fn lock(&self) -> MutexGuard<'_, Entries> {
        // Nothing that can panic runs under the lock.
        self.entries.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Seen {
    /// Of `all` the workers' time so much is `counted`, and as much may be `open`.
    pub(super) fn new(all: f64, counted: Counted, open: f64) -> Self {
        let off = (all - counted.on_cpu - counted.waited - open).max(0.0);
        Self { counted, off }
    }
}

impl Watching {
    /// The worker's first item or wait began then, by its own figures; said once.
    pub(crate) fn begun(&self, at: f64, on_cpu: f64, waited: f64) {
        let figures = Counted { on_cpu, waited };
        // Set by this worker alone.
        let _ = self.worker.begun.set(Begun { at, figures });
    }

    /// What the worker counted by its own account, which is more exact than
    /// what others read of it.
    pub fn counted(&mut self, on_cpu_seconds: Option<f64>, waited_seconds: Option<f64>) {
        let counted = on_cpu_seconds.zip(waited_seconds);
        self.counted = counted.map(|(on_cpu, waited)| Counted { on_cpu, waited });
    }
}

impl Drop for Watching {
    fn drop(&mut self) {
        // Not under the roster's lock: whoever reads the track may be stopped.
        // Without an account it is a child, of which all is the sample's.
        let counted = self
            .counted
            .unwrap_or_else(|| self.worker.track().counted(f64::NEG_INFINITY));
        let mut entries = self.roster.lock();
        entries.present.remove(&self.key);
        entries.ended_in_job += 1;
        entries.ended += counted;
    }
}

impl Worker {
    fn track(&self) -> MutexGuard<'_, Track> {
        // Reading a track does not panic.
        self.track.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
