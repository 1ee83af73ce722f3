//! The sum of squares, number by number.

use super::control::{Control, Stop};
use std::hint::black_box;

/// The largest number that is asked for: some seconds of work.
pub const MOST_SQUARES: u64 = 10_000_000_000;

/// So many numbers take about a millisecond.
const CHUNK: u64 = 1 << 20;

/// The sum of the squares below `n`: below 10^10 it has up to 30 digits.
pub(super) fn sum_squares(n: u64, control: &Control) -> Result<u128, Stop> {
    let mut sum = 0_u128;
    let mut from = 0;
    while from < n {
        control.check()?;
        let to = (from + CHUNK).min(n);
        for number in from..to {
            // Hidden from the compiler, which knows the formula.
            let number = u128::from(black_box(number));
            sum += number * number;
        }
        control.progressed(to as f64 / n as f64);
        from = to;
    }
    Ok(sum)
}
