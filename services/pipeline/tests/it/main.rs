//! The service as its users meet it: in one process, and over a real Redis.
#![allow(clippy::unwrap_used)]

mod programs;
mod redis_server;
mod scripts;
mod thin;
