//! SIGTERM: nothing new, and what goes on is finished.

use crate::load::Load;
use crate::proc::children;
use crate::served::{Cluster, eventually};
use crate::wire::Wire;
use rustix::process::Signal;
use std::time::{Duration, Instant};

#[test]
fn requests_under_way_are_finished_and_new_connections_refused() {
    for strategy in ["inherit", "reuseport"] {
        let options = "--workers 2 --drain-seconds 50 --work 6e7 --strategy";
        let mut cluster = Cluster::start(&format!("{options} {strategy}"));
        let mut under_way: Vec<Wire> = (0..6)
            .map(|_| {
                let mut wire = Wire::open(cluster.http()).unwrap();
                wire.get("/").unwrap();
                wire
            })
            .collect();
        eventually("they are under way", || {
            (cluster.metric("cluster_in_flight") >= 6.0).then_some(())
        });
        cluster.signal(Signal::TERM);
        eventually("nobody listens", || Wire::open(cluster.http()).err());
        for wire in &mut under_way {
            let seen = wire.next(false).unwrap();
            assert_eq!(seen.json()["result"], 1_799_999_970_000_000_u64);
            assert!(seen.is_last(), "{seen:?}");
        }
        assert!(cluster.ended().success());
    }
}

#[test]
fn what_is_not_done_by_the_deadline_is_left() {
    let mut cluster = Cluster::start("--workers 1 --drain-seconds 0.3 --work 1e9 --max-work 1e12");
    let mut wire = Wire::open(cluster.http()).unwrap();
    wire.get("/?work=1e12").unwrap();
    eventually("it is under way", || {
        (cluster.metric("cluster_in_flight") >= 1.0).then_some(())
    });
    let began = Instant::now();
    cluster.signal(Signal::TERM);
    assert!(cluster.ended().success());
    assert!(began.elapsed() < Duration::from_secs(30));
    assert!(wire.next(false).is_err());
    eventually("it is said", || {
        cluster.log().contains("drain deadline").then_some(())
    });
}

/// A kept connection that is used within the drain is told that it ends, and
/// loses nothing.
#[test]
fn kept_connections_lose_no_request() {
    let mut cluster = Cluster::start("--workers 2 --drain-seconds 20 --work 0");
    let mut kept: Vec<Wire> = (0..20)
        .map(|_| Wire::open(cluster.http()).unwrap())
        .collect();
    for wire in &mut kept {
        assert!(!wire.ask("/").unwrap().is_last());
    }
    cluster.signal(Signal::TERM);
    eventually("nobody listens", || Wire::open(cluster.http()).err());
    for wire in &mut kept[..10] {
        assert!(wire.ask("/").unwrap().is_last());
    }
    // The others say nothing, and are closed before the deadline.
    let began = Instant::now();
    assert!(cluster.ended().success());
    assert!(began.elapsed() < Duration::from_secs(15));
    for wire in &mut kept {
        assert!(wire.is_closed());
    }
}

#[test]
fn what_was_started_ends_with_it() {
    let mut cluster = Cluster::start("--workers 4");
    let pid = cluster.pid();
    assert_eq!(children(pid).len(), 4);
    cluster.signal(Signal::INT);
    assert!(cluster.ended().success());
    assert!(children(pid).is_empty());
}

#[test]
fn connections_that_were_made_before_it_are_served_under_load() {
    let mut cluster = Cluster::start("--workers 2 --work 0 --drain-seconds 20");
    let load = Load::start(cluster.http(), 4, "/", 1_000_000);
    eventually("it serves", || (load.answered() > 200).then_some(()));
    cluster.signal(Signal::TERM);
    assert!(cluster.ended().success());
    let tally = load.stop();
    // Then nobody listens; but what was sent on a kept connection was answered.
    let cut = tally
        .lost
        .iter()
        .filter(|lost| !lost.why.starts_with("connect"));
    assert_eq!(cut.count(), 0, "{:?}", tally.lost);
}
