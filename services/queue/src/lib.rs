//! A job queue over Redis: priorities, retries, leases with fencing tokens,
//! workers; or all in one process.
//!
//! | module | what it is |
//! |---|---|
//! | [`job`], [`spec`] | a job, and what it must be to be accepted |
//! | [`store`] | where jobs are kept, step by step: in Redis or in this process |
//! | [`queue`](mod@queue) | the queue as servers use it: asynchronous, events to all who listen |
//! | [`work`] | what jobs do |
//! | [`worker`] | who does them: claims, threads, leases, drain |
//! | [`metrics`] | what Prometheus sees of queue and workers |
//! | [`commands`] | `queue run` |
//! | [`api`] | `queue serve`: HTTP |
//! | [`socket`] | the WebSocket |
//! | [`events`] | server-sent events |
//! | [`page`] | a page that submits jobs and shows them move |

pub mod commands;
pub mod config;
pub mod job;
pub mod metrics;
pub mod queue;
pub mod spec;
pub mod store;
pub mod work;
pub mod worker;
// what answers
pub mod api;
pub mod events;
pub mod page;
pub mod socket;
