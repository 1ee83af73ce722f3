//! One sample of measured work: an aligned start, each worker's own clock, and
//! the kernel's counters around it.
//!
//! The order of a sample is always the same: workers that live longer than a
//! job are made first; [`Window::open`] aligns the start to the quota's refill
//! and starts the clock; the job is done a fixed number of times; and
//! [`Window::close`] joins the workers' accounts with the counters.

mod align;
mod window;
mod worker_clock;

pub use align::Alignment;
pub use window::{Start, Window};
pub use worker_clock::{Cause, WorkerClock, add_job};
