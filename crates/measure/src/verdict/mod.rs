//! The verdict: what bound a row's work, drawn from its rounds.
//!
//! The rules run on every round by itself; the row gets the kind that its
//! rounds agree on, else `unclear`. Text, evidence and advice are made from the
//! medians over rounds, gains from each round by itself.

mod advice;
mod agree;
mod also;
mod rules;
mod text;
pub mod thresholds;
mod what_if;
pub(crate) mod words;

pub use rules::{Finding, Unknown, find};

use crate::figures::{RoundFigures, typical_budget};
use crate::report::{BlockedBy, Row, TimeBudget, Verdict, VerdictKind};
use crate::stats::median;
use crate::waiting::WaitingJob;
use agree::Agreement;

/// What a row's verdict is drawn from.
#[derive(Debug, Clone, Copy)]
pub struct Case<'a> {
    /// The row, with its derived figures but without a verdict.
    pub row: &'a Row,
    /// The figures of its rounds.
    pub rounds: &'a [RoundFigures],
    /// Online CPUs of the host.
    pub host_cpus: Option<usize>,
    /// The baseline's rounds, where it ran the same kernel and is another row.
    pub baseline: &'a [RoundFigures],
    /// The rounds of the row on the baseline's station that has the same
    /// strategy and kernel with one worker: under other limits a worker's
    /// caches cool between refills, which is not the strategy's cost.
    pub one_worker: &'a [RoundFigures],
}

/// The verdict of a row; `None` when it has no round.
pub fn verdict(case: &Case) -> Option<Verdict> {
    let agreement = Agreement::new(case.rounds)?;
    let kind = agreement.kind;
    let probably = kind != VerdictKind::Unclear && case.leaves_time_open();
    let text = text::text(case, &agreement);
    Some(Verdict {
        kind,
        text: if probably {
            format!("Probably: {text}")
        } else {
            text
        },
        evidence: text::evidence(case, kind),
        next: advice::next(case, &agreement),
        also: also::also(case, &agreement),
    })
}

impl Case<'_> {
    /// The median over the rounds that have the figure.
    fn median(&self, figure: impl Fn(&RoundFigures) -> Option<f64>) -> Option<f64> {
        median(&self.rounds.iter().filter_map(figure).collect::<Vec<_>>())
    }

    fn budget(&self) -> Option<(TimeBudget, BlockedBy)> {
        typical_budget(self.rounds)
    }

    fn unaccounted(&self) -> Option<f64> {
        self.median(|r| r.unaccounted)
    }

    /// Whether more than two points of worker time are not accounted for.
    fn leaves_time_open(&self) -> bool {
        self.unaccounted()
            .is_some_and(|u| u.abs() > thresholds::UNACCOUNTED)
    }

    /// Whether the hypervisor, not another process, had the CPUs.
    fn is_stolen_from(&self) -> bool {
        let stolen = |r: &RoundFigures| {
            let told = r.time_budget.and_then(|b| b.stolen);
            told.or(r.stolen_share_of_busy)
        };
        self.median(stolen).is_some_and(|s| s >= thresholds::STOLEN)
    }

    /// Whether most of what others used of the CPUs was the load generator's.
    fn is_mostly_the_load(&self) -> bool {
        let load = self.median(|r| Some(r.load_share? / r.others_share?));
        load.is_some_and(|load| load >= thresholds::MOSTLY)
    }

    /// What was waited for, where the lab counted it.
    fn waiting(&self) -> Option<WaitingJob> {
        self.rounds.first()?.waiting
    }

    fn threads(&self) -> usize {
        self.rounds.first().map_or(0, RoundFigures::threads)
    }

    fn replicas(&self) -> usize {
        self.rounds.first().map_or(1, RoundFigures::replicas)
    }

    fn allowed_cpus(&self) -> Option<f64> {
        self.rounds.first()?.allowed_cpus
    }

    fn granted_cpus(&self) -> Option<f64> {
        self.rounds.first()?.granted_cpus
    }

    fn quota_cpus(&self) -> Option<f64> {
        self.rounds.first()?.quota_cpus()
    }

    fn job_seconds(&self) -> f64 {
        self.median(|r| Some(r.job_seconds())).unwrap_or(f64::NAN)
    }
}
