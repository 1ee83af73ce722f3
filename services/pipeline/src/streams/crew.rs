//! The threads of a stage, as one.

use super::consumer::Consumer;
use super::keeper;
use super::link::Server;
use super::worker::Worker;
use crate::counts::Counts;
use crate::metrics::Metrics;
use crate::stages::Stage;
use prometheus::{Histogram, IntGauge};
use service_kit::latency::Latency;
use service_kit::sampling::Slot;
use std::io;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

/// How a stage works.
#[derive(Debug, Clone)]
pub struct Settings {
    /// How many threads.
    pub threads: usize,
    /// The most entries that a thread takes at once.
    pub batch: usize,
    /// How long an entry may be untouched until its consumer passes for gone.
    pub claim_after: Duration,
    /// How often an entry is delivered at most, each time to another consumer.
    pub deliveries: u32,
    /// How often an item is tried that makes the stage panic.
    pub tries: u32,
    /// An item that holds this makes it panic.
    pub poison: Option<Vec<u8>>,
}

/// What the threads of a stage share.
#[derive(Debug)]
pub struct Shared {
    /// Which stage.
    pub stage: Stage,
    /// Which Redis.
    pub server: Server,
    /// How it works.
    pub settings: Settings,
    /// What it has done.
    pub counts: Counts,
    /// How long items took to the sink, since the last sample began.
    pub latency: Mutex<Latency>,
    /// The same of all, for Prometheus.
    pub all_latency: Histogram,
    /// Items in the queue before the stage, for Prometheus.
    pub depth: IntGauge,
    /// Those of them that a consumer has taken.
    pub pending: IntGauge,
    /// Where samples are announced.
    pub slot: Slot,
    /// Take no more.
    pub stop: AtomicBool,
}

/// The threads, and the one that says that they are alive.
#[derive(Debug)]
pub struct Workers {
    shared: Arc<Shared>,
    names: Vec<String>,
    threads: Vec<JoinHandle<()>>,
    ended: Arc<AtomicBool>,
}

impl Drop for Workers {
    fn drop(&mut self) {
        self.ended.store(true, Ordering::Relaxed);
    }
}

impl Shared {
    /// Of `stage`, counted in `metrics`.
    pub fn new(stage: Stage, server: Server, settings: Settings, metrics: &Metrics) -> Arc<Self> {
        let label = [stage.name()];
        Arc::new(Self {
            stage,
            server,
            settings,
            counts: metrics.counts(stage),
            latency: Mutex::default(),
            all_latency: metrics.latency.clone(),
            depth: metrics.depth.with_label_values(&label),
            pending: metrics.pending.with_label_values(&label),
            slot: Slot::default(),
            stop: AtomicBool::new(false),
        })
    }
}

impl Workers {
    /// Starts them.
    ///
    /// # Errors
    /// When threads cannot be had.
    pub fn start(shared: Arc<Shared>) -> io::Result<Self> {
        let process = uuid::Uuid::new_v4().simple().to_string();
        let mut workers = Self {
            shared,
            names: Vec::new(),
            threads: Vec::new(),
            ended: Arc::default(),
        };
        for number in 0..workers.shared.settings.threads {
            let stage = workers.shared.stage;
            let name = format!("{}-{}-{number}", stage.name(), &process[..12]);
            let consumer = Consumer {
                stage,
                name: name.clone(),
            };
            let shared = workers.shared.clone();
            let named = std::thread::Builder::new().name(format!("{}-{number}", stage.name()));
            let thread = named.spawn(move || Worker::new(shared, consumer).work())?;
            workers.names.push(name);
            workers.threads.push(thread);
        }
        let (shared, names) = (workers.shared.clone(), workers.names.clone());
        let ended = workers.ended.clone();
        std::thread::Builder::new()
            .name("keeper".into())
            .spawn(move || keeper::keep(&shared, &names, &ended))?;
        Ok(workers)
    }

    /// Has them finish what they hold; what is not done by the deadline is given
    /// back. Returns whether all was done.
    pub fn stop(self, within: Duration) -> bool {
        self.shared.stop.store(true, Ordering::Relaxed);
        let deadline = Instant::now() + within;
        let ended = || self.threads.iter().all(JoinHandle::is_finished);
        while !ended() && Instant::now() < deadline {
            std::thread::sleep(Duration::from_millis(5));
        }
        if ended() {
            return true;
        }
        // No sign of life any more. What they do from now on is refused as soon as
        // somebody has taken it over.
        self.ended.store(true, Ordering::Relaxed);
        match self.shared.server.connect() {
            Ok(mut link) => {
                for name in &self.names {
                    let stage = self.shared.stage;
                    let name = name.clone();
                    if let Err(trouble) = (Consumer { stage, name }).give_back(&mut link) {
                        tracing::warn!("what is left cannot be given back now: {trouble}");
                    }
                }
            }
            Err(trouble) => tracing::warn!("what is left cannot be given back now: {trouble}"),
        }
        false
    }
}
