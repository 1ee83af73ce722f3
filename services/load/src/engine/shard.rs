//! One thread of a run: an event loop over its connections and its part of the
//! schedule.
//!
//! No async runtime: the loop must know how late it was for each moment of the
//! schedule, and it shares the CPUs with the server that it measures.

use super::failure::Failure;
use super::live::{Flushed, Live};
use super::lookup::Lookup;
use super::pool::Pool;
use super::roads::Roads;
use super::tally::{Request, Tally};
use super::timer::Timer;
use super::{Control, Outside};
use crate::plan::{Moments, Pace, Plan};
use cpu_budget::clock::monotonic_seconds;
use mio::{Events, Poll, Token};
use std::io::{self, ErrorKind};
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

/// How often time-outs and the like are looked after, in seconds.
const TICK_SECONDS: f64 = 0.01;

/// How often counts are handed on and connections opened that nobody waits for.
const SLOW_TICK_SECONDS: f64 = 0.1;

/// Moments closer to each other than this are served by one wake-up, which
/// costs some microseconds of CPU time. It counts as slip.
const SHORTEST_SLEEP_SECONDS: f64 = 50e-6;

/// Events that are taken from the kernel at once.
const EVENTS: usize = 1024;

/// One that will never be a connection's.
const TIMER: Token = Token(usize::MAX);

/// One thread's part of a run.
pub struct Shard<'a> {
    pub(super) plan: &'a Plan,
    pub(super) control: &'a Control,
    /// Moments that have not been sent, and that have not been noticed.
    unsent: Moments,
    unnoticed: Moments,
    /// The start of the measured part on the monotonic clock.
    start: f64,
    pub(super) poll: Poll,
    timer: Timer,
    pub(super) pool: Pool,
    pub(super) roads: Roads,
    /// A road of whose connections one should change over.
    pub(super) crowded: Option<usize>,
    pub(super) tally: Tally,
    lookup: Lookup,
    live: Arc<Live>,
    flushed: Flushed,
    next_tick: f64,
    next_slow_tick: f64,
}

impl<'a> Shard<'a> {
    /// The part of thread `index` of `threads` of a run that starts then.
    pub fn new(
        plan: &'a Plan,
        outside: &Outside,
        control: &'a Control,
        (index, threads): (usize, usize),
        addresses: &[Vec<SocketAddr>],
        start: f64,
    ) -> io::Result<Self> {
        let poll = Poll::new()?;
        let timer = Timer::new(poll.registry(), TIMER)?;
        let moments = plan.moments(index, threads);
        let mut roads = Roads::default();
        for (target, addresses) in addresses.iter().enumerate() {
            roads.learn(target, addresses);
        }
        // The first ones have one more where it does not come out even.
        let connections =
            plan.connections / threads + usize::from(index < plan.connections % threads);
        Ok(Self {
            plan,
            control,
            unsent: moments.clone(),
            unnoticed: moments,
            start,
            poll,
            timer,
            pool: Pool::new(connections),
            roads,
            crowded: None,
            tally: Tally::new(plan.seconds),
            lookup: Lookup::new(plan, outside),
            live: outside.live.clone(),
            flushed: Flushed::default(),
            next_tick: f64::NEG_INFINITY,
            next_slow_tick: f64::NEG_INFINITY,
        })
    }

    /// Runs to the end, or until it is cancelled.
    pub fn run(mut self) -> io::Result<Tally> {
        let mut events = Events::with_capacity(EVENTS);
        let mut buffer = vec![0; 64 * 1024];
        self.leave_out_what_is_past();
        loop {
            let now = self.send_what_is_due();
            if now >= self.next_tick {
                self.tick(now);
            }
            if self.has_ended(now) {
                break;
            }
            self.sleep(&mut events, now)?;
            // Reading answers takes its time, and none of what is due.
            self.send_what_is_due();
            for event in &events {
                if event.token() != TIMER {
                    let closing = event.is_read_closed() || event.is_error();
                    self.on_event(event.token().0, closing, &mut buffer);
                }
            }
        }
        self.tally.timeline.close();
        self.flush();
        Ok(self.tally)
    }

    /// Notices and sends what has come due by now, which it returns.
    fn send_what_is_due(&mut self) -> f64 {
        let now = self.now();
        self.notice(now);
        self.dispatch(now);
        now
    }

    /// Seconds from the start of the measured part.
    pub(super) fn now(&self) -> f64 {
        monotonic_seconds() - self.start
    }

    /// Whether requests are still to be sent.
    pub(super) fn sends(&self, now: f64) -> bool {
        now < self.plan.seconds && !self.control.is_cancelled()
    }

    pub(super) fn is_closed_loop(&self) -> bool {
        self.plan.pace == Pace::Closed
    }

    fn has_ended(&self, now: f64) -> bool {
        if self.control.is_cancelled() {
            return true;
        }
        let all_sent = now >= self.plan.seconds && self.unsent.peek().is_none();
        all_sent && self.pool.busy() == 0
    }

    /// A run that began late has less of a warm-up, and not all of it at once.
    fn leave_out_what_is_past(&mut self) {
        let now = self.now().min(0.0);
        while self.unsent.peek().is_some_and(|moment| moment < now) {
            self.unsent.advance();
            self.unnoticed.advance();
        }
    }

    /// How late the moments were noticed that have come: what the schedule has
    /// slipped by, whether or not there is a connection for them.
    fn notice(&mut self, now: f64) {
        while let Some(moment) = self.unnoticed.peek().filter(|moment| *moment <= now) {
            self.tally.due(moment, now);
            self.unnoticed.advance();
        }
    }

    /// Sends the requests that are due, in order, as far as there are
    /// connections for them.
    fn dispatch(&mut self, now: f64) {
        while let Some(moment) = self.unsent.peek().filter(|moment| *moment <= now) {
            if now - moment > self.plan.timeout_seconds {
                self.unsent.advance();
                self.tally.failed(Failure::NoConnection, moment, now);
                continue;
            }
            let request = Request {
                moment,
                sent: f64::NAN,
            };
            if let Some(slot) = self.pool.take_idle() {
                self.send(slot, request, now);
            } else if let Some(slot) = self.pool.take_opening() {
                self.pool.bind(slot, request);
            } else if let Some(slot) = self.pool.take_free() {
                self.open(slot, Some(request), now);
            } else {
                return;
            }
            self.unsent.advance();
        }
    }

    fn tick(&mut self, now: f64) {
        self.next_tick = now + TICK_SECONDS;
        self.expire(now);
        for (target, addresses) in self.lookup.answers() {
            self.roads.learn(target, &addresses);
        }
        if self.is_closed_loop() && self.sends(now) {
            self.open_those_that_rested(now);
        }
        if now >= self.next_slow_tick {
            self.next_slow_tick = now + SLOW_TICK_SECONDS;
            if !self.is_closed_loop() && self.sends(now) {
                self.fill_up(now);
            }
            self.even_out(now);
            let all = self.plan.warm_up_seconds + self.plan.seconds;
            self.control
                .set_progress((now + self.plan.warm_up_seconds) / all);
            self.flush();
        }
    }

    fn flush(&mut self) {
        self.live.flush(&self.tally, &mut self.flushed);
    }

    /// Asks anew where the targets are: something about them has changed.
    pub(super) fn look_up(&mut self) {
        self.lookup.ask();
    }

    fn sleep(&mut self, events: &mut Events, now: f64) -> io::Result<()> {
        let mut longest = (self.next_tick - now).max(0.0);
        if let Some(moment) = self.unnoticed.peek() {
            let moment = moment.max(now + SHORTEST_SLEEP_SECONDS);
            longest = self
                .timer
                .arm(self.start + moment, self.start + now, longest)?;
        }
        match self
            .poll
            .poll(events, Some(Duration::from_secs_f64(longest)))
        {
            Err(error) if error.kind() == ErrorKind::Interrupted => {
                events.clear();
                Ok(())
            }
            ended => ended,
        }
    }
}
