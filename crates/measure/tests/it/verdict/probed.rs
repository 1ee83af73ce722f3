//! The cases that were probed on real machines.

use super::{kind_of, verdict};
use measure::made::*;
use measure::report::VerdictKind;

#[test]
fn two_hogs_beside_quota_one_with_two_workers_are_the_host() {
    // Usage 0.985 of quota 1.0, each worker half its time in the queue.
    let sample = replica(2.0)
        .worker(0.985, 1.0)
        .worker(0.985, 1.0)
        .throttled(20, 2, 0.01)
        .others(2.03);
    let v = verdict(station("one", Some(1.0)), 2, sample);
    assert_eq!(v.kind, VerdictKind::Host);
    assert!(v.text.contains("51 %"), "{}", v.text);
}

#[test]
fn a_fleet_of_four_halves_on_two_cpus_is_oversubscribed() {
    // Running 50 %, throttled 9 %, runnable 41 %.
    let one = || {
        let mut r = replica(2.0).worker(0.995, 1.005).throttled(20, 8, 0.18);
        r.cpus.idle_seconds = Some(0.01);
        r.cpus.others_seconds = None;
        r
    };
    let row = row_of(
        "fleet",
        "work-stealing",
        1,
        rounds(6, &[one(), one(), one(), one()]),
    );
    let v = analysed(fleet("fleet", 4, 0.5), row).verdict.unwrap();
    assert_eq!(v.kind, VerdictKind::Oversubscribed);
    assert!(
        v.next
            .contains("One replica with 2 workers and a quota of 2 CPUs"),
        "{}",
        v.next
    );
}

#[test]
fn two_holders_of_one_lock_at_quota_one_are_contention() {
    let sample = replica(2.0)
        .worker(0.99, 0.01)
        .blocked(|b| b.lock = 1.0)
        .worker(0.99, 0.01)
        .blocked(|b| b.lock = 1.0)
        .throttled(20, 1, 0.005);
    let v = verdict(station("one", Some(1.0)), 2, sample);
    assert_eq!(v.kind, VerdictKind::Contention);
    assert!(
        v.next
            .contains("more CPUs or workers would wait for it too"),
        "{}",
        v.next
    );
}

#[test]
fn eight_sleepers_on_full_cpus_are_cpu() {
    // 5 ms of CPU, 5 ms of sleep: each runs a quarter of the time.
    let sample = (0..8).fold(replica(2.0), |r, _| {
        r.worker(0.495, 0.9).blocked(|b| b.io = 0.6)
    });
    assert_eq!(kind_of(&station("two", None), sample), VerdictKind::Cpu);
}

#[test]
fn a_server_at_forty_percent_of_its_quota_with_throttled_periods_bursts() {
    let sample = (0..4)
        .fold(replica(3.7), |r, _| {
            r.worker(0.37, 0.1).blocked(|b| b.idle = 3.2)
        })
        .throttled(37, 13, 0.35);
    let v = verdict(station("one", Some(1.0)), 4, sample);
    assert_eq!(v.kind, VerdictKind::Bursts);
    assert!(
        v.text.contains("40 %") && v.text.contains("35 %"),
        "{}",
        v.text
    );
}
