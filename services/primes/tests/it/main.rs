//! The service as its users meet it: the built program, over HTTP and on the
//! command line. Deadlines instead of sleeps; invariants and shapes, never speeds.
#![allow(clippy::unwrap_used)]

mod admin;
mod answers;
mod cancellation;
#[cfg(target_os = "linux")]
mod children;
mod command;
mod description;
mod documented;
mod events;
#[cfg(target_os = "linux")]
mod interrupted;
mod metrics;
#[cfg(target_os = "linux")]
mod one_at_a_time;
#[cfg(target_os = "linux")]
mod processes;
mod refusals;
mod shutdown;
mod station;
