//! At which rate a source gives items.

use std::time::Duration;

/// Nanoseconds of a second.
const SECOND: f64 = 1e9;

/// When items are due.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Pace {
    /// Items a second; `None`: as fast as they are taken.
    pub rate: Option<f64>,
    /// When the first is due: nanoseconds of the host's monotonic clock.
    pub started: u64,
}

impl Pace {
    /// When item `seq` is due; `None`: at any time.
    pub fn due(&self, seq: u64) -> Option<u64> {
        let rate = self.rate?;
        Some(self.started + (seq as f64 / rate * SECOND) as u64)
    }

    /// How long until item `seq` is due; `None`: it is.
    pub fn wait(&self, seq: u64, now: u64) -> Option<Duration> {
        let early = self.due(seq)?.checked_sub(now)?;
        (early > 0).then(|| Duration::from_nanos(early))
    }
}

/// Nanoseconds of the host's monotonic clock, which its containers share.
pub fn now() -> u64 {
    (cpu_budget::clock::monotonic_seconds() * SECOND) as u64
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    #[test]
    fn items_are_due_at_the_rate_and_not_before() {
        let pace = Pace {
            rate: Some(100.0),
            started: 1_000,
        };
        assert_eq!(pace.due(0), Some(1_000));
        assert_eq!(pace.due(50), Some(500_001_000));
        assert_eq!(pace.wait(1, 1_000), Some(Duration::from_millis(10)));
        assert_eq!(pace.wait(1, 10_001_000), None);
        let at_once = Pace { rate: None, ..pace };
        assert_eq!(at_once.wait(7, 0), None);
    }
}
