//! A family: so many places, each with a worker or waiting for one.

use super::backoff::Backoff;
use super::crew::{Crew, Member, Place};
use super::sockets::Sockets;
use crate::board::{Board, Seat};
use crate::shape::{Shape, Strategy};
use anyhow::Context as _;
use std::collections::BTreeSet;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;
use tokio::time::Instant;

/// After so many deaths at the start in a row no further one is tried: whatever
/// it is, it does not go away by itself.
pub const MOST_START_DEATHS: u32 = 5;

/// A place that stays empty for longer loses its own socket.
const KEEPS_ITS_SOCKET: Duration = Duration::from_millis(100);

/// A family.
#[derive(Debug)]
pub struct Family {
    /// Which one of this master's.
    pub number: u64,
    /// Its shape.
    pub shape: Shape,
    /// Deaths of workers that were never ready, since the last that was.
    pub start_deaths: u32,
    /// The last of those, in words.
    pub last_death: String,
    slots: Vec<Slot>,
    sockets: Sockets,
    /// Of workers that share a queue.
    board: Option<Arc<Board>>,
}

#[derive(Debug, Default)]
struct Slot {
    worker: Option<u64>,
    backoff: Backoff,
    /// When a worker is to be started there.
    due: Option<Instant>,
}

impl Family {
    /// One without workers, whose sockets are open.
    pub fn new(number: u64, shape: Shape, address: SocketAddr) -> anyhow::Result<Self> {
        let shares_a_queue = shape.strategy == Strategy::Inherit && shape.workers > 1;
        let due_now = || Slot {
            due: Some(Instant::now()),
            ..Slot::default()
        };
        Ok(Self {
            number,
            shape,
            start_deaths: 0,
            last_death: String::new(),
            slots: (0..shape.workers).map(|_| due_now()).collect(),
            sockets: Sockets::open(address, shape.strategy, shape.workers)?,
            board: shares_a_queue
                .then(|| Board::new().map(Arc::new))
                .transpose()
                .context("no memory can be had that the workers share")?,
        })
    }

    /// Starts a worker at each empty place that has waited long enough.
    pub fn fill(&mut self, crew: &mut Crew) {
        let now = Instant::now();
        for slot in 0..self.slots.len() {
            if self.slots[slot].due.take_if(|due| *due <= now).is_some() {
                match self.start(crew, slot, None) {
                    Ok(number) => self.slots[slot].worker = Some(number),
                    Err(error) => self.failed(slot, &format!("{error:#}")),
                }
            }
        }
    }

    /// Starts a worker at this place, beside the one that it `relieves`.
    pub fn start(
        &mut self,
        crew: &mut Crew,
        slot: usize,
        relieves: Option<u64>,
    ) -> anyhow::Result<u64> {
        let place = Place {
            family: self.number,
            slot,
        };
        let seat = self.free_seat(crew);
        let listener = self.sockets.of(slot)?;
        Ok(crew.start(place, self.shape.threads, listener, seat, relieves)?)
    }

    /// The first seat at the board that no worker has, those that drain included.
    fn free_seat(&self, crew: &Crew) -> Option<Seat> {
        let board = self.board.as_ref()?;
        let own = |(_, member): &(u64, &Member)| member.place.family == self.number;
        let taken: BTreeSet<usize> = crew
            .members()
            .filter(own)
            .filter_map(|(_, member)| member.seat())
            .collect();
        let free = (0..=taken.len()).find(|number| !taken.contains(number))?;
        Some(Seat::new(board.clone(), free))
    }

    /// The worker at this place.
    pub fn worker(&self, slot: usize) -> Option<u64> {
        self.slots[slot].worker
    }

    /// This worker holds the place from now on.
    pub fn hold(&mut self, slot: usize, worker: u64) {
        self.slots[slot].worker = Some(worker);
        self.slots[slot].due = None;
    }

    /// The same, and it serves.
    pub fn settle(&mut self, slot: usize, worker: u64) {
        self.start_deaths = 0;
        self.hold(slot, worker);
    }

    /// The worker at this place has died, after it served for so long.
    pub fn died(&mut self, slot: usize, served: Option<Duration>) {
        let wait = self.slots[slot].backoff.after_death(served);
        self.slots[slot].worker = None;
        self.slots[slot].due = Some(Instant::now() + wait);
        if wait > KEEPS_ITS_SOCKET {
            self.sockets.let_go(slot);
        }
    }

    /// A worker could not be started there, or died before it was ready.
    pub fn failed(&mut self, slot: usize, how: &str) {
        self.start_deaths += 1;
        how.clone_into(&mut self.last_death);
        self.died(slot, None);
        let wait = self.slots[slot].due.map(|due| due - Instant::now());
        let again_in_seconds = wait.unwrap_or_default().as_secs_f64();
        tracing::error!(how, again_in_seconds, "a worker died at its start");
    }

    /// Whether each place has a worker that serves.
    pub fn is_complete(&self, crew: &Crew) -> bool {
        self.serving(crew) == self.slots.len()
    }

    /// How many places have a worker that serves.
    pub fn serving(&self, crew: &Crew) -> usize {
        let serves = |slot: &&Slot| {
            let member = slot.worker.and_then(|worker| crew.member(worker));
            member.is_some_and(|member| member.ready_at().is_some())
        };
        self.slots.iter().filter(serves).count()
    }

    /// Closes its sockets, and tells all its workers to end when they have emptied
    /// the queues.
    pub fn dismiss(self, crew: &mut Crew) {
        let numbers: Vec<u64> = crew
            .members()
            .filter(|(_, member)| member.place.family == self.number)
            .map(|(number, _)| number)
            .collect();
        // Before the workers do: the one that closes its copy last empties the queue.
        drop(self.sockets);
        for number in numbers {
            crew.drain(number, true);
        }
    }

    /// When a worker is to be started next.
    pub fn next_due(&self) -> Option<Instant> {
        self.slots.iter().filter_map(|slot| slot.due).min()
    }
}
