//! How threads that go on from sample to sample take part in one.

use super::{Cause, Roster, WorkerClock};
use measure::report::WorkerAccount;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::mpsc::{Receiver, RecvTimeoutError, Sender, channel};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

/// Where a sample is announced to the threads; clones share it.
#[derive(Debug, Clone, Default)]
pub struct Slot(Arc<Inner>);

#[derive(Debug, Default)]
struct Inner {
    /// Rises when a sample begins and when it ends.
    turn: AtomicU64,
    /// When the clock started, seconds of the monotonic clock, as bits.
    started: AtomicU64,
    announced: Mutex<Option<Announced>>,
}

#[derive(Debug, Clone)]
struct Announced {
    roster: Roster,
    joined: Sender<()>,
    accounts: Sender<WorkerAccount>,
}

/// A sample that threads take part in, for the one who takes it.
#[derive(Debug)]
pub struct Joined {
    slot: Slot,
    accounts: Receiver<WorkerAccount>,
    threads: usize,
}

/// A thread's own part.
#[derive(Debug, Default)]
pub struct Part {
    turn: u64,
    clock: Option<WorkerClock>,
    accounts: Option<Sender<WorkerAccount>>,
    started: Started,
}

/// When the clock of a sample started.
#[derive(Debug)]
enum Started {
    /// Then.
    At(f64),
    /// It may not have yet.
    Of(Slot),
}

impl Default for Started {
    fn default() -> Self {
        Self::At(0.0)
    }
}

impl Slot {
    /// Has `threads` threads take part; waits until they do, at most so long.
    /// A thread in the middle of a long item comes late, and is left out.
    pub fn join(&self, roster: &Roster, threads: usize, within: Duration) -> Joined {
        // Until it is opened nothing counts as the job's.
        self.0
            .started
            .store(f64::INFINITY.to_bits(), Ordering::Relaxed);
        let (joined, joining) = channel();
        let (accounts, receiver) = channel();
        self.announce(Some(Announced {
            roster: roster.clone(),
            joined,
            accounts,
        }));
        let deadline = Instant::now() + within;
        for _ in 0..threads {
            let left = deadline.saturating_duration_since(Instant::now());
            if let Err(RecvTimeoutError::Timeout) = joining.recv_timeout(left) {
                break;
            }
        }
        Joined {
            slot: self.clone(),
            accounts: receiver,
            threads,
        }
    }

    /// When the clock of the sample under way started.
    fn started(&self) -> f64 {
        f64::from_bits(self.0.started.load(Ordering::Relaxed))
    }

    fn announce(&self, announced: Option<Announced>) {
        *self.lock() = announced;
        self.0.turn.fetch_add(1, Ordering::Release);
    }

    fn lock(&self) -> std::sync::MutexGuard<'_, Option<Announced>> {
        // Nothing that can panic runs under the lock.
        self.0
            .announced
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
    }
}

impl Joined {
    /// The clock has started.
    pub fn opened(&self, started: f64) {
        let bits = started.to_bits();
        self.slot.0.started.store(bits, Ordering::Relaxed);
    }

    /// Ends it, and waits at most so long for the threads' accounts, which are
    /// made up to the sample's start: the tail is still to be added.
    pub fn end(self, within: Duration) -> Vec<WorkerAccount> {
        self.slot.announce(None);
        let deadline = Instant::now() + within;
        let mut accounts = Vec::with_capacity(self.threads);
        while accounts.len() < self.threads {
            let left = deadline.saturating_duration_since(Instant::now());
            match self.accounts.recv_timeout(left) {
                Ok(account) => accounts.push(account),
                Err(_) => break,
            }
        }
        accounts
    }
}

impl Part {
    /// That of a thread which was made for this sample.
    pub fn of_new_thread(roster: &Roster, started: f64) -> Self {
        Self {
            clock: Some(WorkerClock::of_new_thread().watched_by(roster)),
            started: Started::At(started),
            ..Self::default()
        }
    }

    /// Looks whether a sample has begun or ended meanwhile.
    pub fn look(&mut self, slot: &Slot) {
        let turn = slot.0.turn.load(Ordering::Acquire);
        if turn == self.turn {
            return;
        }
        self.turn = turn;
        if let (Some(accounts), Some(account)) = (self.accounts.take(), self.account()) {
            // Whoever asked may have given up.
            let _ = accounts.send(account);
        }
        let announced = slot.lock().clone();
        if let Some(announced) = announced {
            self.clock = Some(WorkerClock::of_waiting_thread().watched_by(&announced.roster));
            self.accounts = Some(announced.accounts);
            self.started = Started::Of(slot.clone());
            let _ = announced.joined.send(());
        }
    }

    /// Ends it; the tail is still to be added.
    pub fn account(&mut self) -> Option<WorkerAccount> {
        let started = self.started();
        Some(self.clock.take()?.account(started, started))
    }

    /// Work begins.
    pub fn take_up(&mut self) {
        let started = self.started();
        if let Some(clock) = self.running() {
            clock.take_up(started);
        }
    }

    /// So many items are done.
    pub fn put_down(&mut self, items: u64) {
        if let Some(clock) = self.running() {
            clock.put_down_all(items);
        }
    }

    /// Waits with `wait`, which is booked under `cause`.
    pub fn blocked<T>(&mut self, cause: Cause, wait: impl FnOnce() -> T) -> T {
        match self.running() {
            Some(clock) => clock.blocked(cause, wait),
            None => wait(),
        }
    }

    /// The clock, once the sample's has started: what a thread did and waited for
    /// between joining and that is no part of it.
    fn running(&mut self) -> Option<&mut WorkerClock> {
        let has_started = self.started().is_finite();
        self.clock.as_mut().filter(|_| has_started)
    }

    fn started(&self) -> f64 {
        match &self.started {
            Started::At(started) => *started,
            Started::Of(slot) => slot.started(),
        }
    }
}
