//! Sends requests and says how long the answers took, without flattering.
//!
//! | module | what it is |
//! |---|---|
//! | [`target`] | whom it may send to, and where they are |
//! | [`request`] | what a run can be asked, with its bounds |
//! | [`plan`] | a run that has been found in order |
//! | [`engine`] | a run: schedule, connections, answers, tallies |
//! | [`answer`] | what a run came to, and the sentences about it |
//! | [`search`] | the highest rate that keeps the p99 under a target |
//! | [`steps`] | a search whose steps are runs |
//! | [`slice`](mod@slice) | how it is on time on CPUs that it shares |
//! | [`service`] | `load serve` |
//! | [`run`](mod@run) | `load run` and `load search` |

pub mod answer;
pub mod config;
pub mod engine;
pub mod plan;
pub mod request;
pub mod run;
pub mod search;
pub mod service;
pub mod slice;
pub mod steps;
pub mod target;
