//! What is computed on a chunk of numbers.

mod trial;

use clap::ValueEnum;
use serde::{Deserialize, Serialize};
use std::ops::Range;
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

    /// The longest chunk of numbers below `limit` that can still be cancelled
    /// within a fraction of a second.
    pub(super) fn longest_chunk(self, limit: u64) -> u64 {
        match self {
            Self::Trial => trial::longest_chunk(limit),
        }
    }
}
