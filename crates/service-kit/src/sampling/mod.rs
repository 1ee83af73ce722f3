//! One sample of measured work: an aligned start, each worker's own clock, and
//! the kernel's counters around it.
//!
//! The order of a sample is always the same: workers that live longer than a
//! job are made first; [`Window::open`] aligns the start to the quota's refill
//! and starts the clock; the job is done a fixed number of times;
//! [`Window::close`] reads the counters again, at once; and [`Closed::account`]
//! joins them with the workers' accounts.
//!
//! While it goes on, [`WorkerTime`] says where the workers' time goes, to
//! whoever asks.

mod align;
mod host_cpus;
mod joining;
mod live;
mod window;
mod worker_clock;

pub use align::Alignment;
pub use joining::{Joined, Part, Slot};
pub use live::{LiveSample, Roster, Watching, WorkerTime};
pub use window::{Closed, LONGEST_WAIT_SECONDS, Start, Window};
pub use worker_clock::{Cause, WorkerClock, add_job, end_at};
