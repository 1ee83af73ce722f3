//! Redis' clock is the only one, and it may jump.

use crate::programs::{BEGINNING, Steps, noop};
use queue::job::{NewJob, Start, State};
use queue::store::{Lease, Outcome, Store, Verdict};
use std::time::Duration;

const HOUR: u64 = 3_600_000_000;

fn done() -> Outcome {
    Outcome::Done("1".into())
}

#[test]
fn a_jump_forward_takes_leases_away_and_loses_nothing() {
    let Some(mut steps) = Steps::start() else {
        return;
    };
    let id = steps.submit(&noop());
    let first = steps.claim(1).jobs.remove(0);
    steps.set_clock(BEGINNING + 1000 * HOUR);

    let second = steps.claim(1).jobs.remove(0);

    assert_eq!(second.id, id);
    let late = steps.settle(id, first.token, done());
    assert_eq!(late, Verdict::Refused(Some(State::Active)));
    let verdict = steps.settle(id, second.token, done());
    assert_eq!(verdict, Verdict::Settled(State::Succeeded));
    steps.stats();
}

#[test]
fn a_jump_back_keeps_no_lease_for_longer_than_the_longest() {
    let Some(mut steps) = Steps::start() else {
        return;
    };
    let id = steps.submit(&noop());
    let first = steps.claim(1).jobs.remove(0);
    steps.set_clock(BEGINNING - 1000 * HOUR);

    // Whoever has it keeps it as long as it says so.
    let lease = Lease {
        id,
        token: first.token,
        progress: None,
    };
    let kept = steps
        .store
        .extend(&[lease], Duration::from_secs(10))
        .unwrap();
    assert_eq!(kept, [true]);
    steps.pass(Duration::from_secs(11));
    let second = steps.claim(1).jobs.remove(0);
    assert_eq!((second.id, second.waited), (id, Duration::ZERO));

    // Of one that has gone the lease is cut.
    steps.set_clock(BEGINNING - 2000 * HOUR);
    steps.store.tend().unwrap();
    steps.pass(Duration::from_mins(10));
    assert_eq!(steps.claim(1).jobs[0].id, id);
    steps.stats();
}

#[test]
fn what_is_scheduled_is_due_by_the_clock_as_it_is() {
    let Some(mut steps) = Steps::start() else {
        return;
    };
    let start = Start::After(Duration::from_secs(5));
    let id = steps.submit(&NewJob { start, ..noop() });
    steps.set_clock(BEGINNING - HOUR);
    assert!(steps.claim(1).jobs.is_empty());
    steps.set_clock(BEGINNING + HOUR);
    assert_eq!(steps.claim(1).jobs[0].id, id);
}
