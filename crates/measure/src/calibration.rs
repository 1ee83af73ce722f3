//! How often a job must be done for a sample that is long enough.

use crate::report::Round;

/// A sample of a job shorter than this says too little of the job's length.
const SHORTEST_PROBE_SECONDS: f64 = 0.05;

/// No sample repeats a job more often than this, however short the job.
const MOST_REPEATS: f64 = 1e6;

/// What to do after a probe.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Next {
    /// Probe again, with this many repeats.
    Probe(u32),
    /// Measure with this many repeats.
    Measure(u32),
}

impl Next {
    /// How many repeats.
    pub fn repeats(self) -> u32 {
        match self {
            Self::Probe(repeats) | Self::Measure(repeats) => repeats,
        }
    }

    /// Whether this is what to measure with.
    pub fn is_final(self) -> bool {
        matches!(self, Self::Measure(_))
    }
}

/// Seconds of one repeat when it goes on for long: a short probe may end within
/// the first period's quota, so at least its CPU seconds ÷ the CPUs granted.
pub fn sustained_repeat_seconds(probe: &Round, granted_cpus: f64) -> f64 {
    let repeats = f64::from(probe.repeats.max(1));
    let cpu = probe.cpu_seconds().unwrap_or(0.0) / repeats;
    (probe.wall_seconds() / repeats).max(cpu / granted_cpus.max(1e-6))
}

/// What to do after a probe of `repeats` jobs that took `wall_seconds`, so that
/// a sample takes at least `wanted_seconds`.
pub fn next_repeats(
    repeats: u32,
    wall_seconds: f64,
    job_seconds: f64,
    wanted_seconds: f64,
) -> Next {
    let job_seconds = job_seconds.max(1e-9);
    let enough = |seconds: f64| (seconds / job_seconds).ceil().clamp(1.0, MOST_REPEATS) as u32;
    if wall_seconds < SHORTEST_PROBE_SECONDS && f64::from(repeats) < MOST_REPEATS {
        // A little more than needed, and always more than before.
        Next::Probe(enough(2.0 * SHORTEST_PROBE_SECONDS).max(repeats.saturating_mul(2)))
    } else {
        Next::Measure(enough(wanted_seconds))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_long_job_is_done_once_and_a_short_one_until_it_lasts() {
        assert_eq!(next_repeats(1, 3.0, 3.0, 2.0), Next::Measure(1));
        assert_eq!(next_repeats(1, 0.3, 0.3, 2.0), Next::Measure(7));
    }

    #[test]
    fn a_tiny_job_is_probed_until_the_probe_says_something() {
        let (mut repeats, mut probes) = (1, 0);
        loop {
            // A job of 2 µs with 30 µs of fixed cost in each probe.
            let wall = 30e-6 + 2e-6 * f64::from(repeats);
            let next = next_repeats(repeats, wall, wall / f64::from(repeats), 1.0);
            repeats = next.repeats();
            probes += 1;
            if next.is_final() {
                break;
            }
        }
        assert!(probes < 6, "{probes}");
        assert!((450_000..=1_000_000).contains(&repeats), "{repeats}");
    }

    #[test]
    fn repeats_have_an_end() {
        assert_eq!(
            next_repeats(1_000_000, 1e-4, 1e-10, 2.0),
            Next::Measure(1_000_000)
        );
        assert_eq!(
            next_repeats(1, f64::INFINITY, f64::INFINITY, 2.0),
            Next::Measure(1)
        );
    }
}
