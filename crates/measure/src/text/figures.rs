//! Figures as a table shows them: three digits that count, and a unit.

use crate::report::Interval;

/// A figure that nobody knows.
pub(super) const UNKNOWN: &str = "?";

/// A figure that cannot be there.
pub(super) const NONE: &str = "–";

/// Seconds: `2.01 s`, `21.4 s`, `12.3 ms`.
pub(super) fn duration(seconds: f64) -> String {
    if !seconds.is_finite() {
        return UNKNOWN.to_owned();
    }
    let scale = Scale::of(seconds);
    format!("{} {}", scale.number(seconds), scale.unit)
}

/// Seconds with their interval, the unit once: `2.01 s (1.99–2.04)`. A single
/// sample has no interval.
pub(super) fn durations(interval: &Interval) -> String {
    let median = duration(interval.median);
    if interval.coverage <= 0.0 {
        return median;
    }
    let scale = Scale::of(interval.median);
    let (low, high) = (scale.number(interval.low), scale.number(interval.high));
    format!("{median} ({low}–{high})")
}

/// A ratio with its interval: `1.93 × (1.90–1.96)`.
pub(super) fn ratios(interval: &Interval) -> String {
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
pub(super) fn two_decimals(figure: f64) -> String {
    if figure.is_finite() {
        format!("{figure:.2}")
    } else {
        UNKNOWN.to_owned()
    }
}

/// How long a run took: `41 s`, `4 min 12 s`.
pub(super) fn run_time(seconds: f64) -> String {
    let seconds = seconds.round() as u64;
    match (seconds / 60, seconds % 60) {
        (0, seconds) => format!("{seconds} s"),
        (minutes, 0) => format!("{minutes} min"),
        (minutes, seconds) => format!("{minutes} min {seconds} s"),
    }
}

/// The unit and the decimals with which a duration has three digits.
struct Scale {
    per_second: f64,
    unit: &'static str,
    decimals: usize,
}

impl Scale {
    fn of(seconds: f64) -> Self {
        // Half a digit below the next unit a duration rounds up to it.
        let (per_second, unit) = match seconds.abs() {
            s if s < 0.999_5e-3 => (1e6, "µs"),
            s if s < 0.999_5 => (1e3, "ms"),
            _ => (1.0, "s"),
        };
        let decimals = match seconds.abs() * per_second {
            n if n < 9.995 => 2,
            n if n < 99.95 => 1,
            _ => 0,
        };
        Self {
            per_second,
            unit,
            decimals,
        }
    }

    fn number(&self, seconds: f64) -> String {
        format!("{:.*}", self.decimals, seconds * self.per_second)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn durations_have_three_digits_and_a_unit() {
        let shown = [2.0134, 0.99951, 0.9994, 21.36, 9.996, 143.2, 1240.0].map(duration);
        let expected = [
            "2.01 s", "1.00 s", "999 ms", "21.4 s", "10.0 s", "143 s", "1240 s",
        ];
        assert_eq!(shown, expected);
        let small = [0.0123, 0.001, 0.000_123_4].map(duration);
        assert_eq!(small, ["12.3 ms", "1.00 ms", "123 µs"]);
    }

    #[test]
    fn an_interval_has_the_unit_and_decimals_of_its_median() {
        let interval = |median, low, high, coverage| {
            durations(&Interval {
                median,
                low,
                high,
                coverage,
            })
        };
        assert_eq!(interval(2.014, 1.99, 2.04, 0.969), "2.01 s (1.99–2.04)");
        assert_eq!(interval(0.98, 0.97, 1.004, 0.969), "980 ms (970–1004)");
        assert_eq!(interval(0.98, 0.98, 0.98, 0.0), "980 ms");
    }

    #[test]
    fn a_run_takes_minutes_and_seconds() {
        assert_eq!(
            [41.2, 120.0, 252.4].map(run_time),
            ["41 s", "2 min", "4 min 12 s"]
        );
    }
}
