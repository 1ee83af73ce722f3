//! What `serve` serves: one run or one search at a time.

pub mod metrics;
pub mod openapi;
pub mod routes;
