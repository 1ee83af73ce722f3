//! Rules 1 and 2: somebody else, or a limit that does not show.

use super::{kind_of, verdict};
use measure::made::*;
use measure::report::VerdictKind;

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
        let mut sample = sample.steal(2.0 * share);
        sample.workers[0].waited_seconds = Some(1e-6);
        sample
    };
    assert_eq!(kind_of(&two, excluded(0.031)), VerdictKind::Host);
    assert_eq!(kind_of(&two, excluded(0.029)), VerdictKind::Cpu);
    let hidden = |share: f64| {
        replica(1.0)
            .worker(0.995, 0.005)
            .worker(0.995, 0.005)
            .steal(2.0 * share)
    };
    assert_eq!(kind_of(&two, hidden(0.031)), VerdictKind::Host);
    assert_eq!(kind_of(&two, hidden(0.029)), VerdictKind::Cpu);
    let v = verdict(station("two", None), 2, hidden(0.05));
    assert!(v.text.contains("counts it as running"), "{}", v.text);
}

#[test]
fn stolen_time_is_measured_against_the_cpus_that_the_workers_used() {
    let eight = || {
        let mut station = station("eight", None);
        station.replica_cpusets = vec![Some("0-7".to_owned())];
        station
    };
    // One worker lost a fifth of its CPU: 2.5 % of all eight.
    let alone = replica(1.0).worker(0.99, 0.01).on_cpus("0-7", 8).steal(0.2);
    assert_eq!(kind_of(&eight(), alone), VerdictKind::Host);
    // As much was taken from eight busy CPUs, seven of which others used.
    let crowd = replica(1.0)
        .worker(0.99, 0.01)
        .on_cpus("0-7", 8)
        .others(6.8)
        .steal(0.2);
    assert_eq!(kind_of(&eight(), crowd), VerdictKind::Workers);
}

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
fn cpus_that_blocked_workers_left_idle_show_no_limit() {
    // Four workers on two CPUs that all wait at a barrier 13 % of the time.
    let barrier = |known: bool| {
        (0..4).fold(replica(1.0), |r, _| {
            r.worker(0.435, 0.435)
                .blocked(|b| b.lock = if known { 0.13 } else { 0.0 })
        })
    };
    let two = station("two", None);
    assert_eq!(kind_of(&two, barrier(true)), VerdictKind::Unclear);
    assert_eq!(kind_of(&two, barrier(false)), VerdictKind::Unclear);
    // As long idle, but nobody waited for anything.
    let stopped = (0..4).fold(replica(1.0), |r, _| r.worker(0.435, 0.565));
    assert_eq!(kind_of(&two, stopped), VerdictKind::HiddenLimit);
}

#[test]
fn cpus_that_the_stations_own_quota_stopped_show_no_hidden_limit() {
    // Quota 1.5, four threads on two CPUs, both stopped for a quarter of the time.
    let sample = (0..4)
        .fold(replica(1.0), |r, _| r.worker(0.375, 0.625))
        .throttled(10, 10, 0.5);
    assert_eq!(
        kind_of(&station("one-and-half", Some(1.5)), sample),
        VerdictKind::Cpu
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
