//! What happens to connections that wait in a queue when their worker dies.

use crate::proc::runs;
use crate::served::{Cluster, eventually, signal, stop};
use crate::wire::Wire;
use rustix::process::Signal;

/// Connections with a request each, of which no worker knows yet: all workers are
/// stopped.
fn queued(cluster: &Cluster, count: usize) -> Vec<Wire> {
    for pid in cluster.workers() {
        stop(pid);
    }
    (0..count)
        .map(|_| {
            let mut wire = Wire::open(cluster.http()).unwrap();
            wire.get("/?work=0").unwrap();
            wire
        })
        .collect()
}

fn none_is_lost(strategy: &str) {
    let cluster = Cluster::start(&format!("--workers 3 --strategy {strategy}"));
    let workers = cluster.workers();
    let mut waiting = queued(&cluster, 60);

    let (dead, alive) = (workers[0], &workers[1..]);
    signal(dead, Signal::KILL);
    eventually("it is dead", || (!runs(dead)).then_some(()));
    for pid in alive {
        signal(*pid, Signal::CONT);
    }

    let by: Vec<u32> = waiting
        .iter_mut()
        .map(|wire| wire.next(false).unwrap().json()["worker"].as_u64().unwrap() as u32)
        .collect();
    assert!(!by.contains(&dead));
    if strategy == "reuseport" {
        // Its queue was its own, and only its successor can have taken from it.
        let heirs = by.iter().filter(|pid| !alive.contains(pid)).count();
        assert!(heirs > 0, "{by:?}");
    }
}

#[test]
fn one_queue_is_emptied_by_the_others() {
    none_is_lost("inherit");
}

#[test]
fn a_queue_of_its_own_waits_for_the_successor() {
    none_is_lost("reuseport");
}

/// Told to end, workers take what waits before they close.
#[test]
fn what_waits_at_the_end_is_served() {
    for strategy in ["inherit", "reuseport"] {
        let options = "--workers 2 --drain-seconds 20 --strategy";
        let mut cluster = Cluster::start(&format!("{options} {strategy}"));
        let workers = cluster.workers();
        let mut waiting = queued(&cluster, 20);
        cluster.signal(Signal::TERM);
        // The master closes its sockets and tells them; then they wake up.
        eventually("the master drains", || {
            cluster.log().contains("shutting down").then_some(())
        });
        for pid in workers {
            signal(pid, Signal::CONT);
        }
        for wire in &mut waiting {
            assert_eq!(wire.next(false).unwrap().status, 200);
        }
        assert!(cluster.ended().success());
    }
}
