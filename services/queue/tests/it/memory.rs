//! What a job that waits takes of Redis' memory.

use crate::programs::{noop, store, submit};
use queue::job::NewJob;
use queue::store::redis::RedisStore;
use serde_json::json;
use serving::RedisServer;

/// Bytes that a small job may take.
const MOST_BYTES: u64 = 400;

const JOBS: usize = 100_000;

fn used(store: &mut RedisStore) -> u64 {
    let mut info = redis::cmd("INFO");
    info.arg("memory");
    let info = redis_link::answer::text(store.ask(&[info]).unwrap().remove(0)).unwrap();
    let used = info
        .lines()
        .find_map(|line| line.strip_prefix("used_memory:"));
    used.unwrap().trim().parse().unwrap()
}

#[test]
fn a_small_job_that_waits_takes_at_most_400_bytes() {
    let Some(redis) = RedisServer::start(&["--appendonly", "no"]) else {
        return;
    };
    let mut store = store(&redis, "memory");
    submit(&mut store, &vec![noop(); 5000]);
    let before = used(&mut store);
    let small = NewJob::new("fibonacci", &json!({"n": 35}));
    submit(&mut store, &vec![small; JOBS]);

    let bytes = (used(&mut store) - before) / JOBS as u64;

    println!("{bytes} bytes a job");
    assert!((50..=MOST_BYTES).contains(&bytes), "{bytes} bytes a job");
}
