//! A worker's own clock: where one thread's time went during a sample.

use cpu_budget::{clock::monotonic_seconds, thread, thread::WaitClock};
use measure::report::{BlockedOn, WorkerAccount};

/// A pause between two pieces of work shorter than this is not worth two
/// readings of the kernel's counters (about 1 µs each).
const SHORTEST_GAP_SECONDS: f64 = 20e-6;

/// How often a reading is made again that the scheduler broke in two.
const MOST_READINGS: usize = 4;

/// What a worker can be blocked on while it has taken up a job.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Cause {
    /// A disk, a network, a timer.
    Io,
    /// An empty queue.
    Input,
    /// A full queue.
    Output,
    /// A lock.
    Lock,
    /// No request.
    Idle,
}

/// The clock of one worker thread; made, read and dropped on that thread,
/// because only a thread's own reading of schedstat holds its current wait.
#[derive(Debug)]
pub struct WorkerClock {
    wait: Option<WaitClock>,
    base: Reading,
    last: Reading,
    first_started: Option<f64>,
    items: u64,
    blocked_on: BlockedOn,
}

#[derive(Debug, Clone, Copy)]
struct Reading {
    at: f64,
    on_cpu: Option<f64>,
    waited: Option<f64>,
}

impl WorkerClock {
    /// The clock of a thread (or child process) that was started for this job:
    /// its whole life counts, and the time since `job_started` as a late start.
    pub fn of_new_thread(job_started: f64) -> Self {
        let wait = WaitClock::open();
        let base = Reading {
            at: job_started,
            on_cpu: thread::on_cpu().map(|_| 0.0),
            waited: wait.as_ref().map(|_| 0.0),
        };
        Self::from_base(wait, base)
    }

    /// The clock of a thread that was there before the job: what it used until
    /// now does not count.
    pub fn of_waiting_thread() -> Self {
        let wait = WaitClock::open();
        let base = Reading::now(wait.as_ref());
        Self::from_base(wait, base)
    }

    fn from_base(wait: Option<WaitClock>, base: Reading) -> Self {
        Self {
            wait,
            base,
            last: base,
            first_started: None,
            items: 0,
            blocked_on: BlockedOn::default(),
        }
    }

    /// Call before each item of the job that started at `job_started`. The time
    /// since the last item is the tail of the job before, a late start in this
    /// one, or a wait for input within it.
    pub fn take_up(&mut self, job_started: f64) {
        let now = monotonic_seconds();
        if now - self.last.at < SHORTEST_GAP_SECONDS && self.first_started.is_some() {
            return;
        }
        let reading = Reading::now(self.wait.as_ref());
        let off_work = reading.blocked_since(&self.last);
        if self.first_started.is_none() {
            self.blocked_on.start += off_work.min((reading.at - job_started).max(0.0));
        } else if self.last.at < job_started {
            let tail = off_work.min(job_started - self.last.at);
            self.blocked_on.tail += tail;
            self.blocked_on.start += off_work - tail;
        } else {
            self.blocked_on.input += off_work;
        }
        self.first_started.get_or_insert(reading.at);
        self.last = reading;
    }

    /// Call after each item. Returns when that was.
    pub fn put_down(&mut self) -> f64 {
        self.last = Reading::now(self.wait.as_ref());
        self.items += 1;
        self.last.at
    }

    /// Runs `wait_for`, which may block, and books the time it was really
    /// blocked (not running, not ready to run) under `cause`.
    pub fn blocked<T>(&mut self, cause: Cause, wait_for: impl FnOnce() -> T) -> T {
        let before = Reading::now(self.wait.as_ref());
        let answer = wait_for();
        let after = Reading::now(self.wait.as_ref());
        let seconds = after.blocked_since(&before);
        if self.first_started.is_none() {
            // What came before this wait was the late start.
            self.blocked_on.start += before.blocked_since(&self.last);
        }
        match cause {
            Cause::Io => self.blocked_on.io += seconds,
            Cause::Input => self.blocked_on.input += seconds,
            Cause::Output => self.blocked_on.output += seconds,
            Cause::Lock => self.blocked_on.lock += seconds,
            Cause::Idle => self.blocked_on.idle += seconds,
        }
        self.last = after;
        answer
    }

    /// The account up to the last item, its tail reaching to `ended`, when the
    /// last worker ended. A worker that never got an item was late for it all.
    pub fn account(&self, started: f64, ended: f64) -> WorkerAccount {
        let mut blocked_on = self.blocked_on;
        let wall = (ended - started).max(0.0);
        if self.first_started.is_none() {
            blocked_on.start = wall;
        } else {
            blocked_on.tail += (ended - self.last.at).max(0.0);
        }
        WorkerAccount {
            items: self.items,
            started_seconds: self.first_started.unwrap_or(ended),
            ended_seconds: self.first_started.map_or(ended, |_| self.last.at),
            on_cpu_seconds: difference(self.last.on_cpu, self.base.on_cpu),
            waited_seconds: difference(self.last.waited, self.base.waited),
            blocked_on,
        }
    }
}

impl Reading {
    /// All three of one moment. A thread is often taken off its CPU just as it
    /// leaves the kernel, between two of the calls below: then the wait has
    /// risen meanwhile and they are made again.
    fn now(wait: Option<&WaitClock>) -> Self {
        let waited_seconds = || wait.and_then(WaitClock::read).map(|d| d.as_secs_f64());
        let mut waited = waited_seconds();
        for _ in 0..MOST_READINGS {
            let reading = Self {
                at: monotonic_seconds(),
                on_cpu: thread::on_cpu().map(|d| d.as_secs_f64()),
                waited,
            };
            waited = waited_seconds();
            if waited == reading.waited {
                return reading;
            }
        }
        Self {
            at: monotonic_seconds(),
            on_cpu: thread::on_cpu().map(|d| d.as_secs_f64()),
            waited,
        }
    }

    /// Seconds since `earlier` in which the thread neither ran nor was ready to.
    fn blocked_since(&self, earlier: &Self) -> f64 {
        let ran = difference(self.on_cpu, earlier.on_cpu).unwrap_or(0.0);
        let waited = difference(self.waited, earlier.waited).unwrap_or(0.0);
        (self.at - earlier.at - ran - waited).max(0.0)
    }
}

fn difference(later: Option<f64>, earlier: Option<f64>) -> Option<f64> {
    Some(later? - earlier?)
}

/// Adds a job's account to the same worker's account of the jobs before it in
/// the sample. Workers that live for one job are counted as one over repeats.
pub fn add_job(sum: &mut WorkerAccount, job: &WorkerAccount) {
    let add = |a: Option<f64>, b: Option<f64>| Some(a? + b?);
    sum.items += job.items;
    sum.ended_seconds = sum.ended_seconds.max(job.ended_seconds);
    sum.started_seconds = sum.started_seconds.min(job.started_seconds);
    sum.on_cpu_seconds = add(sum.on_cpu_seconds, job.on_cpu_seconds);
    sum.waited_seconds = add(sum.waited_seconds, job.waited_seconds);
    let (to, from) = (&mut sum.blocked_on, &job.blocked_on);
    to.start += from.start;
    to.tail += from.tail;
    to.io += from.io;
    to.input += from.input;
    to.output += from.output;
    to.lock += from.lock;
    to.idle += from.idle;
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::time::Duration;

    fn spin(seconds: f64) {
        let until = monotonic_seconds() + seconds;
        while monotonic_seconds() < until {
            std::hint::spin_loop();
        }
    }

    #[test]
    fn a_late_start_a_wait_and_a_tail_are_told_apart_and_add_up() {
        let started = monotonic_seconds();
        let account = std::thread::spawn(move || {
            std::thread::sleep(Duration::from_millis(30));
            let mut clock = WorkerClock::of_new_thread(started);
            clock.take_up(started);
            spin(0.02);
            clock.blocked(Cause::Lock, || {
                std::thread::sleep(Duration::from_millis(40));
            });
            clock.put_down();
            let ended = monotonic_seconds() + 0.05;
            (clock.account(started, ended), ended)
        });
        let (account, ended) = account.join().expect("the worker does not panic");

        let on = account.blocked_on;
        assert!((0.01..0.2).contains(&on.start), "{on:?}");
        assert!((0.02..0.2).contains(&on.lock), "{on:?}");
        assert!((0.049..0.2).contains(&on.tail), "{on:?}");
        let (Some(ran), Some(waited)) = (account.on_cpu_seconds, account.waited_seconds) else {
            return; // a kernel without schedstat has nothing more to check
        };
        let unaccounted = (ended - started) - ran - waited - on.total();
        assert!(unaccounted.abs() < 0.01, "{unaccounted} of {account:?}");
    }

    #[test]
    fn a_pause_between_jobs_is_split_at_the_new_jobs_start() {
        let mut clock = WorkerClock::of_waiting_thread();
        let first = monotonic_seconds();
        clock.take_up(first);
        clock.put_down();
        std::thread::sleep(Duration::from_millis(30));
        let second = monotonic_seconds();
        std::thread::sleep(Duration::from_millis(20));
        clock.take_up(second);
        let end = clock.put_down();

        let on = clock.account(first, end).blocked_on;
        // On a busy machine a wake-up may wait for a CPU, which is not blocked.
        assert!((0.02..0.2).contains(&on.tail), "{on:?}");
        assert!((0.005..0.2).contains(&on.start), "{on:?}");
    }

    #[test]
    fn a_late_start_before_the_first_wait_is_kept() {
        let started = monotonic_seconds();
        let account = std::thread::spawn(move || {
            std::thread::sleep(Duration::from_millis(30));
            let mut clock = WorkerClock::of_new_thread(started);
            clock.blocked(Cause::Input, || {
                std::thread::sleep(Duration::from_millis(40));
            });
            clock.take_up(started);
            let ended = clock.put_down();
            clock.account(started, ended)
        });
        let on = account
            .join()
            .expect("the worker does not panic")
            .blocked_on;
        assert!((0.01..0.2).contains(&on.start), "{on:?}");
        assert!((0.02..0.2).contains(&on.input), "{on:?}");
    }

    #[test]
    fn a_worker_without_an_item_was_late_for_the_whole_sample() {
        let clock = WorkerClock::of_waiting_thread();
        let account = clock.account(10.0, 12.0);
        assert_eq!(account.items, 0);
        assert!((account.blocked_on.start - 2.0).abs() < 1e-9);
        assert!(account.blocked_on.tail.abs() < 1e-9);
    }
}
