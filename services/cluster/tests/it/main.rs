//! The server as its clients and its keepers meet it: the built program, its
//! answers seen on the wire, its processes in `/proc`. Deadlines instead of
//! sleeps; what must hold, never speeds.
#![allow(clippy::unwrap_used)]

mod admin;
mod answers;
mod command;
mod deaths;
mod documented;
mod draining;
mod fuzz;
mod http;
mod limits;
mod load;
mod proc;
mod queues;
mod rolling;
mod saturated;
mod served;
mod sharing;
mod slow;
mod starts;
mod station;
mod wire;
