//! Rules 3 to 7: what was granted, and how far it was used.

use super::{kind_of, verdict};
use measure::made::*;
use measure::report::VerdictKind;

#[test]
fn a_used_up_quota_that_throttles_is_the_quota() {
    let v = verdict(station("half", Some(0.5)), 1, half(1.02));
    assert_eq!(v.kind, VerdictKind::Quota);
    assert!(v.text.contains("all of it (0.5 CPUs)"), "{}", v.text);
    assert!(v.next.contains("1 CPU is the smallest quota"), "{}", v.next);
    assert!(v.next.contains("1.98 × as fast"), "{}", v.next);
}

#[test]
fn quota_and_bursts_part_at_97_percent_of_the_quota() {
    let with = |usage: f64| {
        replica(1.0)
            .worker(usage / 2.0, 0.02)
            .blocked(|b| b.io = 0.98 - usage / 2.0)
            .worker(usage / 2.0, 0.02)
            .blocked(|b| b.io = 0.98 - usage / 2.0)
            .throttled(10, 5, 0.04)
    };
    let one = station("one", Some(1.0));
    // Used up, and throttled for 1.95 %, then for 2.5 % of the time.
    assert_eq!(
        kind_of(&one, with(0.975).throttled(10, 5, 0.039)),
        VerdictKind::Cpu
    );
    let more = |usage| with(usage).throttled(10, 5, 0.05);
    let mut quota = more(0.975);
    quota
        .workers
        .iter_mut()
        .for_each(|w| w.waited_seconds = Some(0.025));
    assert_eq!(kind_of(&one, quota), VerdictKind::Quota);
    assert_eq!(kind_of(&one, with(0.96)), VerdictKind::Bursts);
    // Two throttled periods of forty-one are no finding, of forty they are.
    let rare = |periods| kind_of(&one, with(0.96).throttled(periods, 2, 0.03));
    assert_eq!(
        [rare(41), rare(40)],
        [VerdictKind::Waiting, VerdictKind::Bursts]
    );
    // A single one of ten may be the period that the sample began in.
    let first = with(0.96).throttled(10, 1, 0.04);
    assert_eq!(kind_of(&one, first), VerdictKind::Waiting);
}

#[test]
fn a_few_periods_that_run_out_are_no_bursts_where_cpus_are_what_is_missing() {
    let sample = replica(1.0)
        .worker(0.48, 0.5)
        .worker(0.48, 0.5)
        .throttled(10, 3, 0.02);
    assert_ne!(
        kind_of(&station("one", Some(1.0)), sample),
        VerdictKind::Bursts
    );
}

#[test]
fn workers_that_end_early_leave_a_quota_unused_without_bursts() {
    // Quota 1.5: both at 1.5 CPUs, then the second alone.
    let sample = replica(1.53)
        .worker(0.7, 0.24)
        .blocked(|b| b.tail = 0.59)
        .worker(1.29, 0.24)
        .throttled(15, 9, 0.48);
    assert_eq!(
        kind_of(&station("more", Some(1.5)), sample),
        VerdictKind::Imbalance
    );
}

#[test]
fn a_quota_that_no_cpus_could_use_is_not_recommended() {
    // Quota 1.0 used up, yet the lock keeps any larger one from helping.
    let sample = replica(1.0)
        .worker(0.5, 0.08)
        .blocked(|b| b.lock = 0.42)
        .worker(0.5, 0.08)
        .blocked(|b| b.lock = 0.42)
        .throttled(10, 9, 0.16);
    let v = verdict(station("one", Some(1.0)), 2, sample);
    assert_eq!(v.kind, VerdictKind::Quota);
    // min(2 threads, 2 CPUs, 2·(1 − 0.42) = 1.16 by the lock) → at most 1.16.
    assert!(v.next.contains("1.16 × as fast"), "{}", v.next);
}

#[test]
fn competitors_cap_what_a_larger_quota_gives() {
    // Quota 1.0 on two CPUs, of which others use 0.8: 1.2 are left. But beside
    // them these threads ran 1.0 of the 1.1 s in which they were ready.
    let sample = replica(1.0)
        .worker(0.5, 0.5)
        .worker(0.5, 0.5)
        .throttled(10, 10, 0.9)
        .others(0.8);
    let v = verdict(station("one", Some(1.0)), 2, sample);
    assert_eq!(v.kind, VerdictKind::Quota);
    assert!(v.next.contains("× as fast [1.20, 2.00]"), "{}", v.next);
}

#[test]
fn two_workers_at_quota_one_learn_that_one_would_do() {
    let sample = replica(2.0)
        .worker(1.0, 1.0)
        .worker(1.0, 1.0)
        .throttled(20, 20, 2.0);
    let v = verdict(station("one", Some(1.0)), 2, sample);
    assert!(
        v.next.contains("1 thread would do as much (2.00 s)"),
        "{}",
        v.next
    );
}

#[test]
fn more_busy_threads_than_cpus_take_turns() {
    let four = (0..4).fold(replica(1.0), |r, _| r.worker(0.495, 0.505));
    let v = verdict(station("two", None), 4, four);
    assert_eq!(v.kind, VerdictKind::Oversubscribed);
    assert!(
        v.next
            .contains("2 workers in all should take the same time"),
        "{}",
        v.next
    );
}

#[test]
fn as_many_busy_threads_as_cpus_are_cpu() {
    let two = replica(1.0).worker(0.99, 0.01).worker(0.99, 0.01);
    let v = verdict(station("two", None), 2, two);
    assert_eq!(v.kind, VerdictKind::Cpu);
    assert!(v.next.contains("no more CPUs"), "{}", v.next);
}

#[test]
fn one_worker_at_quota_one_is_cpu_and_needs_quota_and_worker() {
    let sample = replica(1.0).worker(0.995, 0.005).throttled(10, 0, 0.0);
    let v = verdict(station("one", Some(1.0)), 1, sample);
    assert_eq!(v.kind, VerdictKind::Cpu);
    assert!(
        v.next.contains("2 CPUs together with 2 workers"),
        "{}",
        v.next
    );
    assert!(v.next.contains("2.01 × as fast"), "{}", v.next);
}

#[test]
fn one_worker_pinned_to_one_cpu_needs_a_wider_cpuset_and_a_worker() {
    let mut pinned = station("pinned", None);
    pinned.replica_cpusets = vec![Some("0".to_owned())];
    let v = verdict(pinned, 1, replica(1.0).worker(0.99, 0.01).on_cpus("0", 1));
    assert_eq!(v.kind, VerdictKind::Cpu);
    assert!(v.next.contains("A cpuset of 2 CPUs"), "{}", v.next);
}

#[test]
fn usage_below_97_percent_of_granted_is_not_cpu() {
    let with = |usage: f64| {
        replica(1.0)
            .worker(usage, 0.0)
            .blocked(|b| b.io = 1.0 - usage)
    };
    let one = station("one", Some(1.0));
    assert_eq!(kind_of(&one, with(0.971)), VerdictKind::Cpu);
    // Running 96.9 %, as many threads as CPUs, no loss of 5 %.
    assert_eq!(kind_of(&one, with(0.969)), VerdictKind::Unclear);
}

#[test]
fn a_busy_worker_below_the_granted_cpus_needs_company() {
    let sample = replica(1.0).worker(0.98, 0.01);
    let v = verdict(station("more", Some(1.5)), 1, sample.clone());
    assert_eq!(v.kind, VerdictKind::Workers);
    assert!(v.next.contains("2 workers"), "{}", v.next);
    // 0.98 CPU seconds at 1.5 CPUs: 6 refills and 40 ms on each: 0.64 s.
    assert!(v.next.contains("1.56 × as fast"), "{}", v.next);
    let idle = replica(1.0).worker(0.94, 0.01).blocked(|b| b.io = 0.05);
    assert_ne!(
        kind_of(&station("more", Some(1.5)), idle),
        VerdictKind::Workers
    );
}

#[test]
fn tasks_on_one_thread_are_told_from_workers() {
    let v = verdict(
        station("two", Some(2.0)),
        4,
        replica(1.0).worker(0.99, 0.005),
    );
    assert_eq!(v.kind, VerdictKind::Workers);
    assert!(
        v.text
            .contains("4 workers were asked for, but 1 thread did the work"),
        "{}",
        v.text
    );
    assert!(
        v.next.contains("2 workers with a thread each"),
        "{}",
        v.next
    );
}

#[test]
fn cpu_outside_the_workers_is_not_shared_by_more_of_them() {
    // Two workers of 0.25 s beside 0.49 s of a coordinator, at quota 1.
    let sample = replica(1.0).worker(0.25, 0.75).worker(0.25, 0.75);
    let mut sample = sample.throttled(10, 10, 1.0);
    sample.group.cpu_seconds = Some(0.99);
    let v = verdict(station("one", Some(1.0)), 2, sample);
    assert_eq!(v.kind, VerdictKind::Quota);
    // At quota 2 not half of 0.99 s, but 0.49 s and half of the workers' 0.5 s.
    assert!(v.next.contains("740 ms instead of 1.00 s"), "{}", v.next);
}

#[test]
fn what_others_used_while_the_quota_stopped_the_work_was_free_to_it() {
    // A machine that others fill, and one worker that got its CPU whenever the
    // quota let it: twice the quota is twice the speed.
    let sample = replica(1.0)
        .worker(0.5, 0.5)
        .throttled(10, 10, 0.49)
        .others(1.5);
    let v = verdict(station("half", Some(0.5)), 1, sample);
    assert_eq!(v.kind, VerdictKind::Quota);
    assert!(v.next.contains("[1.00, 1.96]"), "{}", v.next);
}

#[test]
fn more_cpu_than_there_is_carries_no_verdict() {
    let mut sample = replica(1.0).worker(0.01, 0.0).blocked(|b| b.start = 0.99);
    sample.group.cpu_seconds = Some(8.2);
    let v = verdict(station("two", None), 1, sample);
    assert_eq!(v.kind, VerdictKind::Unclear);
    assert!(v.text.contains("More CPU was counted"), "{}", v.text);
}
