//! What `serve` answers scrapes from.

use crate::exposition::{self, Scrape};
use crate::history::{CLOSEST_SECONDS, History};
use crate::names::Names;
use crate::rates::HostUse;
use crate::reading::Host;
use crate::steady::Steady;
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

/// A host under watch.
#[derive(Debug)]
pub struct Monitor {
    host: Host,
    names: Names,
    past: Mutex<Past>,
}

#[derive(Debug, Default)]
struct Past {
    history: History,
    steady: Steady,
}

impl Monitor {
    /// Reads the counters for the first time, and once more as soon as there is
    /// something to tell: so the first scrape has every figure, however soon it
    /// comes. Blocks for that time.
    pub fn begin(host: Host, names: Names) -> Self {
        let mut past = Past::default();
        past.history.add(host.read());
        // Half as long again: a sleep may end a little early by another clock.
        std::thread::sleep(Duration::from_secs_f64(CLOSEST_SECONDS * 1.5));
        past.history.add(host.read());
        Self {
            host,
            names,
            past: Mutex::new(past),
        }
    }

    /// The host.
    pub fn host(&self) -> &Host {
        &self.host
    }

    /// Reads the counters and gives them as Prometheus' text. Blocks while it
    /// reads: some milliseconds on a large host.
    pub fn scrape(&self) -> prometheus::Result<String> {
        // Held while reading, so that readings come in the order of their times.
        let mut past = self.past.lock().unwrap_or_else(PoisonError::into_inner);
        let mut reading = self.host.read();
        past.history.add(reading.clone());
        let interval = past.history.interval();
        let used = interval.map(|(earlier, later)| HostUse::between(earlier, later));
        reading.cpus = reading.cpus.map(|cpus| past.steady.held(&cpus));
        drop(past);
        exposition::text(&Scrape {
            reading: &reading,
            used: &used.unwrap_or_default(),
            names: &self.names,
        })
    }
}
