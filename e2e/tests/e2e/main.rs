//! The labs, run for real: in Docker, and as local processes.
//!
//! Everything here shares one Compose project and one machine's CPUs, so one
//! test runs at a time. Without Docker those that need it say that they were left out.
#![allow(clippy::unwrap_used)]
// Holding `Docker` is what permits its calls.
#![allow(clippy::unused_self)]

mod dashboards;
mod lab_cluster;
mod lab_pipeline;
mod lab_primes;
mod lab_scraper;
mod lab_throttle;
mod local;
mod observability;
mod repository;
mod scripts;
mod support;
mod top;
mod truth;
