//! A run that has been found in order: what the engine does.

use crate::target::Target;
use measure::arrivals::{Arrivals, Schedule};

/// When requests leave.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Pace {
    /// On a schedule, whatever became of those before (open loop).
    Open {
        /// Requests per second.
        rate: f64,
        /// How they are spread.
        arrivals: Arrivals,
        /// What chance is drawn from.
        seed: u64,
    },
    /// On each connection as soon as the answer before has come (closed loop).
    Closed,
}

/// A run.
#[derive(Debug, Clone)]
pub struct Plan {
    /// Whom it sends to; connections are spread over all their addresses.
    pub targets: Vec<Target>,
    /// When requests leave.
    pub pace: Pace,
    /// The most connections at once.
    pub connections: usize,
    /// Seconds before the measured part in which the same is done.
    pub warm_up_seconds: f64,
    /// Seconds of the measured part.
    pub seconds: f64,
    /// When the measured part begins, on the host's monotonic clock (seconds).
    pub start_at_seconds: Option<f64>,
    /// Seconds that a request has for its connection, and then for its answer.
    pub timeout_seconds: f64,
    /// Whether bodies are searched for the worker that answered.
    pub identify: bool,
}

/// Makes the arrivals of the warm-up others than those measured.
const OF_WARM_UP: u64 = 0x7761_726d_2d75_7000;

impl Plan {
    /// The moments at which one of `threads` threads is to send, in seconds from
    /// the start of the measured part: those of the warm-up are negative. None
    /// in a closed loop.
    ///
    /// Those measured, of all threads together, are `Arrivals::schedule` of the
    /// plan's rate, seconds and seed.
    pub fn moments(&self, thread: usize, threads: usize) -> Moments {
        let Pace::Open {
            rate,
            arrivals,
            seed,
        } = self.pace
        else {
            return Moments::new(Arrivals::Constant.schedule(0.0, 0.0, 0), None, 0.0, 0, 1);
        };
        let warm_up = self.warm_up_seconds;
        let before = arrivals.schedule(rate, warm_up, seed ^ OF_WARM_UP);
        let measured = arrivals.schedule(rate, self.seconds, seed);
        Moments::new(measured, Some(before), warm_up, thread, threads)
    }
}

/// Moments at which requests are to leave, in order.
#[derive(Debug, Clone)]
pub struct Moments {
    before: Option<Schedule>,
    measured: Schedule,
    warm_up_seconds: f64,
    /// How many of all are other threads' before the next of this one.
    skip: usize,
    threads: usize,
    next: Option<f64>,
}

impl Moments {
    fn new(
        measured: Schedule,
        before: Option<Schedule>,
        warm_up_seconds: f64,
        thread: usize,
        threads: usize,
    ) -> Self {
        let mut this = Self {
            before,
            measured,
            warm_up_seconds,
            skip: thread,
            threads,
            next: None,
        };
        this.advance();
        this
    }

    /// The next one; `None` when all are through.
    pub fn peek(&self) -> Option<f64> {
        self.next
    }

    /// Goes on to the one after.
    pub fn advance(&mut self) {
        for _ in 0..self.skip {
            self.draw();
        }
        self.next = self.draw();
        self.skip = self.threads - 1;
    }

    fn draw(&mut self) -> Option<f64> {
        if let Some(before) = &mut self.before {
            if let Some(moment) = before.next() {
                return Some(moment - self.warm_up_seconds);
            }
            self.before = None;
        }
        self.measured.next()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn plan(warm_up_seconds: f64) -> Plan {
        Plan {
            targets: Vec::new(),
            pace: Pace::Open {
                rate: 100.0,
                arrivals: Arrivals::Poisson,
                seed: 7,
            },
            connections: 1,
            warm_up_seconds,
            seconds: 2.0,
            start_at_seconds: None,
            timeout_seconds: 1.0,
            identify: false,
        }
    }

    fn all(mut moments: Moments) -> Vec<f64> {
        std::iter::from_fn(|| {
            let next = moments.peek();
            moments.advance();
            next
        })
        .collect()
    }

    #[test]
    fn what_is_measured_is_the_schedule_itself_however_many_threads_share_it() {
        let expected: Vec<f64> = Arrivals::Poisson.schedule(100.0, 2.0, 7).collect();
        for (warm_up, threads) in [(0.0, 1), (1.0, 1), (0.5, 3)] {
            let each = (0..threads).map(|thread| all(plan(warm_up).moments(thread, threads)));
            let mut together: Vec<f64> = each.flatten().collect();
            together.sort_by(f64::total_cmp);
            let measured = together.iter().copied().filter(|moment| *moment >= 0.0);
            assert_eq!(measured.collect::<Vec<_>>(), expected);
            let before = together.len() - expected.len();
            assert_eq!(before > 0, warm_up > 0.0);
            assert!(together.iter().all(|moment| *moment >= -warm_up));
        }
    }

    #[test]
    fn a_closed_loop_has_no_moments() {
        let mut closed = plan(1.0);
        closed.pace = Pace::Closed;
        assert_eq!(closed.moments(0, 1).peek(), None);
    }
}
