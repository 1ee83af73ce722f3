//! Statistics of a few samples: median, interval, strays, and what a
//! comparison lets one claim.
//!
//! With six samples no distribution can be assumed, so everything here rests
//! on ranks: the interval is a pair of order statistics, a comparison is a
//! sign test.

mod compare;
mod interval;
mod outliers;

pub use compare::{RunsOutcome, compare_runs, compare_within_rounds, pair_by_round};
pub use interval::interval;
pub use outliers::outliers;

/// Rounds that a claim needs at least: six that all point one way would do so
/// by chance in 2 · (1/2)⁶ = 3 % of cases.
pub const ROUNDS_FOR_A_CLAIM: usize = 6;

/// The median of the finite values among `values`; `None` when there are none.
pub fn median(values: &[f64]) -> Option<f64> {
    median_of_sorted(&finite_sorted(values))
}

fn finite_sorted(values: &[f64]) -> Vec<f64> {
    let mut sorted: Vec<f64> = values.iter().copied().filter(|v| v.is_finite()).collect();
    sorted.sort_by(f64::total_cmp);
    sorted
}

fn median_of_sorted(sorted: &[f64]) -> Option<f64> {
    let upper = *sorted.get(sorted.len() / 2)?;
    if sorted.len() % 2 == 1 {
        return Some(upper);
    }
    let lower = sorted[sorted.len() / 2 - 1];
    // Halves first: the sum of two huge values would overflow.
    Some(lower / 2.0 + upper / 2.0)
}
