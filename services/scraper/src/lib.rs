//! Fetches web pages and stores what became of each.
//!
//! | module | what it is |
//! |---|---|
//! | [`target`] | a URL as given, in the one form under which it is fetched |
//! | [`seen`] | a set of URLs |
//! | [`guard`] | what may be fetched |
//! | [`robots`] | what a site asks for |
//! | [`retry`], [`pace`] | when to ask again, and how fast |
//! | [`fetch`] | one URL, by all of these rules |
//! | [`parse`] | what a page holds |
//! | [`outcome`] | what became of one URL |
//! | [`store`] | where outcomes are kept |
//! | [`crawl`] | many URLs, in one of three modes |
//! | [`source`] | a list of URLs |
//! | [`run`](mod@run) | the command |
//! | [`service`] | the lab's samples, `POST /run` |
//! | [`jobs`] | `POST /scrape` |

pub mod config;
pub mod crawl;
pub mod fetch;
pub mod guard;
pub mod jobs;
pub mod outcome;
pub mod pace;
pub mod parse;
pub mod progress;
pub mod resources;
pub mod retry;
pub mod robots;
pub mod run;
pub mod seen;
pub mod service;
pub mod source;
pub mod store;
pub mod target;
