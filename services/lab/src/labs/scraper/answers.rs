//! Whether the pages were fetched and stored, by the scraper's account and by
//! the origin's.

use super::figures::{LINGERS, REQUESTS, SAMPLED_PAGES, STORED};
use crate::labs::samples::{Seen, check};
use measure::report::{Invariant, RunReport};
use measure::waiting::raw;

pub const ALL_STORED: &str = "every page has an outcome that was stored";
pub const COUNTED_ALIKE: &str = "the origin counted the requests that the scraper says it sent";
pub const WITHIN_BOUNDS: &str = "no more pages were under way than were to be";

/// Each page of each repeat has its outcome, and that was kept.
pub fn stored(report: &RunReport) -> Invariant {
    check(report, ALL_STORED, |round| {
        let figure = |name| round.figures.get(name);
        let (Some(asked), Some(stored)) = (figure(SAMPLED_PAGES), figure(STORED)) else {
            return Seen::Unknown;
        };
        let asked = asked * f64::from(round.repeats);
        if same(asked, *stored) {
            Seen::Held
        } else {
            Seen::Broken(format!("stored {stored:.0} outcomes for {asked:.0} pages"))
        }
    })
}

/// The two ends of the network agree on what went over it.
pub fn counted_alike(report: &RunReport) -> Invariant {
    check(report, COUNTED_ALIKE, |round| {
        let figure = |name| round.figures.get(name);
        let (Some(said), Some(seen)) = (figure(REQUESTS), figure(raw::ORIGIN_REQUESTS)) else {
            return Seen::Unknown;
        };
        if same(*said, *seen) {
            Seen::Held
        } else {
            Seen::Broken(format!(
                "says that it sent {said:.0} requests, and the origin counted {seen:.0}"
            ))
        }
    })
}

/// Why the origin may have more under way than the scraper.
const LINGERING: &str = "slow and endless bodies, which the origin is set to, are given up by the \
                         scraper and under way at the origin until it notices";

/// As many at once as asked for is the most that the origin saw. That assumes
/// that nobody gives an answer up that the other end still sends.
pub fn within_bounds(report: &RunReport) -> Invariant {
    check(report, WITHIN_BOUNDS, |round| {
        let figure = |name| round.figures.get(name);
        let (Some(asked), Some(seen)) =
            (figure(raw::AT_ONCE), figure(raw::ORIGIN_HIGHEST_IN_FLIGHT))
        else {
            return Seen::Unknown;
        };
        if seen <= asked {
            Seen::Held
        } else if figure(LINGERS).is_some_and(|lingers| *lingers > 0.0) {
            Seen::NotAsked(LINGERING)
        } else {
            Seen::Broken(format!(
                "had {seen:.0} under way by the origin's count, where {asked:.0} were asked for"
            ))
        }
    })
}

fn same(a: f64, b: f64) -> bool {
    (a - b).abs() < 0.5
}

#[cfg(test)]
mod tests {
    use super::*;
    use measure::made::{report, station, timed_row};

    fn counted(figures: &[(&str, f64)]) -> RunReport {
        let mut row = timed_row("one", "async", 64, &[1.0, 1.0]);
        for round in &mut row.rounds {
            round.repeats = 2;
            let figures = figures.iter();
            round.figures = figures.map(|(name, f)| ((*name).to_owned(), *f)).collect();
        }
        report(vec![station("one", Some(1.0))], vec![row])
    }

    #[test]
    fn what_was_stored_is_held_against_pages_and_repeats() {
        let right = stored(&counted(&[(SAMPLED_PAGES, 100.0), (STORED, 200.0)]));
        assert!(right.held, "{}", right.detail);
        let lost = stored(&counted(&[(SAMPLED_PAGES, 100.0), (STORED, 199.0)]));
        assert!(!lost.held);
        assert!(
            lost.detail
                .contains("stored 199 outcomes for 200 pages in round 1, and 1 more"),
            "{}",
            lost.detail
        );
    }

    #[test]
    fn the_origins_count_is_held_against_the_scrapers() {
        let of = |said, seen| {
            counted_alike(&counted(&[(REQUESTS, said), (raw::ORIGIN_REQUESTS, seen)])).held
        };
        assert!(of(203.0, 203.0));
        assert!(!of(203.0, 204.0));
        let most = |seen| {
            let figures = [(raw::AT_ONCE, 64.0), (raw::ORIGIN_HIGHEST_IN_FLIGHT, seen)];
            within_bounds(&counted(&figures)).held
        };
        assert!(most(64.0));
        assert!(!most(65.0));
    }

    #[test]
    fn an_origin_that_is_set_to_bodies_without_end_may_have_more_under_way() {
        let of = |lingers: f64, seen: f64| {
            within_bounds(&counted(&[
                (raw::AT_ONCE, 64.0),
                (raw::ORIGIN_HIGHEST_IN_FLIGHT, seen),
                (LINGERS, lingers),
            ]))
        };
        let more = of(1.0, 70.0);
        assert!(more.held, "{}", more.detail);
        assert!(
            more.detail.contains("not asked of 2: slow and endless"),
            "{}",
            more.detail
        );
        assert!(of(1.0, 64.0).detail.contains("in all 2 samples"));
        assert!(!of(0.0, 70.0).held);
    }

    #[test]
    fn what_nobody_counted_was_not_checked() {
        let unknown = stored(&counted(&[]));
        assert!(!unknown.held && unknown.detail.starts_with("this was not checked"));
    }
}
