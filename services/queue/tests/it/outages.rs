//! A Redis that will not have a worker, or goes away under it.

use crate::programs::{Worker, all_ended, noop, program, server, sleep, submit};
use queue::store::Store;
use redis_link::patiently;
use rustix::process::Signal;
use serving::RedisServer;
use std::time::Duration;

#[test]
fn a_wrong_password_is_said_so_and_ends_it() {
    let Some(redis) = RedisServer::start(&["--requirepass", "swordfish"]) else {
        return;
    };
    for command in ["worker", "serve"] {
        let mut command_line = program();
        command_line.args([command, "--port", "0", "--admin-port", "0"]);
        let output = command_line
            .args(["--redis-url", &redis.url()])
            .output()
            .unwrap();
        assert_eq!(output.status.code(), Some(1), "{output:?}");
        let said = String::from_utf8(output.stderr).unwrap();
        assert!(said.contains("refuses the password"), "{said}");
        assert!(said.contains("QUEUE_REDIS_PASSWORD_FILE"), "{said}");
    }
}

#[test]
fn a_worker_waits_for_redis_and_ends_without_it_when_told_to() {
    let Some(mut redis) = RedisServer::made(&[]) else {
        return;
    };
    let waits = Worker::start(&redis, "late", "");
    let mut told = Worker::start(&redis, "late", "");
    assert_eq!(waits.admin("/readyz").0, 503);
    told.serving.signal(Signal::TERM);
    assert!(told.serving.ended().success());

    redis.run();

    waits.ready();
}

#[test]
fn a_redis_that_stalls_and_is_killed_costs_a_worker_nothing_but_time() {
    let Some(mut redis) = RedisServer::start(&[]) else {
        return;
    };
    let at = server(&redis, "gone");
    let mut jobs = vec![sleep(0.2); 200];
    jobs.extend(vec![noop(); 2000]);
    submit(&mut at.connect().unwrap(), &jobs);
    let _worker = Worker::start(&redis, "gone", "--lease 1m --io 20");
    std::thread::sleep(Duration::from_millis(700));

    redis.pause();
    std::thread::sleep(Duration::from_secs(2));
    redis.resume();
    redis.crash();
    redis.run();

    let connected = || {
        at.connect()
            .and_then(|mut store| store.tend().map(|()| store))
    };
    let mut store = patiently(connected, || false).unwrap();
    let stats = all_ended(&mut store);
    assert_eq!(stats.totals.succeeded, 2200, "{stats:#?}");
    assert!(stats.adds_up(), "{stats:#?}");
}
