//! The station: samples of the family while something else loads it.

pub mod api;
mod moment;
mod openapi;
pub mod routes;
mod sample;
