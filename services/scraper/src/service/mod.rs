//! What `serve` serves: the lab's samples, and jobs.

pub mod api;
pub mod metrics;
pub mod openapi;
pub mod routes;
pub mod sample;
