//! Durations as people read them: three digits that count, and a unit.

use crate::report::Interval;

/// Seconds: `2.01 s`, `21.4 s`, `12.3 ms`, `21.9 µs`, `35.0 ns`; `?` for what
/// is no number.
pub fn duration(seconds: f64) -> String {
    if !seconds.is_finite() {
        return "?".to_owned();
    }
    let scale = Scale::of(seconds);
    format!("{} {}", scale.number(seconds), scale.unit)
}

/// Seconds with their interval, the unit once: `2.01 s (1.99–2.04)`. A single
/// sample has no interval.
pub fn durations(interval: &Interval) -> String {
    let median = duration(interval.median);
    if interval.coverage <= 0.0 {
        return median;
    }
    let scale = Scale::of(interval.median);
    let (low, high) = (scale.number(interval.low), scale.number(interval.high));
    format!("{median} ({low}–{high})")
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
            0.0 => (1.0, "s"),
            s if s < 0.999_5e-6 => (1e9, "ns"),
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
        let small = [0.0123, 0.001, 0.000_123_4, 0.000_021_9, 3.5e-8, 0.0].map(duration);
        assert_eq!(
            small,
            [
                "12.3 ms", "1.00 ms", "123 µs", "21.9 µs", "35.0 ns", "0.00 s"
            ]
        );
        assert_eq!(duration(f64::NAN), "?");
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
}
