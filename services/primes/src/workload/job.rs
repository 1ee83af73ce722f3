//! A job: the numbers to test, dealt to shards in blocks and cut into the chunks
//! that workers take.

use super::Kernel;
use std::ops::Range;

/// Blocks that a shard is dealt: enough that it has small and large numbers as
/// the others have. However many workers a replica has, its blocks are the
/// same, so that shards always add up. Tiny jobs have fewer, huge ones more.
const BLOCKS_PER_SHARD: u64 = 512;

/// Chunks for each worker: enough that the last one hardly matters (0.4 % of
/// the worker's part). Tiny jobs have fewer, huge ones more.
const CHUNKS_PER_WORKER: u64 = 256;

/// The largest number a job may reach: trial division of one prime near it
/// takes milliseconds, so that a chunk of them can still be cancelled in time.
pub const LARGEST_LIMIT: u64 = 1_000_000_000_000;

/// The most parts a job may be shared out in: more than any fleet has replicas.
const MOST_SHARDS: u64 = 65_536;

/// Which part of a job's blocks to do: every `count`-th from `index` on, so
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
}

/// Why a job cannot be.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum JobError {
    /// There is no number to test from the start that was asked for.
    #[error("limit {limit} must be above from {from}: there is no number to test")]
    Empty {
        /// The first number.
        from: u64,
        /// The number after the last.
        limit: u64,
    },
    /// No limit of a job, wherever it starts.
    #[error("limit must be from 1 to {LARGEST_LIMIT} (10^12)")]
    OutOfRange,
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
            Self::Empty { .. } | Self::OutOfRange => "limit",
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
    block_length: u64,
    chunk_length: u64,
}

impl Job {
    /// A job, checked, in chunks for one worker.
    pub fn new(from: u64, limit: u64, kernel: Kernel, shard: Shard) -> Result<Self, JobError> {
        if !(1..=LARGEST_LIMIT).contains(&limit) {
            return Err(JobError::OutOfRange);
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
        let block_length = (limit - from)
            .div_ceil(BLOCKS_PER_SHARD * shard.count)
            .clamp(*lengths.start(), *lengths.end());
        Ok(Self {
            numbers: (from, limit),
            kernel,
            shard,
            block_length,
            chunk_length: block_length,
        })
    }

    /// The same job, its blocks cut into chunks for so many workers.
    #[must_use]
    pub fn for_workers(self, workers: usize) -> Self {
        let (from, limit) = self.numbers;
        let wanted =
            (limit - from).div_ceil(CHUNKS_PER_WORKER * workers.max(1) as u64 * self.shard.count);
        let shortest = *self.kernel.chunk_lengths(limit).start();
        let pieces = self.block_length.div_ceil(wanted);
        let pieces = pieces.min(self.block_length / shortest).max(1);
        Self {
            chunk_length: self.block_length.div_ceil(pieces),
            ..self
        }
    }

    /// What computes it.
    pub fn kernel(&self) -> Kernel {
        self.kernel
    }

    /// The part of the job this is.
    pub fn shard(&self) -> Shard {
        self.shard
    }

    /// All numbers, whatever the shard.
    pub fn numbers(&self) -> Range<u64> {
        self.numbers.0..self.numbers.1
    }

    /// How many chunks this shard has.
    pub fn chunks(&self) -> u64 {
        let (from, limit) = self.numbers;
        let all = (limit - from).div_ceil(self.block_length);
        let blocks = (all + self.shard.count - 1 - self.shard.index) / self.shard.count;
        let Some(before_last) = blocks.checked_sub(1) else {
            return 0;
        };
        let last = self.block(before_last);
        before_last * self.chunks_per_block() + (last.end - last.start).div_ceil(self.chunk_length)
    }

    /// The numbers of this shard's chunk `index`.
    pub fn chunk(&self, index: u64) -> Range<u64> {
        let block = self.block(index / self.chunks_per_block());
        let start = block.start + index % self.chunks_per_block() * self.chunk_length;
        start..(start + self.chunk_length).min(block.end)
    }

    fn chunks_per_block(&self) -> u64 {
        self.block_length.div_ceil(self.chunk_length)
    }

    /// The numbers of this shard's block `index`.
    fn block(&self, index: u64) -> Range<u64> {
        let (from, limit) = self.numbers;
        let start = from + (self.shard.index + index * self.shard.count) * self.block_length;
        start..(start + self.block_length).min(limit)
    }

    /// The chunks that worker `index` of `count` gets when each is given one
    /// equal run of them beforehand.
    pub fn equal_run(&self, index: u64, count: u64) -> Range<u64> {
        let chunks = u128::from(self.chunks());
        let edge = |worker: u64| (chunks * u128::from(worker) / u128::from(count)) as u64;
        edge(index)..edge(index + 1)
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;
    use proptest::prelude::*;

    proptest! {
        #[test]
        fn shards_cover_every_number_once_however_many_workers_each_has(
            from in 0u64..1000,
            length in 1u64..10_000_000,
            workers in proptest::collection::vec(1usize..300, 1..7),
        ) {
            let count = workers.len() as u64;
            let mut chunks = Vec::new();
            for (index, &workers) in workers.iter().enumerate() {
                let shard = Shard { index: index as u64, count };
                let job = Job::new(from, from + length, Kernel::Trial, shard).unwrap();
                let job = job.for_workers(workers);
                chunks.extend((0..job.chunks()).map(|chunk| job.chunk(chunk)));
            }
            chunks.sort_by_key(|chunk| chunk.start);
            let mut next = from;
            for chunk in chunks {
                prop_assert!(chunk.start == next && chunk.end > next, "{:?} at {}", chunk, next);
                next = chunk.end;
            }
            prop_assert_eq!(next, from + length);
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
    fn a_chunk_is_a_small_part_of_what_each_worker_does() {
        for (workers, count) in [
            (1, 1),
            (2, 1),
            (3, 1),
            (64, 1),
            (192, 1),
            (192, 4),
            (1024, 1),
        ] {
            let shard = Shard { index: 0, count };
            let limit = 1_000_000_000;
            let job = Job::new(0, limit, Kernel::Trial, shard).unwrap();
            let job = job.for_workers(workers);

            let chunk = job.chunk(0).end;

            let part = limit / (workers as u64 * count);
            assert!(chunk * 200 <= part, "{workers} × {count}: {chunk}");
        }
    }

    #[test]
    fn chunks_are_worth_taking_however_many_workers_there_are() {
        let job = |workers| {
            let whole = Job::new(0, 2_000_000, Kernel::Trial, Shard::WHOLE).unwrap();
            whole.for_workers(workers)
        };
        let shortest = *Kernel::Trial.chunk_lengths(2_000_000).start();

        assert_eq!(job(1).chunks(), job(2).chunks());
        assert!((500..=512).contains(&job(2).chunks()));
        assert!(job(3).chunks() > job(2).chunks());
        let chunk = job(1024).chunk(0);
        assert!((shortest..2 * shortest).contains(&(chunk.end - chunk.start)));
    }

    #[test]
    fn the_smallest_part_of_the_most_parts_still_counts() {
        let shard = Shard {
            index: MOST_SHARDS - 1,
            count: MOST_SHARDS,
        };
        let job = Job::new(0, LARGEST_LIMIT, Kernel::Trial, shard).unwrap();
        let job = job.for_workers(1024);
        let last = job.chunk(job.chunks() - 1);
        assert!(last.start < last.end && last.end <= LARGEST_LIMIT);
    }

    #[test]
    fn jobs_that_cannot_be_are_refused_with_the_reason() {
        let whole = |from, limit| Job::new(from, limit, Kernel::Trial, Shard::WHOLE);
        assert!(matches!(whole(0, 0), Err(JobError::OutOfRange)));
        assert!(matches!(whole(7, 7), Err(JobError::Empty { .. })));
        assert!(matches!(whole(0, u64::MAX), Err(JobError::OutOfRange)));
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
