//! How many primes there are below a limit: the kernel of the service `primes`.

use super::control::{Control, Stop};
use prime_kernel::{Counter, Kernel};

/// The largest limit that is asked for: some minutes of work.
pub const MOST_PRIMES_LIMIT: u64 = 100_000_000;

/// So many numbers take some milliseconds at most.
const CHUNK: u64 = 5_000;

/// The primes below `limit`.
pub(super) fn count(limit: u64, control: &Control) -> Result<u64, Stop> {
    let mut counter = Counter::new(Kernel::Trial, limit);
    let mut count = 0;
    let mut from = 0;
    while from < limit {
        control.check()?;
        let to = (from + CHUNK).min(limit);
        count += counter.count(from..to);
        // The cost of a number grows with its root.
        control.progressed((to as f64 / limit as f64).powf(1.5));
        from = to;
    }
    Ok(count)
}
