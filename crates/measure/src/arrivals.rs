//! When requests arrive at a server: schedules for an open loop, where nobody
//! waits for an answer before the next one asks.
//!
//! A function of its arguments alone, so that the load generator sends, and the
//! replay against the refill rule is given, the very same arrivals.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// How arrivals are spread over time.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase", deny_unknown_fields)]
pub enum Arrivals {
    /// Evenly: a gap of 1 ÷ rate between any two.
    Constant,
    /// By chance and independent of each other, as those of many people are:
    /// gaps are exponentially distributed with a mean of 1 ÷ rate.
    Poisson,
    /// Many at once, again and again. What the rate asks beyond them arrives
    /// evenly between, half a gap away from the start.
    Bursts {
        /// Arrivals of one burst, all at the same moment.
        size: u32,
        /// Seconds from one burst to the next; the first is at 0.
        every_seconds: f64,
    },
}

impl Arrivals {
    /// The lowest rate that they can have, in arrivals per second: that of the
    /// bursts alone, 0 for the others.
    pub fn least_rate(self) -> f64 {
        match self {
            Self::Constant | Self::Poisson => 0.0,
            Self::Bursts {
                size,
                every_seconds,
            } => f64::from(size) / every_seconds,
        }
    }

    /// The moments of arrival in seconds from the start, in order, all before
    /// `seconds`: `rate` per second on average. Chance is drawn from `seed` and
    /// from nothing else.
    ///
    /// None for arguments that are not positive and finite. With a rate below
    /// [`least_rate`](Self::least_rate), the bursts alone.
    pub fn schedule(self, rate: f64, seconds: f64, seed: u64) -> Schedule {
        let positive = |v: f64| v.is_finite() && v > 0.0;
        if !positive(rate) || !positive(seconds) {
            return Schedule::none();
        }
        match self {
            Self::Constant => Schedule::even(Even::new(rate, seconds, 0.0)),
            Self::Poisson => Schedule(Kind::Poisson {
                // WyRand: small, fast, and the same numbers for the same seed.
                chance: fastrand::Rng::with_seed(seed),
                mean_gap: rate.recip(),
                now: 0.0,
                seconds,
            }),
            Self::Bursts {
                size,
                every_seconds,
            } if positive(every_seconds) => {
                let between = rate - self.least_rate();
                Schedule(Kind::Bursts {
                    bursts: Even::new(every_seconds.recip(), seconds, 0.0),
                    size,
                    left: 0,
                    now: 0.0,
                    // A rest that is only the rounding of a division is none.
                    between: (between > rate * ROUNDING).then(|| Even::new(between, seconds, 0.5)),
                    next_between: None,
                })
            }
            Self::Bursts { .. } => Schedule::none(),
        }
    }
}

/// Numbers that differ by less than this share are the same.
const ROUNDING: f64 = 1e-9;

/// Moments of arrival in seconds from the start, in order.
#[derive(Debug, Clone)]
pub struct Schedule(Kind);

#[derive(Debug, Clone)]
enum Kind {
    Even(Even),
    Poisson {
        chance: fastrand::Rng,
        mean_gap: f64,
        now: f64,
        seconds: f64,
    },
    Bursts {
        bursts: Even,
        size: u32,
        /// Of the burst under way, and its moment.
        left: u32,
        now: f64,
        between: Option<Even>,
        /// Taken from `between`, and due after the burst under way.
        next_between: Option<f64>,
    },
}

/// Moments with the same gap between any two.
#[derive(Debug, Clone)]
struct Even {
    rate: f64,
    /// Where in its gap the first one is, in gaps.
    first: f64,
    next: u64,
    end: u64,
}

impl Even {
    fn new(rate: f64, seconds: f64, first: f64) -> Self {
        // Counted beforehand: whether the last one is before the end must not
        // depend on the last bit of a division.
        let gaps = rate * seconds * (1.0 - ROUNDING) - first;
        Self {
            rate,
            first,
            next: 0,
            end: gaps.ceil().max(0.0) as u64,
        }
    }
}

impl Iterator for Even {
    type Item = f64;

    fn next(&mut self) -> Option<f64> {
        // Not by adding gaps up, which would add their rounding up too.
        let moment = (self.next as f64 + self.first) / self.rate;
        (self.next < self.end).then(|| {
            self.next += 1;
            moment
        })
    }
}

impl Schedule {
    fn even(even: Even) -> Self {
        Self(Kind::Even(even))
    }

    fn none() -> Self {
        Self::even(Even::new(1.0, 0.0, 0.0))
    }
}

impl Iterator for Schedule {
    type Item = f64;

    fn next(&mut self) -> Option<f64> {
        match &mut self.0 {
            Kind::Even(even) => even.next(),
            Kind::Poisson {
                chance,
                mean_gap,
                now,
                seconds,
            } => {
                // 1 − u is never 0, so its logarithm is finite.
                *now -= (1.0 - chance.f64()).ln() * *mean_gap;
                (*now < *seconds).then_some(*now)
            }
            Kind::Bursts {
                bursts,
                size,
                left,
                now,
                between,
                next_between,
            } => {
                if *left > 0 {
                    *left -= 1;
                    return Some(*now);
                }
                let single = next_between
                    .take()
                    .or_else(|| between.as_mut().and_then(Iterator::next));
                let burst = (*size > 0).then(|| bursts.clone().next()).flatten();
                match (burst, single) {
                    (Some(burst), single) if single.is_none_or(|single| burst <= single) => {
                        bursts.next();
                        *next_between = single;
                        *now = burst;
                        *left = *size - 1;
                        Some(burst)
                    }
                    (_, single) => single,
                }
            }
        }
    }
}

#[cfg(test)]
mod tests;
