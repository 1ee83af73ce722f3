//! How primes are counted in a range of numbers: by trial division, by a sieve.
//! Nothing here reads a clock, starts a thread or does I/O.

mod sieve;
mod small_primes;
mod trial;

use clap::ValueEnum;
use serde::{Deserialize, Serialize};
use std::ops::{Range, RangeInclusive};
use utoipa::ToSchema;

/// How primes are found.
#[derive(
    Debug, Clone, Copy, PartialEq, Eq, Hash, Default, ValueEnum, Serialize, Deserialize, ToSchema,
)]
#[serde(rename_all = "kebab-case")]
pub enum Kernel {
    /// Trial division by 2, 3, 4, … ⌊√n⌋: the course's arithmetic.
    #[default]
    Trial,
    /// A segmented sieve of Eratosthenes: each prime crosses its multiples off.
    Sieve,
}

impl Kernel {
    /// Its name, as in a request.
    pub fn name(self) -> &'static str {
        match self {
            Self::Trial => "trial",
            Self::Sieve => "sieve",
        }
    }

    /// The work in `numbers`, in the kernel's own operations; for large ranges
    /// from evenly spread samples.
    pub fn operations(self, numbers: Range<u64>) -> f64 {
        match self {
            Self::Trial => trial::operations(numbers),
            Self::Sieve => sieve::operations(numbers),
        }
    }

    /// How long chunks of numbers below `limit` may be.
    pub fn chunk_lengths(self, limit: u64) -> RangeInclusive<u64> {
        match self {
            Self::Trial => trial::chunk_lengths(limit),
            Self::Sieve => sieve::chunk_lengths(limit),
        }
    }
}

/// A kernel at work for one worker, with what it keeps from chunk to chunk.
#[derive(Debug)]
pub struct Counter(Kept);

#[derive(Debug)]
enum Kept {
    Nothing,
    Sieve(Box<sieve::Sieve>),
}

impl Counter {
    /// Prepares `kernel` for numbers below `limit`.
    pub fn new(kernel: Kernel, limit: u64) -> Self {
        Self(match kernel {
            Kernel::Trial => Kept::Nothing,
            Kernel::Sieve => Kept::Sieve(Box::new(sieve::Sieve::new(
                limit,
                sieve::Caches::SMALLEST_IN_USE,
            ))),
        })
    }

    /// How many primes are in `numbers`.
    pub fn count(&mut self, numbers: Range<u64>) -> u64 {
        match &mut self.0 {
            Kept::Nothing => trial::count(numbers),
            Kept::Sieve(sieve) => sieve.count(numbers),
        }
    }
}
