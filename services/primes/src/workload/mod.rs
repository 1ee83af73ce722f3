//! The work: which numbers, what is computed on them, who computes what.
//!
//! Nothing here knows of HTTP, of configuration or of limits. A [`Kernel`]
//! counts primes in a range; a [`Strategy`] shares a [`Job`]'s chunks out among
//! [`Worker`]s; the two are independent of each other.

mod job;
mod job_run;
mod strategy;
mod worker;

pub use job::{Job, LARGEST_LIMIT, Shard};
pub use job_run::{Control, JobRun};
pub use prime_kernel::{Counter, Kernel};
pub use strategy::{JobEnd, Strategy, child_main};
pub use worker::Worker;
