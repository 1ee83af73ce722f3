//! Figures as a table shows them: three digits that count, and a unit.

use crate::report::Interval;

pub use crate::verdict::words::{count, cpu_count, cpus, percent};

/// A figure that nobody knows.
pub const UNKNOWN: &str = "?";

/// A figure that cannot be there.
pub const NONE: &str = "–";

/// A ratio with its interval: `1.93 × (1.90–1.96)`.
pub fn ratios(interval: &Interval) -> String {
    let Interval {
        median, low, high, ..
    } = interval;
    let [median, low, high] = [median, low, high].map(|ratio| two_decimals(*ratio));
    if interval.coverage <= 0.0 {
        return format!("{median} ×");
    }
    format!("{median} × ({low}–{high})")
}

/// A figure with two decimals: CPUs, a speedup, an efficiency.
pub fn two_decimals(figure: f64) -> String {
    if figure.is_finite() {
        format!("{figure:.2}")
    } else {
        UNKNOWN.to_owned()
    }
}

/// Three digits that count.
pub fn digits(figure: f64) -> String {
    match figure.abs() {
        n if n < 9.995 => format!("{figure:.2}"),
        n if n < 99.95 => format!("{figure:.1}"),
        _ => format!("{figure:.0}"),
    }
}

/// How long a run took: `41 s`, `4 min 12 s`.
pub fn run_time(seconds: f64) -> String {
    let seconds = seconds.round() as u64;
    match (seconds / 60, seconds % 60) {
        (0, seconds) => format!("{seconds} s"),
        (minutes, 0) => format!("{minutes} min"),
        (minutes, seconds) => format!("{minutes} min {seconds} s"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_run_takes_minutes_and_seconds() {
        assert_eq!(
            [41.2, 120.0, 252.4].map(run_time),
            ["41 s", "2 min", "4 min 12 s"]
        );
    }
}
