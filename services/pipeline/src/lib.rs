//! Stages with a queue between each two: over Redis Streams, a process each, or
//! all in one process.
//!
//! | module | what it is |
//! |---|---|
//! | [`item`] | what goes through a pipeline |
//! | [`stages`] | the stages: pure functions of items |
//! | [`declaration`] | a pipeline, declared and checked |
//! | [`source`], [`pace`] | where items come from, and how fast |
//! | [`attempt`] | a stage's work on an item, and what becomes of a panic |
//! | [`counts`], [`metrics`], [`tally`] | what was done, whether it is all there |
//! | [`in_process`] | the whole pipeline on threads of one process |
//! | [`streams`] | the same over Redis, a process per stage |
//! | [`commands`], [`service`] | what a person and a runner call |

pub mod attempt;
pub mod commands;
pub mod config;
pub mod counts;
pub mod declaration;
pub mod in_process;
pub mod item;
pub mod metrics;
pub mod pace;
pub mod service;
pub mod source;
pub mod stages;
pub mod streams;
pub mod tally;
