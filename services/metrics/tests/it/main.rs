//! The monitor as its users meet it: the built program, on made-up hosts and on
//! this one. Deadlines instead of sleeps; shapes, never speeds.
#![cfg(target_os = "linux")]
#![allow(clippy::unwrap_used, clippy::float_cmp)]

mod changes;
mod contract;
mod hosts;
mod names;
mod real;
mod samples;
mod service;
mod snapshot;
mod tree;
mod watch;
