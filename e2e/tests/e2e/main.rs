//! The labs, run for real in Docker.
//!
//! Everything here shares one Compose project and one machine's CPUs, so one
//! test runs at a time. Without Docker each says that it was left out.
#![allow(clippy::unwrap_used)]
// Holding `Docker` is what permits its calls.
#![allow(clippy::unused_self)]

mod lab_primes;
mod repository;
mod support;
mod truth;
