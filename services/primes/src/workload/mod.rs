//! The work: which numbers, what is computed on them, who computes what.
//!
//! Nothing here knows of HTTP, of configuration or of limits. A [`Kernel`]
//! counts primes in a range; a [`Strategy`] shares a [`Job`]'s chunks out among
//! workers; the two are independent of each other.

mod job;
mod kernel;
mod strategy;

pub use job::{Control, Job, JobRun, LARGEST_LIMIT, Shard};
pub use kernel::Kernel;
pub use strategy::{JobEnd, Strategy, child_main};
