//! What is computed on a chunk of numbers.

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
}

impl Kernel {
    /// Its name, as in a request.
    pub fn name(self) -> &'static str {
        match self {
            Self::Trial => "trial",
        }
    }

    /// How many primes are in `numbers`.
    pub fn count(self, numbers: Range<u64>) -> u64 {
        match self {
            Self::Trial => trial::count(numbers),
        }
    }

    /// The work in `numbers`, in the kernel's own operations; for large ranges
    /// from evenly spread samples.
    pub fn operations(self, numbers: Range<u64>) -> f64 {
        match self {
            Self::Trial => trial::operations(numbers),
        }
    }

    /// How long chunks of numbers below `limit` may be.
    pub(super) fn chunk_lengths(self, limit: u64) -> RangeInclusive<u64> {
        match self {
            Self::Trial => trial::chunk_lengths(limit),
        }
    }
}
