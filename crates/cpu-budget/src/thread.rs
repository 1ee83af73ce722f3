//! How long the calling thread ran, and how long it was ready to run but not
//! on a CPU. Wall time less both is the time it was blocked.
//!
//! Both are about the thread that asks: read from another thread, the wait
//! that is going on at that moment would be missing.

use std::marker::PhantomData;
use std::sync::Arc;
use std::time::Duration;

use rustix::time::{ClockId, clock_gettime};

use crate::SchedStat;

/// CPU time that the calling thread has used since it began
/// (`CLOCK_THREAD_CPUTIME_ID`), exact to the moment of the call.
pub fn on_cpu() -> Option<Duration> {
    clock_gettime(ClockId::ThreadCPUTime).try_into().ok()
}

/// How long the calling thread has waited for a CPU since it began: runnable,
/// not running. Time in which its group's quota kept it off is included.
///
/// The source is the second figure of its [`SchedStat`].
///
/// A clock belongs to the thread that opened it, and cannot leave it:
///
/// ```compile_fail,E0277
/// let clock = cpu_budget::thread::WaitClock::open();
/// std::thread::spawn(move || clock);
/// ```
#[derive(Debug)]
pub struct WaitClock {
    stat: Arc<SchedStat>,
    not_send: PhantomData<*const ()>,
}

impl WaitClock {
    /// The clock of the calling thread, or `None` where the kernel keeps no
    /// such figures (the file is missing, or holds only zeros).
    pub fn open() -> Option<Self> {
        Some(Self {
            stat: Arc::new(SchedStat::of_this_thread()?),
            not_send: PhantomData,
        })
    }

    /// Time waited so far.
    pub fn read(&self) -> Option<Duration> {
        Some(self.stat.read()?.waited)
    }

    /// The thread's figures, for others to read too.
    pub fn stat(&self) -> &Arc<SchedStat> {
        &self.stat
    }
}
