//! The service as its users meet it, and its store on a real PostgreSQL.
#![allow(clippy::unwrap_used)]

mod postgres;
mod store;
