//! What happens on a shard's connections.

use super::connection::{Connection, Input};
use super::failure::Failure;
use super::shard::Shard;
use super::tally::{Answered, Request};
use mio::Token;

impl Shard<'_> {
    /// Opens a connection at a free place, for a request or for none.
    pub(super) fn open(&mut self, slot: usize, request: Option<Request>, now: f64) {
        let road = match request {
            Some(_) => self.roads.best(now),
            None => self.roads.best_unpaused(now),
        };
        let Some(road) = road else {
            self.not_opened(slot, request, Failure::ConnectFailed, now);
            return;
        };
        let address = self.roads.get(road).address;
        let registry = self.poll.registry();
        let identify = self.plan.identify;
        match Connection::begin(address, road, Token(slot), registry, identify, now) {
            Ok(mut connection) => {
                connection.request = request;
                // A request waits only for one that will very likely open.
                let is_safe = !self.roads.get(road).is_in_doubt();
                self.roads.begun(road, now);
                self.pool.put(slot, connection, is_safe);
            }
            Err(error) => {
                self.roads.doubt(road, now);
                self.not_opened(slot, request, Failure::of_connect(&error), now);
            }
        }
    }

    fn not_opened(&mut self, slot: usize, request: Option<Request>, why: Failure, now: f64) {
        self.tally.connections_failed += 1;
        self.pool.put_back(slot);
        self.pool.failed(slot, now);
        if let Some(request) = request {
            self.tally.failed(why, request.moment, now);
        }
        self.look_up();
    }

    /// Sends a request over the open connection at a place that was taken.
    pub(super) fn send(&mut self, slot: usize, request: Request, now: f64) {
        let request = Request {
            sent: now,
            ..request
        };
        self.pool.bind(slot, request);
        let Some(connection) = self.pool.at(slot) else {
            return;
        };
        let target = self.roads.get(connection.road).target;
        if let Err(failure) = connection.send(self.plan.targets[target].request()) {
            self.lose(slot, failure, now);
        }
    }

    /// Something happened on a connection. `closing`: its peer sends no more.
    pub(super) fn on_event(&mut self, slot: usize, closing: bool, buffer: &mut [u8]) {
        let Some(connection) = self.pool.at(slot) else {
            return;
        };
        if !connection.is_open {
            match connection.finish_opening() {
                Ok(true) => self.opened(slot),
                Ok(false) => {}
                Err(failure) => {
                    let now = self.now();
                    self.lose(slot, failure, now);
                }
            }
            return;
        }
        let target = self.roads.get(connection.road).target;
        if connection.request.is_some()
            && let Err(failure) = connection.write(self.plan.targets[target].request())
        {
            // The answer may be there all the same: one that says why.
            if !matches!(connection.read(buffer, true), Input::Whole { .. }) {
                let now = self.now();
                self.lose(slot, failure, now);
                return;
            }
            self.answered(slot, false);
            return;
        }
        match connection.read(buffer, closing) {
            Input::More => {}
            Input::Whole { reusable } => self.answered(slot, reusable),
            Input::Ended(failure) => {
                let now = self.now();
                self.lose(slot, failure, now);
            }
        }
    }

    fn opened(&mut self, slot: usize) {
        let now = self.now();
        self.tally.connections_opened += 1;
        let Some(connection) = self.pool.at(slot) else {
            return;
        };
        self.roads.opened(connection.road);
        let waiting = self.pool.at(slot).and_then(|connection| connection.request);
        match waiting {
            Some(request) => self.send_waiting(slot, request, now),
            None => self.pool.rest_idle(slot),
        }
    }

    /// Sends the request for which the connection was opened.
    fn send_waiting(&mut self, slot: usize, request: Request, now: f64) {
        let Some(connection) = self.pool.at(slot) else {
            return;
        };
        connection.request = Some(Request {
            sent: now,
            ..request
        });
        let target = self.roads.get(connection.road).target;
        if let Err(failure) = connection.send(self.plan.targets[target].request()) {
            self.lose(slot, failure, now);
        }
    }

    /// The answer at a place is whole.
    fn answered(&mut self, slot: usize, reusable: bool) {
        let now = self.now();
        let Some(request) = self.pool.unbind(slot) else {
            return;
        };
        let Some(connection) = self.pool.at(slot) else {
            return;
        };
        let reader = &connection.reader;
        let answer = Answered {
            status: reader.status(),
            replica: reader.replica(),
            worker: reader.worker(),
        };
        self.tally.answered(request, answer, now);
        let road = connection.road;
        // One at a time changes over where another road has too few.
        let reusable = reusable && self.crowded.take_if(|crowded| *crowded == road).is_none();
        if !reusable {
            self.close(slot);
        }
        if !self.is_closed_loop() {
            if reusable {
                self.pool.rest_idle(slot);
            }
        } else if self.sends(now) {
            self.next_of_closed_loop(slot, reusable, now);
        } else if reusable {
            self.close(slot);
        }
    }

    /// Sends the next request of a closed loop, over a new connection where the
    /// server has closed the one before.
    fn next_of_closed_loop(&mut self, slot: usize, reusable: bool, now: f64) {
        self.tally.left(now);
        let request = Request {
            moment: now,
            sent: now,
        };
        if reusable {
            self.send(slot, request, now);
        } else if let Some(slot) = self.pool.take_free() {
            self.open(slot, Some(request), now);
        }
    }

    /// Closes a connection that has no request.
    fn close(&mut self, slot: usize) {
        if let Some(connection) = self.pool.remove(slot) {
            self.roads.ended(connection.road);
        }
    }

    /// A connection is no more; its request, if it has one, has no answer.
    fn lose(&mut self, slot: usize, failure: Failure, now: f64) {
        let Some(connection) = self.pool.remove(slot) else {
            return;
        };
        self.roads.ended(connection.road);
        if failure.is_of_connecting() {
            self.tally.connections_failed += 1;
        }
        if failure.is_of_connections() {
            self.roads.doubt(connection.road, now);
        }
        if let Some(request) = connection.request {
            self.tally.failed(failure, request.moment, now);
            self.pool.failed(slot, now);
        } else if failure.is_of_connecting() {
            self.pool.failed(slot, now);
        }
        self.look_up();
    }

    /// Gives up what takes too long.
    pub(super) fn expire(&mut self, now: f64) {
        for slot in 0..self.pool.len() {
            let Some(connection) = self.pool.at(slot) else {
                continue;
            };
            let (since, failure) = match connection.request {
                _ if !connection.is_open => (connection.since, Failure::ConnectTimeout),
                Some(request) => (request.sent, Failure::Timeout),
                None => continue,
            };
            if now - since > self.plan.timeout_seconds {
                self.lose(slot, failure, now);
            }
        }
    }

    /// Begins or goes on at the places of a closed loop that have no connection.
    pub(super) fn open_those_that_rested(&mut self, now: f64) {
        while let Some(slot) = self.pool.take_rested(now) {
            self.tally.left(now);
            let request = Request {
                moment: now,
                sent: now,
            };
            self.open(slot, Some(request), now);
        }
    }

    /// Opens connections that requests will need, where it is known that they
    /// can be opened.
    pub(super) fn fill_up(&mut self, now: f64) {
        for _ in 0..self.pool.free() {
            if self.roads.best_unpaused(now).is_none() {
                return;
            }
            if let Some(slot) = self.pool.take_free() {
                self.open(slot, None, now);
            }
        }
    }

    /// Leads some connections over another road where one is crowded: a replica
    /// has come back.
    pub(super) fn even_out(&mut self, now: f64) {
        self.crowded = self.roads.crowded(now);
        for _ in 0..=self.pool.len() / 8 {
            let Some(road) = self.roads.crowded(now) else {
                return;
            };
            let Some(slot) = self.pool.take_idle_of(road) else {
                return;
            };
            self.close(slot);
            if let Some(slot) = self.pool.take_free() {
                self.open(slot, None, now);
            }
        }
    }
}
