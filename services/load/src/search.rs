//! The highest rate that keeps the p99 under a target: steps of an open loop,
//! first doubled, then halved between the last two.

use crate::plan::{Pace, Plan};
use crate::request::{
    self, CONNECTIONS, RATE, SECONDS, TIMEOUT_SECONDS, Wrong, check_arrivals, within, wrong,
};
use crate::target::AllowList;
use measure::arrivals::Arrivals;
use serde::{Deserialize, Serialize};
use std::ops::RangeInclusive;
use utoipa::ToSchema;

/// Targets of the p99 that can be asked for, in seconds.
const P99_SECONDS: RangeInclusive<f64> = 10e-6..=60.0;

/// The search ends when the rate that kept the target and the one that missed
/// it are this close.
const CLOSE: f64 = 1.05;

/// And after so many steps at the latest.
const MOST_STEPS: usize = 40;

/// The first step has this share of what a closed loop gets.
const FIRST_SHARE: f64 = 1.0 / 8.0;

/// Seconds of warm-up of each step, at most; a quarter of short ones.
const WARM_UP_SECONDS: f64 = 1.0;

/// What `POST /search` is asked.
#[derive(Debug, Clone, PartialEq, Deserialize, ToSchema)]
#[serde(
    deny_unknown_fields,
    expecting = "an object such as {\"targets\": [\"http://cluster-one:3000/\"], \"p99_seconds\": 0.05}"
)]
pub struct SearchRequest {
    /// As in `POST /run`.
    pub targets: Vec<String>,
    /// The p99, counted from the schedule, that must be kept, in seconds.
    #[schema(minimum = 0.00001, maximum = 60)]
    pub p99_seconds: f64,
    /// As in `POST /run`.
    #[serde(default = "sixty_four")]
    #[schema(default = 64, minimum = 1, maximum = 10_000)]
    pub connections: u64,
    /// Seconds of each step.
    #[serde(default = "five")]
    #[schema(default = 5, minimum = 0.1, maximum = 600)]
    pub seconds: f64,
    /// Requests per second of the first step; an eighth of what a closed loop
    /// gets where it is not said.
    #[serde(default)]
    #[schema(minimum = 0.01, maximum = 1_000_000)]
    pub from: Option<f64>,
    /// The highest rate that is tried.
    #[serde(default)]
    #[schema(minimum = 0.01, maximum = 1_000_000)]
    pub to: Option<f64>,
    /// As in `POST /run`.
    #[serde(default = "constant")]
    #[schema(value_type = Object, default = json!("constant"))]
    pub arrivals: Arrivals,
    /// As in `POST /run`.
    #[serde(default)]
    pub seed: u64,
    /// As in `POST /run`.
    #[serde(default)]
    #[schema(minimum = 0, maximum = 1_000_000_000_000_u64)]
    pub work: Option<u64>,
    /// As in `POST /run`.
    #[serde(default = "five")]
    #[schema(default = 5, minimum = 0.001, maximum = 60)]
    pub timeout_seconds: f64,
}

/// What `POST /search` answers.
#[derive(Debug, Clone, PartialEq, Serialize, ToSchema)]
pub struct SearchAnswer {
    /// The highest rate that kept the p99 under the target; null: none that was
    /// tried did.
    pub rate: Option<f64>,
    /// The highest rate that kept it and the lowest above that missed it; null
    /// where there is none.
    #[schema(value_type = Vec<Option<f64>>)]
    pub bracket: (Option<f64>, Option<f64>),
    /// What was tried, in order.
    pub steps: Vec<Step>,
    /// What it came to, as a sentence.
    pub sentence: String,
}

/// One step.
#[derive(Debug, Clone, PartialEq, Serialize, ToSchema)]
pub struct Step {
    /// Requests per second that were asked for; null: a closed loop, which
    /// finds where to begin.
    pub rate: Option<f64>,
    /// The p99 in seconds, counted from the schedule; requests that failed or
    /// were answered with 500 or more count as slower than all others. Null
    /// where these are more than one in a hundred.
    pub p99: Option<f64>,
    /// Answers per second.
    pub achieved: f64,
    /// Why its figures are too high; null: they are not.
    pub void: Option<String>,
    /// Whether it kept the target, void or not: a generator that is late only
    /// adds to latencies that are counted from the schedule.
    pub kept: bool,
}

/// A search that has been found in order.
#[derive(Debug, Clone)]
pub struct Search {
    /// The plan of each step but for its rate.
    plan: Plan,
    arrivals: Arrivals,
    seed: u64,
    p99_seconds: f64,
    from: Option<f64>,
    to: f64,
}

impl SearchRequest {
    /// The search that is asked for.
    ///
    /// # Errors
    /// The first field that cannot be.
    pub fn search(&self, allow: &AllowList) -> Result<Search, Wrong> {
        check_arrivals(self.arrivals)?;
        let seconds = within("seconds", self.seconds, &SECONDS)?;
        let least = self.arrivals.least_rate();
        let rate = |field, rate: Option<f64>| match rate {
            Some(rate) if rate < least => {
                let detail = format!("the bursts alone are {least} a second: {field} is less");
                Err(wrong(field, &detail))
            }
            Some(rate) => within(field, rate, &RATE).map(Some),
            None => Ok(None),
        };
        let (from, to) = (rate("from", self.from)?, rate("to", self.to)?);
        if from.zip(to).is_some_and(|(from, to)| from > to) {
            return Err(wrong("to", "to must not be less than from"));
        }
        Ok(Search {
            plan: Plan {
                targets: request::targets(&self.targets, self.work, allow)?,
                pace: Pace::Closed,
                connections: within("connections", self.connections, &CONNECTIONS)? as usize,
                warm_up_seconds: WARM_UP_SECONDS.min(seconds / 4.0),
                seconds,
                start_at_seconds: None,
                timeout_seconds: within("timeout_seconds", self.timeout_seconds, &TIMEOUT_SECONDS)?,
                identify: false,
            },
            arrivals: self.arrivals,
            seed: self.seed,
            p99_seconds: within("p99_seconds", self.p99_seconds, &P99_SECONDS)?,
            from,
            to: to.unwrap_or(*RATE.end()),
        })
    }
}

/// The search while it goes on.
struct Bracket {
    kept: Option<f64>,
    missed: Option<f64>,
}

impl Search {
    /// Takes steps with `run` until the rate is known. `run` says what a plan
    /// came to: `None` ends the search with what is known.
    ///
    /// # Errors
    /// Those of `run`.
    pub fn run<E>(
        &self,
        mut run: impl FnMut(&Plan) -> Result<Option<Step>, E>,
    ) -> Result<SearchAnswer, E> {
        let mut steps = Vec::new();
        let mut bracket = Bracket {
            kept: None,
            missed: None,
        };
        let mut next = self.from;
        if next.is_none()
            && let Some(step) = run(&self.plan)?
        {
            next = Some(self.in_range(step.achieved * FIRST_SHARE));
            steps.push(step);
        }
        while let Some(rate) = next.filter(|_| steps.len() < MOST_STEPS) {
            let plan = self.plan_of(rate);
            let Some(mut step) = run(&plan)? else { break };
            step.kept = self.is_kept(&step);
            if step.void.is_some() && !step.kept {
                // Once more: a neighbour may have had the CPUs for a moment.
                steps.push(step);
                let Some(again) = run(&plan)? else { break };
                step = again;
                step.kept = self.is_kept(&step);
            }
            let side = if step.kept {
                &mut bracket.kept
            } else {
                &mut bracket.missed
            };
            *side = Some(rate);
            steps.push(step);
            next = bracket.next(self.least(), self.to);
        }
        Ok(SearchAnswer {
            rate: bracket.kept,
            bracket: (bracket.kept, bracket.missed),
            sentence: self.sentence(&bracket, &steps),
            steps,
        })
    }

    /// Whether a step kept the target, void or not: a generator that is late
    /// only adds to latencies that are counted from the schedule.
    fn is_kept(&self, step: &Step) -> bool {
        step.p99.is_some_and(|p99| p99 <= self.p99_seconds)
    }

    /// The target, in seconds.
    pub fn p99_seconds(&self) -> f64 {
        self.p99_seconds
    }

    fn plan_of(&self, rate: f64) -> Plan {
        Plan {
            pace: Pace::Open {
                rate,
                arrivals: self.arrivals,
                seed: self.seed,
            },
            ..self.plan.clone()
        }
    }

    fn least(&self) -> f64 {
        RATE.start().max(self.arrivals.least_rate())
    }

    fn in_range(&self, rate: f64) -> f64 {
        rate.clamp(self.least().min(self.to), self.to)
    }

    fn sentence(&self, bracket: &Bracket, steps: &[Step]) -> String {
        let target = measure::duration(self.p99_seconds);
        let Some(kept) = bracket.kept else {
            return format!("No rate that was tried kept the p99 under {target}.");
        };
        let achieved = |step: &&Step| step.kept && step.rate == Some(kept);
        let p99 = steps.iter().rfind(achieved).and_then(|step| step.p99);
        let p99 = p99.map_or("?".into(), measure::duration);
        let last_at = |rate| steps.iter().rfind(|step| step.rate == Some(rate));
        let above = match bracket.missed {
            Some(missed) if last_at(missed).is_some_and(|step| step.void.is_some()) => format!(
                "at {missed:.1} the generator itself was late, so what the server would do there \
                 is not known"
            ),
            Some(missed) => format!("{missed:.1} do not"),
            None => "a higher rate was not tried".to_owned(),
        };
        format!("{kept:.1} requests a second keep the p99 under {target} (it is {p99}); {above}.")
    }
}

impl Bracket {
    /// The next rate to be tried, while there is one.
    fn next(&self, least: f64, most: f64) -> Option<f64> {
        match (self.kept, self.missed) {
            (Some(kept), Some(missed)) => (missed / kept > CLOSE).then(|| (kept * missed).sqrt()),
            (Some(kept), None) => (kept < most).then(|| (2.0 * kept).min(most)),
            (None, Some(missed)) => (missed > least).then(|| (missed / 2.0).max(least)),
            (None, None) => None,
        }
    }
}

fn sixty_four() -> u64 {
    64
}

fn five() -> f64 {
    5.0
}

fn constant() -> Arrivals {
    Arrivals::Constant
}

#[cfg(test)]
mod tests;
