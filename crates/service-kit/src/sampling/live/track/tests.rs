//! Made-up schedules, read at made-up moments, against what really happened.

use super::{Begun, Counted, Track};
use cpu_budget::Scheduled;
use proptest::prelude::*;
use std::time::Duration;

/// How often the scheduler brings the time of a running thread up to date.
const TICK: f64 = 0.004;

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum State {
    Runs,
    Waits,
    Sleeps,
}

/// A thread's life from 0 on: what it did, and until when.
#[derive(Debug, Clone)]
pub(in crate::sampling::live) struct Life(Vec<(State, f64)>);

/// Seconds in each state.
#[derive(Debug, Clone, Copy, PartialEq, Default)]
pub(in crate::sampling::live) struct Truth {
    pub(in crate::sampling::live) counted: Counted,
    pub(in crate::sampling::live) blocked: f64,
}

impl Life {
    /// What the thread did before `now`.
    fn until(&self, now: f64) -> impl Iterator<Item = (State, f64, f64)> {
        let starts = std::iter::once(0.0).chain(self.0.iter().map(|(_, end)| *end));
        starts
            .zip(&self.0)
            .map(|(start, &(state, end))| (state, start, end))
            .take_while(move |(_, start, _)| *start < now)
    }

    pub(in crate::sampling::live) fn truth(&self, now: f64) -> Truth {
        let mut truth = Truth::default();
        for (state, start, end) in self.until(now) {
            let seconds = end.min(now) - start;
            match state {
                State::Runs => truth.counted.on_cpu += seconds,
                State::Waits => truth.counted.waited += seconds,
                State::Sleeps => truth.blocked += seconds,
            }
        }
        truth
    }

    /// What the kernel tells others of it.
    pub(in crate::sampling::live) fn figures(&self, now: f64) -> Scheduled {
        let (mut ran, mut waited, mut turns) = (0.0, 0.0, 0);
        for (state, start, end) in self.until(now) {
            match state {
                // Up to date at the last tick, and when it left the CPU.
                State::Runs => {
                    turns += 1;
                    let last_tick = (now / TICK).floor() * TICK;
                    ran += (if end <= now {
                        end
                    } else {
                        last_tick.max(start)
                    }) - start;
                }
                State::Waits if end <= now => waited += end - start,
                State::Waits | State::Sleeps => {}
            }
        }
        Scheduled {
            on_cpu: Duration::from_secs_f64(ran),
            waited: Duration::from_secs_f64(waited),
            turns,
        }
    }

    pub(in crate::sampling::live) fn sleeps(&self, now: f64) -> bool {
        let last = self.until(now).last();
        last.is_some_and(|(state, _, end)| state == State::Sleeps || end < now)
    }

    /// What the thread itself says that begins then.
    fn begun(&self, at: f64) -> Begun {
        let figures = self.truth(at).counted;
        Begun { at, figures }
    }

    /// The first moment from `now` on at which it runs.
    fn next_run(&self, now: f64) -> f64 {
        let mut parts = self.until(f64::INFINITY);
        let run = parts.find(|(state, _, end)| *state == State::Runs && *end > now);
        run.map_or(now, |(_, start, _)| start.max(now))
    }

    pub(in crate::sampling::live) fn end(&self) -> f64 {
        self.0.last().expect("a life has a first moment").1
    }
}

/// Runs first, as every watched thread does; a wait always ends on a CPU.
pub(in crate::sampling::live) fn life() -> impl Strategy<Value = Life> {
    let seconds = || prop_oneof![1e-5..1e-3, 1e-3..0.1, 0.1..3.0];
    let turn = (
        seconds(),
        prop::bool::ANY,
        seconds(),
        prop::bool::ANY,
        seconds(),
    );
    prop::collection::vec(turn, 1..40).prop_map(|turns| {
        let mut now = 0.0;
        let mut life = Vec::new();
        for (run, sleeps, sleep, waits, wait) in turns {
            now += run;
            life.push((State::Runs, now));
            if sleeps {
                now += sleep;
                life.push((State::Sleeps, now));
            }
            if waits || !sleeps {
                now += wait;
                life.push((State::Waits, now));
            }
        }
        now += 1e-3;
        life.push((State::Runs, now));
        Life(life)
    })
}

/// Scrapes up to the end of a life, as steps between them.
pub(in crate::sampling::live) fn steps() -> impl Strategy<Value = Vec<f64>> {
    prop::collection::vec(prop_oneof![1e-4..0.01, 0.01..0.3, 0.3..5.0], 1..60)
}

fn blocked_at_least(track: &Track, now: f64) -> f64 {
    now - track.counted(0.0).total() - track.open(0.0, now)
}

/// One that began when it was made.
pub(in crate::sampling::live) fn watch(life: &Life) -> Track {
    let mut track = Track::new(0.0, life.figures(0.0), Counted::default());
    track.begin(life.begun(0.0));
    track
}

fn read(track: &mut Track, life: &Life, now: f64) {
    track.read(now, || Some(life.figures(now)), || life.sleeps(now));
}

/// Durations are whole nanoseconds, and here there are dozens of intervals.
const GRAIN: f64 = 1e-6;

proptest! {
    #[test]
    fn what_is_said_is_true_and_behind_by_two_readings_at_most(
        life in life(), steps in steps()
    ) {
        let mut track = watch(&life);
        let (mut now, mut longest) = (0.0, 0.0_f64);
        for step in steps {
            now = (now + step).min(life.end());
            longest = longest.max(step);
            read(&mut track, &life, now);

            let (truth, said) = (life.truth(now), track.counted(0.0));
            prop_assert!(said.on_cpu <= truth.counted.on_cpu + GRAIN);
            prop_assert!(said.waited <= truth.counted.waited + GRAIN);
            let blocked = blocked_at_least(&track, now);
            prop_assert!(blocked <= truth.blocked + GRAIN, "{blocked} of {truth:?} at {now}");
            let behind = truth.blocked - blocked;
            prop_assert!(behind <= 2.0 * longest + GRAIN, "{behind} behind at {now}, {track:?}");
        }
    }

    /// The same of a pool's thread that is there before its sample starts: what
    /// it did until its first item counts as its own account books it.
    #[test]
    fn of_a_thread_that_was_there_before_no_more_is_said_than_its_account_will_have(
        life in life(), start in 0.0..1.0, steps in steps()
    ) {
        let started = start * life.end();
        let begun = life.begun(life.next_run(started));
        let mut track = Track::new(0.0, life.figures(0.0), Counted::default());
        let late = begun.figures.within(begun.at - started);
        let mut now = started;
        for step in steps {
            now = (now + step).min(life.end());
            // Before its first item: what the account will have of the late start.
            let (mut booked, mut most) = (Counted::default(), begun.at - started - late.total());
            if begun.at <= now {
                track.begin(begun);
                booked = late;
                booked += life.truth(now).counted.since(begun.figures);
                most = now - started - booked.total();
            }
            read(&mut track, &life, now);

            let said = track.counted(started);
            prop_assert!(said.on_cpu <= booked.on_cpu + GRAIN, "{said:?} of {booked:?}");
            prop_assert!(said.waited <= booked.waited + GRAIN, "{said:?} of {booked:?}");
            let blocked = now - started - said.total() - track.open(started, now);
            prop_assert!(blocked <= most + GRAIN, "{blocked} of {most} at {now}");
        }
    }

    #[test]
    fn a_busy_thread_is_never_said_to_be_blocked(steps in steps()) {
        let life = Life(vec![(State::Runs, 1000.0)]);
        let mut track = watch(&life);
        let mut now = 0.0;
        for step in steps {
            now += step;
            read(&mut track, &life, now);
            prop_assert!(blocked_at_least(&track, now).abs() < GRAIN);
            prop_assert!(track.counted(0.0).on_cpu > now - TICK - GRAIN);
        }
    }
}

#[test]
fn a_long_sleep_is_seen_while_it_lasts() {
    let life = Life(vec![(State::Runs, 0.5), (State::Sleeps, 60.0)]);
    let mut track = watch(&life);
    for second in 1..=20 {
        read(&mut track, &life, f64::from(second));
    }
    assert!((blocked_at_least(&track, 20.0) - 19.5).abs() < GRAIN);
}

#[test]
fn a_wait_that_goes_on_is_not_taken_for_a_sleep() {
    let life = Life(vec![(State::Runs, 0.5), (State::Waits, 60.0)]);
    let mut track = watch(&life);
    for second in 1..=20 {
        read(&mut track, &life, f64::from(second));
    }
    assert!(blocked_at_least(&track, 20.0).abs() < GRAIN);
}

#[test]
fn what_a_thread_used_before_the_sample_does_not_count() {
    let seconds = Duration::from_secs;
    let before = Scheduled {
        on_cpu: seconds(7),
        waited: seconds(3),
        turns: 9,
    };
    let mut track = Track::new(10.0, before, before.into());
    track.begin(Begun {
        at: 10.0,
        figures: before.into(),
    });
    let after = Scheduled {
        on_cpu: seconds(8),
        ..before
    };
    track.read(12.0, || Some(after), || false);

    assert_eq!(
        track.counted(10.0),
        Counted {
            on_cpu: 1.0,
            waited: 0.0
        }
    );
    assert!(track.open(10.0, 12.0) <= 1.0 + GRAIN);
}

#[test]
fn the_late_start_holds_no_more_than_fits() {
    let mut track = Track::new(0.0, Scheduled::default(), Counted::default());
    let (on_cpu, waited) = (0.5, 0.3);
    track.begin(Begun {
        at: 10.6,
        figures: Counted { on_cpu, waited },
    });

    let late = track.counted(10.0);
    assert!((late.on_cpu - 0.5).abs() < GRAIN, "{late:?}");
    assert!((late.waited - 0.1).abs() < GRAIN, "{late:?}");
    assert_eq!(track.counted(10.6), Counted::default());
}

#[test]
fn a_pools_thread_that_gets_no_item_is_seen_to_sleep() {
    let life = Life(vec![(State::Runs, 0.5), (State::Sleeps, 60.0)]);
    let mut track = Track::new(0.0, life.figures(0.0), Counted::default());
    for second in 11..=20 {
        read(&mut track, &life, f64::from(second));
    }
    assert_eq!(track.counted(10.0), Counted::default());
    // Half a second it ran, nobody knows when.
    assert!((track.open(10.0, 20.0) - 0.5).abs() < GRAIN);
}

#[test]
fn of_a_thread_that_has_ended_what_was_known_stays() {
    let life = Life(vec![(State::Runs, 5.0)]);
    let mut track = watch(&life);
    read(&mut track, &life, 2.0);
    let known = track.counted(0.0);
    track.read(3.0, || None, || panic!("an ended thread is not asked"));
    assert_eq!(track.counted(0.0), known);
}
