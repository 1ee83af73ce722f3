//! A job: the numbers to test, cut into chunks that workers take.

use super::Kernel;
use cpu_budget::clock::monotonic_seconds;
use service_kit::sampling::WorkerClock;
use std::ops::Range;
use std::process::ChildStdin;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};

/// Chunks of a job, before shards: enough that a late chunk hardly matters
/// (1/512 of the work). Tiny jobs have fewer, huge ones more.
const CHUNKS: u64 = 512;

/// The largest number a job may reach: trial division of one prime near it
/// takes milliseconds, so that a chunk of them can still be cancelled in time.
pub const LARGEST_LIMIT: u64 = 1_000_000_000_000;

/// The most parts a job may be shared out in: more than any fleet has replicas,
/// and few enough that parts of parts still count within 64 bits.
const MOST_SHARDS: u64 = 65_536;

/// Which part of a job's chunks to do: every `count`-th from `index` on, so
/// that each part has small and large numbers alike.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Shard {
    /// Which part, from 0.
    pub index: u64,
    /// How many parts.
    pub count: u64,
}

impl Shard {
    /// The whole job.
    pub const WHOLE: Self = Self { index: 0, count: 1 };

    /// Part `index` of `count` parts of this part.
    pub fn split(self, index: u64, count: u64) -> Self {
        Self {
            index: self.index + self.count * index,
            count: self.count * count,
        }
    }
}

/// Why a job cannot be.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum JobError {
    /// There is no number to test.
    #[error("limit {limit} must be above from {from}: there is no number to test")]
    Empty {
        /// The first number.
        from: u64,
        /// The number after the last.
        limit: u64,
    },
    /// Larger than this service counts to.
    #[error("limit must be at most {LARGEST_LIMIT} (10^12)")]
    TooLarge,
    /// A shard that does not exist.
    #[error("shard index must be below its count: there is no shard {index} of {count}")]
    NoSuchShard {
        /// The part asked for.
        index: u64,
        /// How many there are.
        count: u64,
    },
    /// More shards than this service counts.
    #[error("shard count must be at most {MOST_SHARDS}, not {0}")]
    TooManyShards(u64),
}

impl JobError {
    /// The request's field that is wrong.
    pub fn field(&self) -> &'static str {
        match self {
            Self::Empty { .. } | Self::TooLarge => "limit",
            Self::NoSuchShard { .. } => "shard.index",
            Self::TooManyShards(_) => "shard.count",
        }
    }
}

/// The primes in `from..limit`, or one shard of them.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Job {
    numbers: (u64, u64),
    kernel: Kernel,
    shard: Shard,
    chunk_length: u64,
}

impl Job {
    /// A job, checked.
    pub fn new(from: u64, limit: u64, kernel: Kernel, shard: Shard) -> Result<Self, JobError> {
        if limit > LARGEST_LIMIT {
            return Err(JobError::TooLarge);
        }
        if from >= limit {
            return Err(JobError::Empty { from, limit });
        }
        if shard.count > MOST_SHARDS {
            return Err(JobError::TooManyShards(shard.count));
        }
        if shard.index >= shard.count {
            return Err(JobError::NoSuchShard {
                index: shard.index,
                count: shard.count,
            });
        }
        let lengths = kernel.chunk_lengths(limit);
        let chunk_length = (limit - from)
            .div_ceil(CHUNKS)
            .clamp(*lengths.start(), *lengths.end());
        Ok(Self {
            numbers: (from, limit),
            kernel,
            shard,
            chunk_length,
        })
    }

    /// What computes it.
    pub fn kernel(&self) -> Kernel {
        self.kernel
    }

    /// The part of the job this is.
    pub fn shard(&self) -> Shard {
        self.shard
    }

    /// The same job, but for another part of it: a part of a part may be
    /// smaller than what can be asked for.
    #[must_use]
    pub fn with_shard(self, shard: Shard) -> Self {
        Self { shard, ..self }
    }

    /// All numbers, whatever the shard.
    pub fn numbers(&self) -> Range<u64> {
        self.numbers.0..self.numbers.1
    }

    /// How many chunks this shard has.
    pub fn chunks(&self) -> u64 {
        let all = (self.numbers.1 - self.numbers.0).div_ceil(self.chunk_length);
        (all + self.shard.count - 1).saturating_sub(self.shard.index) / self.shard.count
    }

    /// The numbers of this shard's chunk `index`.
    pub fn chunk(&self, index: u64) -> Range<u64> {
        let (from, limit) = self.numbers;
        let chunk = self.shard.index + index * self.shard.count;
        let start = from + chunk * self.chunk_length;
        start..(start + self.chunk_length).min(limit)
    }

    /// The chunks that worker `index` of `count` gets when each is given one
    /// equal run of them beforehand.
    pub fn equal_run(&self, index: u64, count: u64) -> Range<u64> {
        let chunks = u128::from(self.chunks());
        let edge = |worker: u64| (chunks * u128::from(worker) / u128::from(count)) as u64;
        edge(index)..edge(index + 1)
    }
}

/// What a running sample and those who watch it share.
#[derive(Debug, Default)]
pub struct Control {
    cancelled: AtomicBool,
    chunks_done: AtomicU64,
    chunks_planned: AtomicU64,
    children: Mutex<Vec<ChildStdin>>,
}

impl Control {
    /// Asks the sample to stop at the next chunk.
    pub fn cancel(&self) {
        self.cancelled.store(true, Ordering::Relaxed);
        // A child process ends when its standard input does.
        self.children
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .clear();
    }

    /// The flag that [`Control::cancel`] sets.
    pub fn cancelled(&self) -> &AtomicBool {
        &self.cancelled
    }

    /// Whether the sample was asked to stop.
    pub fn is_cancelled(&self) -> bool {
        self.cancelled.load(Ordering::Relaxed)
    }

    /// Says how many chunks the sample has in all.
    pub fn plan(&self, chunks: u64) {
        self.chunks_planned.store(chunks, Ordering::Relaxed);
    }

    /// Counts chunks as done.
    pub fn add_done(&self, chunks: u64) {
        self.chunks_done.fetch_add(chunks, Ordering::Relaxed);
    }

    /// How much of the sample is done, 0 to 1.
    pub fn progress(&self) -> f64 {
        let planned = self.chunks_planned.load(Ordering::Relaxed).max(1);
        (self.chunks_done.load(Ordering::Relaxed) as f64 / planned as f64).min(1.0)
    }

    /// Holds a child's standard input until [`Control::release_children`].
    pub fn hold_child(&self, stdin: ChildStdin) {
        let mut children = self.children.lock().unwrap_or_else(PoisonError::into_inner);
        // Cancelled in between: dropping it here ends the child all the same.
        if !self.is_cancelled() {
            children.push(stdin);
        }
    }

    /// Lets go of the children: those that have not ended do so now.
    pub fn release_children(&self) {
        self.children
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .clear();
    }
}

/// One doing of a job: what its workers share.
#[derive(Debug)]
pub struct JobRun {
    /// The job.
    pub job: Job,
    /// When it started, in seconds of the host's monotonic clock: the moment
    /// the doing before it ended.
    pub started: f64,
    control: Arc<Control>,
    /// The bits of the latest end seen; bits of positive floats order as they do.
    ended: AtomicU64,
}

impl JobRun {
    /// A doing of `job` from `started` on.
    pub fn new(job: Job, started: f64, control: Arc<Control>) -> Self {
        Self {
            job,
            started,
            control,
            ended: AtomicU64::new(started.to_bits()),
        }
    }

    /// What the doing shares with those who watch it.
    pub fn control(&self) -> &Control {
        &self.control
    }

    /// Counts the primes of one chunk on the worker whose clock this is.
    /// Counts nothing once cancelled.
    pub fn do_chunk(&self, index: u64, clock: &mut WorkerClock) -> u64 {
        if self.control.is_cancelled() {
            return 0;
        }
        clock.take_up(self.started);
        let count = self.job.kernel().count(self.job.chunk(index));
        self.ended_at(clock.put_down());
        self.control.add_done(1);
        count
    }

    /// Counts the primes of these chunks one after the other, until cancelled.
    pub fn do_chunks(&self, chunks: impl Iterator<Item = u64>, clock: &mut WorkerClock) -> u64 {
        // A job may have 10^8 chunks: passing over those left takes seconds.
        chunks
            .take_while(|_| !self.control.is_cancelled())
            .map(|chunk| self.do_chunk(chunk, clock))
            .sum()
    }

    /// Notes that a worker ended work at `moment`.
    pub fn ended_at(&self, moment: f64) {
        self.ended.fetch_max(moment.to_bits(), Ordering::Relaxed);
    }

    /// When the last worker ended its last chunk.
    pub fn ended(&self) -> f64 {
        let ended = f64::from_bits(self.ended.load(Ordering::Relaxed));
        if ended > self.started {
            ended
        } else {
            monotonic_seconds() // cancelled before any chunk
        }
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;
    use proptest::prelude::*;

    proptest! {
        #[test]
        fn shards_of_shards_cover_every_number_once(
            from in 0u64..1000, length in 1u64..5000, replicas in 1u64..7, workers in 1u64..5,
        ) {
            let whole = Job::new(from, from + length, Kernel::Trial, Shard::WHOLE).unwrap();
            let mut seen = vec![0u8; length as usize];
            for replica in 0..replicas {
                for worker in 0..workers {
                    let shard = Shard { index: replica, count: replicas }.split(worker, workers);
                    let job = whole.with_shard(shard);
                    for n in (0..job.chunks()).flat_map(|chunk| job.chunk(chunk)) {
                        seen[(n - from) as usize] += 1;
                    }
                }
            }
            prop_assert!(seen.iter().all(|&times| times == 1));
        }

        #[test]
        fn equal_runs_cover_every_chunk_once(length in 1u64..5000, workers in 1u64..1000) {
            let job = Job::new(0, length, Kernel::Trial, Shard::WHOLE).unwrap();
            let mut next = 0;
            for worker in 0..workers {
                let run = job.equal_run(worker, workers);
                prop_assert_eq!(run.start, next);
                next = run.end;
            }
            prop_assert_eq!(next, job.chunks());
        }
    }

    #[test]
    fn the_smallest_part_of_the_most_parts_still_counts() {
        let shard = Shard {
            index: MOST_SHARDS - 1,
            count: MOST_SHARDS,
        };
        let job = Job::new(0, LARGEST_LIMIT, Kernel::Trial, shard).unwrap();
        let last = job.with_shard(shard.split(1023, 1024));
        assert!(job.chunks() > 0);
        assert!(last.chunk(last.chunks() - 1).end <= LARGEST_LIMIT);
    }

    #[test]
    fn jobs_that_cannot_be_are_refused_with_the_reason() {
        let whole = |from, limit| Job::new(from, limit, Kernel::Trial, Shard::WHOLE);
        assert!(matches!(whole(0, 0), Err(JobError::Empty { .. })));
        assert!(matches!(whole(7, 7), Err(JobError::Empty { .. })));
        assert!(matches!(whole(0, u64::MAX), Err(JobError::TooLarge)));
        assert!(matches!(
            Job::new(0, 10, Kernel::Trial, Shard { index: 2, count: 2 }),
            Err(JobError::NoSuchShard { .. })
        ));
        assert!(matches!(
            Job::new(0, 10, Kernel::Trial, Shard { index: 0, count: 0 }),
            Err(JobError::NoSuchShard { .. })
        ));
        let many = Shard {
            index: 0,
            count: u64::MAX,
        };
        assert!(matches!(
            Job::new(0, 10, Kernel::Trial, many),
            Err(JobError::TooManyShards(_))
        ));
    }
}
