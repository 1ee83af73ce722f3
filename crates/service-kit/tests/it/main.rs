//! Tests of the kit's parts together: real sockets, real processes, deadlines instead of sleeps.
#![allow(clippy::unwrap_used)]

mod admin;
mod clients;
mod drain;
mod http_metrics;
mod limits;
mod logs;
mod problems;
mod process;
mod runlock;
mod running;
