//! The queue as its users meet it, over a real Redis.
#![allow(clippy::unwrap_used)]

mod chaos;
mod clock;
mod embedded;
mod front;
mod memory;
mod model;
mod outages;
mod programs;
mod scripts;
mod station;
mod workers;
