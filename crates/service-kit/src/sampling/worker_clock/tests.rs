//! One thread, a few sleeps, and where the clock books them.

use super::*;
use std::time::Duration;

fn spin(seconds: f64) {
    let until = monotonic_seconds() + seconds;
    while monotonic_seconds() < until {
        std::hint::spin_loop();
    }
}

#[test]
fn a_late_start_a_wait_and_a_tail_are_told_apart_and_add_up() {
    let started = monotonic_seconds();
    let account = std::thread::spawn(move || {
        std::thread::sleep(Duration::from_millis(30));
        let mut clock = WorkerClock::of_new_thread();
        clock.take_up(started);
        spin(0.02);
        clock.blocked(Cause::Lock, || {
            std::thread::sleep(Duration::from_millis(40));
        });
        clock.put_down();
        let ended = monotonic_seconds() + 0.05;
        (clock.account(started, ended), ended)
    });
    let (account, ended) = account.join().expect("the worker does not panic");

    let on = account.blocked_on;
    assert!((0.01..0.2).contains(&on.start), "{on:?}");
    assert!((0.02..0.2).contains(&on.lock), "{on:?}");
    assert!((0.049..0.2).contains(&on.tail), "{on:?}");
    let (Some(ran), Some(waited)) = (account.on_cpu_seconds, account.waited_seconds) else {
        return; // a kernel without schedstat has nothing more to check
    };
    let unaccounted = (ended - started) - ran - waited - on.total();
    assert!(unaccounted.abs() < 0.01, "{unaccounted} of {account:?}");
}

#[test]
fn a_pause_between_jobs_is_split_at_the_new_jobs_start() {
    let mut clock = WorkerClock::of_waiting_thread();
    let first = monotonic_seconds();
    clock.take_up(first);
    clock.put_down();
    std::thread::sleep(Duration::from_millis(30));
    let second = monotonic_seconds();
    std::thread::sleep(Duration::from_millis(20));
    clock.take_up(second);
    let end = clock.put_down();

    let account = clock.account(first, end);
    let on = account.blocked_on;
    // On a busy machine a wake-up may wait for a CPU, which is not blocked.
    let waited = account.waited_seconds.unwrap_or(0.0);
    assert!((0.02..0.2).contains(&on.tail), "{account:?}");
    assert!((0.005..0.2).contains(&(on.start + waited)), "{account:?}");
}

#[test]
fn what_an_event_loop_is_parked_for_is_booked_and_work_between_is_not() {
    let started = monotonic_seconds();
    let mut clock = WorkerClock::of_waiting_thread();
    clock.take_up(started);
    // A loop may say that it goes on without having said that it parks.
    clock.unparked(Cause::Io);
    for _ in 0..4 {
        spin(0.01);
        clock.parked();
        std::thread::sleep(Duration::from_millis(20));
        clock.unparked(Cause::Io);
    }
    let ended = clock.put_down();

    let account = clock.account(started, ended);
    let on = account.blocked_on;
    let (Some(ran), Some(waited)) = (account.on_cpu_seconds, account.waited_seconds) else {
        return; // a kernel without schedstat has nothing more to check
    };
    assert!((0.04..1.0).contains(&on.io), "{account:?}");
    assert!(ran >= 0.01, "{account:?}");
    let unaccounted = (ended - started) - ran - waited - on.total();
    assert!(unaccounted.abs() < 0.01, "{unaccounted} of {account:?}");
    assert!(on.total() - on.io - on.start < 1e-9, "{account:?}");
}

#[test]
fn a_late_start_before_the_first_wait_is_kept() {
    let started = monotonic_seconds();
    let account = std::thread::spawn(move || {
        std::thread::sleep(Duration::from_millis(30));
        let mut clock = WorkerClock::of_new_thread();
        clock.blocked(Cause::Input, || {
            std::thread::sleep(Duration::from_millis(40));
        });
        clock.take_up(started);
        let ended = clock.put_down();
        clock.account(started, ended)
    });
    let on = account
        .join()
        .expect("the worker does not panic")
        .blocked_on;
    assert!((0.01..0.2).contains(&on.start), "{on:?}");
    assert!((0.02..0.2).contains(&on.input), "{on:?}");
}

#[test]
fn a_wait_that_ends_without_an_item_is_part_of_the_tail() {
    let started = monotonic_seconds();
    let account = std::thread::spawn(move || {
        let mut clock = WorkerClock::of_new_thread();
        let after = |milliseconds, item: Option<()>| {
            std::thread::sleep(Duration::from_millis(milliseconds));
            item
        };
        clock.next_item(|| after(20, Some(())));
        clock.take_up(started);
        let ended = clock.put_down();
        clock.next_item(|| after(60, None));
        (clock.account(started, ended + 0.06), ended)
    });
    let (account, ended) = account.join().expect("the worker does not panic");

    let on = account.blocked_on;
    assert!((0.01..0.07).contains(&on.input), "{on:?}");
    assert!((on.tail - 0.06).abs() < 1e-9, "{on:?}");
    assert!((account.ended_seconds - ended).abs() < 1e-9);
}

#[test]
fn a_worker_without_an_item_was_late_for_the_whole_sample() {
    let clock = WorkerClock::of_waiting_thread();
    let account = clock.account(10.0, 12.0);
    assert_eq!(account.items, 0);
    assert!((account.blocked_on.start - 2.0).abs() < 1e-9);
    assert!(account.blocked_on.tail.abs() < 1e-9);
}

#[test]
fn what_a_waiting_thread_used_before_the_sample_is_no_part_of_it() {
    let mut clock = WorkerClock::of_waiting_thread();
    spin(0.05);
    let started = monotonic_seconds();
    clock.take_up(started);
    let ended = clock.put_down();
    let account = clock.account(started, ended);

    let accounted = account.on_cpu_seconds.unwrap_or(0.0)
        + account.waited_seconds.unwrap_or(0.0)
        + account.blocked_on.total();
    let wall = ended - started;
    assert!(
        accounted <= wall * 1.01,
        "{accounted} of {wall}: {account:?}"
    );
}

#[test]
fn a_waiting_thread_that_comes_in_at_a_later_job_was_late_for_those_before() {
    let mut clock = WorkerClock::of_waiting_thread();
    let started = monotonic_seconds();
    std::thread::sleep(Duration::from_millis(30));
    let second_job = monotonic_seconds();
    clock.take_up(second_job);
    let ended = clock.put_down();

    let on = clock.account(started, ended).blocked_on;
    assert!(on.start > 0.02, "{on:?}");
}

#[test]
fn where_the_kernel_does_not_count_waiting_no_cause_is_given() {
    let mut clock = WorkerClock::of_waiting_thread();
    clock.wait = None;
    clock.base.waited = None;
    let started = monotonic_seconds();
    std::thread::sleep(Duration::from_millis(5));
    clock.take_up(started);
    clock.blocked(Cause::Lock, || {
        std::thread::sleep(Duration::from_millis(5));
    });
    let ended = clock.put_down();

    let mut account = clock.account(started, ended + 0.01);
    end_at(&mut account, started, ended + 0.02);

    assert_eq!(account.waited_seconds, None);
    assert_eq!(account.blocked_on, BlockedOn::default());
    assert!(account.on_cpu_seconds.is_some());
}

#[test]
fn a_worker_that_got_nothing_ended_with_the_job() {
    for waited_seconds in [None, Some(0.5)] {
        let mut account = WorkerAccount {
            on_cpu_seconds: Some(0.5),
            waited_seconds,
            ..WorkerAccount::default()
        };

        end_at(&mut account, 10.0, 13.0);

        assert!((account.ended_seconds - 13.0).abs() < 1e-9);
        let expected = waited_seconds.map_or(0.0, |_| 2.0);
        assert!((account.blocked_on.start - expected).abs() < 1e-9);
        assert!(account.blocked_on.tail.abs() < 1e-9);
    }
}

#[test]
fn no_account_holds_more_than_its_time_however_short_the_items() {
    for _ in 0..1000 {
        let started = monotonic_seconds();
        let mut clock = WorkerClock::of_waiting_thread();
        clock.take_up(started);
        clock.put_down();
        clock.blocked(Cause::Output, || {});
        clock.take_up(started);
        let ended = clock.put_down();

        let account = clock.account(started, ended);

        let ran = account.on_cpu_seconds.unwrap_or(0.0);
        let waited = account.waited_seconds.unwrap_or(0.0);
        let accounted = ran + waited + account.blocked_on.total();
        let wall = ended - started;
        assert!(
            accounted <= wall + 1e-9,
            "{accounted} of {wall}: {account:?}"
        );
        assert!(ran >= 0.0 && waited >= 0.0, "{account:?}");
    }
}
