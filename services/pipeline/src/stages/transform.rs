//! `transform`: a set amount of CPU work per item.

use crate::item::mix;
use cpu_budget::thread;
use std::hint::black_box;
use std::sync::OnceLock;
use std::time::Duration;

/// How much work it is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Cost {
    /// CPU microseconds on this machine.
    Micros(u64),
    /// Steps of the loop: the same work wherever it is done.
    Steps(u64),
}

impl Cost {
    /// In steps of the loop.
    pub fn steps(self) -> u64 {
        match self {
            Self::Micros(micros) => (micros as f64 * steps_per_micro()).round() as u64,
            Self::Steps(steps) => steps,
        }
    }
}

/// Works: `steps` steps that depend on one another, and on what the item holds.
pub fn work(payload: &[u8], steps: u64) {
    let first = payload.len() as u64 ^ payload.first().map_or(0, |byte| u64::from(*byte));
    let end = (0..steps).fold(black_box(first), |x, _| mix(x));
    black_box(end);
}

/// Steps that one CPU microsecond holds here; measured once per process.
pub fn steps_per_micro() -> f64 {
    static MEASURED: OnceLock<f64> = OnceLock::new();
    *MEASURED.get_or_init(measure)
}

/// The fastest of some tries: others' work on the same core makes a try slower
/// and never faster. By the thread's CPU clock, which a quota does not stop.
fn measure() -> f64 {
    const TRIES: usize = 10;
    const STEPS: u64 = 400_000;
    let one = || {
        let before = thread::on_cpu()?;
        work(&[], STEPS);
        let spent = thread::on_cpu()?.checked_sub(before)?;
        (spent > Duration::ZERO).then(|| STEPS as f64 / (spent.as_secs_f64() * 1e6))
    };
    let fastest = (0..TRIES).filter_map(|_| one()).fold(0.0, f64::max);
    // Linux has had that clock since 2.6.12; without one any number is a guess.
    if fastest > 0.0 { fastest } else { 500.0 }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    #[test]
    fn the_work_is_done_and_costs_what_was_set() {
        let steps = Cost::Micros(20_000).steps();
        let before = thread::on_cpu().unwrap();

        work(b"item", steps);

        // Wide: other work shares the core, and the clock of it.
        let spent = thread::on_cpu().unwrap().saturating_sub(before);
        let spent = spent.as_secs_f64();
        assert!((0.010..0.200).contains(&spent), "{spent} s instead of 0.02");
        assert_eq!(Cost::Steps(7).steps(), 7);
    }
}
