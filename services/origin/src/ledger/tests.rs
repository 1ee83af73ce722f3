#![allow(clippy::unwrap_used)]

use super::*;
use crate::web::fault::FaultShares;
use crate::web::latency::Latency;
use proptest::prelude::*;

fn web(all_faults: f64) -> Web {
    Web {
        seed: 1,
        pages: 100,
        page_bytes: 1024,
        faults: FaultShares::new([0.0; 9], all_faults).unwrap(),
        latency: Latency::None,
    }
}

#[test]
fn what_is_there_has_a_count_of_its_own_and_nothing_else_has_one() {
    let web = web(0.9);
    let ledger = Ledger::new(&web);
    let leads: Vec<_> = web
        .faulty()
        .filter_map(|(page, _)| web.beyond(page))
        .collect();
    assert!(!leads.is_empty());
    let pages = (1..=100).map(Route::Page);
    let private = (1..=PRIVATE_PAGES).map(Route::Private);
    let all: Vec<_> = pages.chain(private).chain(FIXED).chain(leads).collect();
    for (attempts, route) in (1..).zip(&all) {
        let path = ledger.path(*route).unwrap();
        assert_eq!(
            (0..attempts).map(|_| path.attempt()).max(),
            Some(attempts - 1)
        );
    }
    let paths = ledger.totals(true).paths.unwrap();
    assert_eq!(paths.len(), all.len());
    for (attempts, route) in (1..).zip(&all) {
        assert_eq!(paths[&route.path()].attempts, attempts, "{route:?}");
    }
    let healthy = (1..=100).find(|page| web.fault(*page).is_none()).unwrap();
    for route in [
        Route::Page(0),
        Route::Page(101),
        Route::Page(u64::MAX),
        Route::Private(PRIVATE_PAGES + 1),
        Route::Moved(healthy),
        Route::Loop(healthy),
        Route::Unknown,
    ] {
        assert!(ledger.path(route).is_none(), "{route:?}");
    }
}

#[test]
fn only_so_many_unknown_paths_are_remembered() {
    let ledger = Ledger::new(&web(0.0));
    for n in 0..2 * MOST_UNKNOWN_PATHS {
        ledger.attempt_unknown(&format!("/{n}"));
    }
    ledger.attempt_unknown("/0");
    let paths = ledger.totals(true).paths.unwrap();
    assert_eq!(paths.len(), MOST_UNKNOWN_PATHS);
    assert_eq!(paths["/0"].attempts, 2);
}

proptest! {
    #[test]
    fn the_highest_concurrency_is_the_most_that_were_there_at_once(
        begins in proptest::collection::vec(any::<bool>(), 0..200),
    ) {
        let ledger = Ledger::new(&web(0.0));
        let (mut now, mut highest, mut all) = (0, 0, 0);
        for begin in begins {
            if begin {
                ledger.begin();
                (now, all) = (now + 1, all + 1);
                highest = highest.max(now);
            } else if now > 0 {
                ledger.end();
                now -= 1;
            }
        }
        let totals = ledger.totals(false);
        prop_assert_eq!(totals.in_flight, now);
        prop_assert_eq!(totals.highest_in_flight, highest);
        prop_assert_eq!(totals.requests, all);
    }
}
