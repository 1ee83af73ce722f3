//! A worker's own clock: where one thread's time went during a sample.

use super::live::{Roster, Watching};
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
    /// The end of the late start: the first item or wait began.
    first: Option<Reading>,
    last: Reading,
    first_started: Option<f64>,
    items: u64,
    blocked_on: BlockedOn,
    parked: Option<Reading>,
    watching: Option<Watching>,
}

#[derive(Debug, Clone, Copy)]
struct Reading {
    at: f64,
    on_cpu: Option<f64>,
    waited: Option<f64>,
}

impl WorkerClock {
    /// The clock of a thread (or child process) that was started for this job:
    /// its whole life counts.
    pub fn of_new_thread() -> Self {
        let wait = WaitClock::open();
        let base = Reading {
            at: monotonic_seconds(),
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
            first: None,
            last: base,
            first_started: None,
            items: 0,
            blocked_on: BlockedOn::default(),
            parked: None,
            watching: None,
        }
    }

    /// The same, entered in `roster` until it is dropped: others can watch then
    /// where the thread's time goes. Call before the first item.
    #[must_use]
    pub fn watched_by(mut self, roster: &Roster) -> Self {
        self.watching = self.wait.as_ref().and_then(|wait| {
            let (on_cpu, waited) = (self.base.on_cpu?, self.base.waited?);
            Some(roster.enter(wait.stat(), on_cpu, waited))
        });
        self
    }

    /// Call before each item of the job that started at `job_started`. The time
    /// since the last item is the tail of the job before and a late start in
    /// this one, or a wait for input within it.
    pub fn take_up(&mut self, job_started: f64) {
        let now = monotonic_seconds();
        if now - self.last.at < SHORTEST_GAP_SECONDS && self.first_started.is_some() {
            return;
        }
        let reading = Reading::now(self.wait.as_ref());
        let off_work = reading.blocked_since(&self.last);
        if self.first.is_none() {
            self.begin(reading);
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
        self.put_down_all(1)
    }

    /// The same after so many items that were done together: for those that take
    /// less time than a reading does.
    pub fn put_down_all(&mut self, items: u64) -> f64 {
        self.last = Reading::now(self.wait.as_ref());
        self.items += items;
        self.last.at
    }

    /// Runs `wait_for`, which may block, and books the time it was really
    /// blocked (not running, not ready to run) under `cause`.
    pub fn blocked<T>(&mut self, cause: Cause, wait_for: impl FnOnce() -> T) -> T {
        let before = Reading::now(self.wait.as_ref());
        let answer = wait_for();
        self.book(cause, before);
        answer
    }

    /// Call when the thread is about to be parked, as an event loop says it in a
    /// hook, and [`Self::unparked`] when it is there again.
    pub fn parked(&mut self) {
        self.parked = Some(Reading::now(self.wait.as_ref()));
    }

    /// Books the time blocked since [`Self::parked`] under `cause`, and returns
    /// how many seconds that was.
    pub fn unparked(&mut self, cause: Cause) -> f64 {
        match self.parked.take() {
            Some(before) => self.book(cause, before),
            None => 0.0,
        }
    }

    /// Runs `take`, which blocks until there is an item, and books that under
    /// [`Cause::Input`]. `None` says that no more will come: that wait is part
    /// of the tail, since the worker ended with its last item.
    pub fn next_item<T>(&mut self, take: impl FnOnce() -> Option<T>) -> Option<T> {
        let before = Reading::now(self.wait.as_ref());
        let item = take()?;
        self.book(Cause::Input, before);
        Some(item)
    }

    /// As [`Self::next_item`], where whoever gives the items waits for io itself:
    /// of the time blocked as much is booked under [`Cause::Io`] as
    /// `giver_waited`, that one's seconds of it so far, has risen meanwhile.
    pub fn next_item_of<T>(
        &mut self,
        giver_waited: impl Fn() -> f64,
        take: impl FnOnce() -> Option<T>,
    ) -> Option<T> {
        let before = (Reading::now(self.wait.as_ref()), giver_waited());
        let item = take()?;
        let seconds = self.book(Cause::Input, before.0);
        let of_io = (giver_waited() - before.1).clamp(0.0, seconds);
        self.blocked_on.input -= of_io;
        self.blocked_on.io += of_io;
        Some(item)
    }

    /// Ends the late start: what comes from `first` on is work or a booked wait.
    fn begin(&mut self, first: Reading) {
        self.first = Some(first);
        let figures = first.on_cpu.zip(first.waited);
        if let Some((watching, (on_cpu, waited))) = self.watching.as_ref().zip(figures) {
            watching.begun(first.at, on_cpu, waited);
        }
    }

    /// Books the seconds blocked since `before`, until now.
    fn book(&mut self, cause: Cause, before: Reading) -> f64 {
        let after = Reading::now(self.wait.as_ref());
        let seconds = after.blocked_since(&before);
        if self.first.is_none() {
            self.begin(before);
        }
        match cause {
            Cause::Io => self.blocked_on.io += seconds,
            Cause::Input => self.blocked_on.input += seconds,
            Cause::Output => self.blocked_on.output += seconds,
            Cause::Lock => self.blocked_on.lock += seconds,
            Cause::Idle => self.blocked_on.idle += seconds,
        }
        self.last = after;
        seconds
    }

    /// When the worker's last item or booked wait ended.
    pub fn last_ended(&self) -> f64 {
        self.last.at
    }

    /// The account of the sample that `started` then, up to the last item; its
    /// tail reaches to `ended`, when the last worker ended. A worker that never
    /// got an item was late for it all. Where the kernel does not count waiting,
    /// what looks blocked may have been throttled: then no cause is given.
    pub fn account(&self, started: f64, ended: f64) -> WorkerAccount {
        let first = self.first.unwrap_or(Reading {
            at: ended,
            ..self.base
        });
        let last = self.first.map_or(first, |_| self.last);
        // A thread may have run and waited before the sample: in the late start
        // is no more of either than fits.
        let late = (first.at - started).max(0.0);
        let ran_late = difference(first.on_cpu, self.base.on_cpu).map(|ran| ran.min(late));
        let rest = late - ran_late.unwrap_or(0.0);
        let waited_late = difference(first.waited, self.base.waited).map(|w| w.min(rest));
        // From the first item to the last one it is the same: the three clocks
        // are read one after the other, some 0.1 µs apart, and where an item
        // takes a few microseconds their sum would be more than the time.
        let working = last.at - first.at;
        let ran = difference(last.on_cpu, first.on_cpu).map(|ran| ran.min(working));
        let off_cpu = working - ran.unwrap_or(0.0);
        let waited = difference(last.waited, first.waited).map(|w| w.min(off_cpu));
        let mut blocked_on = self.blocked_on;
        scale_down(&mut blocked_on, off_cpu - waited.unwrap_or(0.0));
        blocked_on.start += rest - waited_late.unwrap_or(0.0);
        blocked_on.tail += (ended - last.at).max(0.0);
        let waited_seconds = sum(waited_late, waited);
        WorkerAccount {
            items: self.items,
            started_seconds: self.first_started.unwrap_or(ended),
            ended_seconds: self.first_started.map_or(ended, |_| last.at),
            on_cpu_seconds: sum(ran_late, ran),
            waited_seconds,
            blocked_on: waited_seconds.map_or_else(BlockedOn::default, |_| blocked_on),
        }
    }
}

impl Drop for WorkerClock {
    fn drop(&mut self) {
        if let Some(watching) = &mut self.watching {
            // As in the account: up to the last item or booked wait.
            let ran = difference(self.last.on_cpu, self.base.on_cpu);
            watching.counted(ran, difference(self.last.waited, self.base.waited));
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

fn sum(one: Option<f64>, other: Option<f64>) -> Option<f64> {
    Some(one? + other?)
}

/// Makes `blocked_on` as little as fits into `seconds`, each cause alike.
fn scale_down(blocked_on: &mut BlockedOn, seconds: f64) {
    let total = blocked_on.total();
    if total <= seconds {
        return;
    }
    let BlockedOn {
        start,
        tail,
        io,
        input,
        output,
        lock,
        idle,
    } = blocked_on;
    for cause in [start, tail, io, input, output, lock, idle] {
        *cause *= seconds / total;
    }
}

/// Completes an account that was made up to `started`, before the job's end
/// was known.
pub fn end_at(account: &mut WorkerAccount, started: f64, ended: f64) {
    let tail = (ended - account.ended_seconds).max(0.0);
    if account.items == 0 {
        account.started_seconds = ended;
        account.ended_seconds = ended;
    }
    let Some(waited) = account.waited_seconds else {
        return; // no cause is known
    };
    if account.items == 0 {
        let ran = account.on_cpu_seconds.unwrap_or(0.0);
        let rest = ended - started - ran - waited - account.blocked_on.total();
        account.blocked_on.start += rest.max(0.0);
    } else {
        account.blocked_on.tail += tail;
    }
}

/// Adds a job's account to the same worker's account of the jobs before it in
/// the sample. Workers that live for one job are counted as one over repeats.
pub fn add_job(all: &mut WorkerAccount, job: &WorkerAccount) {
    all.items += job.items;
    all.ended_seconds = all.ended_seconds.max(job.ended_seconds);
    all.started_seconds = all.started_seconds.min(job.started_seconds);
    all.on_cpu_seconds = sum(all.on_cpu_seconds, job.on_cpu_seconds);
    all.waited_seconds = sum(all.waited_seconds, job.waited_seconds);
    let (to, from) = (&mut all.blocked_on, &job.blocked_on);
    to.start += from.start;
    to.tail += from.tail;
    to.io += from.io;
    to.input += from.input;
    to.output += from.output;
    to.lock += from.lock;
    to.idle += from.idle;
}

#[cfg(test)]
mod tests;
