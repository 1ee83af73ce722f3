//! Rules 8 and 9, and what the rounds of a row agree on.

use super::{kind_of, verdict};
use measure::made::*;
use measure::report::{BlockedOn, ReplicaAccount, Round, Verdict, VerdictKind};

#[test]
fn the_largest_cause_of_being_blocked_names_the_kind() {
    type Cause = fn(&mut BlockedOn) -> &mut f64;
    let causes: [(Cause, VerdictKind); 7] = [
        (|b| &mut b.tail, VerdictKind::Imbalance),
        (|b| &mut b.io, VerdictKind::Waiting),
        (|b| &mut b.input, VerdictKind::Starved),
        (|b| &mut b.output, VerdictKind::Backpressure),
        (|b| &mut b.lock, VerdictKind::Contention),
        (|b| &mut b.start, VerdictKind::Startup),
        (|b| &mut b.idle, VerdictKind::Idle),
    ];
    for (cause, expected) in causes {
        let with = |share: f64| {
            let worker =
                |r: ReplicaAccount| r.worker(0.99 - share, 0.01).blocked(|b| *cause(b) = share);
            worker(worker(replica(1.0)))
        };
        assert_eq!(kind_of(&station("two", None), with(0.2)), expected);
        assert_eq!(kind_of(&station("two", None), with(0.051)), expected);
        assert_eq!(
            kind_of(&station("two", None), with(0.049)),
            VerdictKind::Unclear
        );
        let v = verdict(station("two", None), 2, with(0.2));
        assert!(v.text.contains("20 %"), "{}", v.text);
    }
}

#[test]
fn uneven_workers_learn_what_even_shares_would_give() {
    let sample = replica(1.3)
        .worker(1.3, 0.0)
        .worker(0.7, 0.0)
        .blocked(|b| b.tail = 0.6);
    let mut row = row_of("two", "static-threads", 2, rounds(6, &[sample]));
    row.work_shares = Some(vec![0.35, 0.65]);
    let v = analysed(station("two", None), row).verdict.unwrap();
    assert_eq!(v.kind, VerdictKind::Imbalance);
    // 2 CPU seconds on two CPUs: 1 s instead of 1.3 s.
    assert!(
        v.next
            .contains("1.30 × as fast [1.30, 1.30], 1.00 s instead of 1.30 s"),
        "{}",
        v.next
    );
}

#[test]
fn workers_that_take_parts_as_they_go_are_not_told_to_do_so() {
    let sample = replica(1.3)
        .worker(1.3, 0.0)
        .worker(0.7, 0.0)
        .blocked(|b| b.tail = 0.6);
    let row = row_of("two", "work-stealing", 2, rounds(6, &[sample]));
    let v = analysed(station("two", None), row).verdict.unwrap();
    assert_eq!(v.kind, VerdictKind::Imbalance);
    assert!(v.next.contains("smaller parts"), "{}", v.next);
}

#[test]
fn a_loss_smaller_than_what_is_not_accounted_for_names_nothing() {
    let with = |lock: f64| {
        let worker = |r: ReplicaAccount| r.worker(0.7, 0.0).blocked(|b| b.lock = lock);
        worker(worker(replica(1.0)))
    };
    let two = station("two", None);
    assert_eq!(kind_of(&two, with(0.16)), VerdictKind::Contention);
    assert_eq!(kind_of(&two, with(0.14)), VerdictKind::Unclear);
    let v = verdict(two, 2, with(0.16));
    assert!(v.text.starts_with("Probably: "), "{}", v.text);
    assert!(v.also.iter().any(|a| a.kind == "unaccounted"));
}

#[test]
fn without_schedstat_nothing_is_claimed() {
    let mut sample = half(1.02);
    sample.workers[0].waited_seconds = None;
    let v = verdict(station("half", Some(0.5)), 1, sample);
    assert_eq!(v.kind, VerdictKind::Unclear);
    assert!(v.text.contains("schedstat"), "{}", v.text);
    assert!(v.evidence.contains("granted"), "{}", v.evidence);
}

#[test]
fn no_rule_names_the_two_largest_losses() {
    let sample = replica(1.0).worker(0.93, 0.03).blocked(|b| b.io = 0.04);
    let v = verdict(station("one", Some(1.0)), 1, sample);
    assert_eq!(v.kind, VerdictKind::Unclear);
    assert!(v.text.contains("waiting for io (4.0 %)"), "{}", v.text);
    assert!(v.text.contains("no CPU being free (3.0 %)"), "{}", v.text);
}

fn mixed(quota_rounds: usize, cpu_rounds: usize) -> Verdict {
    let quota = replica(1.0)
        .worker(0.5, 0.5)
        .worker(0.5, 0.5)
        .throttled(10, 10, 1.0);
    let cpu = replica(1.0)
        .worker(0.5, 0.0)
        .blocked(|b| b.io = 0.5)
        .worker(0.5, 0.0)
        .blocked(|b| b.io = 0.5);
    let samples =
        std::iter::repeat_n(quota, quota_rounds).chain(std::iter::repeat_n(cpu, cpu_rounds));
    let rounds = (0..).zip(samples).map(|(round, replica)| Round {
        round,
        repeats: 1,
        replicas: vec![replica],
        ..Round::default()
    });
    let row = row_of("one", "work-stealing", 2, rounds.collect());
    analysed(station("one", Some(1.0)), row).verdict.unwrap()
}

#[test]
fn of_six_rounds_one_may_be_odd_and_is_named() {
    let v = mixed(5, 1);
    assert_eq!(v.kind, VerdictKind::Quota);
    let odd = v.also.iter().find(|a| a.kind == "odd-round").unwrap();
    assert!(
        odd.text.contains("Round 6") && odd.text.contains("`cpu`"),
        "{}",
        odd.text
    );
}

#[test]
fn two_odd_rounds_or_one_of_five_are_unclear_with_the_kinds_seen() {
    for v in [mixed(4, 2), mixed(4, 1), mixed(1, 1)] {
        assert_eq!(v.kind, VerdictKind::Unclear);
        assert!(
            v.text.contains("quota in") && v.text.contains("cpu in"),
            "{}",
            v.text
        );
    }
    assert_eq!(mixed(3, 0).kind, VerdictKind::Quota);
}

#[test]
fn rounds_that_something_else_disturbed_are_told_from_rounds_that_disagree() {
    let calm = replica(2.0).worker(1.0, 1.0).throttled(20, 20, 1.0);
    let hogged = replica(2.0)
        .worker(0.985, 1.0)
        .worker(0.985, 1.0)
        .throttled(20, 2, 0.01)
        .others(2.03);
    let mut all = rounds(6, &[calm]);
    for round in &mut all[4..] {
        round.replicas = vec![hogged.clone()];
    }
    let row = row_of("half", "work-stealing", 1, all);
    let v = analysed(station("half", Some(0.5)), row).verdict.unwrap();
    assert_eq!(v.kind, VerdictKind::Unclear);
    assert!(
        v.text
            .contains("Something else had the CPU in 2 of 6 rounds; the others show quota in 4"),
        "{}",
        v.text
    );
    assert!(v.next.contains("nothing else on these CPUs"), "{}", v.next);
}

#[test]
fn a_throttled_share_within_what_is_open_is_no_quota() {
    // Used up, throttled 6 %, and 4 or 8 % of the time not accounted for.
    let with = |open: f64| {
        let worker = |r: ReplicaAccount| r.worker(0.5, 0.06).blocked(|b| b.io = 0.44 - open);
        worker(worker(replica(1.0))).throttled(10, 8, 0.12)
    };
    let one = station("one", Some(1.0));
    assert_eq!(kind_of(&one, with(0.04)), VerdictKind::Quota);
    assert_eq!(kind_of(&one, with(0.08)), VerdictKind::Unclear);
}

#[test]
fn many_small_causes_bind_nothing_by_themselves() {
    let small = |r: ReplicaAccount| {
        r.worker(0.84, 0.0).blocked(|b| {
            b.io = 0.04;
            b.lock = 0.04;
            b.input = 0.04;
            b.output = 0.04;
        })
    };
    let sample = small(small(replica(1.0)));
    assert_eq!(kind_of(&station("two", None), sample), VerdictKind::Unclear);
}
