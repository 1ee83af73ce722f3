//! Over which interval a scrape's rates are taken, whoever else scrapes.
//!
//! The course's gauges are per cent over some time, so each scrape needs an
//! earlier reading to compare with. That of the scrape before would do for one
//! scraper. With several, each would cut the others' intervals to pieces, down
//! to a few ticks of 10 ms. So the readings of about the last second are kept,
//! and a rate goes back to the youngest of them that is old enough.

use crate::reading::Reading;
use std::collections::VecDeque;

/// Readings closer than this count as one: a CPU counts ticks of 10 ms, and
/// below twenty of them per cent would be steps of more than five.
pub const CLOSEST_SECONDS: f64 = 0.2;

/// How far back a rate goes at least, where readings do: a second, less what a
/// scrape every second may come early.
const WINDOW_SECONDS: f64 = 0.8;

/// The last readings, oldest first: half a dozen at most, of which the first may be
/// of any age.
#[derive(Debug, Default)]
pub struct History(VecDeque<Reading>);

impl History {
    /// Adds a reading, unless the newest is as good as the same.
    pub fn add(&mut self, reading: Reading) {
        let newest = self.0.back().map(|newest| newest.at_seconds);
        if newest.is_some_and(|newest| reading.at_seconds - newest < CLOSEST_SECONDS) {
            return;
        }
        let old_enough = reading.at_seconds - WINDOW_SECONDS;
        self.0.push_back(reading);
        // The second is the better one to compare with, now and later.
        while self
            .0
            .get(1)
            .is_some_and(|second| second.at_seconds <= old_enough)
        {
            self.0.pop_front();
        }
    }

    /// The two readings between which rates are taken, the earlier first;
    /// `None` before there are two.
    pub fn interval(&self) -> Option<(&Reading, &Reading)> {
        let (earlier, later) = (self.0.front()?, self.0.back()?);
        (self.0.len() > 1).then_some((earlier, later))
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, clippy::float_cmp)]
    use super::History;
    use crate::reading::Reading;
    use proptest::prelude::*;

    /// Between which moments the rates are taken after readings at these.
    fn interval(moments: &[f64]) -> Option<(f64, f64)> {
        let mut history = History::default();
        for &at_seconds in moments {
            history.add(Reading {
                at_seconds,
                ..Reading::default()
            });
        }
        let (earlier, later) = history.interval()?;
        Some((earlier.at_seconds, later.at_seconds))
    }

    #[test]
    fn one_scraper_gets_the_time_since_its_last_scrape() {
        assert_eq!(interval(&[0.0]), None);
        assert_eq!(interval(&[0.0, 0.3]), Some((0.0, 0.3)));
        assert_eq!(interval(&[0.0, 1.0, 2.0, 2.95]), Some((2.0, 2.95)));
        assert_eq!(interval(&[0.0, 15.0, 30.0]), Some((15.0, 30.0)));
    }

    #[test]
    fn scrapes_that_follow_closely_get_the_same_interval() {
        assert_eq!(interval(&[0.0, 1.0, 2.0, 2.1, 2.19]), Some((1.0, 2.0)));
    }

    #[test]
    fn several_scrapers_each_get_about_a_second() {
        let moments: Vec<f64> = (0..40).map(|turn| f64::from(turn) * 0.25).collect();
        assert_eq!(interval(&moments), Some((8.75, 9.75)));
        assert_eq!(interval(&[0.0, 1.0, 1.7, 2.0]), Some((1.0, 2.0)));
    }

    proptest! {
        #[test]
        fn an_interval_is_never_short_and_the_memory_never_long(
            steps in prop::collection::vec(0.0..3.0f64, 2..60),
        ) {
            let mut history = History::default();
            let mut at_seconds = 0.0;
            for step in steps {
                at_seconds += step;
                history.add(Reading { at_seconds, ..Reading::default() });
                prop_assert!(history.0.len() <= 6);
                if let Some((earlier, later)) = history.interval() {
                    prop_assert!(later.at_seconds - earlier.at_seconds >= super::CLOSEST_SECONDS);
                    prop_assert!(at_seconds - later.at_seconds < super::CLOSEST_SECONDS);
                }
            }
        }
    }
}
