//! What a worker counts, and what its master adds up.

use serde::{Deserialize, Serialize};
use std::sync::atomic::{AtomicI64, AtomicU64, Ordering};
use std::time::Duration;

/// The statuses that answers have.
pub const STATUSES: [u16; 11] = [200, 400, 404, 405, 408, 413, 414, 422, 431, 500, 503];

/// Upper bounds of the histogram, in seconds: from an answer out of memory to
/// a large loop behind others.
pub const BOUNDS: [f64; 14] = [
    0.000_1, 0.000_25, 0.000_5, 0.001, 0.002_5, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5,
];

/// Why a connection was cut.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Cut {
    /// Its request's head or body took too long.
    Slow,
    /// No request came within the keep-alive time.
    Idle,
    /// What came was no HTTP.
    Malformed,
    /// The worker had no room: answered 503.
    Full,
    /// The drain's time was over.
    Drained,
}

impl Cut {
    /// All of them, in the order of [`Counts::cut`].
    pub const ALL: [Self; 5] = [
        Self::Slow,
        Self::Idle,
        Self::Malformed,
        Self::Full,
        Self::Drained,
    ];

    /// As the metrics name it.
    pub fn name(self) -> &'static str {
        match self {
            Self::Slow => "slow",
            Self::Idle => "idle",
            Self::Malformed => "malformed",
            Self::Full => "full",
            Self::Drained => "drained",
        }
    }
}

/// Counted since the worker began.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
pub struct Counts {
    /// Answers by status, in the order of [`STATUSES`].
    pub statuses: [u64; STATUSES.len()],
    /// Connections accepted.
    pub accepted: u64,
    /// Connections cut, in the order of [`Cut::ALL`].
    pub cut: [u64; Cut::ALL.len()],
    /// Requests by how long they took, each bound's own; the last one is what
    /// took longer than all [`BOUNDS`].
    pub buckets: [u64; BOUNDS.len() + 1],
    /// How long they took together, in nanoseconds.
    pub nanos: u64,
    /// Connections open now.
    pub open: u64,
    /// Requests whose answers are not made yet.
    pub in_flight: u64,
}

impl Counts {
    /// Requests answered.
    pub fn requests(&self) -> u64 {
        self.statuses.iter().sum()
    }

    /// Connections that were cut so.
    pub fn cut(&self, why: Cut) -> u64 {
        self.cut[why as usize]
    }

    /// Adds what another worker counted.
    pub fn add(&mut self, other: &Self) {
        let pairs = self.statuses.iter_mut().zip(other.statuses);
        pairs.for_each(|(sum, count)| *sum += count);
        let pairs = self.cut.iter_mut().zip(other.cut);
        pairs.for_each(|(sum, count)| *sum += count);
        let pairs = self.buckets.iter_mut().zip(other.buckets);
        pairs.for_each(|(sum, count)| *sum += count);
        self.accepted += other.accepted;
        self.nanos += other.nanos;
        self.open += other.open;
        self.in_flight += other.in_flight;
    }

    /// What is left of a worker that has ended: nothing is open any more.
    #[must_use]
    pub fn ended(mut self) -> Self {
        self.open = 0;
        self.in_flight = 0;
        self
    }
}

/// The same while it is counted, by all threads of a worker.
#[derive(Debug, Default)]
pub struct Counters {
    statuses: [AtomicU64; STATUSES.len()],
    accepted: AtomicU64,
    cut: [AtomicU64; Cut::ALL.len()],
    buckets: [AtomicU64; BOUNDS.len() + 1],
    nanos: AtomicU64,
    open: AtomicI64,
    in_flight: AtomicI64,
}

impl Counters {
    /// A connection was accepted.
    pub fn accept(&self) {
        self.accepted.fetch_add(1, Ordering::Relaxed);
        self.open.fetch_add(1, Ordering::Relaxed);
    }

    /// A connection has ended.
    pub fn close(&self) {
        self.open.fetch_sub(1, Ordering::Relaxed);
    }

    /// A connection was cut.
    pub fn cut(&self, why: Cut) {
        self.cut[why as usize].fetch_add(1, Ordering::Relaxed);
    }

    /// A request's head is there.
    pub fn begin(&self) {
        self.in_flight.fetch_add(1, Ordering::Relaxed);
    }

    /// Its answer is made, or its client has left.
    pub fn end(&self) {
        self.in_flight.fetch_sub(1, Ordering::Relaxed);
    }

    /// An answer with this status was made after so long.
    pub fn answer(&self, status: u16, after: Duration) {
        self.status(status);
        let seconds = after.as_secs_f64();
        let bucket = BOUNDS.iter().position(|&bound| seconds <= bound);
        self.buckets[bucket.unwrap_or(BOUNDS.len())].fetch_add(1, Ordering::Relaxed);
        self.nanos
            .fetch_add(after.as_nanos() as u64, Ordering::Relaxed);
    }

    /// An answer with this status was at hand when its request came: within the
    /// first bound, and its time, a fraction of a microsecond, costs more to take
    /// than it is.
    pub fn answer_at_once(&self, status: u16) {
        self.status(status);
        self.buckets[0].fetch_add(1, Ordering::Relaxed);
    }

    /// An answer was given of which nobody knows how long it took.
    pub fn status(&self, status: u16) {
        // What is not listed would be a fault of ours, and counts as one.
        let index = STATUSES.iter().position(|&known| known == status);
        let index = index.or_else(|| STATUSES.iter().position(|&known| known == 500));
        if let Some(index) = index {
            self.statuses[index].fetch_add(1, Ordering::Relaxed);
        }
    }

    /// All of it now.
    pub fn read(&self) -> Counts {
        let one = |counter: &AtomicU64| counter.load(Ordering::Relaxed);
        let now = |gauge: &AtomicI64| gauge.load(Ordering::Relaxed).max(0) as u64;
        Counts {
            statuses: std::array::from_fn(|index| one(&self.statuses[index])),
            accepted: one(&self.accepted),
            cut: std::array::from_fn(|index| one(&self.cut[index])),
            buckets: std::array::from_fn(|index| one(&self.buckets[index])),
            nanos: one(&self.nanos),
            open: now(&self.open),
            in_flight: now(&self.in_flight),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_cut_is_where_it_is_looked_up() {
        for (index, cut) in Cut::ALL.into_iter().enumerate() {
            assert_eq!(cut as usize, index);
        }
    }

    #[test]
    fn answers_are_counted_by_status_and_time() {
        let counters = Counters::default();
        counters.answer(200, Duration::from_micros(50));
        counters.answer(200, Duration::from_millis(1));
        counters.answer(404, Duration::from_secs(9));
        counters.answer(299, Duration::ZERO);
        counters.answer_at_once(200);

        let counts = counters.read();

        assert_eq!(counts.requests(), 5);
        let of =
            |status| counts.statuses[STATUSES.iter().position(|&one| one == status).unwrap_or(0)];
        assert_eq!((of(200), of(404), of(500)), (3, 1, 1));
        assert_eq!(counts.buckets[0], 3);
        assert_eq!(counts.buckets[3], 1);
        assert_eq!(counts.buckets[BOUNDS.len()], 1);
        assert_eq!(counts.buckets.iter().sum::<u64>(), 5);
    }

    #[test]
    fn of_an_ended_worker_nothing_is_open() {
        let counters = Counters::default();
        counters.accept();
        counters.begin();
        let mut sum = counters.read();
        sum.add(&counters.read());
        assert_eq!((sum.accepted, sum.open, sum.in_flight), (2, 2, 2));
        let ended = sum.ended();
        assert_eq!((ended.accepted, ended.open, ended.in_flight), (2, 0, 0));
    }
}
