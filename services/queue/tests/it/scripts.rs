//! The steps that run in Redis, each by itself.

use crate::programs::{BEGINNING, LONG, Steps, claim, noop, sleep};
use queue::job::{Backoff, Cancelled, JobId, Listing, NewJob, Seq, Start, State, What};
use queue::store::{Accepted, Lease, Outcome, Store, Verdict, Wanted};
use serde_json::json;
use std::time::Duration;

const SECOND: Duration = Duration::from_secs(1);

fn done() -> Outcome {
    Outcome::Done("1".into())
}

fn failed() -> Outcome {
    Outcome::Failed("no".into())
}

fn of_priority(priority: u8) -> NewJob {
    NewJob { priority, ..noop() }
}

// submit

#[test]
fn a_job_is_accepted_as_it_was_given() {
    let Some(mut steps) = Steps::start() else {
        return;
    };
    let job = NewJob {
        priority: 7,
        attempts: 9,
        key: Some("k".into()),
        ..NewJob::new("fibonacci", &json!({"n": 3}))
    };

    let id = steps.submit(&job);

    let kept = steps.store.get(&[id]).unwrap().remove(0).unwrap();
    assert_eq!((kept.id, kept.state), (id, State::Ready));
    assert_eq!((kept.priority, kept.attempts, kept.attempt), (7, 9, 0));
    assert_eq!(
        (kept.kind.as_str(), kept.payload.get()),
        ("fibonacci", r#"{"n":3}"#)
    );
    assert_eq!(kept.key.as_deref(), Some("k"));
    assert!((kept.created_at - BEGINNING as f64 / 1e6).abs() < 1e-3);
    assert_eq!(steps.stats().by_priority[7], 1);
}

#[test]
fn ids_ascend_whatever_the_clock_does() {
    let Some(mut steps) = Steps::start() else {
        return;
    };
    let mut ids = steps.submit_all(&vec![noop(); 50]);
    steps.set_clock(BEGINNING - 3_600_000_000);
    ids.extend(steps.submit_all(&vec![noop(); 50]));
    assert!(ids.is_sorted_by(|one, next| one < next), "{ids:?}");
}

#[test]
fn a_group_is_accepted_as_a_whole_or_not_at_all() {
    let Some(mut steps) = Steps::start() else {
        return;
    };
    let [two, one] = [vec![noop(); 2], vec![noop(); 1]];

    let accepted = steps.store.submit(&[&two, &two, &one], 3).unwrap();

    let all = |accepted: &Accepted| matches!(accepted, Accepted::All(_));
    assert!(all(&accepted[0]) && all(&accepted[2]), "{accepted:?}");
    assert_eq!(accepted[1], Accepted::Full(2));
    assert_eq!(steps.stats().waiting, 3);
}

#[test]
fn a_second_job_of_a_key_is_the_first_one() {
    let Some(mut steps) = Steps::start() else {
        return;
    };
    let job = NewJob {
        key: Some("k".into()),
        retention: SECOND,
        ..noop()
    };
    let other = NewJob {
        payload: r#"{"x":1}"#.into(),
        ..job.clone()
    };
    let accepted = steps
        .store
        .submit(&[&[job.clone(), job.clone()]], 10)
        .unwrap();
    let Accepted::All(submitted) = &accepted[0] else {
        panic!("{accepted:?}");
    };
    let id = submitted[0].id;
    assert_eq!((submitted[1].id, submitted[1].existing), (id, true));
    assert_eq!(steps.stats().waiting, 1);

    // Of another payload it is refused, with all its group; so it is within one.
    let refused = Accepted::KeyReused { index: 1, id };
    assert_eq!(
        steps.store.submit(&[&[noop(), other.clone()]], 10).unwrap(),
        [refused]
    );
    let fresh = |job: &NewJob| NewJob {
        key: Some("fresh".into()),
        ..job.clone()
    };
    let own = Accepted::KeyReused {
        index: 1,
        id: JobId(0),
    };
    let group = [fresh(&job), fresh(&other)];
    assert_eq!(steps.store.submit(&[&group], 10).unwrap(), [own]);
    assert_eq!(steps.stats().waiting, 1);

    // The key is free again when the job is forgotten.
    let taken = steps.claim(1).jobs.remove(0);
    steps.settle(taken.id, taken.token, done());
    steps.pass(2 * SECOND);
    steps.store.tend().unwrap();
    assert_ne!(steps.submit(&other), id);
}

#[test]
fn an_unknown_type_is_dead_at_once() {
    let Some(mut steps) = Steps::start() else {
        return;
    };
    let id = steps.submit(&NewJob::new("nonsense", &json!({})));
    let job = steps.store.get(&[id]).unwrap().remove(0).unwrap();
    assert_eq!(job.state, State::Dead);
    assert!(job.error.unwrap().contains("unknown type \"nonsense\""));
    assert!(steps.claim(9).jobs.is_empty());
    assert_eq!(steps.stats().totals.died, 1);
}

// claim

#[test]
fn a_job_is_given_once_with_a_rising_token() {
    let Some(mut steps) = Steps::start() else {
        return;
    };
    let ids = steps.submit_all(&vec![noop(); 100]);

    let mut taken = steps.claim(60).jobs;
    taken.extend(steps.store.claim(&claim("v", 60, 0)).unwrap().jobs);

    let given: Vec<JobId> = taken.iter().map(|job| job.id).collect();
    assert_eq!(given, ids, "first come, first served");
    assert!(taken.is_sorted_by(|one, next| one.token < next.token));
    assert!(steps.claim(60).jobs.is_empty());
    assert_eq!(steps.stats().by_state[&State::Active], 100);
}

#[test]
fn a_job_is_given_to_who_has_what_it_needs() {
    let Some(mut steps) = Steps::start() else {
        return;
    };
    steps.submit_all(&[noop(), sleep(1.0), noop(), sleep(1.0)]);
    let kinds = |steps: &mut Steps, cpu, io| {
        let claimed = steps.store.claim(&claim("w", cpu, io)).unwrap();
        claimed
            .jobs
            .into_iter()
            .map(|job| job.kind)
            .collect::<Vec<_>>()
    };
    assert_eq!(kinds(&mut steps, 0, 1), ["sleep"]);
    assert_eq!(kinds(&mut steps, 1, 0), ["noop"]);
    assert_eq!(kinds(&mut steps, 5, 5), ["noop", "sleep"]);
}

#[test]
fn urgent_jobs_come_first_and_no_job_waits_for_ever() {
    let Some(mut steps) = Steps::start() else {
        return;
    };
    let least = steps.submit(&of_priority(0));
    steps.pass(89 * SECOND);
    let urgent = steps.submit(&of_priority(9));
    // An age of 90 s makes up for nine priorities.
    steps.pass(2 * SECOND);
    let later = steps.submit(&of_priority(9));
    let order: Vec<JobId> = steps.claim(3).jobs.iter().map(|job| job.id).collect();
    assert_eq!(order, [urgent, least, later]);
}

#[test]
fn without_ageing_first_come_is_first_served() {
    let Some(mut steps) = Steps::start() else {
        return;
    };
    let mut jobs = Vec::new();
    for priority in [0, 9, 5] {
        jobs.push(steps.submit(&of_priority(priority)));
        steps.pass(SECOND);
    }
    let claim = queue::store::Claim {
        ageing: Duration::ZERO,
        ..claim("w", 3, 0)
    };
    let claimed = steps.store.claim(&claim).unwrap().jobs;
    let order: Vec<JobId> = claimed.iter().map(|job| job.id).collect();
    assert_eq!(order, jobs);
}

#[test]
fn a_claim_in_vain_says_when_something_is_due() {
    let Some(mut steps) = Steps::start() else {
        return;
    };
    assert_eq!(steps.claim(1).due_in, None);
    let start = Start::After(3 * SECOND);
    steps.submit(&NewJob { start, ..noop() });
    steps.pass(SECOND);
    assert_eq!(steps.claim(1).due_in, Some(2 * SECOND));
}

#[test]
fn who_waits_is_woken_by_what_it_can_do() {
    let Some(mut steps) = Steps::start() else {
        return;
    };
    steps.claim(1);
    steps.submit(&sleep(1.0));
    let tokens = |steps: &mut Steps| {
        let mut length = redis::cmd("LLEN");
        length.arg("q:steps:wakec");
        steps.store.ask(&[length]).unwrap()[0].clone()
    };
    assert_eq!(tokens(&mut steps), redis::Value::Int(0));
    steps.submit_all(&vec![noop(); 5]);
    // One waits, so one is woken, whatever came.
    assert_eq!(tokens(&mut steps), redis::Value::Int(1));
    let began = std::time::Instant::now();
    steps.store.wait(Wanted { cpu: 1, io: 0 }, SECOND).unwrap();
    assert!(began.elapsed() < SECOND);
}

// settle

#[test]
fn only_the_current_token_settles() {
    let Some(mut steps) = Steps::start() else {
        return;
    };
    let job = NewJob {
        effect: Some("e".into()),
        ..noop()
    };
    let id = steps.submit(&job);
    let first = steps.claim(1).jobs.remove(0);
    steps.pass(11 * SECOND);
    let second = steps.claim(1).jobs.remove(0);
    assert_eq!(first.id, second.id);
    assert!(second.token > first.token);

    for outcome in [
        done(),
        failed(),
        Outcome::Hopeless("x".into()),
        Outcome::GivenBack,
    ] {
        let late = steps.settle(id, first.token, outcome);
        assert_eq!(late, Verdict::Refused(Some(State::Active)));
    }
    let current = steps.settle(id, second.token, done());
    let again = steps.settle(id, second.token, done());

    assert_eq!(current, Verdict::Settled(State::Succeeded));
    assert_eq!(again, Verdict::Refused(Some(State::Succeeded)));
    assert_eq!(steps.settle(JobId(1), 1, done()), Verdict::Refused(None));
    let totals = steps.stats().totals;
    assert_eq!((totals.refused, totals.lost, totals.succeeded), (6, 1, 1));
    let mut effects = redis::cmd("HGETALL");
    effects.arg("q:steps:effects:e");
    let effects = steps.store.ask(&[effects]).unwrap().remove(0);
    let effects: Vec<(u64, u64)> = redis::from_redis_value(effects).unwrap();
    assert_eq!(effects, [(id.0, 1)]);
}

#[test]
fn a_try_that_failed_is_followed_by_another_later_and_later() {
    let Some(mut steps) = Steps::start() else {
        return;
    };
    let backoff = Backoff {
        first: 2 * SECOND,
        most: 3 * SECOND,
    };
    let job = NewJob {
        attempts: 4,
        backoff,
        ..noop()
    };
    let id = steps.submit(&job);
    for wait in [2, 3, 3] {
        let taken = steps.claim(1).jobs.remove(0);
        let verdict = steps.settle(id, taken.token, failed());
        assert_eq!(verdict, Verdict::Settled(State::Failed));
        let claimed = steps.claim(1);
        assert_eq!(
            (claimed.jobs.len(), claimed.due_in),
            (0, Some(wait * SECOND))
        );
        steps.pass(wait * SECOND);
    }
    let taken = steps.claim(1).jobs.remove(0);
    assert_eq!(taken.attempt, 3);
    let verdict = steps.settle(id, taken.token, failed());
    assert_eq!(verdict, Verdict::Settled(State::Dead));
    let job = steps.store.get(&[id]).unwrap().remove(0).unwrap();
    assert_eq!((job.attempt, job.error.as_deref()), (4, Some("no")));
    assert_eq!(steps.stats().totals.failed_tries, 4);
}

#[test]
fn the_jitter_shortens_the_wait_by_at_most_a_half() {
    let Some(mut steps) = Steps::start() else {
        return;
    };
    for (jitter, wait) in [(0.0, 1000), (0.5, 750), (1.0, 500)] {
        let id = steps.submit(&noop());
        let taken = steps.claim(1).jobs.remove(0);
        let settlement = queue::store::Settlement {
            id,
            token: taken.token,
            outcome: failed(),
            jitter,
        };
        steps.store.settle(&[settlement]).unwrap();
        let due = steps.claim(1).due_in;
        assert_eq!(due, Some(Duration::from_millis(wait)));
        steps.store.cancel(id).unwrap();
    }
}

#[test]
fn what_is_given_back_comes_first_and_costs_no_try() {
    let Some(mut steps) = Steps::start() else {
        return;
    };
    let ids = steps.submit_all(&vec![noop(); 3]);
    let taken = steps.claim(1).jobs.remove(0);
    let verdict = steps.settle(taken.id, taken.token, Outcome::GivenBack);
    assert_eq!(verdict, Verdict::Settled(State::Ready));
    let again = steps.claim(1).jobs.remove(0);
    assert_eq!((again.id, again.attempt), (ids[0], 0));
}

#[test]
fn a_hopeless_job_is_dead_whatever_tries_are_left() {
    let Some(mut steps) = Steps::start() else {
        return;
    };
    let id = steps.submit(&NewJob {
        attempts: 100,
        ..noop()
    });
    let taken = steps.claim(1).jobs.remove(0);
    let verdict = steps.settle(id, taken.token, Outcome::Hopeless("why".into()));
    assert_eq!(verdict, Verdict::Settled(State::Dead));
    steps.stats();
}

// extend, and what is due by the clock

#[test]
fn a_lease_lasts_on_as_long_as_its_worker_says_so() {
    let Some(mut steps) = Steps::start() else {
        return;
    };
    let ids = steps.submit_all(&vec![noop(); 2]);
    let taken = steps.claim(2).jobs;
    let lease = |index: usize, progress| Lease {
        id: ids[index],
        token: taken[index].token,
        progress,
    };
    steps.pass(8 * SECOND);
    let kept = steps
        .store
        .extend(&[lease(0, Some(0.25))], 10 * SECOND)
        .unwrap();
    assert_eq!(kept, [true]);
    steps.pass(8 * SECOND);

    let lost = steps.claim(2).jobs;

    assert_eq!(lost.len(), 1, "the other one's lease ran out");
    assert_eq!(lost[0].id, ids[1]);
    let leases = [lease(0, Some(0.5)), lease(1, None)];
    assert_eq!(
        steps.store.extend(&leases, 10 * SECOND).unwrap(),
        [true, false]
    );
    let jobs = steps.store.get(&ids).unwrap();
    assert_eq!(jobs[0].as_ref().unwrap().progress, Some(0.5));
    assert_eq!(jobs[1].as_ref().unwrap().losses, 1);
    let totals = steps.stats().totals;
    assert_eq!((totals.lost, totals.refused), (1, 1));
}

#[test]
fn a_job_that_ends_its_workers_is_given_up() {
    let Some(mut steps) = Steps::start() else {
        return;
    };
    let id = steps.submit(&noop());
    for _ in 0..20 {
        assert_eq!(steps.claim(1).jobs.len(), 1);
        steps.pass(11 * SECOND);
    }
    assert!(steps.claim(1).jobs.is_empty());
    let job = steps.store.get(&[id]).unwrap().remove(0).unwrap();
    assert_eq!(job.state, State::Dead);
    assert!(job.error.unwrap().contains("lost with its worker 20 times"));
    assert_eq!(steps.stats().totals.lost, 20);
}

#[test]
fn a_job_is_due_when_it_was_asked_for() {
    let Some(mut steps) = Steps::start() else {
        return;
    };
    let unix_micros = BEGINNING + 5_000_000;
    let later = steps.submit(&NewJob {
        start: Start::At { unix_micros },
        ..noop()
    });
    let past = steps.submit(&NewJob {
        start: Start::At { unix_micros: 1 },
        ..noop()
    });
    assert_eq!(steps.state(later), Some(State::Scheduled));
    assert_eq!(steps.claim(5).jobs[0].id, past);
    steps.pass(4 * SECOND);
    assert!(steps.claim(5).jobs.is_empty());
    steps.pass(SECOND);
    let taken = steps.claim(5).jobs.remove(0);
    assert_eq!((taken.id, taken.waited), (later, Duration::ZERO));
    assert_eq!(taken.age, 5 * SECOND);
}

#[test]
fn what_nobody_takes_in_time_is_dead() {
    let Some(mut steps) = Steps::start() else {
        return;
    };
    let mortal = |start| NewJob {
        ttl: Some(3 * SECOND),
        start,
        ..noop()
    };
    let ready = steps.submit(&mortal(Start::Now));
    let late = steps.submit(&mortal(Start::After(10 * SECOND)));
    let taken = steps.submit(&mortal(Start::Now));
    // The last one is begun in time: then it may take as long as it likes.
    steps.store.cancel(ready).unwrap();
    let claimed = steps.claim(1).jobs.remove(0);
    assert_eq!(claimed.id, taken);
    let ready = steps.submit(&mortal(Start::Now));
    steps.pass(4 * SECOND);

    steps.store.tend().unwrap();

    assert_eq!(steps.state(ready), Some(State::Dead));
    assert_eq!(steps.state(late), Some(State::Dead));
    assert_eq!(steps.state(taken), Some(State::Active));
    assert!(steps.claim(5).jobs.is_empty());
    // Dead jobs that are retried stand in the queue once.
    assert_eq!(steps.store.retry(&[ready]).unwrap(), 1);
    assert_eq!(steps.claim(5).jobs.len(), 1);
    steps.stats();
}

#[test]
fn what_has_ended_is_forgotten_after_a_time() {
    let Some(mut steps) = Steps::start() else {
        return;
    };
    let retention = 5 * SECOND;
    let ids = steps.submit_all(&vec![
        NewJob {
            retention,
            ..noop()
        };
        2
    ]);
    let taken = steps.claim(1).jobs.remove(0);
    steps.settle(taken.id, taken.token, done());
    steps.store.cancel(ids[1]).unwrap();
    steps.pass(4 * SECOND);
    steps.store.tend().unwrap();
    assert_eq!(steps.state(ids[0]), Some(State::Succeeded));
    steps.pass(SECOND);
    steps.store.tend().unwrap();
    assert_eq!(ids.map_states(&mut steps), [None, None]);
    steps.stats();
}

trait MapStates {
    fn map_states(&self, steps: &mut Steps) -> Vec<Option<State>>;
}

impl MapStates for Vec<JobId> {
    fn map_states(&self, steps: &mut Steps) -> Vec<Option<State>> {
        self.iter().map(|id| steps.state(*id)).collect()
    }
}

// cancel, retry, drop

#[test]
fn every_job_that_has_not_ended_can_be_cancelled() {
    let Some(mut steps) = Steps::start() else {
        return;
    };
    let active = steps.submit(&noop());
    let taken = steps.claim(1).jobs.remove(0);
    let failing = steps.submit(&noop());
    let failing_token = steps.claim(1).jobs.remove(0).token;
    steps.settle(failing, failing_token, failed());
    let start = Start::After(LONG);
    let scheduled = steps.submit(&NewJob { start, ..noop() });
    let ready = steps.submit(&noop());

    for (id, was) in [
        (active, State::Active),
        (failing, State::Failed),
        (scheduled, State::Scheduled),
        (ready, State::Ready),
    ] {
        assert_eq!(steps.store.cancel(id).unwrap(), Cancelled::Now { was });
        let again = steps.store.cancel(id).unwrap();
        assert_eq!(again, Cancelled::Already(State::Cancelled));
    }

    assert_eq!(steps.store.cancel(JobId(7)).unwrap(), Cancelled::Unknown);
    let late = steps.settle(active, taken.token, done());
    assert_eq!(late, Verdict::Refused(Some(State::Cancelled)));
    assert!(steps.claim(9).jobs.is_empty());
    let stats = steps.stats();
    assert_eq!((stats.waiting, stats.totals.cancelled), (0, 4));
}

#[test]
fn dead_jobs_are_retried_or_dropped() {
    let Some(mut steps) = Steps::start() else {
        return;
    };
    let job = NewJob {
        attempts: 1,
        key: Some("k".into()),
        ..noop()
    };
    let ids = steps.submit_all(&[noop(), job].map(|job| NewJob { attempts: 1, ..job }));
    for taken in steps.claim(2).jobs {
        steps.settle(taken.id, taken.token, failed());
    }
    assert_eq!(steps.stats().by_state[&State::Dead], 2);

    assert_eq!(steps.store.retry(&[ids[0], JobId(3)]).unwrap(), 1);
    assert_eq!(steps.store.drop_dead(&ids).unwrap(), 1);

    let retried = steps.claim(5).jobs.remove(0);
    assert_eq!((retried.id, retried.attempt), (ids[0], 0));
    assert_eq!(steps.state(ids[1]), None);
    let stats = steps.stats();
    assert_eq!((stats.totals.retried, stats.totals.dropped), (1, 1));
    // Its key is free with it.
    let key = Some("k".into());
    assert_ne!(steps.submit(&NewJob { key, ..sleep(1.0) }), ids[1]);
    steps.settle(retried.id, retried.token, failed());
    assert_eq!(steps.store.retry(&[]).unwrap(), 1, "none named: all");
}

// get, list, stats, events, beat

#[test]
fn a_listing_goes_through_all_jobs_in_pages() {
    let Some(mut steps) = Steps::start() else {
        return;
    };
    let mut ids = steps.submit_all(&vec![noop(); 25]);
    ids.extend(steps.submit_all(&vec![sleep(1.0); 10]));
    for taken in steps.claim(12).jobs {
        if taken.id.0 % 2 == 0 {
            steps.settle(taken.id, taken.token, done());
        }
    }
    let all = |steps: &mut Steps, kind: Option<&str>, state| {
        let (mut found, mut after) = (Vec::new(), None);
        loop {
            let page = steps.store.list(&Listing {
                state,
                kind: kind.map(ToOwned::to_owned),
                after,
                limit: 4,
            });
            let page = page.unwrap();
            assert!(page.jobs.len() <= 4);
            found.extend(page.jobs);
            after = page.next;
            if after.is_none() {
                return found;
            }
        }
    };
    let mut found: Vec<JobId> = all(&mut steps, None, None)
        .iter()
        .map(|job| job.id)
        .collect();
    found.sort();
    assert_eq!(found, ids);
    assert_eq!(all(&mut steps, Some("sleep"), None).len(), 10);
    let ended = all(&mut steps, None, Some(State::Succeeded));
    assert_eq!(ended.len(), 6);
    assert!(ended.iter().all(|job| job.state == State::Succeeded));
    let empty = all(&mut steps, None, Some(State::Dead));
    assert!(empty.is_empty());
}

#[test]
fn stats_tell_how_long_the_oldest_waits() {
    let Some(mut steps) = Steps::start() else {
        return;
    };
    assert_eq!(steps.stats().oldest_seconds, None);
    let first = steps.submit(&noop());
    steps.pass(SECOND);
    steps.submit(&of_priority(9));
    steps.pass(SECOND);
    assert_eq!(steps.stats().oldest_seconds, Some(2.0));
    steps.store.cancel(first).unwrap();
    assert_eq!(steps.stats().oldest_seconds, Some(1.0));
}

#[test]
fn events_tell_what_happened_in_order() {
    let Some(mut steps) = Steps::start() else {
        return;
    };
    assert_eq!(steps.store.last_event().unwrap(), Seq::default());
    let id = steps.submit(&noop());
    let taken = steps.claim(1).jobs.remove(0);
    let lease = Lease {
        id,
        token: taken.token,
        progress: Some(0.5),
    };
    steps.store.extend(&[lease], SECOND).unwrap();
    steps.settle(id, taken.token, done());

    let events = steps
        .store
        .events(Seq::default(), 100, Duration::ZERO)
        .unwrap();

    let whats: Vec<What> = events.iter().map(|event| event.what).collect();
    let expected = [
        What::State(State::Ready),
        What::State(State::Active),
        What::Progress(0.5),
        What::State(State::Succeeded),
    ];
    assert_eq!(whats, expected);
    assert!(
        events
            .iter()
            .all(|event| event.id == id && event.kind == "noop")
    );
    let after = events[1].seq;
    let later = steps.store.events(after, 100, Duration::ZERO).unwrap();
    assert_eq!(later, events[2..]);
    let last = steps.store.last_event().unwrap();
    assert!(
        steps
            .store
            .events(last, 100, Duration::ZERO)
            .unwrap()
            .is_empty()
    );
}

#[test]
fn many_events_of_one_step_are_told_one_by_one() {
    let Some(mut steps) = Steps::start() else {
        return;
    };
    let ids = steps.submit_all(&vec![noop(); 200]);
    let events = steps
        .store
        .events(Seq::default(), 100, Duration::ZERO)
        .unwrap();
    let told: Vec<JobId> = events.iter().map(|event| event.id).collect();
    assert_eq!(told, ids);
    let middle = events[99].seq;
    let rest = steps.store.events(middle, 100, Duration::ZERO).unwrap();
    assert_eq!(rest, events[100..]);
}

#[test]
fn a_worker_is_known_until_it_leaves_or_falls_silent() {
    let Some(mut steps) = Steps::start() else {
        return;
    };
    let info = queue::job::WorkerInfo {
        name: String::new(),
        seen_seconds: 0.0,
        threads: 2,
        active: 1,
        held: 3,
        done: 4,
        failed: 5,
        refused: 6,
    };
    for worker in ["a", "b"] {
        steps.store.beat(worker, Some(&info)).unwrap();
    }
    steps.pass(2 * SECOND);
    let workers = steps.stats().workers;
    assert_eq!(workers.len(), 2);
    assert_eq!((workers[0].held, workers[0].seen_seconds), (3, 2.0));
    steps.store.beat("a", None).unwrap();
    assert_eq!(steps.stats().workers[0].name, "b");
    steps.pass(61 * SECOND);
    steps.store.beat("c", Some(&info)).unwrap();
    assert_eq!(steps.stats().workers[0].name, "c");
}

#[test]
fn at_its_memory_limit_redis_accepts_nothing_and_loses_nothing() {
    let Some(mut steps) = Steps::start() else {
        return;
    };
    let ids = steps.submit_all(&vec![noop(); 100]);
    let mut limit = redis::cmd("CONFIG");
    limit.arg("SET").arg("maxmemory").arg(1);
    steps.store.ask(&[limit]).unwrap();

    let trouble = steps.store.submit(&[&[noop()]], 1000).unwrap_err();

    assert_eq!(trouble.kind, redis_link::Kind::Full);
    let taken = steps.claim(100).jobs;
    for job in &taken {
        let verdict = steps.settle(job.id, job.token, done());
        assert_eq!(verdict, Verdict::Settled(State::Succeeded));
    }
    assert_eq!(taken.len(), ids.len());
    steps.stats();
}
