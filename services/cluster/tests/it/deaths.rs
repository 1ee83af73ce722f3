//! Workers that die, and a master that does.

use crate::load::{Load, Tally};
use crate::proc::{children, files_and_threads, runs};
use crate::served::{Cluster, eventually, signal};
use rustix::process::Signal;
use serde_json::Value;
use std::collections::BTreeMap;
use std::time::{Duration, Instant};

/// What killing a random worker every 200 ms for this long, under load, must
/// leave as it was.
fn kill_workers_for(time: Duration, strategy: &str) {
    let cluster = Cluster::start(&format!("--workers 3 --work 2e5 --strategy {strategy}"));
    let load = Load::start(cluster.http(), 8, "/", 50);
    eventually("it serves", || (load.answered() > 100).then_some(()));
    let before = files_and_threads(cluster.pid());
    let mut killed: BTreeMap<u32, Instant> = BTreeMap::new();
    let mut random = fastrand::Rng::with_seed(1);
    let began = Instant::now();
    while began.elapsed() < time {
        let workers = cluster.workers();
        if !workers.is_empty() {
            let worker = workers[random.usize(..workers.len())];
            killed.insert(worker, Instant::now());
            signal(worker, Signal::KILL);
        }
        std::thread::sleep(Duration::from_millis(200));
    }
    eventually("all places are taken again", || {
        let restarts = cluster.family()["restarts"].as_u64()?;
        (restarts == killed.len() as u64 && cluster.workers().len() == 3).then_some(())
    });
    let answered = load.answered();
    eventually("it serves on", || {
        (load.answered() > answered + 100).then_some(())
    });
    let tally = load.stop();
    only_on_the_killed(&tally, &killed);
    let zombies = || {
        children(cluster.pid())
            .into_values()
            .any(|state| state == 'Z')
    };
    eventually("no zombie is left", || (!zombies()).then_some(()));
    assert_eq!(children(cluster.pid()).len(), 3);
    // The clients' and this test's own connections come and go.
    eventually("no file and no thread is left over", || {
        (files_and_threads(cluster.pid()) <= before).then_some(())
    });
}

/// Each request that was lost was on a connection of a worker that was killed
/// while the request was under way, or before the client could know; and what
/// was sent is what was answered and what was lost.
fn only_on_the_killed(tally: &Tally, killed: &BTreeMap<u32, Instant>) {
    assert!(tally.wrong.is_empty(), "{:?}", tally.wrong);
    for lost in &tally.lost {
        // That the client sees it late on a busy machine does no harm: a killed
        // worker's connection has no other end.
        let is_explained = if let Some(worker) = lost.worker {
            killed.get(&worker).is_some_and(|at| *at <= lost.failed)
        } else {
            // A new connection, whose worker said nothing yet.
            let second = Duration::from_secs(1);
            let mut kills = killed.values();
            kills.any(|at| *at <= lost.failed && lost.sent <= *at + second)
        };
        assert!(is_explained, "{lost:?}");
        assert!(!lost.why.starts_with("connect"), "{lost:?}");
    }
    assert_eq!(tally.sent, tally.answered + tally.lost.len() as u64);
    // At most one request per client and kill.
    assert!(tally.lost.len() <= 8 * killed.len());
}

#[test]
fn killed_workers_lose_their_own_requests_and_nothing_else() {
    kill_workers_for(Duration::from_secs(6), "inherit");
}

#[test]
fn killed_workers_with_sockets_of_their_own_too() {
    kill_workers_for(Duration::from_secs(6), "reuseport");
}

#[test]
#[ignore = "the same for 20 s each"]
fn killed_workers_for_longer() {
    kill_workers_for(Duration::from_secs(20), "inherit");
    kill_workers_for(Duration::from_secs(20), "reuseport");
}

#[test]
fn workers_end_with_a_master_that_is_killed() {
    let mut cluster = Cluster::start("--workers 3 --threads 2 --work 1e9");
    let workers = cluster.workers();
    // One of them computes, and does not look around often.
    let busy = Load::start(cluster.http(), 2, "/", 1);
    eventually("a loop runs", || {
        (cluster.metric("cluster_in_flight") >= 1.0).then_some(())
    });
    cluster.signal(Signal::KILL);
    cluster.ended();
    eventually("the workers have ended", || {
        workers.iter().all(|pid| !runs(*pid)).then_some(())
    });
    busy.stop();
}

#[test]
fn a_worker_is_killed_on_demand_and_nobody_else_is() {
    let cluster = Cluster::start("--workers 2");
    let worker = cluster.workers()[0];
    let delete = |pid: &str| {
        cluster
            .api("DELETE", &format!("/workers/{pid}"), &Value::Null)
            .0
    };
    let master = cluster.pid().to_string();
    for other in [&master[..], "1", "0", "-1", "abc", "99999999999"] {
        assert_eq!(delete(other), 404, "{other}");
    }
    assert_eq!(delete(&worker.to_string()), 204);
    eventually("it is replaced", || {
        let workers = cluster.workers();
        (workers.len() == 2 && !workers.contains(&worker)).then_some(())
    });
    assert_eq!(cluster.family()["restarts"], 1);
    assert!((cluster.metric("cluster_worker_restarts_total") - 1.0).abs() < 1e-9);
    assert!(!runs(worker));
}

#[test]
fn a_cluster_whose_workers_are_all_dead_is_not_ready_until_one_serves() {
    let cluster = Cluster::start("--workers 2 --work 0");
    signal(cluster.workers()[0], Signal::KILL);
    assert_eq!(cluster.readiness(), 200, "the other one serves");

    // Those that die young are replaced later each time: the gap grows until it
    // is seen.
    eventually("nobody serves", || {
        for worker in cluster.workers() {
            signal(worker, Signal::KILL);
        }
        (cluster.readiness() == 503).then_some(())
    });

    eventually("it is ready again", || {
        (cluster.readiness() == 200).then_some(())
    });
    assert!(!cluster.workers().is_empty());
    assert_eq!(cluster.get("/").status, 200);
}

#[test]
fn what_a_dead_worker_served_stays_counted() {
    let cluster = Cluster::start("--workers 1 --work 0");
    for _ in 0..50 {
        cluster.get("/");
    }
    let served = || cluster.family()["served"].as_u64().unwrap();
    eventually("it is known", || (served() == 50).then_some(()));
    signal(cluster.workers()[0], Signal::KILL);
    eventually("it is replaced", || {
        (cluster.family()["restarts"] == 1 && cluster.workers().len() == 1).then_some(())
    });
    assert_eq!(served(), 50);
    cluster.get("/");
    eventually("it goes on", || (served() == 51).then_some(()));
}
