//! How long an answer takes.

use super::chance::Chance;
use std::f64::consts::TAU;
use std::str::FromStr;
use std::time::Duration;

/// The longest: a lognormal latency has no bound of its own.
pub const LONGEST: Duration = Duration::from_mins(1);

/// A distribution of latencies.
#[derive(Debug, Clone, Copy, Default, PartialEq)]
pub enum Latency {
    /// Answers come at once.
    #[default]
    None,
    /// All the same.
    Fixed(Duration),
    /// Equally likely from `least` to `most`.
    Uniform {
        /// The shortest.
        least: Duration,
        /// The longest.
        most: Duration,
    },
    /// The logarithm is normally distributed: most are short, a few long.
    Lognormal {
        /// Half of them are shorter.
        median: Duration,
        /// The standard deviation of the logarithm.
        sigma: f64,
    },
}

impl Latency {
    /// One latency, drawn by `chance`; at most [`LONGEST`].
    pub fn draw(self, chance: &mut Chance) -> Duration {
        match self {
            Self::None => Duration::ZERO,
            Self::Fixed(latency) => latency,
            Self::Uniform { least, most } => {
                least + most.saturating_sub(least).mul_f64(chance.unit())
            }
            Self::Lognormal { median, sigma } => {
                let seconds = median.as_secs_f64() * (sigma * normal(chance)).exp();
                Duration::from_secs_f64(seconds.min(LONGEST.as_secs_f64()))
            }
        }
    }
}

/// A draw from the standard normal distribution (Box and Muller 1958).
fn normal(chance: &mut Chance) -> f64 {
    // 1 − [0, 1) leaves out 0, which has no logarithm.
    let radius = (-2.0 * (1.0 - chance.unit()).ln()).sqrt();
    radius * (TAU * chance.unit()).cos()
}

impl FromStr for Latency {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let latency = if let Some(range) = text.strip_prefix("uniform:") {
            let (least, most) = range.split_once('-').ok_or_else(forms)?;
            let (least, most) = (duration(least)?, duration(most)?);
            if least > most {
                return Err("the first time must not be longer than the second".into());
            }
            Self::Uniform { least, most }
        } else if let Some(shape) = text.strip_prefix("lognormal:") {
            let (median, sigma) = shape.split_once(',').ok_or_else(forms)?;
            let sigma = sigma.trim().parse().ok();
            Self::Lognormal {
                median: duration(median)?,
                sigma: sigma
                    .filter(|sigma| (0.0..=5.0).contains(sigma))
                    .ok_or("sigma must be a number from 0 to 5")?,
            }
        } else {
            match duration(text)? {
                Duration::ZERO => Self::None,
                latency => Self::Fixed(latency),
            }
        };
        Ok(latency)
    }
}

fn duration(text: &str) -> Result<Duration, String> {
    let text = text.trim();
    let duration = match text {
        "0" => Some(Duration::ZERO),
        text => humantime::parse_duration(text).ok(),
    };
    duration
        .filter(|duration| *duration <= LONGEST)
        .ok_or_else(forms)
}

fn forms() -> String {
    "must be 0, a time up to 1m such as 100ms, uniform:50ms-150ms, or lognormal:100ms,0.5 (median, sigma)".into()
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]

    use super::super::chance::Purpose;
    use super::*;
    use proptest::prelude::*;

    const MS: fn(u64) -> Duration = Duration::from_millis;

    fn drawn(latency: Latency, seed: u64) -> Vec<Duration> {
        let mut drawn: Vec<_> = (0..10_001)
            .map(|n| latency.draw(&mut Chance::new(seed, Purpose::Latency, n)))
            .collect();
        drawn.sort();
        drawn
    }

    #[test]
    fn every_form_is_read() {
        let uniform = Latency::Uniform {
            least: MS(50),
            most: MS(150),
        };
        let lognormal = Latency::Lognormal {
            median: MS(100),
            sigma: 0.5,
        };
        for (text, latency) in [
            ("0", Latency::None),
            ("0ms", Latency::None),
            ("100ms", Latency::Fixed(MS(100))),
            ("1s", Latency::Fixed(MS(1000))),
            ("uniform:50ms-150ms", uniform),
            ("lognormal:100ms,0.5", lognormal),
        ] {
            assert_eq!(text.parse(), Ok(latency), "{text}");
        }
    }

    #[test]
    fn what_is_no_latency_is_told_what_one_is() {
        for text in [
            "",
            "100",
            "soon",
            "-1s",
            "2m",
            "uniform:50ms",
            "uniform:2s-1s",
            "lognormal:100ms",
            "lognormal:100ms,x",
            "lognormal:100ms,-1",
            "lognormal:1s,NaN",
            "normal:100ms,0.5",
        ] {
            let refusal = text.parse::<Latency>().unwrap_err();
            assert!(refusal.contains("must"), "{text}: {refusal}");
        }
    }

    proptest! {
        // Each case draws ten thousand times.
        #![proptest_config(ProptestConfig::with_cases(48))]

        #[test]
        fn uniform_ones_fill_their_range_evenly(seed: u64) {
            let drawn = drawn("uniform:50ms-150ms".parse().unwrap(), seed);
            prop_assert!(drawn[0] >= MS(50) && drawn[10_000] <= MS(150));
            for (index, expected) in [(2_500, 75.0), (5_000, 100.0), (7_500, 125.0)] {
                let found = drawn[index].as_secs_f64() * 1e3;
                prop_assert!((found - expected).abs() < 3.0, "{found} for {expected}");
            }
        }

        #[test]
        fn half_of_the_lognormal_ones_are_below_the_median(seed: u64, sigma in 0.1..1.0_f64) {
            let latency = Latency::Lognormal { median: MS(100), sigma };
            let drawn = drawn(latency, seed);
            let median = drawn[5_000].as_secs_f64() * 10.0;
            // The median's standard error is 1.25 σ/√n; six of them.
            prop_assert!(median.ln().abs() < 0.08 * sigma, "{median}");
            // A normal distribution has 84.13 % below one standard deviation.
            let above = (drawn[8_413].as_secs_f64() * 10.0).ln() / sigma;
            prop_assert!((above - 1.0).abs() < 0.1, "{above}");
        }

        #[test]
        fn none_is_longer_than_the_longest(seed: u64, sigma in 0.0..=5.0_f64) {
            let latency = Latency::Lognormal { median: LONGEST, sigma };
            prop_assert!(latency.draw(&mut Chance::new(seed, Purpose::Latency, 1)) <= LONGEST);
        }
    }
}
