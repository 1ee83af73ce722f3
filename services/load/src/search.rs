//! The highest rate that keeps the p99 under a target: steps of an open loop,
//! first doubled, then halved between the last two, and in the end repeated: near
//! the capacity it is chance whether one short step keeps the target.

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
const MOST_STEPS: usize = 60;

/// A confirmation lasts so many times as long as a step.
const LONGER: f64 = 2.0;

/// A rate that was not confirmed is lowered to this share of it.
const LOWERED: f64 = 0.95;

/// How often a rate can be confirmed.
const CONFIRMATIONS: RangeInclusive<u64> = 0..=10;

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
    /// How often the rate that was found must keep the target again, each time
    /// with the next seed and for twice as long; where it does not, a rate lower
    /// by 5 % must.
    #[serde(default = "three")]
    #[schema(default = 3, minimum = 0, maximum = 10)]
    pub confirmations: u64,
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
    /// The highest rate that kept the p99 under the target, each time that it was
    /// tried; null: none did.
    pub rate: Option<f64>,
    /// How often it did so again after it was found; fewer times than asked for
    /// where the search was ended.
    pub confirmed: u64,
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
    /// Whether it repeats a rate that was found.
    pub confirms: bool,
}

/// A search that has been found in order.
#[derive(Debug, Clone)]
pub struct Search {
    /// The plan of each step but for its rate.
    plan: Plan,
    arrivals: Arrivals,
    seed: u64,
    p99_seconds: f64,
    confirmations: u64,
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
            confirmations: within("confirmations", self.confirmations, &CONFIRMATIONS)?,
            from,
            to: to.unwrap_or(*RATE.end()),
        })
    }
}

/// What is known while the search goes on.
#[derive(Default)]
struct Bracket {
    kept: Option<f64>,
    missed: Option<f64>,
    /// How often the rate that was kept was kept again.
    confirmed: u64,
}

impl Search {
    /// Takes steps with `run` until the rate is known. `run` says what a plan
    /// came to: `None` ends the search with what is known.
    ///
    /// # Errors
    /// Those of `run`.
    pub fn run<E>(
        &self,
        run: impl FnMut(&Plan) -> Result<Option<Step>, E>,
    ) -> Result<SearchAnswer, E> {
        let mut course = Course {
            search: self,
            run,
            steps: Vec::new(),
            bracket: Bracket::default(),
        };
        if let Some(first) = course.first()? {
            course.narrow(first)?;
            course.confirm()?;
        }
        let Course { steps, bracket, .. } = course;
        Ok(SearchAnswer {
            rate: bracket.kept,
            confirmed: bracket.confirmed,
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

    /// Whether a plan repeats a rate that was found.
    pub fn confirms(&self, plan: &Plan) -> bool {
        matches!(plan.pace, Pace::Open { seed, .. } if seed != self.seed)
    }

    /// The target, in seconds.
    pub fn p99_seconds(&self) -> f64 {
        self.p99_seconds
    }

    /// A confirmation, counted from 0: longer than a step, and by other chance.
    fn again(&self, rate: f64, count: u64) -> Plan {
        Plan {
            pace: Pace::Open {
                rate,
                arrivals: self.arrivals,
                seed: self.seed.wrapping_add(1 + count),
            },
            seconds: (LONGER * self.plan.seconds).min(*SECONDS.end()),
            ..self.plan.clone()
        }
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
        let at_rate = steps
            .iter()
            .filter(|step| step.kept && step.rate == Some(kept));
        let p99 = at_rate.filter_map(|step| step.p99).max_by(f64::total_cmp);
        let p99 = p99.map_or("?".into(), measure::duration);
        let confirmed = match bracket.confirmed {
            0 => String::new(),
            1 => ", confirmed once".to_owned(),
            times => format!(", confirmed {times} times"),
        };
        let last_at = |rate| steps.iter().rfind(|step| step.rate == Some(rate));
        let above = match bracket.missed {
            Some(missed) if last_at(missed).is_some_and(|step| step.void.is_some()) => format!(
                "at {missed:.1} the generator itself was late, so what the server would do there \
                 is not known"
            ),
            Some(missed) => format!("{missed:.1} do not"),
            None => "a higher rate was not tried".to_owned(),
        };
        format!(
            "{kept:.1} requests a second keep the p99 under {target} ({p99} at \
             most{confirmed}); {above}."
        )
    }
}

/// A search on its way.
struct Course<'s, R> {
    search: &'s Search,
    run: R,
    steps: Vec<Step>,
    bracket: Bracket,
}

impl<E, R: FnMut(&Plan) -> Result<Option<Step>, E>> Course<'_, R> {
    /// The rate to begin with, by a closed loop where none is given.
    fn first(&mut self) -> Result<Option<f64>, E> {
        if self.search.from.is_some() {
            return Ok(self.search.from);
        }
        let step = (self.run)(&self.search.plan)?;
        Ok(step.map(|step| {
            let rate = self.search.in_range(step.achieved * FIRST_SHARE);
            self.steps.push(step);
            rate
        }))
    }

    /// Narrows the bracket until both its ends are close.
    fn narrow(&mut self, first: f64) -> Result<(), E> {
        let mut next = Some(first);
        while let Some(rate) = next {
            match self.step(&self.search.plan_of(rate))? {
                None => break,
                Some(true) => self.bracket.kept = Some(rate),
                Some(false) => self.bracket.missed = Some(rate),
            }
            next = self.bracket.next(self.search.least(), self.search.to);
        }
        Ok(())
    }

    /// Repeats the rate that was kept, and lowers it until it is kept each time.
    fn confirm(&mut self) -> Result<(), E> {
        while let Some(rate) = self.bracket.kept
            && self.bracket.confirmed < self.search.confirmations
        {
            let plan = self.search.again(rate, self.bracket.confirmed);
            match self.step(&plan)? {
                Some(true) => self.bracket.confirmed += 1,
                Some(false) => self.bracket.lower(self.search.least()),
                None => {
                    // Lowered, and then not tried any more.
                    if !self.has_kept(rate) {
                        self.bracket.kept = None;
                    }
                    break;
                }
            }
        }
        Ok(())
    }

    fn has_kept(&self, rate: f64) -> bool {
        let mut steps = self.steps.iter();
        steps.any(|step| step.kept && step.rate == Some(rate))
    }

    /// Whether a step of this plan kept the target. One that missed it and is
    /// void is taken once more: a neighbour may have had the CPUs for a moment.
    /// `None`: there are no more steps.
    fn step(&mut self, plan: &Plan) -> Result<Option<bool>, E> {
        let mut is_again = false;
        loop {
            if self.steps.len() >= MOST_STEPS {
                return Ok(None);
            }
            let Some(step) = (self.run)(plan)? else {
                return Ok(None);
            };
            let kept = self.search.is_kept(&step);
            let is_settled = kept || step.void.is_none() || is_again;
            self.steps.push(Step {
                kept,
                confirms: self.search.confirms(plan),
                ..step
            });
            if is_settled {
                return Ok(Some(kept));
            }
            is_again = true;
        }
    }
}

impl Bracket {
    /// The rate that was kept was missed when it was repeated.
    fn lower(&mut self, least: f64) {
        self.missed = self.kept;
        self.confirmed = 0;
        self.kept = self.kept.map(|rate| rate * LOWERED);
        self.kept = self.kept.filter(|rate| *rate >= least);
    }

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

fn three() -> u64 {
    3
}

fn five() -> f64 {
    5.0
}

fn constant() -> Arrivals {
    Arrivals::Constant
}

#[cfg(test)]
mod tests;
