//! The places for connections, by what they are doing.

use super::connection::Connection;
use super::tally::Request;
use std::collections::VecDeque;

/// How long a place rests after a failure in a closed loop, in seconds: it
/// doubles from failure to failure. An open loop has its schedule for that.
const SHORTEST_REST_SECONDS: f64 = 0.01;
const LONGEST_REST_SECONDS: f64 = 0.5;

/// All places of one thread.
#[derive(Debug)]
pub struct Pool {
    slots: Vec<Slot>,
    /// Open and without a request. The longest idle is taken first, so that all
    /// connections, and with them all workers behind, are used alike.
    idle: VecDeque<usize>,
    /// Being opened, very likely with success, and no request waits for it.
    opening: VecDeque<usize>,
    /// Without a connection.
    free: VecDeque<usize>,
    busy: usize,
}

#[derive(Debug, Default)]
struct Slot {
    connection: Option<Connection>,
    /// Failures since the last answer.
    failures: i32,
    rests_until: f64,
}

impl Pool {
    /// So many places, all free.
    pub fn new(places: usize) -> Self {
        Self {
            slots: (0..places).map(|_| Slot::default()).collect(),
            idle: VecDeque::with_capacity(places),
            opening: VecDeque::with_capacity(places),
            free: (0..places).collect(),
            busy: 0,
        }
    }

    /// Requests that are on their way or wait for their connection to open.
    pub fn busy(&self) -> usize {
        self.busy
    }

    /// How many places there are.
    pub fn len(&self) -> usize {
        self.slots.len()
    }

    /// The connection at a place.
    pub fn at(&mut self, slot: usize) -> Option<&mut Connection> {
        self.slots.get_mut(slot)?.connection.as_mut()
    }

    /// An open connection that has nothing to do.
    pub fn take_idle(&mut self) -> Option<usize> {
        self.idle.pop_front()
    }

    /// One of those that lead over this road.
    pub fn take_idle_of(&mut self, road: usize) -> Option<usize> {
        let leads_there = |slot: &usize| {
            let connection = self.slots[*slot].connection.as_ref();
            connection.is_some_and(|connection| connection.road == road)
        };
        let place = self.idle.iter().position(leads_there)?;
        self.idle.remove(place)
    }

    /// A connection that is being opened for nobody.
    pub fn take_opening(&mut self) -> Option<usize> {
        self.opening.pop_front()
    }

    /// A place without a connection.
    pub fn take_free(&mut self) -> Option<usize> {
        self.free.pop_front()
    }

    /// A place without a connection that has rested.
    pub fn take_rested(&mut self, now: f64) -> Option<usize> {
        let rested = |slot: &usize| now >= self.slots[*slot].rests_until;
        let place = self.free.iter().position(rested)?;
        self.free.remove(place)
    }

    /// How many places have no connection.
    pub fn free(&self) -> usize {
        self.free.len()
    }

    /// Puts a connection that is being opened at a place that was taken. Only
    /// one that `is_safe` may be taken by a request meanwhile.
    pub fn put(&mut self, slot: usize, connection: Connection, is_safe: bool) {
        if connection.request.is_some() {
            self.busy += 1;
        } else if is_safe {
            self.opening.push_back(slot);
        }
        self.slots[slot].connection = Some(connection);
    }

    /// The place that was taken stays without a connection.
    pub fn put_back(&mut self, slot: usize) {
        self.free.push_back(slot);
    }

    /// Gives the connection at a place that was taken a request.
    pub fn bind(&mut self, slot: usize, request: Request) {
        if let Some(connection) = self.at(slot) {
            connection.request = Some(request);
            self.busy += 1;
        }
    }

    /// Takes the request of a connection that has its answer.
    pub fn unbind(&mut self, slot: usize) -> Option<Request> {
        self.slots[slot].failures = 0;
        let request = self.at(slot)?.request.take()?;
        self.busy -= 1;
        Some(request)
    }

    /// The open connection has nothing to do.
    pub fn rest_idle(&mut self, slot: usize) {
        self.opening.retain(|one| *one != slot);
        self.idle.push_back(slot);
    }

    /// Takes a connection out; its place is free, and on no list before.
    pub fn remove(&mut self, slot: usize) -> Option<Connection> {
        let connection = self.slots[slot].connection.take()?;
        if connection.request.is_some() {
            self.busy -= 1;
        } else {
            self.idle.retain(|one| *one != slot);
            self.opening.retain(|one| *one != slot);
        }
        self.free.push_back(slot);
        Some(connection)
    }

    /// The place failed: in a closed loop it rests.
    pub fn failed(&mut self, slot: usize, now: f64) {
        let slot = &mut self.slots[slot];
        let rest = SHORTEST_REST_SECONDS * 2_f64.powi(slot.failures.min(30));
        slot.rests_until = now + rest.min(LONGEST_REST_SECONDS);
        slot.failures += 1;
    }
}
