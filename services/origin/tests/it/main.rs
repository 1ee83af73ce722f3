//! The origin as its clients meet it: the built program, its faults seen on the
//! wire. Deadlines instead of sleeps; what must hold, never speeds.
#![allow(clippy::unwrap_used)]

mod account;
mod admin;
mod client;
mod command;
mod connections;
mod documented;
mod faults;
mod limits;
mod pages;
mod served;
mod wire;
