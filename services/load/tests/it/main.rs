//! The load generator against servers whose behaviour is known: what must
//! hold, never speeds. The machine may be busy, so bounds are wide, and a run
//! that slipped is only void where a test made it slip.
#![allow(clippy::unwrap_used)]

mod addresses;
mod api;
mod bodies;
mod documented;
mod failures;
mod latencies;
mod programs;
mod runs;
mod server;
