//! What all connections of a worker share.

use super::activity::Clock;
use super::link::Link;
use crate::control::Orders;
use crate::counters::Counters;
use bytes::Bytes;
use hyper::header::HeaderValue;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;
use tokio::sync::Semaphore;

/// What all connections of a worker share.
#[derive(Debug)]
pub struct Shared {
    /// What it was told.
    pub orders: Orders,
    /// What it has counted.
    pub counters: Arc<Counters>,
    /// Ticks, for time limits.
    pub clock: Arc<Clock>,
    /// How many loops run at once: as many as there are threads.
    pub turns: Semaphore,
    /// The way to the master.
    pub link: Link,
    /// What answers call this replica.
    pub replica: HeaderValue,
    /// The answer's body up to the result.
    body_start: String,
    /// The whole body of an answer without work.
    pub without_work: Bytes,
    draining: AtomicBool,
}

impl Shared {
    /// Of a worker with these `orders`.
    pub fn new(orders: Orders, counters: Arc<Counters>, link: Link) -> Self {
        let pid = std::process::id();
        let body_start = format!("{{\"message\":\"Hello World\",\"worker\":{pid},\"result\":");
        // Of what lives as long as the process a copy costs nothing: no count of
        // references is kept.
        let kept = |text: String| Bytes::from_static(text.leak().as_bytes());
        let replica = HeaderValue::from_maybe_shared(kept(orders.replica.clone()));
        Self {
            turns: Semaphore::new(orders.threads),
            without_work: kept(format!("{body_start}0}}")),
            // A name that is no header's value says nothing.
            replica: replica.unwrap_or(HeaderValue::from_static("")),
            clock: Arc::default(),
            draining: AtomicBool::new(false),
            body_start,
            orders,
            counters,
            link,
        }
    }

    /// The body of an answer.
    pub fn body(&self, result: u64) -> Bytes {
        format!("{}{result}}}", self.body_start).into()
    }

    /// From now on answers say that their connection ends with them.
    pub fn begin_to_drain(&self) {
        self.draining.store(true, Ordering::Relaxed);
    }

    /// Whether this worker is about to end.
    pub fn drains(&self) -> bool {
        self.draining.load(Ordering::Relaxed)
    }

    /// How long a request's body may take.
    pub fn body_time(&self) -> Duration {
        Duration::from_secs_f64(self.orders.body_seconds)
    }
}
