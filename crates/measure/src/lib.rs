//! A measured run: samples, statistics, models, time budget, verdict, report.
//!
//! This crate is pure: no clock, no I/O, no environment. Services hand in raw
//! accounts ([`report::Round`]); everything a person reads is drawn from them.

pub mod amdahl;
pub mod analysis;
pub mod arrivals;
pub mod calibration;
pub mod changes;
mod cpu_list;
mod duration;
pub mod figures;
#[cfg(feature = "test-support")]
pub mod made;
pub mod now;
pub mod pipeline;
pub mod quota;
pub mod replay;
pub mod report;
pub mod schedule;
pub mod serving;
pub mod stats;
pub mod text;
pub mod verdict;
pub mod waiting;

pub use duration::{duration, durations};
