//! What every service shares: telemetry, configuration, admin endpoints, error answers, shutdown, serving.
//!
//! | module | what it is |
//! |---|---|
//! | [`telemetry`] | logs on stderr |
//! | [`config`] | arguments and environment; bad ones end in one line and exit code 64 |
//! | [`runtime`] | the runtime of `serve`, and its end as an exit code |
//! | [`shutdown`] | SIGTERM and SIGINT as a handle |
//! | [`admin`] | `/metrics`, `/healthz`, `/readyz`, `/budget` on a thread of their own |
//! | [`server`] | the API's server: limits, request ids, drain |
//! | [`problem`] | RFC 9457 error answers, and JSON bodies that are refused with them |
//! | [`address`] | the line that tells where a service listens |
//! | [`healthcheck`](mod@healthcheck) | the `healthcheck` command |
//! | [`latency`] | how long things took, as a histogram that adds up |
//! | [`host`] | the machine, for a run report |
//! | [`runlock`] | one measured run at a time |
//! | [`open_files`] | how many connections the limit of open files allows |
//! | [`openapi`] | what stations' API descriptions have in common, and the page `/docs` to try them on |
//! | [`sampling`] | one sample: aligned start, workers' clocks, counters |
//! | [`station`] | `POST /run`: one measured run at a time, its progress, its end |
//!
//! A whole service, `examples/greeter.rs`; only its routes are its own:
//!
//! ```no_run
#![doc = include_str!("../examples/greeter.rs")]
//! ```

pub mod address;
pub mod admin;
pub mod config;
pub mod healthcheck;
pub mod host;
pub mod latency;
pub mod open_files;
pub mod openapi;
pub mod problem;
pub mod runlock;
pub mod runtime;
pub mod sampling;
pub mod server;
pub mod shutdown;
pub mod station;
pub mod telemetry;
pub mod terminal;
