//! The plots: SVG written by hand.
//!
//! A plot library draws into a picture of fixed size, in which text shrinks
//! with the picture. Here text keeps its size and takes its colour from the
//! page, lengths are shares of the room there is, and every plot says in words
//! what it shows.

mod scale;
mod speedup;
mod strips;
mod time;
mod wall;

pub(crate) use speedup::speedup;
pub(crate) use time::time;
pub(crate) use wall::wall;

use measure::report::Interval;

/// The interval, where all of it can be drawn.
fn drawable(interval: Option<Interval>) -> Option<Interval> {
    interval.filter(|i| [i.low, i.median, i.high].into_iter().all(is_drawable))
}

/// Whether a figure has a place on a scale from zero: reports of other
/// programs hold what they hold.
fn is_drawable(figure: f64) -> bool {
    (0.0..1e15).contains(&figure)
}
