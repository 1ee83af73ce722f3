//! Percentiles against servers whose service times are known.

use crate::runs::{answer, closed, millis, open};
use crate::server::{Server, hello};
use std::thread::sleep;
use std::time::Duration;

#[test]
fn a_fixed_service_time_is_found() {
    let server = Server::start(|_, _| {
        sleep(millis(20));
        hello()
    });
    let answer = answer(open(&server.url(), 50.0, 2.0, 32));
    let latency = answer.latency;
    assert_eq!(answer.answered, 100);
    for percentiles in [latency.corrected, latency.uncorrected] {
        // Three digits, and a sleep is never shorter.
        assert!(percentiles.p50.unwrap() >= 0.0198, "{percentiles:?}");
        assert!(percentiles.p50.unwrap() < 0.040, "{percentiles:?}");
        assert!(percentiles.p99 <= percentiles.p99_9, "{percentiles:?}");
        assert!(percentiles.p99_9 <= percentiles.max, "{percentiles:?}");
    }
}

#[test]
fn both_humps_of_a_bimodal_one_are_found() {
    let server = Server::start(|number, _| {
        sleep(millis(if number % 10 == 0 { 150 } else { 5 }));
        hello()
    });
    let answer = answer(open(&server.url(), 100.0, 2.0, 64));
    let latency = answer.latency.corrected;
    assert!(latency.p50.unwrap() < 0.075, "{latency:?}");
    assert!(latency.p99.unwrap() >= 0.149, "{latency:?}");
    let slow = answer.histogram.iter().filter(|(upto, _)| *upto >= 0.15);
    let slow: u64 = slow.map(|(_, count)| count).sum();
    // One in ten, whatever else the machine did.
    assert!((20..=50).contains(&slow), "{slow}: {:?}", answer.histogram);
}

/// Stops answering for half a second in every two.
fn stalling() -> Server {
    Server::start(|_, since_start| {
        let phase = Duration::from_secs_f64(since_start.as_secs_f64() % 2.0);
        let stall = millis(1000)..millis(1500);
        if stall.contains(&phase) {
            sleep(stall.end.saturating_sub(phase));
        }
        hello()
    })
}

/// A quarter of all requests come during a stall, and the remaining stall of
/// those is uniform in 0 to 0.5 s: of all requests, 1 % wait longer than 0.48 s.
/// Only one request a connection is *sent* into each stall: 2 of 800.
#[test]
fn a_stall_is_seen_by_all_who_would_have_come() {
    let server = stalling();
    let answer = answer(open(&server.url(), 400.0, 4.0, 2));
    let (corrected, uncorrected) = (answer.latency.corrected, answer.latency.uncorrected);
    assert_eq!(answer.answered, 1600);
    assert!(corrected.p99.unwrap() > 0.4, "{corrected:?}");
    assert!(uncorrected.p99.unwrap() < 0.2, "{uncorrected:?}");
    // A quarter waits: the p90 is 0.6 of the stall.
    assert!(corrected.p90.unwrap() > 0.2, "{corrected:?}");
    assert!(uncorrected.max.unwrap() > 0.3, "{uncorrected:?}");
    assert!(answer.sentence.contains("times"), "{}", answer.sentence);
}

#[test]
fn a_closed_loop_hides_the_stall_and_says_so() {
    let server = stalling();
    let answer = answer(closed(&server.url(), 4.0, 2));
    assert!(
        answer.latency.corrected.p99.unwrap() < 0.2,
        "{:?}",
        answer.latency
    );
    assert!(
        answer.sentence.contains("closed loop"),
        "{}",
        answer.sentence
    );
}

#[test]
fn a_server_that_is_too_slow_lets_requests_wait_in_order() {
    let server = Server::start(|_, _| {
        sleep(millis(50));
        hello()
    });
    // One connection answers 20 a second, and 40 are asked for.
    let answer = answer(open(&server.url(), 40.0, 2.0, 1));
    assert_eq!(answer.answered, 80);
    assert_eq!(server.most_open(), 1);
    let (corrected, uncorrected) = (answer.latency.corrected, answer.latency.uncorrected);
    // The last of them waited for 80 answers of 50 ms and came 2 s after the first.
    assert!(corrected.max.unwrap() >= 1.9, "{corrected:?}");
    assert!(uncorrected.p50.unwrap() < 0.5 * corrected.p90.unwrap());
    // Answers of the measured part alone: not what was asked for.
    assert!(
        answer.requests_per_second < 21.0,
        "{}",
        answer.requests_per_second
    );
}
