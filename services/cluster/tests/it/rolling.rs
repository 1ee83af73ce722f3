//! SIGHUP: each worker is relieved by a new one, and nobody notices.

use crate::load::Load;
use crate::served::{Cluster, eventually, signal};
use rustix::process::Signal;
use std::collections::BTreeSet;

/// Whether no worker of those before is left, and as many others serve.
fn is_renewed(cluster: &Cluster, before: &BTreeSet<u32>) -> bool {
    let family = cluster.family();
    let workers = family["workers"].as_array().unwrap();
    let is_new = |worker: &serde_json::Value| {
        let pid = worker["pid"].as_u64().unwrap() as u32;
        worker["state"] == "serving" && !before.contains(&pid)
    };
    workers.len() == before.len() && workers.iter().all(is_new)
}

#[test]
fn no_request_fails_while_all_workers_are_relieved() {
    for (strategy, per_connection) in [
        ("inherit", 10_000),
        ("inherit", 3),
        ("reuseport", 10_000),
        ("reuseport", 3),
    ] {
        let options = "--workers 3 --work 1e4 --drain-seconds 20 --strategy";
        let cluster = Cluster::start(&format!("{options} {strategy}"));
        let load = Load::start(cluster.http(), 8, "/", per_connection);
        for _ in 0..3 {
            let answered = load.answered();
            eventually("it serves", || {
                (load.answered() > answered + 200).then_some(())
            });
            let before: BTreeSet<u32> = cluster.workers().into_iter().collect();
            cluster.signal(Signal::HUP);
            eventually("all are relieved", || {
                is_renewed(&cluster, &before).then_some(())
            });
        }
        let tally = load.stop();
        assert!(tally.lost.is_empty(), "{strategy}: {:?}", tally.lost);
        assert!(tally.wrong.is_empty(), "{:?}", tally.wrong);
        assert_eq!(tally.sent, tally.answered);
        // They were relieved, and none has died.
        assert_eq!(cluster.family()["restarts"], 0);
    }
}

#[test]
fn a_worker_that_dies_while_it_is_relieved_leaves_one_in_its_place() {
    let cluster = Cluster::start("--workers 2 --work 0");
    for _ in 0..10 {
        let before = cluster.workers();
        cluster.signal(Signal::HUP);
        // At some moment of the change.
        std::thread::sleep(std::time::Duration::from_millis(fastrand::u64(..30)));
        signal(before[0], Signal::KILL);
        let before: BTreeSet<u32> = before.into_iter().collect();
        eventually("two serve", || is_renewed(&cluster, &before).then_some(()));
    }
    assert_eq!(cluster.get("/").status, 200);
}
