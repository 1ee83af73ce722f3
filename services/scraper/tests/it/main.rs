//! The service as its users meet it, and its store on a real PostgreSQL.
#![allow(clippy::unwrap_used)]

mod accounts;
mod description;
mod faults;
mod jobs;
mod lists;
mod metrics;
mod polite;
mod postgres;
mod programs;
mod runs;
mod secure;
mod stopping;
mod store;
mod stored;
