//! Stations of several replicas.

use super::made::{Made, made, start};
use super::{held, options, run};
use crate::labs::invariants::{NOTHING_ELSE_RAN, NOTHING_LOST, RIGHT_ANSWERS};
use serde_json::Value;

/// A fleet beside the station that the baseline runs on.
fn fleet(replicas: usize, quota_cpus: f64) -> Made {
    Made {
        replicas,
        ..made("primes-fleet", quota_cpus)
    }
}

/// The requests of each sample: one per replica, whatever order they came in.
fn samples(fleet: &Made) -> Vec<Vec<Value>> {
    let asked = fleet.asked.lock().unwrap();
    let samples = asked.chunks(fleet.replicas).map(<[Value]>::to_vec);
    samples.collect()
}

/// The parts of a sample are all there, each once.
fn assert_whole(sample: &[Value]) {
    let count = sample.len() as u64;
    let mut parts: Vec<_> = sample
        .iter()
        .map(|r| r["shard"]["index"].as_u64())
        .collect();
    parts.sort_unstable();
    assert_eq!(parts, (0..count).map(Some).collect::<Vec<_>>());
    assert!(sample.iter().all(|r| r["shard"]["count"] == count));
    assert!(sample.iter().all(|r| r["repeats"] == sample[0]["repeats"]));
}

#[tokio::test]
async fn replicas_that_share_too_few_cpus_start_at_one_moment() {
    // Four times half a CPU on two: the CPUs bind, not the quotas.
    let fleet = fleet(4, 0.5);
    let stations = start(vec![fleet.clone(), made("primes-two", 2.0)]).await;

    let report = run(&stations, &options(2)).await.unwrap();

    let samples = samples(&fleet);
    // A first probe found it out.
    let (alone, together) = samples.split_at(1);
    assert!(alone[0].iter().all(|r| r["start_at_seconds"].is_null()));
    assert!(together.len() >= 3, "a probe and two rounds");
    let mut before = 0.0;
    for sample in together {
        assert_whole(sample);
        let moment = sample[0]["start_at_seconds"].as_f64().unwrap();
        assert!(sample.iter().all(|r| r["start_at_seconds"] == moment));
        assert!(moment > before, "each sample has a start of its own");
        before = moment;
    }
    let row = report
        .rows
        .iter()
        .find(|r| r.station == "primes-fleet")
        .unwrap();
    assert!(row.rounds.iter().all(|round| round.replicas.len() == 4));
    assert!(
        report.invariants.iter().all(|invariant| invariant.held),
        "{:?}",
        report.invariants
    );
}

#[tokio::test]
async fn replicas_that_their_quotas_bind_start_each_at_its_own_refill() {
    // Twice half a CPU on two: each replica meets its own quota.
    let fleet = fleet(2, 0.5);
    let stations = start(vec![fleet.clone(), made("primes-two", 2.0)]).await;

    let report = run(&stations, &options(2)).await.unwrap();

    for sample in samples(&fleet) {
        assert_whole(&sample);
        assert!(sample.iter().all(|r| r["start_at_seconds"].is_null()));
    }
    assert_eq!(report.stations[0].replicas, 2);
    assert_eq!(report.stations[0].calibrated.len(), 2);
    assert!(held(&report, RIGHT_ANSWERS), "the parts add up");
    assert!(held(&report, NOTHING_ELSE_RAN));
}

#[tokio::test]
async fn a_fleet_of_which_one_replica_fails_is_lost_and_named() {
    // Its third run: after one probe, in the second round.
    let fleet = Made {
        fails: Some((1, 3)),
        ..fleet(2, 0.5)
    };
    let stations = start(vec![fleet, made("primes-two", 2.0)]).await;

    let report = run(&stations, &options(3)).await.unwrap();

    let of = |station: &str| {
        let rows = report.rows.iter().filter(|r| r.station == station);
        rows.map(|r| (r.rounds.len(), r.not_run.clone()))
            .collect::<Vec<_>>()
    };
    let lost = of("primes-fleet");
    assert_eq!(lost.len(), 1);
    assert_eq!(lost[0].0, 1, "no round of one replica alone");
    let why = lost[0].1.as_ref().unwrap();
    assert!(why.contains("primes-fleet was lost in round 2"), "{why}");
    assert!(of("primes-two").iter().all(|row| *row == (3, None)));
    assert!(!held(&report, NOTHING_LOST));
    assert!(held(&report, RIGHT_ANSWERS));
}
