//! Each rule of the verdict, from both sides of its thresholds.

use crate::build::*;
use measure::figures::RoundFigures;
use measure::report::{BlockedOn, ReplicaAccount, Round, Station, Verdict, VerdictKind};
use measure::verdict::find;

fn kind(station: &Station, replicas: Vec<ReplicaAccount>) -> VerdictKind {
    find(&RoundFigures::new(&round(replicas), station).unwrap()).kind
}

fn kind_of(station: &Station, replica: ReplicaAccount) -> VerdictKind {
    kind(station, vec![replica])
}

/// The verdict of six equal rounds of one replica.
fn verdict(station: Station, workers: usize, replica: ReplicaAccount) -> Verdict {
    let name = station.name.clone();
    let row = row(&name, "work-stealing", workers, rounds(6, &[replica]));
    analysed(station, row).verdict.unwrap()
}

// --- the cases that were probed --------------------------------------------

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
    let row = row(
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

// --- rule 1: host -----------------------------------------------------------

#[test]
fn others_need_a_tenth_of_the_cpus_and_runnable_the_largest_loss() {
    let two = station("two", None);
    let with = |others, waited| {
        replica(1.0)
            .worker(0.9 - waited, 0.1 + waited)
            .worker(0.9, 0.1)
            .others(others)
    };
    assert_eq!(kind_of(&two, with(0.2, 0.0)), VerdictKind::Host);
    assert_ne!(kind_of(&two, with(0.19, 0.0)), VerdictKind::Host);
    // Runnable below 5 %: nobody was in anybody's way.
    let calm = replica(1.0).worker(0.955, 0.045).others(0.5);
    assert_ne!(kind_of(&two, calm), VerdictKind::Host);
    // Locks cost more than the hog.
    let locked = replica(1.0)
        .worker(0.6, 0.1)
        .blocked(|b| b.lock = 0.3)
        .worker(0.6, 0.1)
        .blocked(|b| b.lock = 0.3)
        .others(0.4);
    assert_eq!(kind_of(&two, locked), VerdictKind::Contention);
}

#[test]
fn waiting_for_requests_is_no_loss_that_hides_a_hog() {
    let sample = replica(1.0)
        .worker(0.3, 0.2)
        .blocked(|b| b.idle = 0.5)
        .worker(0.3, 0.2)
        .blocked(|b| b.idle = 0.5)
        .others(1.0);
    assert_eq!(kind_of(&station("two", None), sample), VerdictKind::Host);
}

#[test]
fn three_percent_stolen_is_the_host_whether_or_not_running_hides_it() {
    let two = station("two", None);
    let excluded = |share: f64| {
        let on = 1.0 - share;
        let sample = replica(1.0).worker(on, 0.0).worker(on, 0.0);
        let mut sample = sample.steal(2.0 * share, Some(true));
        sample.workers[0].waited_seconds = Some(1e-6);
        sample
    };
    assert_eq!(kind_of(&two, excluded(0.031)), VerdictKind::Host);
    assert_eq!(kind_of(&two, excluded(0.029)), VerdictKind::Cpu);
    let hidden = |share: f64| {
        replica(1.0)
            .worker(0.995, 0.005)
            .worker(0.995, 0.005)
            .steal(2.0 * share, None)
    };
    assert_eq!(kind_of(&two, hidden(0.031)), VerdictKind::Host);
    assert_eq!(kind_of(&two, hidden(0.029)), VerdictKind::Cpu);
    let v = verdict(station("two", None), 2, hidden(0.05));
    assert!(v.text.contains("cannot be told"), "{}", v.text);
}

// --- rule 2: hidden limit ---------------------------------------------------

#[test]
fn ready_threads_beside_idle_cpus_show_a_hidden_limit() {
    let two = station("two", None);
    let with = |waited: f64| {
        replica(1.0)
            .worker(1.0 - waited, waited)
            .worker(1.0 - waited, waited)
    };
    assert_eq!(kind_of(&two, with(0.5)), VerdictKind::HiddenLimit);
    assert_eq!(kind_of(&two, with(0.101)), VerdictKind::HiddenLimit);
    // Idle 9.5 %, runnable 9.5 %: below what shows a limit.
    assert_eq!(kind_of(&two, with(0.095)), VerdictKind::Unclear);
}

#[test]
fn a_cpu_that_no_worker_was_there_for_shows_no_limit() {
    // One worker on two CPUs, disturbed a little: half of the CPUs is idle.
    let sample = replica(1.0).worker(0.93, 0.07).others(0.1);
    assert_eq!(kind_of(&station("two", None), sample), VerdictKind::Unclear);
    // One worker that a hidden quota stops half of the time.
    let sample = replica(1.0).worker(0.5, 0.5);
    assert_eq!(
        kind_of(&station("two", None), sample),
        VerdictKind::HiddenLimit
    );
}

#[test]
fn who_had_the_cpu_must_be_known_to_name_it() {
    let mut sample = replica(1.0)
        .worker(0.5, 0.5)
        .worker(0.49, 0.51)
        .throttled(10, 0, 0.0);
    sample.cpus.idle_seconds = None;
    sample.cpus.others_seconds = None;
    let v = verdict(station("one", Some(1.0)), 2, sample.clone());
    assert_eq!(v.kind, VerdictKind::Unclear);
    assert!(v.text.contains("either something else"), "{}", v.text);
    // Using all the allowed CPUs itself, it can only have been its own threads.
    let full = (0..4).fold(replica(1.0), |r, _| r.worker(0.5, 0.5));
    let mut full = full;
    full.cpus.idle_seconds = None;
    full.cpus.others_seconds = None;
    assert_eq!(
        kind_of(&station("two", None), full),
        VerdictKind::Oversubscribed
    );
}

// --- rules 3 and 4: bursts and quota ----------------------------------------

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
    // One throttled period in twenty-one is no finding.
    let rare = with(0.96).throttled(21, 1, 0.01);
    assert_eq!(kind_of(&one, rare), VerdictKind::Waiting);
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
    // Quota 1.0 on two CPUs, of which others use 0.8: 1.2 are left.
    let sample = replica(1.0)
        .worker(0.5, 0.5)
        .worker(0.5, 0.5)
        .throttled(10, 10, 0.9)
        .others(0.8);
    let v = verdict(station("one", Some(1.0)), 2, sample);
    assert_eq!(v.kind, VerdictKind::Quota);
    assert!(v.next.contains("1.20 × as fast"), "{}", v.next);
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

// --- rules 5 to 7: oversubscribed, cpu, workers ------------------------------

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

// --- rule 8: blocked --------------------------------------------------------

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
    let mut row = row("two", "static-threads", 2, rounds(6, &[sample]));
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

// --- rule 9 and the row ------------------------------------------------------

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
    });
    let row = row("one", "work-stealing", 2, rounds.collect());
    analysed(station("one", Some(1.0)), row).verdict.unwrap()
}

#[test]
fn of_six_rounds_one_may_be_odd_and_is_named() {
    let v = mixed(5, 1);
    assert_eq!(v.kind, VerdictKind::Quota);
    let odd = v.also.iter().find(|a| a.kind == "odd-round").unwrap();
    assert!(
        odd.text.contains("Round 5") && odd.text.contains("`cpu`"),
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
