//! What the crate gives for hand-made rounds: one binary for all of it.
#![allow(clippy::unwrap_used)]

mod also;
mod analysis;
mod arbitrary;
mod backends;
mod budget;
mod changes;
mod history;
mod pipelines;
mod schema;
mod serving;
mod two_runs;
mod verdict;
mod waiting;
