//! Whole samples: what is said while they go on, and after them.

use super::ledger::Ledger;
use super::roster::Seen;
use super::track::tests::{Life, life, steps, watch};
use super::track::{Counted, Track};
use super::*;
use cpu_budget::{CpuQuota, CpuUsage, Quota};
use proptest::prelude::*;

/// Durations are whole nanoseconds, and here there are hundreds of intervals.
const GRAIN: f64 = 1e-5;

fn opened(quota: CpuQuota) -> Opened {
    Opened {
        allowed: "0-1".parse().ok(),
        quota,
        usage: CpuUsage::default(),
        host: None,
        started: 0.0,
    }
}

fn group(throttled_seconds: f64) -> GroupAccount {
    GroupAccount {
        throttled_seconds: Some(throttled_seconds),
        ..GroupAccount::default()
    }
}

/// A sample whose workers live these lives; of their waits the group's quota
/// caused so much.
struct Sample {
    lives: Vec<Life>,
    throttled_share: f64,
    opened: Opened,
}

impl Sample {
    fn new(lives: Vec<Life>, throttled_share: Option<f64>) -> Self {
        let quota = match throttled_share {
            Some(_) => CpuQuota::Limited(Quota::new(50_000, 100_000).expect("above 0")),
            None => CpuQuota::Unlimited,
        };
        Self {
            lives,
            throttled_share: throttled_share.unwrap_or(0.0),
            opened: opened(quota),
        }
    }

    fn end(&self) -> f64 {
        self.lives.iter().map(Life::end).fold(0.0, f64::max)
    }

    fn tracks(&self) -> Vec<Track> {
        self.lives.iter().map(watch).collect()
    }

    /// What is known at that moment.
    fn live(&self, tracks: &mut [Track], now: f64) -> Option<WorkerSeconds> {
        let mut counted = Counted::default();
        let mut open = 0.0;
        for (track, life) in tracks.iter_mut().zip(&self.lives) {
            track.read(now, || Some(life.figures(now)), || life.sleeps(now));
            counted += track.counted(0.0);
            open += track.open(0.0, now);
        }
        let workers = self.lives.len();
        let seen = Seen::new(workers as f64 * now, counted, open);
        let group = group(self.throttled_share * counted.waited);
        WorkerSeconds::of(&closed_part(seen, workers, 0.0, group, &self.opened))
    }

    /// The account of the workers' own clocks.
    fn account(&self) -> ReplicaAccount {
        let end = self.end();
        let truths: Vec<Counted> = self.lives.iter().map(|l| l.truth(end).counted).collect();
        let waited: f64 = truths.iter().map(|truth| truth.waited).sum();
        let worker = |truth: Counted| WorkerAccount {
            items: 1,
            on_cpu_seconds: Some(truth.on_cpu),
            waited_seconds: Some(truth.waited),
            ..WorkerAccount::default()
        };
        ReplicaAccount {
            ended_seconds: end,
            quota_cpus: self.opened.quota.cpus(),
            quota_known: true,
            workers: truths.into_iter().map(worker).collect(),
            group: group(self.throttled_share * waited),
            cpus: self.opened.cpus(),
            ..ReplicaAccount::default()
        }
    }
}

fn states(seconds: WorkerSeconds) -> [f64; 4] {
    let WorkerSeconds {
        running,
        throttled,
        runnable,
        blocked,
        ..
    } = seconds;
    [running, throttled, runnable, blocked]
}

fn lives() -> impl Strategy<Value = Vec<Life>> {
    prop::collection::vec(life(), 1..5)
}

proptest! {
    #[test]
    fn no_state_ever_goes_back_and_after_the_end_all_are_the_accounts(
        lives in lives(), steps in steps()
    ) {
        let sample = Sample::new(lives, None);
        let truth = WorkerSeconds::of(&sample.account()).expect("all is counted");
        let (mut ledger, mut tracks) = (Ledger::default(), sample.tracks());
        let mut before = [0.0; 4];
        let mut now = 0.0;
        for step in steps {
            now = (now + step).min(sample.end());
            if let Some(live) = sample.live(&mut tracks, now) {
                ledger.publish(live);
            }
            let said = states(ledger.published());
            for ((said, before), truth) in said.iter().zip(before).zip(states(truth)) {
                prop_assert!(*said >= before, "{said} after {before}");
                prop_assert!(*said <= truth + GRAIN, "{said} of {truth}");
            }
            before = said;
        }
        ledger.settle(truth);
        for (said, truth) in states(ledger.published()).iter().zip(states(truth)) {
            prop_assert!((said - truth).abs() < GRAIN, "{said} for {truth}");
        }
    }

    /// How waiting is split is an estimate that shifts as a sample goes on: never
    /// back, and never so far that more is said than was waited.
    #[test]
    fn under_a_quota_too_no_state_goes_back_and_none_is_more_than_the_waits(
        lives in lives(), steps in steps(), throttled_share in 0.0..1.0
    ) {
        let sample = Sample::new(lives, Some(throttled_share));
        let account = sample.account();
        let truth = WorkerSeconds::of(&account).expect("all is counted");
        let (mut ledger, mut tracks) = (Ledger::default(), sample.tracks());
        let mut before = [0.0; 4];
        let mut now = 0.0;
        for step in steps {
            now = (now + step).min(sample.end());
            if let Some(live) = sample.live(&mut tracks, now) {
                ledger.publish(live);
            }
            let said = states(ledger.published());
            prop_assert!(said.iter().zip(before).all(|(said, before)| *said >= before));
            before = said;
        }
        ledger.settle(truth);
        let said = ledger.published();
        prop_assert!((said.running - truth.running).abs() < GRAIN);
        prop_assert!((said.blocked - truth.blocked).abs() < GRAIN);
        let waited = truth.throttled + truth.runnable;
        for (said, truth) in [(said.throttled, truth.throttled), (said.runnable, truth.runnable)] {
            prop_assert!((truth - GRAIN..=waited + GRAIN).contains(&said), "{said} of {waited}");
        }
    }
}

/// A pool's thread is ready before the sample starts, and computes and waits
/// until then: a rayon one spins before it sleeps, while the start is aligned.
#[test]
fn what_a_pools_thread_did_before_the_sample_is_in_no_scrape() {
    use super::super::{Start, WorkerClock};
    use cpu_budget::clock::monotonic_seconds;
    use std::sync::atomic::AtomicBool;

    let cgroup = Cgroup::of_this_process();
    let time = WorkerTime::new(cgroup.clone());
    if time.scrape().seconds.is_none() {
        return; // this kernel keeps no schedstat figures
    }
    let sample = time.watch(1);
    let mut clock = WorkerClock::of_waiting_thread().watched_by(sample.roster());
    let ready = monotonic_seconds();
    while monotonic_seconds() < ready + 0.3 {
        std::hint::spin_loop();
    }
    let window = Window::open(&cgroup, 1, Start::At(0.0), &AtomicBool::new(false));
    sample.opened(&window);
    let said = || {
        let said = states(time.scrape().seconds.expect("it was known before"));
        (said.iter().sum::<f64>(), said)
    };

    let (before_its_first_item, states_then) = said();
    clock.take_up(window.started());
    let (after, states_now) = said();
    let passed = monotonic_seconds() - window.started();

    assert!(
        before_its_first_item <= passed,
        "{states_then:?} in {passed} s"
    );
    assert!(after <= passed, "{states_now:?} in {passed} s");
}

/// The workers of a real sample: two threads that compute until they are told
/// to end, and a third that sleeps.
#[test]
fn a_real_sample_is_seen_while_it_goes_on_and_settled_after_it() {
    use super::super::{Start, WorkerClock};
    use std::sync::atomic::{AtomicBool, Ordering};
    use std::time::{Duration, Instant};

    let cgroup = Cgroup::of_this_process();
    let time = WorkerTime::new(cgroup.clone());
    let Some(before) = time.scrape().seconds else {
        return; // this kernel keeps no schedstat figures
    };
    assert_eq!(before, WorkerSeconds::default());
    let sample = time.watch(3);
    assert_eq!(time.scrape().workers, 0, "the clock has not started");
    let end = AtomicBool::new(false);
    let window = Window::open(&cgroup, 3, Start::At(0.0), &end);
    let started = window.started();
    sample.opened(&window);
    assert_eq!(time.scrape().workers, 3);

    let busy = |sleeps: bool| {
        let mut clock = WorkerClock::of_new_thread().watched_by(sample.roster());
        clock.take_up(started);
        while !end.load(Ordering::Relaxed) {
            if sleeps {
                std::thread::sleep(Duration::from_millis(1));
            }
        }
        let ended = clock.put_down();
        clock.account(started, ended)
    };
    let (workers, seen) = std::thread::scope(|scope| {
        let threads = [false, false, true].map(|sleeps| scope.spawn(move || busy(sleeps)));
        let mut seen = vec![before];
        let asked = Instant::now();
        while states(seen[seen.len() - 1]).iter().sum::<f64>() < 0.5 {
            assert!(asked.elapsed() < Duration::from_secs(30), "{seen:?}");
            std::thread::sleep(Duration::from_millis(20));
            seen.push(time.scrape().seconds.expect("it was known before"));
        }
        end.store(true, Ordering::Relaxed);
        (
            threads.map(|thread| thread.join().expect("it does not panic")),
            seen,
        )
    });
    let ended = cpu_budget::clock::monotonic_seconds();
    let closed = window.close(ended);
    sample.closed();
    assert_eq!(time.scrape().workers, 0);
    let account = closed.account(workers.into(), 0.0);
    sample.settle(&account);

    for (earlier, later) in seen.iter().zip(&seen[1..]) {
        let mut pairs = states(*earlier).into_iter().zip(states(*later));
        assert!(pairs.all(|(earlier, later)| earlier <= later), "{seen:?}");
    }
    let last = seen[seen.len() - 1];
    assert!(last.running > 0.0 && last.blocked > 0.0, "{last:?}");
    let Some(truth) = WorkerSeconds::of(&account) else {
        panic!("what was known while it went on is known after it: {account:?}");
    };
    let said = time.scrape().seconds.expect("it was known before");
    for (said, truth) in states(said).into_iter().zip(states(truth)) {
        assert!(
            (truth - 1e-9..truth + 0.02).contains(&said),
            "{said} for {truth}"
        );
    }
}

#[test]
fn a_sample_without_an_account_leaves_what_was_said() {
    let time = WorkerTime::new(Cgroup::of_this_process());
    let said = WorkerSeconds {
        running: 0.5,
        ..WorkerSeconds::default()
    };
    let sample = time.watch(1);
    time.lock().ledger.publish(said);
    drop(sample);
    let next = time.watch(1);
    next.settle(&ReplicaAccount::default());

    let books = time.lock();
    assert_eq!(books.ledger.published(), said);
    assert!(books.current.is_none());
}

#[test]
fn a_sample_that_the_kernel_did_not_count_makes_the_time_unknown() {
    let time = WorkerTime::new(Cgroup::of_this_process());
    let uncounted = WorkerAccount {
        items: 5,
        on_cpu_seconds: Some(1.0),
        ..WorkerAccount::default()
    };
    let account = ReplicaAccount {
        ended_seconds: 1.0,
        quota_known: true,
        workers: vec![uncounted],
        ..ReplicaAccount::default()
    };
    time.watch(1).settle(&account);

    assert_eq!(time.scrape().seconds, None);
}
