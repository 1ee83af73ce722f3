//! What must hold of every replay, and the figures of a few.
#![allow(clippy::unwrap_used)]

use super::*;
use proptest::prelude::*;

const COST: f64 = 0.000_15;

fn quota(cpus: f64) -> Option<QuotaModel> {
    QuotaModel::new(cpus, 0.1)
}

fn server(threads: usize, cpus: f64, quota: Option<QuotaModel>) -> Server {
    Server::new(threads, cpus, COST, quota).unwrap()
}

fn even(rate: f64, seconds: f64) -> Vec<f64> {
    let count = (rate * seconds) as u32;
    (0..count).map(|n| f64::from(n) / rate).collect()
}

fn near(a: f64, b: f64) {
    assert!((a - b).abs() < 1e-6, "{a} is not {b}");
}

/// A queue of `servers` servers by Kiefer and Wolfowitz: who arrives is served
/// by whoever is free first.
fn plain_queue(arrivals: &[f64], servers: usize, service: f64) -> Vec<f64> {
    let mut free_at = vec![0.0_f64; servers];
    let mut latencies = Vec::new();
    for &arrived in arrivals {
        let first = free_at.iter_mut().min_by(|a, b| a.total_cmp(b)).unwrap();
        *first = first.max(arrived) + service;
        latencies.push(*first - arrived);
    }
    latencies.sort_by(f64::total_cmp);
    latencies
}

#[test]
fn one_thread_never_meets_a_quota_of_one_cpu_and_two_stand_still_half_the_time() {
    let alone = over_phases(|phase| server(1, 2.0, quota(1.0)).closed(8, 2.0, phase));
    near(alone.throttled_periods, 0.0);
    near(alone.percentile(0.99).unwrap(), 8.0 * COST);
    let two = server(2, 2.0, quota(1.0));
    near(two.stall_seconds(), 0.05);
    let both = over_phases(|phase| two.closed(8, 2.0, phase));
    near(both.throttled_period_share().unwrap(), 1.0);
    near(both.most_stalled_seconds, 0.05);
    // As many requests, since the quota is the same; but in each period those
    // that were under way wait for half of it.
    let rates = [&alone, &both].map(|r| r.requests_per_second().unwrap());
    assert!((rates[0] / rates[1] - 1.0).abs() < 0.02, "{rates:?}");
    assert!(both.percentile(0.999).unwrap() > 0.05);
    assert!(both.percentile(0.5).unwrap() < 0.001);
}

#[test]
fn more_threads_on_more_cpus_stand_still_longer() {
    // Quota 1.0: q ÷ m runs out after 12.5 ms on 8 CPUs and 4.2 ms on 24.
    near(server(8, 8.0, quota(1.0)).stall_seconds(), 0.0875);
    near(
        server(24, 24.0, quota(1.0)).stall_seconds(),
        0.1 - 0.1 / 24.0,
    );
    near(server(24, 8.0, quota(1.0)).stall_seconds(), 0.0875);
    near(server(4, 8.0, quota(4.0)).stall_seconds(), 0.0);
    near(server(4, 8.0, None).stall_seconds(), 0.0);
}

#[test]
fn a_burst_that_costs_more_than_a_refill_waits_for_as_many_as_it_takes() {
    // 1000 requests of 0.15 ms are 150 ms of CPU time; half a CPU gives 50 ms a
    // period: refills at 0, 100 and 200 ms, the last used up at 250 ms.
    let server = server(1, 2.0, quota(0.5));
    let burst = server.open(vec![0.0; 1000], 1.0, 0.0);
    near(burst.percentile(1.0).unwrap(), 0.25);
    near(burst.most_stalled_seconds, 0.1);
    near(burst.throttled_seconds, 0.1);
    near(burst.throttled_periods, 2.0);
    // It begins in the middle of a period instead, with all of its budget.
    let later = server.open(vec![0.0; 1000], 1.0, 0.5);
    near(later.percentile(1.0).unwrap(), 0.2);
}

#[test]
fn on_a_part_of_a_cpu_requests_share_it() {
    let server = server(4, 1.5, None);
    assert_eq!(server.at_once(), 2);
    near(server.capacity(), 1.5 / COST);
    let closed = server.closed(8, 1.0, 0.0);
    let rate = closed.requests_per_second().unwrap();
    assert!((rate / server.capacity() - 1.0).abs() < 0.01, "{rate}");
}

#[test]
fn nonsense_is_no_server_and_no_request_no_percentile() {
    for (threads, cpus, cost) in [(0, 1.0, COST), (1, 0.0, COST), (1, 1.0, f64::NAN)] {
        assert_eq!(Server::new(threads, cpus, cost, None), None);
    }
    let nobody = server(1, 1.0, quota(0.5)).open([], 1.0, 0.0);
    assert_eq!(nobody.percentile(0.5), None);
    let none = server(1, 1.0, quota(0.5)).closed(0, 1.0, f64::NAN);
    assert_eq!((none.percentile(0.5), none.answered), (None, 0.0));
    assert_eq!(Replay::default().requests_per_second(), None);
}

proptest! {
    // Each case replays thousands of requests.
    #![proptest_config(ProptestConfig::with_cases(40))]

    #[test]
    fn without_a_quota_it_is_a_plain_queue(
        gaps in proptest::collection::vec(0.0..0.0005f64, 1..300),
        threads in 1usize..6,
        cpus in 1usize..4,
    ) {
        let mut at = 0.0;
        let arrivals: Vec<f64> = gaps.iter().map(|gap| { at += gap; at }).collect();
        let plain = plain_queue(&arrivals, threads.min(cpus), COST);
        for limit in [None, quota(1e3)] {
            let replay = server(threads, cpus as f64, limit).open(arrivals.clone(), 1.0, 0.3);
            prop_assert_eq!(replay.latencies.len(), plain.len());
            for (own, plain) in replay.latencies.iter().zip(&plain) {
                prop_assert!((own - plain).abs() < 1e-9, "{} {}", own, plain);
            }
            prop_assert!(replay.throttled_seconds.abs() < 1e-12);
        }
    }

    #[test]
    fn no_more_is_answered_than_the_quota_pays_for(
        threads in 1usize..9,
        cpus in 1usize..9,
        quota_cpus in 0.05..4.0f64,
        connections in 1usize..20,
        phase in 0.0..1.0f64,
    ) {
        let server = server(threads, cpus as f64, quota(quota_cpus));
        let replay = server.closed(connections, 1.0, phase);
        // The budget of the period that it begins in comes on top.
        let paid = quota_cpus * (1.0 + 0.1) / COST + 1.0;
        let most = paid.min(server.busy_cpus() / COST + 1.0);
        prop_assert!(replay.answered <= most, "{} of {}", replay.answered, most);
        prop_assert!(replay.percentile(0.0).unwrap() >= COST * (1.0 - 1e-9));
        prop_assert!(replay.most_stalled_seconds <= replay.percentile(1.0).unwrap() + 1e-9);
    }

    #[test]
    fn whoever_is_never_out_of_work_stands_still_for_the_period_less_the_refill(
        threads in 1usize..9,
        cpus in 1usize..9,
        quota_cpus in 0.05..4.0f64,
        phase in 0.0..1.0f64,
    ) {
        let server = server(threads, cpus as f64, quota(quota_cpus));
        // One more than are served at once is always waiting.
        let replay = server.closed(threads + 1, 2.0, phase);
        let whole = replay.throttled_seconds / 2.0 * 0.1;
        // Twenty periods, wherever in one of them it begins.
        prop_assert!(
            (whole - server.stall_seconds()).abs() <= 1e-6,
            "{} {}", whole, server.stall_seconds()
        );
        let share = replay.throttled_period_share().unwrap();
        let binds = server.stall_seconds() > 1e-6;
        prop_assert!((share - f64::from(u8::from(binds))).abs() < 1e-9, "{}", share);
    }

    #[test]
    fn a_steady_load_that_fits_every_period_never_waits_for_the_quota(
        threads in 1usize..9,
        cpus in 1usize..9,
        quota_cpus in 0.1..2.0f64,
        of_it in 0.05..0.99f64,
        phase in 0.0..1.0f64,
    ) {
        let server = server(threads, cpus as f64, quota(quota_cpus));
        // Room for one request more: as many as begin in a period, and the one
        // that another left.
        let rate = (of_it * server.capacity() - 20.0).max(1.0);
        let replay = server.open(even(rate, 1.0), 1.0, phase);
        prop_assert!(replay.throttled_seconds.abs() < 1e-12);
        prop_assert!((replay.percentile(1.0).unwrap() - COST).abs() < 1e-9);
    }

    #[test]
    fn percentiles_rise_and_more_quota_never_hurts(
        arrivals in proptest::collection::vec(0.0..1.0f64, 1..400),
        threads in 1usize..5,
        quota_cpus in 0.02..0.5f64,
        phase in 0.0..1.0f64,
    ) {
        let mut arrivals = arrivals;
        arrivals.sort_by(f64::total_cmp);
        let of = |cpus: f64| server(threads, 2.0, quota(cpus)).open(arrivals.clone(), 1.0, phase);
        let (less, more) = (of(quota_cpus), of(2.0 * quota_cpus));
        let [p50, p99, most] = [0.5, 0.99, 1.0].map(|share| less.percentile(share).unwrap());
        prop_assert!(p50 <= p99 && p99 <= most);
        prop_assert!(more.percentile(1.0).unwrap() <= most + 1e-9);
        prop_assert_eq!(less.latencies.len(), arrivals.len());
    }
}
