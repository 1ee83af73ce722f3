//! A row's time budget from its rounds.

use super::RoundFigures;
use crate::report::{BlockedBy, TimeBudget};
use crate::stats::median;

/// The medians over the rounds whose budget is known, made to sum up again:
/// states to 1, causes to blocked. `None` when no round's is known.
pub fn typical_budget(rounds: &[RoundFigures]) -> Option<(TimeBudget, BlockedBy)> {
    let budgets: Vec<TimeBudget> = rounds.iter().filter_map(|r| r.time_budget).collect();
    let causes: Vec<BlockedBy> = rounds.iter().filter_map(|r| r.blocked_by).collect();
    let budget = typical_states(&budgets)?;
    Some((budget, typical_causes(&causes, budget.blocked)?))
}

fn typical_states(budgets: &[TimeBudget]) -> Option<TimeBudget> {
    let of = |state: fn(&TimeBudget) -> f64| median(&budgets.iter().map(state).collect::<Vec<_>>());
    let stolen: Option<Vec<f64>> = budgets.iter().map(|b| b.stolen).collect();
    let stolen = stolen.and_then(|s| median(&s));
    let (running, throttled) = (of(|b| b.running)?, of(|b| b.throttled)?);
    let (runnable, blocked) = (of(|b| b.runnable)?, of(|b| b.blocked)?);
    let sum = running + throttled + runnable + blocked + stolen.unwrap_or(0.0);
    (sum > 0.0).then(|| TimeBudget {
        running: running / sum,
        throttled: throttled / sum,
        runnable: runnable / sum,
        blocked: blocked / sum,
        stolen: stolen.map(|s| s / sum),
    })
}

/// Medians do not sum up: the named causes are scaled to what is blocked and
/// not unaccounted. Their proportions stay, and no difference of medians passes
/// for a cause or for unaccounted time.
fn typical_causes(causes: &[BlockedBy], blocked: f64) -> Option<BlockedBy> {
    let of = |cause: fn(&BlockedBy) -> f64| median(&causes.iter().map(cause).collect::<Vec<_>>());
    let medians = BlockedBy {
        start: of(|c| c.start)?,
        tail: of(|c| c.tail)?,
        io: of(|c| c.io)?,
        input: of(|c| c.input)?,
        output: of(|c| c.output)?,
        lock: of(|c| c.lock)?,
        idle: of(|c| c.idle)?,
        unaccounted: of(|c| c.unaccounted)?,
    };
    let named = medians.start
        + medians.tail
        + medians.io
        + medians.input
        + medians.output
        + medians.lock
        + medians.idle;
    let left = (blocked - medians.unaccounted).max(0.0);
    let scale = if named > 0.0 { left / named } else { 0.0 };
    Some(BlockedBy {
        start: medians.start * scale,
        tail: medians.tail * scale,
        io: medians.io * scale,
        input: medians.input * scale,
        output: medians.output * scale,
        lock: medians.lock * scale,
        idle: medians.idle * scale,
        unaccounted: blocked - named * scale,
    })
}
