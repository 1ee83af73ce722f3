//! All workers of a master, whatever they do: started, told, counted, ended.

use super::child::{Event, Worker};
use super::view::{Seen, State, View};
use crate::board::Seat;
use crate::control::{Orders, Said, Told};
use crate::counters::Counts;
use cpu_budget::clock::monotonic_seconds;
use std::collections::BTreeMap;
use std::os::fd::BorrowedFd;
use std::sync::Arc;
use std::time::Duration;
use tokio::sync::mpsc;
use tokio::time::Instant;

/// How long a worker may take until it is ready: also under a small quota, which
/// makes of its few milliseconds of CPU time a second.
const START_TIME: Duration = Duration::from_secs(20);

/// What a worker gets beyond the drain's time to end by itself.
const BEYOND_DRAIN: Duration = Duration::from_secs(1);

/// Where a worker stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Place {
    /// In which family.
    pub family: u64,
    /// At which place in it, from 0.
    pub slot: usize,
}

/// A worker, from its start to its end.
#[derive(Debug)]
pub struct Member {
    worker: Worker,
    /// Where it stands.
    pub place: Place,
    /// Its own at the board until it has ended, so that nobody else writes there.
    seat: Option<Seat>,
    /// What it does.
    pub state: State,
    /// Whom it is to relieve when it is ready.
    pub relieves: Option<u64>,
    ready: Option<Instant>,
    /// When it is killed if it has not come further.
    due: Option<Instant>,
}

impl Member {
    /// Its seat at the board of its family.
    pub fn seat(&self) -> Option<usize> {
        self.seat.as_ref().map(Seat::number)
    }

    /// When it was ready.
    pub fn ready_at(&self) -> Option<Instant> {
        self.ready
    }

    /// For how long it has been ready; `None` if it never was.
    pub fn served(&self) -> Option<Duration> {
        self.ready.map(|ready| ready.elapsed())
    }
}

/// All workers.
#[derive(Debug)]
pub struct Crew {
    orders: Orders,
    view: Arc<View>,
    events: mpsc::Sender<Event>,
    members: BTreeMap<u64, Member>,
    next: u64,
}

impl Crew {
    /// None yet; they will be told these orders, and what becomes of them comes
    /// out of `events`.
    pub fn new(orders: Orders, view: Arc<View>, events: mpsc::Sender<Event>) -> Self {
        Self {
            orders,
            view,
            events,
            members: BTreeMap::new(),
            next: 0,
        }
    }

    /// Starts a worker.
    pub fn start(
        &mut self,
        place: Place,
        threads: usize,
        listener: BorrowedFd<'_>,
        seat: Option<Seat>,
        relieves: Option<u64>,
    ) -> std::io::Result<u64> {
        self.next += 1;
        let number = self.next;
        let orders = Orders {
            seat: seat.as_ref().map(Seat::number),
            threads,
            ..self.orders.clone()
        };
        let board = seat.as_ref().map(Seat::board);
        let worker = Worker::start(number, &orders, listener, board, self.events.clone())?;
        let seen = Seen {
            pid: worker.pid(),
            state: State::Starting,
            started: monotonic_seconds(),
            ready: None,
            threads: Vec::new(),
            counts: Counts::default(),
            answered: 0,
        };
        self.view.lock().workers.insert(number, seen);
        let member = Member {
            worker,
            place,
            seat,
            state: State::Starting,
            relieves,
            ready: None,
            due: Some(Instant::now() + START_TIME),
        };
        self.members.insert(number, member);
        Ok(number)
    }

    /// One of them, as long as it runs.
    pub fn member(&self, number: u64) -> Option<&Member> {
        self.members.get(&number)
    }

    /// All that run, by number.
    pub fn members(&self) -> impl Iterator<Item = (u64, &Member)> {
        self.members
            .iter()
            .map(|(number, member)| (*number, member))
    }

    /// Whether a worker is about to relieve another one.
    pub fn is_relieving(&self) -> bool {
        let starting = |one: &Member| one.state == State::Starting && one.relieves.is_some();
        self.members.values().any(starting)
    }

    /// The worker that was about to relieve `number`, which has ended; it relieves
    /// nobody any more.
    pub fn relief_of(&mut self, number: u64) -> Option<u64> {
        let mut members = self.members.iter_mut();
        let (relief, member) = members.find(|(_, one)| one.relieves == Some(number))?;
        member.relieves = None;
        (member.state == State::Starting).then_some(*relief)
    }

    /// It is ready.
    pub fn ready(&mut self, number: u64, threads: Vec<u32>) {
        let Some(member) = self.members.get_mut(&number) else {
            return;
        };
        if member.state != State::Starting {
            return; // told to drain before it could say so
        }
        member.state = State::Serving;
        member.ready = Some(Instant::now());
        member.due = None;
        if let Some(seen) = self.view.lock().workers.get_mut(&number) {
            seen.state = State::Serving;
            seen.ready = Some(monotonic_seconds());
            seen.threads = threads;
        }
    }

    /// It has counted so much, which may answer a question.
    pub fn counted(&self, number: u64, counts: Counts, asked: Option<u64>) {
        if let Some(seen) = self.view.lock().workers.get_mut(&number) {
            seen.counts = counts;
            seen.answered = seen.answered.max(asked.unwrap_or(0));
        }
    }

    /// It is gone: what it has counted stays.
    pub fn ended(&mut self, number: u64) -> Option<Member> {
        let mut known = self.view.lock();
        if let Some(seen) = known.workers.remove(&number) {
            let counts = seen.counts.ended();
            known.ended.add(&counts);
        }
        drop(known);
        self.members.remove(&number)
    }

    /// Answers its question about the family.
    pub fn inform(&self, number: u64, question: u64) {
        let info = self.view.lock().info();
        if let Some(member) = self.members.get(&number) {
            member.worker.tell(Told::Info {
                number: question,
                text: serde_json::to_string(&info).unwrap_or_default(),
            });
        }
    }

    /// Asks all for their counts.
    pub fn ask(&self, question: u64) {
        for member in self.members.values() {
            member.worker.tell(Told::Count(question));
        }
    }

    /// Tells it to finish and end; one that is not ready yet is killed.
    pub fn drain(&mut self, number: u64, take_queued: bool) {
        let Some(member) = self.members.get_mut(&number) else {
            return;
        };
        match member.state {
            State::Starting => member.worker.kill(),
            State::Serving => member.worker.tell(Told::Drain { take_queued }),
            State::Draining => return,
        }
        member.state = State::Draining;
        if let Some(seat) = &member.seat {
            seat.clear();
        }
        let time = Duration::from_secs_f64(self.orders.drain_seconds) + BEYOND_DRAIN;
        member.due = Some(Instant::now() + time);
        if let Some(seen) = self.view.lock().workers.get_mut(&number) {
            seen.state = State::Draining;
        }
    }

    /// Kills the worker with this process number; whether there is one.
    pub fn kill(&self, pid: u32) -> bool {
        let member = self.members.values().find(|one| one.worker.pid() == pid);
        if let Some(member) = member {
            member.worker.kill();
        }
        member.is_some()
    }

    /// When the next one is to be killed.
    pub fn next_due(&self) -> Option<Instant> {
        self.members.values().filter_map(|one| one.due).min()
    }

    /// Kills those whose time is over.
    pub fn kill_overdue(&mut self) {
        let now = Instant::now();
        for member in self.members.values_mut() {
            if member.due.take_if(|due| *due <= now).is_some() {
                let (pid, state) = (member.worker.pid(), member.state.name());
                tracing::warn!(pid, state, "a worker takes too long, killing it");
                member.worker.kill();
            }
        }
    }
}

/// What a worker says beside that it is ready, taken down or answered.
pub fn hear(crew: &Crew, number: u64, said: Said) {
    match said {
        Said::Counts { counts, asked } => crew.counted(number, *counts, asked),
        Said::Info(question) => crew.inform(number, question),
        Said::Ready { .. } => {}
    }
}
