//! Workers that are killed, again and again, and a Redis that is paused and
//! restarted, while jobs flow: none is lost, and what each is to bring about is
//! brought about once.

use crate::programs::{Worker, noop, server, sleep};
use crate::workers::effects;
use queue::job::{Backoff, NewJob, State, Stats};
use queue::store::redis::{RedisStore, Server};
use queue::store::{Accepted, Store};
use redis_link::{Trouble, patiently};
use serde_json::json;
use serving::RedisServer;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

/// What is done to a queue.
struct Storm {
    jobs: usize,
    workers: usize,
    /// How long workers are killed, one at a time.
    lasts: Duration,
    /// Between two kills.
    every: Duration,
    deadline: Duration,
}

/// What was seen.
#[derive(Default)]
struct Seen {
    kills: usize,
    samples: usize,
    most_waiting: u64,
}

const QUEUE: &str = "storm";

/// Jobs that are accepted together.
const BATCH: usize = 100;

/// Soon, so that a storm of seconds has leases that run out.
const OPTIONS: &str = "--threads 1 --io 200 --lease 1s";

#[test]
fn none_is_lost_and_none_done_twice_whoever_is_killed_when() {
    storm(&Storm {
        jobs: 10_000,
        workers: 3,
        lasts: Duration::from_secs(12),
        every: Duration::from_secs(1),
        deadline: Duration::from_mins(1),
    });
}

/// `make soak-queue`
#[test]
#[ignore = "takes minutes"]
fn soak_none_of_a_million_is_lost_and_none_done_twice() {
    storm(&Storm {
        jobs: 1_000_000,
        workers: 5,
        lasts: Duration::from_mins(2),
        every: Duration::from_secs(1),
        deadline: Duration::from_mins(20),
    });
}

/// Says that it is over when it is dropped.
struct Over<'f>(&'f AtomicBool);

impl Drop for Over<'_> {
    fn drop(&mut self) {
        self.0.store(true, Ordering::Relaxed);
    }
}

fn storm(storm: &Storm) {
    let Some(mut redis) = RedisServer::start(&[]) else {
        return;
    };
    let at = server(&redis, QUEUE);
    let began = Instant::now();
    let is_over = AtomicBool::new(false);
    let (seen, stats) = std::thread::scope(|scope| {
        // Also where something fails here: the others would go on for ever.
        let over = Over(&is_over);
        let submitting = scope.spawn(|| submit_all(&at, storm, &is_over));
        let sampling = scope.spawn(|| sample(&at, &is_over));
        let workers = rage(&mut redis, storm, began);
        submitting.join().unwrap();
        let (kills, _workers) = workers;
        let stats = ended(&at, storm, began);
        drop(over);
        let seen = sampling.join().unwrap();
        (Seen { kills, ..seen }, stats)
    });
    let seconds = began.elapsed().as_secs_f64();
    let effects = effects(&mut at.connect().unwrap(), QUEUE);
    account(storm, &seen, &stats, seconds, &effects);

    assert!(seen.kills > 5, "{} kills", seen.kills);
    assert!(stats.totals.lost > 0, "no kill hit a job: {stats:#?}");
    assert_eq!(stats.totals.submitted, storm.jobs as u64, "{stats:#?}");
    assert_eq!(stats.totals.succeeded, storm.jobs as u64, "{stats:#?}");
    assert_eq!(effects.len(), storm.jobs);
    let doubled: Vec<_> = effects.iter().filter(|(_, count)| *count != 1).collect();
    assert!(doubled.is_empty(), "{doubled:?}");
}

/// The jobs, evenly over most of the storm. Each has a key, so that a batch whose
/// answer was lost can be tried again.
fn submit_all(at: &Server, storm: &Storm, is_over: &AtomicBool) {
    let began = Instant::now();
    let mut link = None;
    for first in (0..storm.jobs).step_by(BATCH) {
        let due = storm.lasts.mul_f64(0.9 * first as f64 / storm.jobs as f64);
        std::thread::sleep(due.saturating_sub(began.elapsed()));
        let batch: Vec<NewJob> = (first..first + BATCH).map(job).collect();
        while !is_over.load(Ordering::Relaxed) {
            let accepted = with(at, &mut link, |store| {
                store.submit(&[&batch], u64::MAX >> 12)
            });
            match accepted.as_deref() {
                Some([Accepted::All(_)]) => break,
                Some(refused) => panic!("{refused:?}"),
                None => {}
            }
        }
    }
}

fn job(number: usize) -> NewJob {
    let job = match number % 10 {
        0 => NewJob::new("fail", &json!({"times": 1})),
        1..=3 => sleep(0.001 * (number % 50) as f64),
        _ => noop(),
    };
    NewJob {
        priority: (number % 10) as u8,
        key: Some(number.to_string()),
        effect: Some("done".into()),
        backoff: Backoff {
            first: Duration::from_millis(200),
            most: Duration::from_secs(1),
        },
        ..job
    }
}

/// Kills a worker at a time, pauses Redis once and restarts it once. Returns how
/// many were killed, and those that live.
fn rage(redis: &mut RedisServer, storm: &Storm, began: Instant) -> (usize, Vec<Worker>) {
    let start = |redis: &RedisServer| Worker::start(redis, QUEUE, OPTIONS);
    let mut workers: Vec<Worker> = (0..storm.workers).map(|_| start(redis)).collect();
    let (mut kills, mut paused, mut restarted) = (0, false, false);
    while began.elapsed() < storm.lasts {
        std::thread::sleep(storm.every);
        let new = start(redis);
        std::mem::replace(&mut workers[kills % storm.workers], new).kill();
        kills += 1;
        if !paused && began.elapsed() > storm.lasts / 3 {
            redis.pause();
            std::thread::sleep(Duration::from_millis(1500));
            redis.resume();
            paused = true;
        }
        if !restarted && began.elapsed() > storm.lasts / 2 {
            redis.crash();
            std::thread::sleep(Duration::from_millis(300));
            redis.run();
            restarted = true;
        }
    }
    assert!(paused && restarted);
    (kills, workers)
}

/// Looks whether all jobs are accounted for, until it is over.
fn sample(at: &Server, is_over: &AtomicBool) -> Seen {
    let mut seen = Seen::default();
    let mut store = None;
    while !is_over.load(Ordering::Relaxed) {
        std::thread::sleep(Duration::from_millis(100));
        // It still reads its file, or is not there.
        if let Some(stats) = with(at, &mut store, Store::stats) {
            assert!(stats.adds_up(), "{stats:#?}");
            seen.samples += 1;
            seen.most_waiting = seen.most_waiting.max(stats.waiting);
        }
    }
    assert!(seen.samples > 20, "{} samples", seen.samples);
    seen
}

fn ended(at: &Server, storm: &Storm, began: Instant) -> Stats {
    let mut link = None;
    loop {
        let stats = with(at, &mut link, Store::stats);
        let is_done = |stats: &Stats| stats.waiting + stats.by_state[&State::Active] == 0;
        if let Some(stats) = stats.filter(is_done) {
            return stats;
        }
        assert!(began.elapsed() < storm.deadline, "it does not end in time");
        std::thread::sleep(Duration::from_millis(50));
    }
}

/// Asks Redis; `None` where it was away, and connected to again next time.
fn with<T>(
    at: &Server,
    store: &mut Option<RedisStore>,
    ask: impl FnOnce(&mut RedisStore) -> Result<T, Trouble>,
) -> Option<T> {
    let open = match store {
        Some(open) => open,
        None => store.insert(patiently(|| at.connect(), || false).unwrap()),
    };
    let asked = ask(open).ok();
    if asked.is_none() {
        *store = None;
    }
    asked
}

fn account(storm: &Storm, seen: &Seen, stats: &Stats, seconds: f64, effects: &[(u64, u64)]) {
    let totals = &stats.totals;
    let doubled = effects.iter().filter(|(_, count)| *count != 1).count();
    let ended = totals.succeeded + totals.died + totals.cancelled;
    let lines = [
        ("jobs submitted", totals.submitted),
        ("jobs succeeded", totals.succeeded),
        ("jobs lost", totals.submitted.saturating_sub(ended)),
        ("effects", effects.len() as u64),
        ("effects other than once", doubled as u64),
        ("workers", storm.workers as u64),
        ("workers killed", seen.kills as u64),
        ("Redis paused, restarted", 1),
        ("leases lost", totals.lost),
        ("late words refused", totals.refused),
        ("tries that failed", totals.failed_tries),
        ("samples, all of which added up", seen.samples as u64),
        ("most jobs that waited", seen.most_waiting),
        ("seconds", seconds as u64),
    ];
    for (what, count) in lines {
        println!("{what:<32}{count:>12}");
    }
}
