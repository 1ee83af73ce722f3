//! The thread that makes leases last on, and hears what was taken away.

use super::crew::Shared;
use super::settler::Finished;
use crate::job::WorkerInfo;
use crate::metrics::whole;
use crate::store::{Lease, Store, Stored};
use crate::work::{End, Stop};
use crossbeam_channel::Sender;
use redis_link::Patience;
use std::sync::PoisonError;
use std::sync::atomic::Ordering;
use std::time::{Duration, Instant};

/// The longest time between two signs of life.
const BEAT: Duration = Duration::from_secs(1);

/// The most leases of one step.
const MOST_AT_ONCE: usize = 500;

/// What no thread has begun after this goes back: a long job has come before it.
const WAITED_TOO_LONG: Duration = Duration::from_millis(500);

/// How often it looks whether the worker has ended.
const LOOK_EVERY: Duration = Duration::from_millis(50);

/// Keeps what the worker has, until it has ended.
pub(super) fn keep(shared: &Shared, finished: &Sender<Finished>) {
    let every = BEAT.min(shared.settings.lease / 3);
    let mut patience = Patience::default();
    let mut store = None;
    let mut next = Instant::now();
    while !shared.ended.load(Ordering::Relaxed) {
        let left = next.saturating_duration_since(Instant::now());
        if !left.is_zero() {
            std::thread::sleep(left.min(LOOK_EVERY));
            continue;
        }
        next = Instant::now() + every;
        for held in shared.hand.not_begun(WAITED_TOO_LONG) {
            let end = End::Stopped(Stop::GivenBack);
            // The settler ends with the worker.
            let _ = finished.send(Finished::unbegun(held, end));
        }
        match beat(shared, &mut store) {
            Ok(()) => patience.over(),
            Err(trouble) => {
                store = None;
                next = Instant::now() + patience.pause(&trouble).min(every);
            }
        }
    }
}

fn beat(shared: &Shared, store: &mut Option<Box<dyn Store>>) -> Stored<()> {
    let store = match store {
        Some(store) => store,
        None => store.insert(shared.place.open()?),
    };
    extend(shared, store.as_mut())?;
    let (held, active) = shared.hand.counts();
    shared.metrics.held.set(whole(held as u64));
    shared.metrics.active.set(whole(active as u64));
    let total = |count: &std::sync::atomic::AtomicU64| count.load(Ordering::Relaxed);
    let info = WorkerInfo {
        name: String::new(),
        seen_seconds: 0.0,
        threads: shared.settings.threads as u32,
        active: active as u32,
        held: held as u32,
        done: total(&shared.totals.done),
        failed: total(&shared.totals.failed),
        refused: total(&shared.totals.refused),
    };
    store.beat(&shared.name, Some(&info))
}

fn extend(shared: &Shared, store: &mut dyn Store) -> Stored<()> {
    let _telling = shared
        .telling
        .lock()
        .unwrap_or_else(PoisonError::into_inner);
    let held = shared.hand.leases();
    for held in held.chunks(MOST_AT_ONCE) {
        let leases: Vec<Lease> = held.iter().map(|(_, lease)| *lease).collect();
        let kept = store.extend(&leases, shared.settings.lease)?;
        let lost = held.iter().zip(kept).filter(|(_, kept)| !kept);
        let lost: Vec<_> = lost.map(|((held, _), _)| held.clone()).collect();
        for held in &lost {
            held.control.stop(Stop::Lost);
        }
        shared.metrics.lost.inc_by(lost.len() as u64);
        shared.hand.release(&lost);
    }
    Ok(())
}

/// Says that the worker leaves; where Redis is away it is soon forgotten anyway.
pub(super) fn leave(shared: &Shared) {
    shared.ended.store(true, Ordering::Relaxed);
    let left = shared.place.open();
    if let Err(trouble) = left.and_then(|mut store| store.beat(&shared.name, None)) {
        tracing::debug!("{trouble}");
    }
}
