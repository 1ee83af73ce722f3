//! A run: one or more threads, each with an event loop of its own.

mod connection;
mod exchange;
mod failure;
mod live;
mod lookup;
mod names;
mod pool;
mod reader;
mod roads;
mod shard;
mod tally;
mod timeline;
mod timer;

pub use failure::Failure;
pub use live::{BUCKETS, Live};
pub use tally::{Answered, Request, Tally, nanos};
pub use timeline::Row;

use crate::plan::Plan;
use crate::target::{AllowList, Resolve};
use cpu_budget::clock::{monotonic_seconds, process_cpu_seconds};
use cpu_budget::thread::WaitClock;
use cpu_budget::{Cgroup, CpuUsage};
use shard::Shard;
use std::io;
use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::time::Duration;

/// Seconds before its first moment that a run has to open its connections.
const OPENING_SECONDS: f64 = 0.05;

/// What a run needs of the world around it; clones share it.
#[derive(Debug, Clone)]
pub struct Outside {
    /// Whom it may send to.
    pub allow: AllowList,
    /// What looks names up.
    pub resolve: Arc<dyn Resolve>,
    /// The group whose throttling is its own.
    pub cgroup: Cgroup,
    /// Threads that send, at least 1.
    pub threads: usize,
    /// Where others see what goes on.
    pub live: Arc<Live>,
}

/// What a run is told, and tells, while it goes on.
#[derive(Debug, Default)]
pub struct Control {
    cancelled: AtomicBool,
    progress: AtomicU64,
}

/// What a run came to.
#[derive(Debug)]
pub struct Measured {
    /// What was counted.
    pub tally: Tally,
    /// Seconds of the measured part, as far as it went.
    pub seconds: f64,
    /// Whether it was cancelled.
    pub cancelled: bool,
    /// What the generator itself used.
    pub own: Own,
}

/// What the generator itself used, from the first connection to the last answer.
#[derive(Debug, Clone, Copy, Default, PartialEq)]
pub struct Own {
    /// CPU seconds of the process.
    pub cpu_seconds: f64,
    /// Seconds that its sending threads waited for a CPU; `None` where the
    /// kernel does not count it.
    pub waited_seconds: Option<f64>,
    /// What its group's counters rose by.
    pub usage: CpuUsage,
}

/// Why there was no run.
#[derive(Debug, thiserror::Error)]
pub enum RunFailed {
    /// Nobody knows where the target is.
    #[error("targets: {0}")]
    Target(#[source] io::Error),
    /// The system refused what it needs.
    #[error("the run could not go on: {0}")]
    System(#[from] io::Error),
}

impl Control {
    /// Ends the run at once.
    pub fn cancel(&self) {
        self.cancelled.store(true, Ordering::Relaxed);
    }

    /// Whether it was told to end.
    pub fn is_cancelled(&self) -> bool {
        self.cancelled.load(Ordering::Relaxed)
    }

    /// How much is done, 0 to 1.
    pub fn progress(&self) -> f64 {
        f64::from_bits(self.progress.load(Ordering::Relaxed))
    }

    /// Says how much is done.
    pub fn set_progress(&self, progress: f64) {
        let progress = progress.clamp(0.0, 1.0);
        self.progress.store(progress.to_bits(), Ordering::Relaxed);
    }
}

/// Runs `plan` on threads of its own while this one waits.
///
/// # Errors
/// When a target cannot be found, or there are no threads or files for it.
pub fn run(plan: &Plan, outside: &Outside, control: &Control) -> Result<Measured, RunFailed> {
    let mut addresses = Vec::new();
    for target in &plan.targets {
        let found = target.addresses(&outside.allow, &*outside.resolve);
        addresses.push(found.map_err(RunFailed::Target)?);
    }
    let now = monotonic_seconds();
    let start = match plan.start_at_seconds {
        Some(moment) => moment.max(now + OPENING_SECONDS),
        None => now + OPENING_SECONDS + plan.warm_up_seconds,
    };
    wait_until(start - plan.warm_up_seconds - OPENING_SECONDS, control);
    let usage = outside.cgroup.usage();
    let cpu = process_cpu_seconds();
    let (tally, waited_seconds) = on_threads(plan, outside, control, &addresses, start)?;
    Ok(Measured {
        seconds: plan.seconds.min((monotonic_seconds() - start).max(0.0)),
        cancelled: control.is_cancelled(),
        own: Own {
            cpu_seconds: process_cpu_seconds() - cpu,
            waited_seconds,
            usage: outside.cgroup.usage().since(&usage),
        },
        tally,
    })
}

/// Runs each thread's part, and puts together what they counted.
fn on_threads(
    plan: &Plan,
    outside: &Outside,
    control: &Control,
    addresses: &[Vec<SocketAddr>],
    start: f64,
) -> io::Result<(Tally, Option<f64>)> {
    // A thread without a connection could send nothing.
    let threads = outside.threads.clamp(1, plan.connections);
    let parts = std::thread::scope(|scope| {
        let handles: Vec<_> = (0..threads)
            .map(|index| {
                let part = move || {
                    let wait = WaitClock::open();
                    let shard =
                        Shard::new(plan, outside, control, (index, threads), addresses, start)?;
                    let tally = shard.run().inspect_err(|_| control.cancel())?;
                    let waited = wait.and_then(|wait| wait.read());
                    Ok((tally, waited.map(|waited| waited.as_secs_f64())))
                };
                std::thread::Builder::new()
                    .name(format!("load-{index}"))
                    .spawn_scoped(scope, part)
            })
            .collect();
        let join = |handle: io::Result<std::thread::ScopedJoinHandle<_>>| -> io::Result<_> {
            let panicked = |_| Err(io::Error::other("a sending thread panicked"));
            handle?.join().unwrap_or_else(panicked)
        };
        handles
            .into_iter()
            .map(join)
            .collect::<io::Result<Vec<_>>>()
    })?;
    let mut whole = Tally::new(plan.seconds);
    let mut waited = Some(0.0);
    for (tally, of_thread) in &parts {
        whole.merge(tally);
        waited = waited.zip(*of_thread).map(|(sum, of)| sum + of);
    }
    Ok((whole, waited))
}

fn wait_until(moment: f64, control: &Control) {
    while !control.is_cancelled() {
        let left = moment - monotonic_seconds();
        if left <= 0.0 {
            return;
        }
        std::thread::sleep(Duration::from_secs_f64(left.min(0.05)));
    }
}
