//! The queue from event to event: an arrival, an answer, the budget's end, the
//! next period's begin.

use super::{ROUNDING, Replay, Server};
use crate::quota::QuotaModel;
use std::collections::VecDeque;
use std::iter::Peekable;
use std::ops::Range;
use std::vec::IntoIter;

/// Who sends the requests.
pub(super) enum Clients {
    /// At these moments.
    Open(Peekable<IntoIter<f64>>),
    /// On each connection after the answer before it, until this moment; so many
    /// have still to begin.
    Closed { starts: usize, until: f64 },
}

impl Clients {
    pub(super) fn open(arrivals: impl IntoIterator<Item = f64>) -> Self {
        let arrivals: Vec<f64> = arrivals.into_iter().collect();
        Self::Open(arrivals.into_iter().peekable())
    }

    pub(super) fn closed(connections: usize, until: f64) -> Self {
        Self::Closed {
            starts: if until > 0.0 { connections } else { 0 },
            until,
        }
    }

    /// When the next request comes that waits for no answer.
    fn next(&mut self) -> Option<f64> {
        match self {
            Self::Open(arrivals) => arrivals.peek().copied(),
            Self::Closed { starts, .. } => (*starts > 0).then_some(0.0),
        }
    }

    fn take(&mut self) {
        match self {
            Self::Open(arrivals) => {
                arrivals.next();
            }
            Self::Closed { starts, .. } => *starts -= 1,
        }
    }

    /// Whether an answer at this moment makes another request leave.
    fn sends_again(&self, now: f64) -> bool {
        matches!(self, Self::Closed { until, .. } if now < *until)
    }
}

/// A request that waits or is served.
#[derive(Debug, Clone, Copy)]
struct Request {
    arrived: f64,
    /// Seconds that the group had stood still when it arrived.
    stalled_before: f64,
    /// CPU seconds that it still needs.
    needs: f64,
}

/// The budget of the period under way.
#[derive(Debug, Clone, Copy)]
struct Budget {
    quota: QuotaModel,
    left: f64,
    refilled_at: f64,
    used_up: bool,
}

/// The server's state at one moment.
pub(super) struct Queue<'a> {
    server: &'a Server,
    at_once: usize,
    now: f64,
    budget: Option<Budget>,
    waiting: VecDeque<Request>,
    /// In order of arrival. All need the same and run equally fast, so the first
    /// is done first.
    served: VecDeque<Request>,
    stalled: f64,
    /// The seconds that are told of.
    window: Range<f64>,
    replay: Replay,
}

#[derive(Debug, Clone, Copy, PartialEq)]
enum Event {
    Arrival,
    Answer,
    UsedUp,
    Refill,
}

impl<'a> Queue<'a> {
    /// An idle server, so far into a period, whose budget is whole.
    pub(super) fn new(server: &'a Server, phase: f64) -> Self {
        let phase = if phase.is_finite() { phase } else { 0.0 };
        let budget = server.quota.map(|quota| Budget {
            quota,
            left: quota.refill_seconds(),
            refilled_at: quota.period_seconds() * (1.0 - phase.clamp(0.0, 1.0)),
            used_up: false,
        });
        Self {
            server,
            at_once: server.at_once(),
            now: 0.0,
            budget,
            waiting: VecDeque::new(),
            served: VecDeque::new(),
            stalled: 0.0,
            window: 0.0..0.0,
            replay: Replay::default(),
        }
    }

    pub(super) fn run(mut self, mut clients: Clients, window: Range<f64>) -> Replay {
        self.replay.seconds = window.end - window.start;
        self.window = window;
        loop {
            while self.served.len() < self.at_once
                && let Some(next) = self.waiting.pop_front()
            {
                self.served.push_back(next);
            }
            let Some((at, event)) = self.next_event(&mut clients) else {
                break;
            };
            self.advance(at);
            match event {
                Event::Arrival => {
                    clients.take();
                    self.arrive();
                }
                Event::Answer => {
                    self.answer();
                    if clients.sends_again(self.now) {
                        self.arrive();
                    }
                }
                Event::UsedUp => {
                    if let Some(budget) = &mut self.budget {
                        (budget.left, budget.used_up) = (0.0, true);
                    }
                }
                Event::Refill => self.refill(),
            }
        }
        self.replay.latencies.sort_by(f64::total_cmp);
        self.replay
    }

    /// What happens next; `None`: all requests are answered and no more come.
    fn next_event(&self, clients: &mut Clients) -> Option<(f64, Event)> {
        let arrival = clients.next().map(|at| (at.max(self.now), Event::Arrival));
        if self.served.is_empty() && arrival.is_none() {
            return None;
        }
        let refill = self.budget.map(|b| (b.refilled_at, Event::Refill));
        let (mut answer, mut used_up) = (None, None);
        if let (Some(first), true) = (self.served.front(), self.runs()) {
            let speed = self.cpus_in_use() / self.served.len() as f64;
            answer = Some((self.now + first.needs / speed, Event::Answer));
            used_up = self.budget.map(|budget| {
                // What is left of it by rounding alone does not stop a request.
                let spare = ROUNDING * budget.quota.refill_seconds();
                let lasts = (budget.left + spare) / self.cpus_in_use();
                (self.now + lasts, Event::UsedUp)
            });
        }
        // Of two at one moment the one named first: a budget that lasts until
        // the refill is not used up before it.
        let all = [answer, refill, used_up, arrival];
        all.into_iter()
            .flatten()
            .reduce(|first, next| if next.0 < first.0 { next } else { first })
    }

    fn runs(&self) -> bool {
        self.budget.is_none_or(|budget| !budget.used_up)
    }

    fn cpus_in_use(&self) -> f64 {
        self.server.cpus.min(self.served.len() as f64)
    }

    fn advance(&mut self, at: f64) {
        let lasted = (at - self.now).max(0.0);
        if !self.served.is_empty() {
            if self.runs() {
                let cpus = self.cpus_in_use();
                let each = lasted * cpus / self.served.len() as f64;
                self.served
                    .iter_mut()
                    .for_each(|r| r.needs = (r.needs - each).max(0.0));
                if let Some(budget) = &mut self.budget {
                    budget.left = (budget.left - lasted * cpus).max(0.0);
                }
            } else {
                self.stalled += lasted;
                let Range { start, end } = self.window;
                self.replay.throttled_seconds += (at.min(end) - self.now.max(start)).max(0.0);
            }
        }
        self.now = self.now.max(at);
    }

    fn arrive(&mut self) {
        self.waiting.push_back(Request {
            arrived: self.now,
            stalled_before: self.stalled,
            needs: self.server.cpu_seconds,
        });
    }

    fn answer(&mut self) {
        let Some(request) = self.served.pop_front() else {
            return;
        };
        let Range { start, end } = self.window;
        if self.now >= start && self.now <= end {
            self.replay.answered += 1.0;
        }
        if request.arrived < start {
            return;
        }
        self.replay.latencies.push(self.now - request.arrived);
        let stalled = self.stalled - request.stalled_before;
        self.replay.most_stalled_seconds = self.replay.most_stalled_seconds.max(stalled);
    }

    fn refill(&mut self) {
        let Some(budget) = &mut self.budget else {
            return;
        };
        let Range { start, end } = self.window;
        if self.now > start && self.now <= end * (1.0 + ROUNDING) {
            self.replay.periods += 1.0;
            self.replay.throttled_periods += f64::from(u8::from(budget.used_up));
        }
        budget.left = budget.quota.refill_seconds();
        budget.used_up = false;
        budget.refilled_at += budget.quota.period_seconds();
    }
}
