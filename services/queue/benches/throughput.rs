//! What the queue itself costs: jobs that do nothing, accepted in batches and done
//! by two workers, over a Redis of its own (append-only file, synced every second).
//!
//! `cargo bench -p queue`, with a number of jobs behind `--` (200000).

#![allow(clippy::unwrap_used)]

use queue::job::{NewJob, State, Stats};
use queue::store::Store;
use queue::store::redis::{RedisStore, Server};
use redis_link::Address;
use serde_json::json;
use serving::{RedisServer, Serving};
use std::process::Command;
use std::time::{Duration, Instant};

const JOBS: usize = 200_000;

/// Jobs that are accepted together.
const BATCH: usize = 1000;

fn main() {
    let named = std::env::args().skip(1).find_map(|word| word.parse().ok());
    let jobs: usize = named.unwrap_or(JOBS);
    let Some(redis) = RedisServer::start(&["--appendfsync", "everysec"]) else {
        return;
    };
    let address = Address::new(&redis.url(), None, "QUEUE").unwrap();
    for round in 0..3 {
        let name = format!("bench-{round}");
        let at = Server::new(address.clone(), &name);
        let mut store = at.connect().unwrap();
        let accepted = accept(&mut store, jobs);
        let began = Instant::now();
        let workers = [(); 2].map(|()| worker(&redis, &name));
        let (first, stats) = follow(&mut store, jobs);
        let all = began.elapsed().as_secs_f64();
        println!(
            "{jobs} jobs: accepted {accepted:.0}/s; done {:.0}/s from first to last by two workers, \
             {:.0}/s with their start; refused {}",
            jobs as f64 / (all - first),
            jobs as f64 / all,
            stats.totals.refused
        );
        drop(workers);
        idle_latency(&redis, &mut store, &name);
        let mut flush = redis::cmd("FLUSHALL");
        flush.arg("SYNC");
        store.ask(&[flush]).unwrap();
    }
}

fn worker(redis: &RedisServer, queue: &str) -> Serving {
    let mut command = Command::new(env!("CARGO_BIN_EXE_queue"));
    command.args(["worker", "--port", "0", "--admin-port", "0"]);
    command.args(["--redis-url", &redis.url(), "--name", queue]);
    command.args(["--threads", "1"]);
    Serving::spawn(&mut command)
}

/// Jobs a second.
fn accept(store: &mut RedisStore, jobs: usize) -> f64 {
    let batch = vec![NewJob::new("noop", &json!({})); BATCH];
    let began = Instant::now();
    for _ in 0..jobs / BATCH {
        store.submit(&[&batch], u64::MAX >> 12).unwrap();
    }
    jobs as f64 / began.elapsed().as_secs_f64()
}

/// Seconds until the first was done, and how it ended.
fn follow(store: &mut RedisStore, jobs: usize) -> (f64, Stats) {
    let began = Instant::now();
    let mut first = None;
    loop {
        let stats = store.stats().unwrap();
        if stats.totals.succeeded > 0 {
            first.get_or_insert(began.elapsed().as_secs_f64());
        }
        if stats.totals.succeeded >= jobs as u64 {
            assert_eq!(stats.by_state[&State::Active], 0);
            return (first.unwrap_or(0.0), stats);
        }
        std::thread::sleep(Duration::from_millis(5));
    }
}

/// From a job's acceptance to its start on a queue that has nothing else.
fn idle_latency(redis: &RedisServer, store: &mut RedisStore, queue: &str) {
    let worker = worker(redis, queue);
    std::thread::sleep(Duration::from_secs(1));
    let job = [NewJob::new("noop", &json!({}))];
    let mut waits: Vec<f64> = (0..500)
        .map(|_| {
            let accepted = store.submit(&[&job], u64::MAX >> 12).unwrap();
            let queue::store::Accepted::All(submitted) = &accepted[0] else {
                panic!("{accepted:?}");
            };
            std::thread::sleep(Duration::from_millis(4));
            let job = store.get(&[submitted[0].id]).unwrap().remove(0).unwrap();
            job.started_at
                .map_or(f64::INFINITY, |at| at - job.created_at)
        })
        .collect();
    waits.sort_by(f64::total_cmp);
    println!(
        "idle queue, accepted until taken: median {:.2} ms, 99 of 100 {:.2} ms",
        waits[waits.len() / 2] * 1e3,
        waits[waits.len() * 99 / 100] * 1e3
    );
    drop(worker);
}
