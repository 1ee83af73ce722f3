//! A quota's budget followed through phases of work.

use super::Phase;
use crate::quota::{Prediction, QuotaModel, whole_and_rest};

/// Where a group stands in its quota: how far into the period, with how much
/// of the refill left.
pub(super) struct Refills {
    quota: QuotaModel,
    into_period_seconds: f64,
    budget_seconds: f64,
    wall_seconds: f64,
    last_busy_cpus: f64,
    /// The stall before this moment, where the work so far ended exactly with
    /// a refill: it may not have been met.
    avoidable_stall_seconds: f64,
}

impl Refills {
    /// An aligned start: a period begins, and the budget is full.
    pub(super) fn full(quota: QuotaModel) -> Self {
        Self {
            quota,
            into_period_seconds: 0.0,
            budget_seconds: quota.refill_seconds(),
            wall_seconds: 0.0,
            last_busy_cpus: 1.0,
            avoidable_stall_seconds: 0.0,
        }
    }

    /// Time in which there is nothing to do: what is left of a refill is gone with
    /// its period.
    pub(super) fn idle(&mut self, seconds: f64) {
        if seconds <= 0.0 {
            return;
        }
        let period = self.quota.period_seconds();
        let (periods, rest) = whole_and_rest(self.into_period_seconds + seconds, period);
        if periods > 0.0 {
            self.budget_seconds = self.quota.refill_seconds();
        }
        self.into_period_seconds = rest;
        self.wall_seconds += seconds;
        self.avoidable_stall_seconds = 0.0;
    }

    /// Does the work of one phase.
    pub(super) fn spend(&mut self, phase: &Phase) {
        if phase.cpu_seconds <= 0.0 {
            return;
        }
        self.last_busy_cpus = phase.busy_cpus;
        let usable = self.usable_in_this_period(phase.busy_cpus);
        if phase.cpu_seconds <= usable {
            self.run(phase.cpu_seconds, phase.busy_cpus);
            return;
        }
        self.next_period();
        let left = phase.cpu_seconds - usable;
        // Whole periods at once: a long phase would take thousands of steps.
        let per_period = self.usable_in_this_period(phase.busy_cpus);
        let (periods, rest) = whole_and_rest(left, per_period);
        self.wall_seconds += periods * self.quota.period_seconds();
        self.run(rest, phase.busy_cpus);
        if rest == 0.0 {
            self.avoidable_stall_seconds =
                self.quota.period_seconds() - per_period / phase.busy_cpus;
        }
    }

    /// The wall so far; with hardly anything left of the refill, the stall
    /// after it is admissible too.
    pub(super) fn prediction(&self) -> Option<Prediction> {
        if self.avoidable_stall_seconds > 0.0 {
            let without = self.wall_seconds - self.avoidable_stall_seconds;
            return Prediction::new(self.wall_seconds, Some(without));
        }
        let left = self.budget_seconds;
        let stall =
            self.quota.period_seconds() - self.into_period_seconds - left / self.last_busy_cpus;
        let short = left < self.quota.end_slack_seconds(self.last_busy_cpus) && stall > 0.0;
        Prediction::new(
            self.wall_seconds,
            short.then_some(self.wall_seconds + stall),
        )
    }

    /// CPU seconds that `busy_cpus` can use before the next refill.
    fn usable_in_this_period(&self, busy_cpus: f64) -> f64 {
        let to_next = self.quota.period_seconds() - self.into_period_seconds;
        self.budget_seconds.min(busy_cpus * to_next)
    }

    fn run(&mut self, cpu_seconds: f64, busy_cpus: f64) {
        self.avoidable_stall_seconds = 0.0;
        self.into_period_seconds += cpu_seconds / busy_cpus;
        self.wall_seconds += cpu_seconds / busy_cpus;
        self.budget_seconds -= cpu_seconds;
    }

    fn next_period(&mut self) {
        self.wall_seconds += self.quota.period_seconds() - self.into_period_seconds;
        self.into_period_seconds = 0.0;
        self.budget_seconds = self.quota.refill_seconds();
    }
}
