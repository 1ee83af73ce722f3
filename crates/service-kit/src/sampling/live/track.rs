//! What is known of one worker's time while it works, and how much is open.
//!
//! The kernel tells others of a thread two sums: time on a CPU, R, and time
//! ready but off it, W. Both hold closed intervals only. R is brought up to
//! date at the scheduler's tick and when the thread leaves its CPU; a wait is
//! added to W when it ends, by the thread being put on a CPU. Of the time T that
//! has passed, U = T − R − W is therefore the time blocked (b) and, beside it,
//! one open interval at most: the wait that goes on, or the run since the tick.
//!
//! Let c be a moment at which no interval was open: then U(c) = b(c). Since then
//! U has grown by no more than the time that passed, so now
//!
//! b(now) ≥ b(c) = U(c) ≥ U(now) − (now − c),
//!
//! and since U − b is no more than U: at most min(now − c, U) is open. Three
//! things tell of such a moment:
//!
//! - the thread began its first item: it was on a CPU, its figures exact;
//! - R or the number of turns has risen since the reading before: in between
//!   the scheduler brought the thread's R up to date, or put it on a CPU, which
//!   ended its wait. When is not known; the reading before is early enough;
//! - it sleeps now. This is asked only of a thread that did not move between
//!   two readings, so it costs nothing while all work, and a long sleep is seen
//!   while it lasts.
//!
//! So what is taken for blocked was blocked, with one exception that has not
//! been seen: a thread that is stopped in the few instructions between saying
//! that it sleeps and leaving its CPU. Then the wait that follows counts as
//! blocked, until it ends. What is said is behind the truth by no more than the
//! time between two readings, or three where a wait outlasts that between two.
//!
//! A pool's thread is there before the sample, and may run and wait until then:
//! it spins before it sleeps, while the start is aligned and the group throttled.
//! Until its first item nobody knows which of what it used is of the sample, so
//! all of that is open. From then on the late start holds no more than fits, as
//! in the worker's own account.

use cpu_budget::Scheduled;

/// CPU and waiting seconds.
#[derive(Debug, Clone, Copy, PartialEq, Default)]
pub(super) struct Counted {
    pub(super) on_cpu: f64,
    pub(super) waited: f64,
}

impl Counted {
    /// What has been counted since `earlier`; the sources' grain may differ.
    fn since(self, earlier: Self) -> Self {
        Self {
            on_cpu: (self.on_cpu - earlier.on_cpu).max(0.0),
            waited: (self.waited - earlier.waited).max(0.0),
        }
    }

    /// As much of it as fits into so many seconds.
    fn within(self, seconds: f64) -> Self {
        let on_cpu = self.on_cpu.min(seconds);
        Self {
            on_cpu,
            waited: self.waited.min(seconds - on_cpu),
        }
    }

    fn total(self) -> f64 {
        self.on_cpu + self.waited
    }
}

impl From<Scheduled> for Counted {
    fn from(figures: Scheduled) -> Self {
        Self {
            on_cpu: figures.on_cpu.as_secs_f64(),
            waited: figures.waited.as_secs_f64(),
        }
    }
}

impl std::ops::AddAssign for Counted {
    fn add_assign(&mut self, other: Self) {
        self.on_cpu += other.on_cpu;
        self.waited += other.waited;
    }
}

/// When a thread began its first item or wait, and its exact figures then.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) struct Begun {
    pub(super) at: f64,
    pub(super) figures: Counted,
}

/// One thread, as read again and again.
#[derive(Debug, Clone)]
pub(super) struct Track {
    /// What the thread had used before the work that counts.
    base: Counted,
    /// `None` while it has not begun, as far as the last reading knew.
    begun: Option<Begun>,
    last: Scheduled,
    read_at: f64,
    /// The latest moment known at which no interval was open.
    closed_at: f64,
}

impl Track {
    /// A thread that is on a CPU `now`; what it had used up to `base` is left out.
    pub(super) fn new(now: f64, figures: Scheduled, base: Counted) -> Self {
        Self {
            base,
            begun: None,
            last: figures,
            read_at: now,
            closed_at: now,
        }
    }

    /// A process that was made `now`: its whole life is work.
    pub(super) fn of_child(now: f64) -> Self {
        let mut track = Self::new(now, Scheduled::default(), Counted::default());
        track.begin(Begun {
            at: now,
            figures: Counted::default(),
        });
        track
    }

    /// Takes note that it has begun; once is enough.
    pub(super) fn begin(&mut self, begun: Begun) {
        self.begun = Some(begun);
    }

    /// Reads its `figures`, no earlier than `now`; whether it `sleeps` is asked
    /// when they say nothing. Of a thread that has ended none are left, and what
    /// was known stays.
    pub(super) fn read(
        &mut self,
        now: f64,
        figures: impl Fn() -> Option<Scheduled>,
        sleeps: impl FnOnce() -> bool,
    ) {
        let Some(seen) = figures() else { return };
        if seen.on_cpu > self.last.on_cpu || seen.turns > self.last.turns {
            self.last = seen;
            self.closed_at = self.closed_at.max(self.read_at);
        } else if sleeps() {
            // It may have waited and run in between: what it has counted up to
            // its sleep is read after that was seen.
            self.last = figures().unwrap_or(seen);
            self.closed_at = now;
        }
        self.read_at = now;
    }

    /// CPU and waiting time of the sample that `started` then: at most what the
    /// thread's own account will have.
    pub(super) fn counted(&self, started: f64) -> Counted {
        let Some(begun) = self.begun else {
            return Counted::default();
        };
        let late = (begun.at - started).max(0.0);
        let mut counted = begun.figures.since(self.base).within(late);
        counted += Counted::from(self.last).since(begun.figures);
        counted
    }

    /// The most time that may be neither counted nor blocked in the sample that
    /// `started` then.
    pub(super) fn open(&self, started: f64, now: f64) -> f64 {
        let since_closed = now - self.closed_at;
        let last = Counted::from(self.last);
        let open = match self.begun {
            None => (since_closed + last.since(self.base).total()).min(now - started),
            Some(begun) => {
                let used = last.since(begun.figures).total();
                since_closed.min(now - begun.at.max(started) - used)
            }
        };
        open.max(0.0)
    }
}

#[cfg(test)]
pub(super) mod tests;
