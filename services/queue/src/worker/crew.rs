//! The threads of a worker, as one.

use super::hand::{Hand, Held};
use super::settler::{Finished, Settler};
use super::{claimer, cpu, io, keeper};
use crate::metrics::Metrics;
use crate::store::Place;
use crate::work::{Class, End};
use crossbeam_channel::{Sender, unbounded};
use service_kit::sampling::Slot;
use std::io as std_io;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, Mutex};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

/// What was interrupted at the end of a drain is given back within this.
const GIVING_BACK: Duration = Duration::from_secs(1);

/// How often a drain looks whether all is done.
const LOOK_EVERY: Duration = Duration::from_millis(5);

/// How a worker works.
#[derive(Debug, Clone, Copy)]
pub struct Settings {
    /// Threads for CPU jobs.
    pub threads: usize,
    /// I/O jobs at once.
    pub io: usize,
    /// The most CPU jobs that wait here for a thread.
    pub prefetch: usize,
    /// How long nothing may be heard of a job until another worker may take it.
    pub lease: Duration,
    /// How long a job must wait to count for one priority more.
    pub ageing: Duration,
}

/// What a worker's threads share.
pub struct Shared {
    /// Which queue.
    pub place: Place,
    /// How it works.
    pub settings: Settings,
    /// Its name in the queue.
    pub name: String,
    /// What it has done.
    pub metrics: Metrics,
    /// Where samples are announced.
    pub slot: Slot,
    pub(super) hand: Hand,
    pub(super) totals: Totals,
    /// What is told of the sample under way.
    pub(super) sampled: Mutex<Option<Box<super::station::Sampled>>>,
    /// Held by who tells the queue of leases or of what came of jobs: who extends a
    /// lease must not do so while it is settled.
    pub(super) telling: Mutex<()>,
    /// No lease is made to last on any more.
    pub(super) ended: AtomicBool,
}

/// What a worker has done since it began.
#[derive(Debug, Default)]
pub(super) struct Totals {
    pub(super) done: AtomicU64,
    pub(super) failed: AtomicU64,
    pub(super) refused: AtomicU64,
}

impl Shared {
    /// Of a worker of that name.
    pub fn new(place: Place, settings: Settings, name: String, metrics: Metrics) -> Arc<Self> {
        Arc::new(Self {
            place,
            settings,
            name,
            metrics,
            slot: Slot::default(),
            hand: Hand::new(settings),
            totals: Totals::default(),
            sampled: Mutex::default(),
            telling: Mutex::default(),
            ended: AtomicBool::new(false),
        })
    }
}

/// The threads. Dropped without a stop, they end without finishing anything, as
/// if the worker had been killed.
pub struct Crew {
    shared: Arc<Shared>,
    finished: Sender<Finished>,
    threads: Vec<JoinHandle<()>>,
}

impl Drop for Crew {
    fn drop(&mut self) {
        self.shared.ended.store(true, Ordering::Relaxed);
        self.shared.hand.end();
    }
}

impl Crew {
    /// Starts them.
    ///
    /// # Errors
    /// When threads cannot be had.
    pub fn start(shared: Arc<Shared>) -> std_io::Result<Self> {
        let (finished, receiver) = unbounded();
        let mut crew = Self {
            shared: shared.clone(),
            finished: finished.clone(),
            threads: Vec::new(),
        };
        for number in 0..shared.settings.threads {
            let (shared, finished) = (shared.clone(), finished.clone());
            crew.spawn(&format!("cpu-{number}"), move || {
                cpu::work(&shared, &finished)
            })?;
        }
        let (to_wait, waiting) = tokio::sync::mpsc::unbounded_channel();
        let mut classes = vec![(Class::Cpu, "claim-cpu")];
        if shared.settings.io > 0 {
            let finished = finished.clone();
            let runtime = io::runtime()?;
            crew.spawn("io", move || io::wait(&runtime, waiting, &finished))?;
            classes.push((Class::Io, "claim-io"));
        }
        let settler = Settler::new(shared.clone(), receiver);
        crew.spawn("settle", move || settler.settle())?;
        let of_keeper = (shared.clone(), finished.clone());
        crew.spawn("keep", move || keeper::keep(&of_keeper.0, &of_keeper.1))?;
        for (class, name) in classes {
            let (shared, to_wait) = (shared.clone(), to_wait.clone());
            let finished = finished.clone();
            crew.spawn(name, move || {
                claimer::claim(&shared, class, &to_wait, &finished)
            })?;
        }
        Ok(crew)
    }

    fn spawn(&mut self, name: &str, run: impl FnOnce() + Send + 'static) -> std_io::Result<()> {
        let thread = std::thread::Builder::new().name(name.into());
        self.threads.push(thread.spawn(run)?);
        Ok(())
    }

    /// What they share.
    pub fn shared(&self) -> &Arc<Shared> {
        &self.shared
    }

    /// Has them take no more and finish what they work on; what is not begun goes
    /// back at once, what is not done by the deadline then. Returns whether all was
    /// done or given back.
    pub fn stop(self, within: Duration) -> bool {
        let hand = &self.shared.hand;
        hand.stop();
        self.give_back(hand.not_begun(Duration::ZERO));
        if !empty_within(hand, within) {
            hand.interrupt();
            self.give_back(hand.not_begun(Duration::ZERO));
        }
        let all = empty_within(hand, GIVING_BACK);
        keeper::leave(&self.shared);
        all
    }

    fn give_back(&self, jobs: Vec<Arc<Held>>) {
        for held in jobs {
            let end = End::Stopped(crate::work::Stop::GivenBack);
            // The settler ends after this.
            let _ = self.finished.send(Finished::unbegun(held, end));
        }
    }
}

fn empty_within(hand: &Hand, within: Duration) -> bool {
    let deadline = Instant::now() + within;
    while !hand.is_empty() {
        if Instant::now() >= deadline {
            return false;
        }
        std::thread::sleep(LOOK_EVERY);
    }
    true
}
