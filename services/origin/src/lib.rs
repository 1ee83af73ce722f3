//! The part of the service `origin` that is no server: which page, fault and
//! latency a web made from a seed has, how pages are compressed, and who asked for what.

pub mod coding;
pub mod ledger;
pub mod rate_limit;
pub mod web;
