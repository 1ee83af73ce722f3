//! Loops that use up all the CPU keep nobody from being accepted and told.

use crate::served::{Cluster, eventually};
use crate::wire::Wire;
use std::time::{Duration, Instant};

#[test]
fn accept_info_and_health_answer_while_loops_saturate_a_worker() {
    for options in ["--workers 1", "--workers 1 --threads 2"] {
        let cluster = Cluster::start(&format!("{options} --max-work 1e12 --drain-seconds 0"));
        // Each of these takes hours.
        let mut busy: Vec<Wire> = (0..8)
            .map(|_| Wire::open(cluster.http()).unwrap())
            .collect();
        for wire in &mut busy {
            wire.get("/?work=1e12").unwrap();
        }
        eventually("the loops run", || {
            (cluster.metric("cluster_in_flight") >= 8.0).then_some(())
        });
        // Not a speed: without slices none of these would come at all.
        let began = Instant::now();
        for _ in 0..50 {
            assert_eq!(cluster.get("/?work=0").status, 200);
            assert_eq!(
                cluster.get("/info").json()["workers"]
                    .as_array()
                    .unwrap()
                    .len(),
                1
            );
            assert_eq!(cluster.admin("/healthz"), "alive");
        }
        let took = began.elapsed();
        assert!(took < Duration::from_secs(50), "{took:?}");
    }
}

/// Equal loops end one after another, in the order of their coming.
#[test]
fn loops_are_done_in_their_order() {
    let cluster = Cluster::start("--workers 1");
    let mut wires: Vec<Wire> = (0..5)
        .map(|_| Wire::open(cluster.http()).unwrap())
        .collect();
    for wire in &mut wires {
        // Each is accepted before the next one comes.
        assert_eq!(wire.ask("/?work=0").unwrap().status, 200);
    }
    for (index, wire) in wires.iter_mut().enumerate() {
        wire.get("/?work=6e7").unwrap();
        let in_flight = (index + 1) as f64;
        eventually("it is under way", || {
            (cluster.metric("cluster_in_flight") >= in_flight
                || cluster.metric("cluster_requests_total{status=\"200\"}") > 5.0)
                .then_some(())
        });
    }
    let ended: Vec<Instant> = std::thread::scope(|scope| {
        let ends: Vec<_> = wires
            .iter_mut()
            .map(|wire| {
                scope.spawn(|| {
                    assert_eq!(wire.next(false).unwrap().status, 200);
                    Instant::now()
                })
            })
            .collect();
        ends.into_iter().map(|end| end.join().unwrap()).collect()
    });
    assert!(ended.is_sorted(), "{ended:?}");
}
