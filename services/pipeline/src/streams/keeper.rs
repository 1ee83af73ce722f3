//! What a stage's process does beside its work: it says that it is alive, and
//! removes the names of those that are not.

use super::consumer::Consumer;
use super::crew::Shared;
use super::link::{Link, call};
use super::script::Script;
use redis_link::Trouble;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

/// Consumers are swept after so many times the limit for entries.
const SWEPT_AFTER: u32 = 12;

/// How often depths are read.
const DEPTH_EVERY: Duration = Duration::from_millis(250);

/// Keeps on until `ended`.
pub(super) fn keep(shared: &Shared, names: &[String], ended: &AtomicBool) {
    let stage = shared.stage;
    let consumers = names.iter().cloned().map(|name| Consumer { stage, name });
    let consumers: Vec<Consumer> = consumers.collect();
    let claim_after = shared.settings.claim_after;
    let beat_every = claim_after / 4;
    let (mut link, mut beat_at, mut sweep_at) = (None, Instant::now(), Instant::now());
    while !ended.load(Ordering::Relaxed) {
        let now = Instant::now();
        let done = (|| -> Result<(), Trouble> {
            if link.is_none() {
                link = Some(shared.server.connect()?);
            }
            let link = link.as_mut().expect("it was made above");
            if now >= beat_at {
                for consumer in &consumers {
                    // Whatever was touched since half a beat ago bears waiting for the next.
                    consumer.keep(link, beat_every / 2)?;
                }
                beat_at = now + beat_every;
            }
            if now >= sweep_at {
                sweep(link, shared)?;
                sweep_at = now + claim_after;
            }
            read_depth(link, shared)
        })();
        if let Err(trouble) = done {
            // The threads say it aloud.
            tracing::debug!("{trouble}");
            link = None;
        }
        std::thread::sleep(DEPTH_EVERY.min(beat_every));
    }
}

fn sweep(link: &mut Link, shared: &Shared) -> Result<(), Trouble> {
    let queue = link.server.keys.queue(shared.stage);
    let mut step = call(Script::Sweep, [queue.as_str()]);
    let after = shared.settings.claim_after * SWEPT_AFTER;
    step.arg(shared.stage.name()).arg(after.as_millis() as u64);
    link.ask_one(step).map(drop)
}

fn read_depth(link: &mut Link, shared: &Shared) -> Result<(), Trouble> {
    let depth = link.depth(shared.stage)?;
    shared.depth.set(depth.entries);
    shared.pending.set(depth.pending);
    Ok(())
}
