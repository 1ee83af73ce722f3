//! Workers as processes: what they do, and what becomes of what they had.

use crate::programs::{Worker, all_ended, noop, sleep, store, submit};
use queue::job::{JobId, NewJob, State};
use queue::store::Store;
use rustix::process::Signal;
use serde_json::json;
use serving::{RedisServer, eventually};
use std::time::{Duration, Instant};

fn job(store: &mut dyn Store, id: JobId) -> queue::job::Job {
    store.get(&[id]).unwrap().remove(0).unwrap()
}

fn until_active(store: &mut dyn Store, id: JobId) {
    eventually("the job is worked on", || {
        (job(store, id).state == State::Active).then_some(())
    });
}

#[test]
fn each_type_is_done_and_its_result_kept() {
    let Some(redis) = RedisServer::start(&[]) else {
        return;
    };
    let mut store = store(&redis, "types");
    let fast = |job: NewJob| NewJob {
        backoff: queue::job::Backoff {
            first: Duration::from_millis(1),
            most: Duration::from_millis(1),
        },
        ..job
    };
    let jobs = [
        noop(),
        NewJob::new("calcular_fibonacci", &json!({"n": 20})),
        NewJob::new("primes", &json!({"limit": 1000})),
        NewJob::new("sum_squares", &json!({"n": 10_000_000})),
        sleep(0.01),
        fast(NewJob::new("fail", &json!({"times": 2}))),
        fast(NewJob::new("fail", &json!({"times": 3}))),
        fast(NewJob::new("panic", &json!({}))),
        NewJob::new("fibonacci", &json!({"n": 1_000_000_000})),
    ];
    let ids = submit(&mut store, &jobs);
    let worker = Worker::start(&redis, "types", "--threads 2");
    worker.ready();

    let stats = all_ended(&mut store);

    assert!(stats.adds_up(), "{stats:#?}");
    let ended: Vec<(State, String)> = ids
        .iter()
        .map(|id| {
            let job = job(&mut store, *id);
            let result = job.result.map(|result| result.get().to_owned());
            (job.state, result.or(job.error).unwrap_or_default())
        })
        .collect();
    let done = |result: &str| (State::Succeeded, result.to_owned());
    let dead = |error: &str| (State::Dead, error.to_owned());
    let expected = [
        done("null"),
        done(r#"{"n":20,"value":6765}"#),
        done(r#"{"limit":1000,"count":168}"#),
        done(r#"{"n":10000000,"sum":333333283333335000000}"#),
        done(r#"{"seconds":0.01}"#),
        done(r#"{"failed":2}"#),
        dead("it fails as asked: 3 of 3 times"),
        dead("the work panicked: as asked"),
        dead("n must be at most 45, and is 1000000000"),
    ];
    assert_eq!(ended, expected);
}

#[test]
fn two_workers_never_have_the_same_job() {
    let Some(redis) = RedisServer::start(&["--appendonly", "no"]) else {
        return;
    };
    // No lease runs out here, however long a busy disk holds Redis up.
    let mut store = store(&redis, "two");
    let effect = Some("done".into());
    let jobs = vec![NewJob { effect, ..noop() }; 20_000];
    let ids = submit(&mut store, &jobs);
    let _workers = [(); 2].map(|()| Worker::start(&redis, "two", "--lease 10m"));

    let stats = all_ended(&mut store);

    assert_eq!(stats.totals.succeeded, ids.len() as u64);
    assert_eq!((stats.totals.refused, stats.totals.lost), (0, 0));
    let effects = effects(&mut store, "two");
    assert_eq!(effects.len(), ids.len());
    assert!(effects.iter().all(|(_, count)| *count == 1));
}

/// How often each job's success was counted.
pub(crate) fn effects(store: &mut queue::store::redis::RedisStore, queue: &str) -> Vec<(u64, u64)> {
    let mut read = redis::cmd("HGETALL");
    read.arg(format!("q:{queue}:effects:done"));
    redis::from_redis_value(store.ask(&[read]).unwrap().remove(0)).unwrap()
}

#[test]
fn a_worker_that_was_thought_dead_changes_nothing() {
    let Some(redis) = RedisServer::start(&[]) else {
        return;
    };
    let mut store = store(&redis, "stopped");
    let effect = Some("done".into());
    let id = submit(
        &mut store,
        &[NewJob {
            effect,
            ..sleep(1.0)
        }],
    )[0];
    let stopped = Worker::start(&redis, "stopped", "--lease 500ms");
    until_active(&mut store, id);
    stopped.serving.signal(Signal::STOP);
    let other = Worker::start(&redis, "stopped", "--lease 500ms");
    let stats = all_ended(&mut store);
    assert_eq!((stats.totals.succeeded, stats.totals.lost), (1, 1));
    let winner = job(&mut store, id).worker;

    stopped.serving.signal(Signal::CONT);

    let refused = eventually("what it says is refused", || {
        let refused = store.stats().unwrap().totals.refused;
        (refused > 0).then_some(refused)
    });
    assert!(refused >= 1);
    assert_eq!(job(&mut store, id).worker, winner);
    assert_eq!(effects(&mut store, "stopped"), [(id.0, 1)]);
    drop(other);
}

#[test]
fn what_a_killed_worker_had_is_done_by_another() {
    let Some(redis) = RedisServer::start(&[]) else {
        return;
    };
    let mut store = store(&redis, "killed");
    let ids = submit(&mut store, &vec![sleep(0.5); 20]);
    let first = Worker::start(&redis, "killed", "--lease 1s");
    until_active(&mut store, ids[19]);
    first.kill();
    let _second = Worker::start(&redis, "killed", "--lease 1s");

    let stats = all_ended(&mut store);

    assert_eq!((stats.totals.succeeded, stats.totals.lost), (20, 20));
    assert!(stats.adds_up(), "{stats:#?}");
}

#[test]
fn a_worker_that_is_told_to_end_gives_back_what_it_has() {
    let Some(redis) = RedisServer::start(&[]) else {
        return;
    };
    let mut store = store(&redis, "drain");
    // One ends in time, one does not, one is for a CPU, the others are not begun.
    let long_work = NewJob::new("fibonacci", &json!({"n": 45}));
    let mut jobs = vec![sleep(0.3), sleep(3600.0), long_work];
    jobs.extend(vec![noop(); 3]);
    let ids = submit(&mut store, &jobs);
    let mut worker = Worker::start(&redis, "drain", "--threads 1 --lease 1m --drain-seconds 1");
    for id in &ids[..3] {
        until_active(&mut store, *id);
    }
    let told = Instant::now();
    worker.serving.signal(Signal::TERM);

    assert!(worker.serving.ended().success());

    assert!(told.elapsed() < Duration::from_secs(30));
    let states: Vec<State> = ids.iter().map(|id| job(&mut store, *id).state).collect();
    assert_eq!(states[..3], [State::Succeeded, State::Ready, State::Ready]);
    assert!(!states.contains(&State::Active), "{states:?}");
    let after = store.stats().unwrap();
    assert_eq!((after.totals.lost, after.workers.len()), (0, 0));
    assert!(after.adds_up(), "{after:#?}");
}

#[test]
fn a_cancelled_job_is_left_soon() {
    let Some(redis) = RedisServer::start(&[]) else {
        return;
    };
    let mut store = store(&redis, "cancel");
    let jobs = [NewJob::new("fibonacci", &json!({"n": 45})), sleep(3600.0)];
    let ids = submit(&mut store, &jobs);
    let worker = Worker::start(&redis, "cancel", "--threads 1 --lease 1m");
    for id in &ids {
        until_active(&mut store, *id);
        store.cancel(*id).unwrap();
    }

    // The only thread is free for what comes then.
    let after = submit(&mut store, &[noop()])[0];
    eventually("the thread is free", || {
        (job(&mut store, after).state == State::Succeeded).then_some(())
    });

    let (_, metrics) = worker.admin("/metrics");
    assert!(
        metrics.contains("queue_jobs_taken_away_total 2"),
        "{metrics}"
    );
}

#[test]
fn a_try_that_takes_too_long_has_failed() {
    let Some(redis) = RedisServer::start(&[]) else {
        return;
    };
    let mut store = store(&redis, "late");
    let jobs = [NewJob::new("fibonacci", &json!({"n": 45})), sleep(3600.0)];
    let limited = jobs.map(|job| NewJob {
        timeout: Some(Duration::from_millis(100)),
        attempts: 1,
        ..job
    });
    let ids = submit(&mut store, &limited);
    let _worker = Worker::start(&redis, "late", "--threads 1");

    all_ended(&mut store);

    for id in ids {
        let job = job(&mut store, id);
        assert_eq!(job.state, State::Dead);
        assert_eq!(
            job.error.unwrap(),
            "it took longer than its time-out of 0.1 s"
        );
    }
}

#[test]
fn many_io_jobs_wait_at_once_beside_cpu_jobs() {
    let Some(redis) = RedisServer::start(&[]) else {
        return;
    };
    let mut store = store(&redis, "io");
    let mut jobs = vec![sleep(1.0); 200];
    jobs.extend(vec![noop(); 100]);
    submit(&mut store, &jobs);
    let began = Instant::now();
    let worker = Worker::start(&redis, "io", "--threads 1 --io 100");
    worker.ready();

    let stats = all_ended(&mut store);

    assert_eq!(stats.totals.succeeded, 300);
    // One after the other they would take 200 s.
    assert!(began.elapsed() < Duration::from_mins(1));
}

#[test]
fn progress_of_long_work_is_told() {
    let Some(redis) = RedisServer::start(&[]) else {
        return;
    };
    let mut store = store(&redis, "progress");
    let id = submit(&mut store, &[NewJob::new("fibonacci", &json!({"n": 45}))])[0];
    let _worker = Worker::start(&redis, "progress", "--lease 300ms");
    let progress = eventually("some progress", || job(&mut store, id).progress);
    assert!((0.0..=1.0).contains(&progress));
    store.cancel(id).unwrap();
}
