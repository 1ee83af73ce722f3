//! The model of a CPU quota: how the kernel hands it out, and the wall time
//! that follows.
//!
//! The kernel gives a group `quota × period` CPU seconds at the start of each
//! period and stops it when they are used up (Linux
//! Documentation/scheduler/sched-bwc.rst). A group that starts with a full
//! budget and keeps `m` CPUs busy therefore runs and stalls in turn.

/// Quota and period of a control group.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct QuotaModel {
    quota_cpus: f64,
    period_seconds: f64,
}

/// A wall time that a model gives.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Prediction {
    /// Wall seconds.
    pub wall_seconds: f64,
    /// The other value that the kernel's hand-out admits, where the work ends
    /// so close to the end of a refill that it may or may not meet one stall.
    pub other_admissible: Option<f64>,
}

/// With less than this much of a refill left per busy CPU at the end, the
/// work may need one stall more: the kernel deals the quota out to each CPU in
/// slices of 5 ms, and what another CPU still holds cannot be used.
const END_SLACK_SECONDS: f64 = 0.003;

/// Of many busy CPUs the slack would cover whole refills, and then any wall
/// would be admissible: it is at most this part of a refill.
const MOST_SLACK: f64 = 0.25;

/// CPU seconds that differ by less than this share are the same: C = n·q must
/// not depend on the last bit of a division.
const ROUNDING: f64 = 1e-9;

impl QuotaModel {
    /// A quota of `quota_cpus` CPUs in periods of `period_seconds`; `None`
    /// unless both are positive and finite.
    pub fn new(quota_cpus: f64, period_seconds: f64) -> Option<Self> {
        let positive = |v: f64| v.is_finite() && v > 0.0;
        let model = Self {
            quota_cpus,
            period_seconds,
        };
        (positive(quota_cpus) && positive(period_seconds) && positive(model.refill_seconds()))
            .then_some(model)
    }

    /// CPUs that the group may use on average.
    pub fn quota_cpus(&self) -> f64 {
        self.quota_cpus
    }

    /// Seconds from refill to refill.
    pub fn period_seconds(&self) -> f64 {
        self.period_seconds
    }

    /// CPU seconds that each period brings (q).
    pub fn refill_seconds(&self) -> f64 {
        self.quota_cpus * self.period_seconds
    }

    /// Whether `busy_cpus` (m) use a refill up before the period ends:
    /// q < m·period.
    pub fn binds(&self, busy_cpus: f64) -> bool {
        self.quota_cpus < busy_cpus * (1.0 - ROUNDING)
    }

    /// Wall seconds for `cpu_seconds` (C) of work on `busy_cpus` (m) CPUs from
    /// a full budget at the start of a period; `None` when the arguments are
    /// not positive and finite.
    ///
    /// Where the quota binds n = ⌊C/q⌋ and the wall is n·period + (C − n·q)/m,
    /// else C/m. Less than 3 ms·m before the end of a refill, one stall more
    /// (period − q/m) is admissible; exactly at its end, one less.
    pub fn wall(&self, cpu_seconds: f64, busy_cpus: f64) -> Option<Prediction> {
        let positive = |v: f64| v.is_finite() && v > 0.0;
        if !positive(cpu_seconds) || !positive(busy_cpus) {
            return None;
        }
        if !self.binds(busy_cpus) {
            return Prediction::only(cpu_seconds / busy_cpus);
        }
        let refill = self.refill_seconds();
        let stall = self.period_seconds - refill / busy_cpus;
        let (refills, rest) = whole_and_rest(cpu_seconds, refill);
        let wall_seconds = refills * self.period_seconds + rest / busy_cpus;
        let other = if rest == 0.0 {
            Some(wall_seconds - stall)
        } else if refill - rest < self.end_slack_seconds(busy_cpus) {
            Some(wall_seconds + stall)
        } else {
            None
        };
        Prediction::new(wall_seconds, other)
    }

    /// CPU seconds before the end of a refill in which one stall more is
    /// admissible.
    pub(crate) fn end_slack_seconds(&self, busy_cpus: f64) -> f64 {
        (END_SLACK_SECONDS * busy_cpus).min(MOST_SLACK * self.refill_seconds())
    }

    /// Model ÷ measured for a sample that used `cpu_seconds` on `busy_cpus`
    /// CPUs and took `measured_seconds`, against the nearer admissible value;
    /// `None` where the quota does not bind.
    pub fn fidelity(&self, cpu_seconds: f64, busy_cpus: f64, measured_seconds: f64) -> Option<f64> {
        if !self.binds(busy_cpus) {
            return None;
        }
        self.wall(cpu_seconds, busy_cpus)?
            .fidelity(measured_seconds)
    }
}

impl Prediction {
    /// A prediction of finite seconds; `None` when they are not.
    pub(crate) fn new(wall_seconds: f64, other_admissible: Option<f64>) -> Option<Self> {
        wall_seconds.is_finite().then_some(Self {
            wall_seconds,
            other_admissible: other_admissible.filter(|o| o.is_finite()),
        })
    }

    pub(crate) fn only(wall_seconds: f64) -> Option<Self> {
        Self::new(wall_seconds, None)
    }

    /// The admissible value that lies nearer to `measured_seconds`.
    pub fn nearest(&self, measured_seconds: f64) -> f64 {
        let distance = |v: f64| (v - measured_seconds).abs();
        match self.other_admissible {
            Some(other) if distance(other) < distance(self.wall_seconds) => other,
            _ => self.wall_seconds,
        }
    }

    /// Nearer admissible value ÷ `measured_seconds`; `None` unless the latter
    /// is positive and finite.
    pub fn fidelity(&self, measured_seconds: f64) -> Option<f64> {
        let ratio = self.nearest(measured_seconds) / measured_seconds;
        (measured_seconds > 0.0 && ratio.is_finite()).then_some(ratio)
    }

    /// Neither value below this.
    pub(crate) fn at_least(self, seconds: f64) -> Option<Self> {
        let floor = Self::new(seconds, None)?.wall_seconds;
        let raised = self.map(|wall| wall.max(floor))?;
        let other = raised.other_admissible;
        let apart = |other: &f64| (other - raised.wall_seconds).abs() > 0.0;
        Self::new(raised.wall_seconds, other.filter(apart))
    }

    /// Both values through `f`.
    pub(crate) fn map(self, f: impl Fn(f64) -> f64) -> Option<Self> {
        Self::new(f(self.wall_seconds), self.other_admissible.map(&f))
    }
}

/// How often `part` goes into `whole`, and what is left; a rest that is only
/// rounding is none.
pub(crate) fn whole_and_rest(whole: f64, part: f64) -> (f64, f64) {
    let ratio = whole / part;
    let nearest = ratio.round();
    if nearest >= 1.0 && (ratio - nearest).abs() <= ROUNDING * nearest.max(1.0) {
        return (nearest, 0.0);
    }
    let times = ratio.floor();
    (times, (whole - times * part).clamp(0.0, part))
}

#[cfg(test)]
mod tests;
