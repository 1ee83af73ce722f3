//! The service as its users meet it: in one process, and over a real Redis.
#![allow(clippy::unwrap_used)]

mod faults;
mod kills;
mod outages;
mod pipelines;
mod programs;
mod scripts;
mod sizes;
mod station;
mod thin;
