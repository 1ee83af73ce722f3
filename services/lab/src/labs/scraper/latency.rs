//! The origin's latency as its Compose file writes it.

/// The mean in seconds of `0`, `100ms`, `1.5s`, `uniform:50ms-150ms` or
/// `lognormal:100ms,0.5` (median, sigma); `None` for anything else.
pub fn mean_seconds(text: &str) -> Option<f64> {
    let text = text.trim();
    if let Some(range) = text.strip_prefix("uniform:") {
        let (least, most) = range.split_once('-')?;
        return Some(f64::midpoint(seconds(least)?, seconds(most)?));
    }
    if let Some(shape) = text.strip_prefix("lognormal:") {
        let (median, sigma) = shape.split_once(',')?;
        let sigma: f64 = sigma.trim().parse().ok()?;
        let mean = seconds(median)? * (sigma * sigma / 2.0).exp();
        return Some(mean).filter(|mean| mean.is_finite());
    }
    seconds(text)
}

fn seconds(text: &str) -> Option<f64> {
    let text = text.trim();
    if text == "0" {
        return Some(0.0);
    }
    let units = [("us", 1e-6), ("µs", 1e-6), ("ms", 1e-3), ("s", 1.0)];
    let (number, unit) = units
        .iter()
        .find_map(|(unit, seconds)| Some((text.strip_suffix(unit)?, seconds)))?;
    let number: f64 = number.trim().parse().ok()?;
    let seconds = number * unit;
    (seconds.is_finite() && seconds >= 0.0).then_some(seconds)
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    #[test]
    fn what_the_origin_takes_has_a_mean() {
        let near = |text: &str, expected: f64| {
            let mean = mean_seconds(text).unwrap();
            assert!((mean - expected).abs() < 1e-9, "{text}: {mean}");
        };
        near("0", 0.0);
        near("100ms", 0.1);
        near("1.5s", 1.5);
        near("uniform:50ms-150ms", 0.1);
        near("lognormal:100ms,0.5", 0.1 * 0.125_f64.exp());
    }

    #[test]
    fn what_it_does_not_take_is_unknown() {
        for text in [
            "",
            "100",
            "-1s",
            "ms",
            "uniform:50ms",
            "lognormal:1s,x",
            "nan s",
            "1e999s",
        ] {
            assert_eq!(mean_seconds(text), None, "{text}");
        }
    }
}
