//! Fetches web pages and stores what became of each.
//!
//! | module | what it is |
//! |---|---|
//! | [`outcome`] | what became of one URL |
//! | [`guard`] | what may be fetched |
//! | [`store`] | where outcomes are kept |
//! | [`jobs`] | `POST /scrape` |

pub mod config;
pub mod guard;
pub mod jobs;
pub mod outcome;
pub mod seen;
pub mod store;
