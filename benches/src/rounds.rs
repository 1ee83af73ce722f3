//! Interleaved rounds, and the ratios within them.

use measure::report::Interval;
use measure::stats::interval;

/// Something that is measured once in every round.
pub struct Contestant<'a, T> {
    /// What the progress line calls it.
    name: String,
    measure: Box<dyn FnMut() -> anyhow::Result<T> + 'a>,
}

impl<'a, T> Contestant<'a, T> {
    /// Measured by calling `measure`.
    pub fn new(name: impl Into<String>, measure: impl FnMut() -> anyhow::Result<T> + 'a) -> Self {
        Self {
            name: name.into(),
            measure: Box::new(measure),
        }
    }
}

/// Measures all contestants in turn, round by round, so that a slow minute of
/// the machine hits them all; each round begins with another one, so that none
/// always follows the same. One list per contestant, in the order of rounds.
pub fn in_turn<T>(
    rounds: u32,
    mut contestants: Vec<Contestant<'_, T>>,
) -> anyhow::Result<Vec<Vec<T>>> {
    let count = contestants.len();
    let mut measured: Vec<Vec<T>> = contestants.iter().map(|_| Vec::new()).collect();
    for round in 0..rounds as usize {
        for turn in 0..count {
            let index = (round + turn) % count;
            let Contestant { name, measure } = &mut contestants[index];
            eprintln!("  round {} of {rounds} · {name}", round + 1);
            measured[index].push(measure().map_err(|why| why.context(name.clone()))?);
        }
    }
    Ok(measured)
}

/// `ours` ÷ `theirs`, paired by round.
pub fn ratio(ours: &[f64], theirs: &[f64]) -> Option<Interval> {
    let ratios: Vec<f64> = ours.iter().zip(theirs).map(|(o, t)| o / t).collect();
    interval(&ratios)
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;
    use std::cell::RefCell;

    #[test]
    fn each_is_measured_once_a_round_and_each_round_begins_with_another() {
        let order = RefCell::new(String::new());
        let contestant = |name: &'static str| {
            let mut calls = 0;
            let order = &order;
            Contestant::new(name, move || {
                order.borrow_mut().push_str(name);
                calls += 1;
                Ok(format!("{name}{calls}"))
            })
        };

        let measured = in_turn(3, vec![contestant("a"), contestant("b")]).unwrap();

        assert_eq!(measured, [["a1", "a2", "a3"], ["b1", "b2", "b3"]]);
        assert_eq!(order.into_inner(), "abbaab");
    }

    #[test]
    fn one_that_fails_ends_the_rounds_and_is_named() {
        let failing: Contestant<()> = Contestant::new("Node", || anyhow::bail!("25 primes"));

        let why = in_turn(2, vec![failing]).unwrap_err();

        assert_eq!(format!("{why:#}"), "Node: 25 primes");
    }

    #[test]
    fn the_ratio_is_the_median_of_the_rounds_and_not_that_of_medians() {
        // A machine that was ten times slower in one round changes no ratio.
        let ratio = ratio(&[1.0, 10.0, 1.2], &[2.0, 20.0, 2.0]).unwrap();

        assert_eq!((ratio.median, ratio.low, ratio.high), (0.5, 0.5, 0.6));
    }
}
