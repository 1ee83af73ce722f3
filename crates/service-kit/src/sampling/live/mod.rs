//! Where the workers' time goes, while a sample goes on.
//!
//! A sample's exact account exists when it has ended. Until then whoever scrapes
//! gets a lower bound of it: closed intervals only, read from the kernel at that
//! moment and at no other, so a station that nobody watches pays nothing but
//! its workers' entry in the [`Roster`]. A scrape costs 0.2 ms of CPU time for it
//! with two workers, 1 to 2 ms with 1024 that compute and 11 ms with 1024 that
//! sleep (2.5 GHz Xeon, beside 0.6 ms for all else). When the sample has ended its account
//! takes the bound's place. The bound of `running` and `blocked`, and the sum of
//! `throttled` and `runnable`, are those of [`track`]; how that sum is split is
//! the report's own estimate on what is closed so far ([`WorkerSeconds::of`]).
//!
//! Stolen time is told from running and blocked by what all workers booked as
//! blocked, which their accounts alone say: it is added when a sample ends. Until
//! then all that the hypervisor took is left out of `blocked`.

mod collector;
mod ledger;
mod roster;
mod track;

pub use roster::{Roster, Watching};

use super::window::{Opened, Window};
use cpu_budget::clock::monotonic_seconds;
use cpu_budget::{Cgroup, SchedStat};
use ledger::Ledger;
use measure::figures::WorkerSeconds;
use measure::report::{GroupAccount, ReplicaAccount, WorkerAccount};
use roster::Seen;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

/// The time of this process's workers by state, over all samples; clones share it.
///
/// One value, made by the service and handed to those who take samples, and no
/// global: a test then has its own, and a program without metrics has one that
/// nobody reads.
#[derive(Debug, Clone)]
pub struct WorkerTime {
    cgroup: Cgroup,
    books: Arc<Mutex<Books>>,
}

#[derive(Debug)]
struct Books {
    ledger: Ledger,
    /// Whether the kernel counts what the ledger holds.
    known: bool,
    current: Option<Arc<Watched>>,
}

/// A sample under way: its workers, and the window when it is open.
#[derive(Debug)]
struct Watched {
    roster: Roster,
    opened: Mutex<Option<Arc<Opened>>>,
}

/// A sample that is watched, for the one who takes it. Dropped without an
/// account, it leaves what was said of it so far.
#[derive(Debug)]
pub struct LiveSample {
    time: WorkerTime,
    watched: Arc<Watched>,
}

/// What a scrape says.
#[derive(Debug, Clone, Copy, PartialEq)]
struct Scraped {
    /// `None` where the kernel does not count it.
    seconds: Option<WorkerSeconds>,
    /// Workers of the sample whose window is open.
    workers: usize,
}

impl WorkerTime {
    /// Nothing yet, in the group that `cgroup` reads.
    pub fn new(cgroup: Cgroup) -> Self {
        let books = Books {
            ledger: Ledger::default(),
            known: SchedStat::of_this_thread().is_some(),
            current: None,
        };
        Self {
            cgroup,
            books: Arc::new(Mutex::new(books)),
        }
    }

    /// Begins to watch a sample with so many workers at once; call before they
    /// are made. A process takes one sample at a time.
    pub fn watch(&self, workers: usize) -> LiveSample {
        let watched = Arc::new(Watched {
            roster: Roster::new(workers),
            opened: Mutex::new(None),
        });
        self.lock().current = Some(watched.clone());
        LiveSample {
            time: self.clone(),
            watched,
        }
    }

    fn scrape(&self) -> Scraped {
        let current = self.lock().current.clone();
        let opened = current.as_ref().and_then(|watched| watched.opened());
        let live = match (&current, &opened) {
            (Some(watched), Some(opened)) => live(&watched.roster, opened, &self.cgroup),
            _ => None,
        };
        let mut books = self.lock();
        // The sample may have ended meanwhile: then its account is there.
        let same = |now: &Arc<Watched>| current.as_ref().is_some_and(|then| Arc::ptr_eq(now, then));
        let goes_on = books.current.as_ref().is_some_and(same);
        if let Some(live) = live.filter(|_| goes_on) {
            books.ledger.publish(live);
        }
        let workers = current.filter(|_| goes_on && opened.is_some());
        Scraped {
            seconds: books.known.then(|| books.ledger.published()),
            workers: workers.map_or(0, |watched| watched.roster.workers()),
        }
    }

    fn lock(&self) -> MutexGuard<'_, Books> {
        // Nothing that can panic runs under the lock.
        self.books.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Watched {
    fn opened(&self) -> Option<Arc<Opened>> {
        self.window().clone()
    }

    fn window(&self) -> MutexGuard<'_, Option<Arc<Opened>>> {
        self.opened.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl LiveSample {
    /// Where its workers enter.
    pub fn roster(&self) -> &Roster {
        &self.watched.roster
    }

    /// The clock has started: from now on the workers' time counts.
    pub fn opened(&self, window: &Window) {
        *self.watched.window() = Some(Arc::new(window.opened()));
    }

    /// Another doing of the job begins at that moment.
    pub fn job_started(&self, at: f64) {
        self.watched.roster.job_started(at);
    }

    /// The last worker has ended: from now on no time counts. Call before
    /// anything else is done.
    pub fn closed(&self) {
        *self.watched.window() = None;
    }

    /// The sample's account takes the place of what was said of it so far.
    pub fn settle(self, account: &ReplicaAccount) {
        let mut books = self.time.lock();
        if let Some(seconds) = WorkerSeconds::of(account) {
            books.ledger.settle(seconds);
            books.known = true;
        } else if account.workers.iter().any(|worker| worker.items > 0) {
            books.known = false;
        }
        books.current = None;
    }
}

impl Drop for LiveSample {
    fn drop(&mut self) {
        let mut books = self.time.lock();
        // Settled: nothing is left, or the next sample goes on already.
        let own = |now: &Arc<Watched>| Arc::ptr_eq(now, &self.watched);
        if books.current.as_ref().is_some_and(own) {
            books.ledger.give_up();
            books.current = None;
        }
    }
}

/// What is known now of a sample's workers.
fn live(roster: &Roster, opened: &Opened, cgroup: &Cgroup) -> Option<WorkerSeconds> {
    let seen = roster.read(opened.started);
    // In this order: a stall that ends in between is then in the group's
    // figure and not in the waits, which are the upper bound. The other way
    // round it would pass for want of a CPU.
    let throttled_seconds = cgroup.usage().since(&opened.usage).throttled_seconds;
    let stolen_seconds = opened.stolen_until(monotonic_seconds()).unwrap_or(0.0);
    let group = GroupAccount {
        throttled_seconds,
        ..GroupAccount::default()
    };
    WorkerSeconds::of(&closed_part(
        seen,
        roster.workers(),
        stolen_seconds,
        group,
        opened,
    ))
}

/// The account of a sample that is as long as what is closed of it: what is open
/// still is left out of all states, and so of their proportions too.
fn closed_part(
    seen: Seen,
    workers: usize,
    stolen_seconds: f64,
    group: GroupAccount,
    opened: &Opened,
) -> ReplicaAccount {
    let share = |seconds: f64| seconds / workers as f64;
    let blocked = (seen.off - stolen_seconds).max(0.0);
    let worker = WorkerAccount {
        on_cpu_seconds: Some(share(seen.counted.on_cpu)),
        waited_seconds: Some(share(seen.counted.waited)),
        ..WorkerAccount::default()
    };
    ReplicaAccount {
        ended_seconds: share(seen.counted.on_cpu + seen.counted.waited + blocked),
        quota_cpus: opened.quota.cpus(),
        quota_known: opened.quota_known(),
        workers: vec![worker; workers],
        group,
        cpus: opened.cpus(),
        ..ReplicaAccount::default()
    }
}

#[cfg(test)]
mod tests;
