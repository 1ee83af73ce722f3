//! What is counted while a run goes on.

use super::failure::Failure;
use super::names::Names;
use super::timeline::Timeline;
use hdrhistogram::Histogram;
use std::collections::BTreeMap;

/// Latencies are held to three digits, from a microsecond to an hour, in
/// nanoseconds.
const SHORTEST_NANOS: u64 = 1_000;
const LONGEST_NANOS: u64 = 3_600_000_000_000;
const DIGITS: u8 = 3;

/// Statuses that there are.
const STATUSES: usize = 600;

/// A request on its way.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Request {
    /// When it was to leave, in seconds from the start of the measured part.
    pub moment: f64,
    /// When it was handed to its connection.
    pub sent: f64,
}

/// What came back.
#[derive(Debug, Clone, Copy)]
pub struct Answered<'a> {
    /// HTTP status.
    pub status: u16,
    /// Value of `x-replica`; empty where there is none.
    pub replica: &'a [u8],
    /// The worker that the body names.
    pub worker: Option<&'a [u8]>,
}

/// Counts of one thread, of requests that were to leave in the measured part.
#[derive(Debug, Clone)]
pub struct Tally {
    /// Seconds of the measured part.
    seconds: f64,
    /// From the moment of the schedule to the last byte, nanoseconds.
    pub corrected: Histogram<u64>,
    /// From when it was really sent.
    pub uncorrected: Histogram<u64>,
    /// How late moments of the schedule were noticed.
    pub slip: Histogram<u64>,
    failed: [u64; Failure::ALL.len()],
    statuses: Box<[u64; STATUSES]>,
    replicas: Names,
    workers: Names,
    /// Requests that were answered, those of the warm-up among them.
    pub answered_in_all: u64,
    /// Requests that may have reached the server and had no whole answer, those
    /// of the warm-up among them.
    pub unanswered_in_all: u64,
    /// Answers that came within the measured part, whenever they were asked for.
    pub answered_within: u64,
    /// Connections that were opened, and that could not be.
    pub connections_opened: u64,
    /// See above.
    pub connections_failed: u64,
    /// The same along time.
    pub timeline: Timeline,
}

impl Tally {
    /// Nothing yet, of a measured part of so many seconds.
    pub fn new(seconds: f64) -> Self {
        let histogram = || {
            Histogram::new_with_bounds(SHORTEST_NANOS, LONGEST_NANOS, DIGITS)
                .expect("the bounds are constants in order")
        };
        Self {
            seconds,
            corrected: histogram(),
            uncorrected: histogram(),
            slip: histogram(),
            failed: [0; Failure::ALL.len()],
            statuses: Box::new([0; STATUSES]),
            replicas: Names::default(),
            workers: Names::default(),
            answered_in_all: 0,
            unanswered_in_all: 0,
            answered_within: 0,
            connections_opened: 0,
            connections_failed: 0,
            timeline: Timeline::default(),
        }
    }

    /// A moment of the schedule was noticed now.
    pub fn due(&mut self, moment: f64, now: f64) {
        if moment >= 0.0 {
            self.slip.saturating_record(nanos(now - moment));
            self.timeline.sent(moment);
        }
    }

    /// A request of a closed loop left.
    pub fn left(&mut self, moment: f64) {
        if moment >= 0.0 {
            self.timeline.sent(moment);
        }
    }

    /// A request was answered to the last byte.
    pub fn answered(&mut self, request: Request, answer: Answered, now: f64) {
        self.answered_in_all += 1;
        if (0.0..self.seconds).contains(&now) {
            self.answered_within += 1;
        }
        if request.moment < 0.0 {
            return;
        }
        let latency = nanos(now - request.moment);
        self.corrected.saturating_record(latency);
        self.uncorrected
            .saturating_record(nanos(now - request.sent));
        self.timeline.answered(now, latency);
        let status = usize::from(answer.status).min(STATUSES - 1);
        self.statuses[status] += 1;
        if !answer.replica.is_empty() {
            self.replicas.count(answer.replica);
        }
        if let Some(worker) = answer.worker {
            self.workers.count(worker);
        }
    }

    /// A request that was to leave then will have no answer.
    pub fn failed(&mut self, failure: Failure, moment: f64, now: f64) {
        self.unanswered_in_all += u64::from(failure.may_have_been_served());
        if moment >= 0.0 {
            self.failed[failure as usize] += 1;
            self.timeline.failed(now);
        }
    }

    /// Adds another thread's counts.
    pub fn merge(&mut self, other: &Self) {
        for (sum, of) in [
            (&mut self.corrected, &other.corrected),
            (&mut self.uncorrected, &other.uncorrected),
            (&mut self.slip, &other.slip),
        ] {
            sum.add(of).expect("their bounds are the same");
        }
        let failed = self.failed.iter_mut().zip(&other.failed);
        let statuses = self.statuses.iter_mut().zip(&other.statuses[..]);
        for (sum, of) in failed.chain(statuses) {
            *sum += of;
        }
        self.replicas.merge(&other.replicas);
        self.workers.merge(&other.workers);
        self.answered_in_all += other.answered_in_all;
        self.unanswered_in_all += other.unanswered_in_all;
        self.answered_within += other.answered_within;
        self.connections_opened += other.connections_opened;
        self.connections_failed += other.connections_failed;
        self.timeline.merge(&other.timeline);
    }

    /// Requests that were answered.
    pub fn answers(&self) -> u64 {
        self.corrected.len()
    }

    /// Requests without an answer, of one kind.
    pub fn failed_as(&self, failure: Failure) -> u64 {
        self.failed[failure as usize]
    }

    /// Requests without an answer.
    pub fn failures(&self) -> u64 {
        self.failed.iter().sum()
    }

    /// Answers with a status of 500 or more.
    pub fn server_errors(&self) -> u64 {
        self.statuses[500..].iter().sum()
    }

    /// Answers by status.
    pub fn by_status(&self) -> BTreeMap<String, u64> {
        let counted = self.statuses.iter().enumerate().filter(|(_, n)| **n > 0);
        counted
            .map(|(status, n)| (status.to_string(), *n))
            .collect()
    }

    /// Answers by replica.
    pub fn by_replica(&self) -> BTreeMap<String, u64> {
        self.replicas.named()
    }

    /// Answers by worker.
    pub fn by_worker(&self) -> BTreeMap<String, u64> {
        self.workers.named()
    }
}

/// Seconds as the histograms hold them.
pub fn nanos(seconds: f64) -> u64 {
    (seconds.max(0.0) * 1e9) as u64
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_what_was_to_leave_in_the_measured_part_counts() {
        let mut tally = Tally::new(1.0);
        let answer = |status| Answered {
            status,
            replica: b"one",
            worker: Some(b"7"),
        };
        for (moment, sent, now) in [(-0.1, -0.1, 0.2), (0.1, 0.2, 0.4), (0.9, 0.9, 1.2)] {
            tally.answered(Request { moment, sent }, answer(200), now);
        }
        tally.failed(Failure::Reset, -0.1, 0.1);
        tally.failed(Failure::Reset, 0.1, 0.1);
        tally.due(-0.5, 0.1);
        tally.due(0.0, 0.001);

        assert_eq!((tally.answers(), tally.answered_within), (2, 2));
        assert_eq!((tally.failures(), tally.failed_as(Failure::Reset)), (1, 1));
        // The server has seen those of the warm-up too.
        assert_eq!((tally.answered_in_all, tally.unanswered_in_all), (3, 2));
        tally.failed(Failure::ConnectRefused, -0.1, 0.1);
        assert_eq!(tally.unanswered_in_all, 2, "nobody can have served it");
        assert_eq!(tally.slip.len(), 1);
        let max = |histogram: &Histogram<u64>| histogram.max() as f64 / 1e9;
        assert!((max(&tally.corrected) - 0.3).abs() < 0.001);
        assert!((max(&tally.uncorrected) - 0.3).abs() < 0.001);
        assert_eq!(tally.by_replica()["one"], 2);
        assert_eq!(tally.by_worker()["7"], 2);
        assert_eq!(tally.by_status()["200"], 2);

        let other = tally.clone();
        tally.merge(&other);
        assert_eq!((tally.answers(), tally.failures()), (4, 2));
        assert_eq!((tally.answered_in_all, tally.unanswered_in_all), (6, 4));
        assert_eq!(tally.by_status()["200"], 4);
    }
}
