//! How a run waits.

use clap::ValueEnum;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

/// How a run waits for pages. Each is the Rust form of something the course
/// shows in another language.
#[derive(
    Debug, Clone, Copy, PartialEq, Eq, Hash, Default, ValueEnum, Serialize, Deserialize, ToSchema,
)]
#[serde(rename_all = "kebab-case")]
pub enum Mode {
    /// One thread, one page after another.
    Sequential,
    /// Threads that take URLs from a queue, one page at a time each (threading).
    Threads,
    /// One thread, many pages at once (asyncio.gather with a bound).
    #[default]
    Async,
}

impl Mode {
    /// Its name, as in a request.
    pub fn name(self) -> &'static str {
        match self {
            Self::Sequential => "sequential",
            Self::Threads => "threads",
            Self::Async => "async",
        }
    }

    /// How many pages at once, where so many are allowed.
    pub fn at_once(self, concurrency: usize) -> usize {
        match self {
            Self::Sequential => 1,
            Self::Threads | Self::Async => concurrency,
        }
    }

    /// On how many threads it fetches so many pages at once.
    pub fn threads(self, concurrency: usize) -> usize {
        match self {
            Self::Sequential | Self::Async => 1,
            Self::Threads => concurrency,
        }
    }
}
