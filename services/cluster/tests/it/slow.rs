//! Clients that take their time.

use crate::limits::allow_files;
use crate::load::Load;
use crate::served::{Cluster, eventually};
use crate::wire::Wire;
use std::time::{Duration, Instant};

#[test]
fn a_head_that_trickles_is_cut_off() {
    let cluster = Cluster::start("--workers 1 --header-timeout 500ms --keep-alive 1h --work 0");
    let mut silent = Wire::open(cluster.http()).unwrap();
    let mut slow = Wire::open(cluster.http()).unwrap();
    let mut used = Wire::open(cluster.http()).unwrap();
    assert_eq!(used.ask("/").unwrap().status, 200);
    let began = Instant::now();
    // One byte now and then, so that no time-out between two reads is reached.
    let mut head = "GET / HTTP/1.1\r\nX: "
        .bytes()
        .chain(std::iter::repeat(b'x'));
    while slow.send([head.next().unwrap()]).is_ok() {
        assert!(
            began.elapsed() < Duration::from_secs(30),
            "it is never cut off"
        );
        std::thread::sleep(Duration::from_millis(20));
    }
    assert!(silent.is_closed());
    // In the middle of a kept connection too.
    used.send("GET / HT").unwrap();
    assert!(used.is_closed());
    eventually("they are counted", || {
        let slow = cluster.metric("cluster_connections_cut_total{reason=\"slow\"}");
        (slow >= 3.0).then_some(())
    });
}

#[test]
fn idle_connections_are_closed_after_their_time_and_busy_ones_are_not() {
    let cluster = Cluster::start("--workers 1 --keep-alive 500ms --work 0");
    let mut idle = Wire::open(cluster.http()).unwrap();
    let mut busy = Wire::open(cluster.http()).unwrap();
    assert_eq!(idle.ask("/").unwrap().status, 200);
    let began = Instant::now();
    while began.elapsed() < Duration::from_millis(1500) {
        assert_eq!(busy.ask("/").unwrap().status, 200);
        std::thread::sleep(Duration::from_millis(20));
    }
    assert!(idle.is_closed());
    assert!(cluster.metric("cluster_connections_cut_total{reason=\"idle\"}") >= 1.0);
}

/// A client that pipelines and never reads holds its connection no longer than
/// one that says nothing.
#[test]
fn who_does_not_read_is_cut_off_too() {
    let cluster = Cluster::start("--workers 1 --keep-alive 500ms --header-timeout 500ms --work 0");
    let mut deaf = Wire::open(cluster.http()).unwrap();
    let stream = deaf.stream().try_clone().unwrap();
    stream
        .set_write_timeout(Some(Duration::from_millis(200)))
        .unwrap();
    let requests = "GET / HTTP/1.1\r\nHost: h\r\n\r\n".repeat(1000);
    let began = Instant::now();
    loop {
        match deaf.send(&requests) {
            Ok(()) => {}
            // Both directions are full: nothing moves any more.
            Err(error) if error.kind() == std::io::ErrorKind::WouldBlock => {}
            Err(_) => break,
        }
        assert!(
            began.elapsed() < Duration::from_secs(30),
            "it is never cut off"
        );
    }
    // It had its time: the answers' direction may be full, and the time be up,
    // before the requests' is.
    let had = began.elapsed();
    assert!(had >= Duration::from_millis(400), "cut off after {had:?}");
}

/// Slowloris: thousands of clients that each hold a connection with half a head.
/// Where this process may not open so many files, there are fewer, and it says so.
#[test]
fn five_thousand_slow_clients_keep_nobody_out() {
    const CLIENTS: u64 = 5000;
    let files = allow_files(CLIENTS + 500);
    let clients = CLIENTS.min(files.saturating_sub(500)) as usize;
    if clients < CLIENTS as usize {
        eprintln!("only {clients} slow clients: the limit of open files is {files}");
    }
    let cluster = Cluster::start("--workers 2 --header-timeout 3s --work 0");
    let mut slow: Vec<Wire> = Vec::new();
    for _ in 0..clients {
        let mut wire = Wire::open(cluster.http()).unwrap();
        wire.send("GET / HTTP/1.1\r\nHost: h\r\nX: ").unwrap();
        slow.push(wire);
    }
    // Meanwhile others are served.
    let load = Load::start(cluster.http(), 4, "/", 20);
    eventually("others are served", || {
        (load.answered() > 500).then_some(())
    });
    eventually("all are cut off", || {
        let cut = cluster.metric("cluster_connections_cut_total{reason=\"slow\"}");
        (cut as usize >= clients).then_some(())
    });
    let tally = load.stop();
    assert!(tally.lost.is_empty() && tally.wrong.is_empty(), "{tally:?}");
    for wire in &mut slow {
        assert!(wire.is_closed());
    }
    eventually("no connection is left", || {
        (cluster.metric("cluster_connections ") < 1.0).then_some(())
    });
    assert_eq!(cluster.family()["restarts"], 0);
}
