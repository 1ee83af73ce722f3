//! Where the time went, as a bar.

use super::Style;
use crate::report::TimeBudget;

/// How a bar shows each state: running, throttled, runnable, blocked, stolen.
const UNICODE: [char; 5] = ['█', '▒', '░', '·', '!'];
const ASCII: [char; 5] = ['#', '=', '-', '.', '!'];

/// The bar's characters and what they mean.
pub(super) fn legend(style: &Style) -> String {
    let [running, throttled, runnable, blocked, stolen] = characters(style);
    format!(
        "time: {running} running  {throttled} throttled (kept off by the quota)  \
         {runnable} runnable (no CPU free)  {blocked} blocked (waiting for something else)  \
         {stolen} stolen (by the hypervisor)"
    )
}

/// `cells` characters shared out by the largest remainder, so that they always
/// sum.
pub fn bar(budget: &TimeBudget, cells: usize, style: &Style) -> String {
    let shares = [
        budget.running,
        budget.throttled,
        budget.runnable,
        budget.blocked,
        budget.stolen.unwrap_or(0.0),
    ]
    .map(|share| {
        if share.is_finite() {
            share.max(0.0)
        } else {
            0.0
        }
    });
    let sum: f64 = shares.iter().sum();
    if sum <= 0.0 {
        return "?".repeat(cells);
    }
    let exact = shares.map(|share| share / sum * cells as f64);
    let mut counts = exact.map(|cells| cells.floor() as usize);
    let mut by_remainder = [0, 1, 2, 3, 4];
    by_remainder.sort_by(|&a, &b| exact[b].fract().total_cmp(&exact[a].fract()));
    let left = cells - counts.iter().sum::<usize>();
    for &state in by_remainder.iter().take(left) {
        counts[state] += 1;
    }
    let characters = characters(style);
    (0..5)
        .flat_map(|state| std::iter::repeat_n(characters[state], counts[state]))
        .collect()
}

fn characters(style: &Style) -> [char; 5] {
    if style.unicode { UNICODE } else { ASCII }
}
