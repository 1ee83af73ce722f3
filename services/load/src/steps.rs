//! A search whose steps are runs.

use crate::answer::{RunAnswer, honest_p99};
use crate::engine::{self, Control, Outside, RunFailed};
use crate::plan::{Pace, Plan};
use crate::search::{Search, SearchAnswer, Step};

/// Searches by runs; `say` hears of each step. A search that is cancelled ends
/// with the steps that were whole.
///
/// # Errors
/// When a run could not be done.
pub fn search(
    search: &Search,
    outside: &Outside,
    control: &Control,
    mut say: impl FnMut(&Step),
) -> Result<SearchAnswer, RunFailed> {
    search.run(|plan| {
        let measured = engine::run(plan, outside, control)?;
        if measured.cancelled {
            return Ok(None);
        }
        let answer = RunAnswer::new(plan, &measured);
        let p99 = Some(honest_p99(&measured.tally)).filter(|p99| p99.is_finite());
        let step = Step {
            rate: rate(plan),
            p99,
            achieved: answer.requests_per_second,
            void: answer.void,
            kept: p99.is_some_and(|p99| p99 <= search.p99_seconds()),
            confirms: search.confirms(plan),
        };
        say(&step);
        Ok(Some(step))
    })
}

fn rate(plan: &Plan) -> Option<f64> {
    match plan.pace {
        Pace::Open { rate, .. } => Some(rate),
        Pace::Closed => None,
    }
}
