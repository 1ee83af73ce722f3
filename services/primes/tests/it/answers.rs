//! What a run answers: the right count, and an account that adds up.

use crate::station::Station;
use measure::report::{ReplicaAccount, WorkerAccount};
use serde_json::{Value, json};

/// π(2 × 10⁵).
const PRIMES_BELOW_200_000: u64 = 17_984;

fn account(answer: &Value) -> ReplicaAccount {
    serde_json::from_value(answer["account"].clone()).unwrap()
}

fn items(answer: &Value) -> u64 {
    let workers = account(answer).workers;
    workers.iter().map(|worker| worker.items).sum()
}

fn count(answer: &Value) -> u64 {
    answer["count"].as_u64().unwrap()
}

/// A worker's running, waiting and blocked time are the sample's wall time.
fn assert_adds_up(worker: &WorkerAccount, wall_seconds: f64, strategy: &str) {
    let (Some(ran), Some(waited)) = (worker.on_cpu_seconds, worker.waited_seconds) else {
        return; // a kernel without schedstat
    };
    let sum = ran + waited + worker.blocked_on.total();
    let off = (sum - wall_seconds).abs();
    assert!(
        off < 0.15 * wall_seconds + 0.03,
        "{strategy}: {sum} s of {wall_seconds} s: {worker:?}"
    );
}

#[tokio::test]
async fn every_strategy_finds_the_same_primes_and_accounts_for_its_workers_time() {
    let station = Station::start();
    let described = station.get("/").await.body;
    let one_job = station
        .run(json!({"limit": 2e5, "strategy": "sequential"}))
        .await;
    let chunks = items(&one_job);
    assert!(chunks > 100, "{chunks}");

    for strategy in described["strategies"].as_array().unwrap() {
        let strategy = strategy.as_str().unwrap();
        let body = json!({"limit": 2e5, "strategy": strategy, "workers": 2, "repeats": 3});

        let answer = station.run(body).await;

        assert_eq!(count(&answer), PRIMES_BELOW_200_000, "{strategy}");
        assert_eq!(items(&answer), 3 * chunks, "{strategy}");
        let account = account(&answer);
        assert_eq!(account.answer, Some(PRIMES_BELOW_200_000), "{strategy}");
        let on_one_thread = ["sequential", "async"].contains(&strategy);
        let expected = if on_one_thread { 1 } else { 2 };
        assert_eq!(account.workers.len(), expected, "{strategy}");
        let wall_seconds = account.ended_seconds - account.started_seconds;
        assert_eq!(answer["seconds"], wall_seconds, "{strategy}");
        for worker in &account.workers {
            assert_adds_up(worker, wall_seconds, strategy);
        }
    }
}

#[tokio::test]
async fn workers_without_a_chunk_account_for_their_time_too() {
    let station = Station::start();
    let described = station.get("/").await.body;
    let prime = 999_999_999_989_u64; // some milliseconds of work, in one chunk
    for strategy in described["strategies"].as_array().unwrap() {
        let strategy = strategy.as_str().unwrap();
        let body = json!({
            "from": prime, "limit": prime + 1, "strategy": strategy, "workers": 4, "repeats": 10,
        });

        let answer = station.run(body).await;

        let account = account(&answer);
        assert_eq!((count(&answer), items(&answer)), (1, 10), "{strategy}");
        let wall_seconds = account.ended_seconds - account.started_seconds;
        for worker in &account.workers {
            assert_adds_up(worker, wall_seconds, strategy);
            assert!(
                worker.ended_seconds <= account.ended_seconds,
                "{strategy}: {worker:?}"
            );
            let input = worker.blocked_on.input;
            assert!(input < wall_seconds / 2.0, "{strategy}: {worker:?}");
        }
    }
}

#[tokio::test]
async fn shards_add_up_to_the_whole() {
    let station = Station::start();
    for strategy in ["static-threads", "work-stealing", "processes"] {
        let mut sum = 0;
        for index in 0..3 {
            let shard = json!({"index": index, "count": 3});
            let body = json!({"limit": 2e5, "strategy": strategy, "workers": 2, "shard": shard});
            sum += count(&station.run(body).await);
        }
        assert_eq!(sum, PRIMES_BELOW_200_000, "{strategy}");
    }
}

#[tokio::test]
async fn a_shard_without_work_counts_nothing() {
    let station = Station::start();
    for strategy in ["sequential", "static-threads", "executor", "processes"] {
        let shard = json!({"index": 65_535, "count": 65_536});
        let body = json!({"limit": 10, "strategy": strategy, "workers": 2, "shard": shard});

        let answer = station.run(body).await;

        assert_eq!((count(&answer), items(&answer)), (0, 0), "{strategy}");
        assert_eq!(answer["work_shares"], Value::Null, "{strategy}");
    }
}

#[tokio::test]
async fn counts_from_any_number_to_any_other() {
    let station = Station::start();
    let beyond_32_bits = 1 << 32;
    for (from, limit) in [
        (0, 1),
        (0, 2),
        (0, 3),
        (2, 3),
        (24, 29),
        (24, 30),
        (0, 7919),
        (0, 7920),
        (90_000, 110_000),
        (beyond_32_bits - 500, beyond_32_bits + 500),
    ] {
        let expected = (from..limit).filter(|&n| primal::is_prime(n)).count();

        let answer = station.run(json!({"limit": limit, "from": from})).await;

        assert_eq!(count(&answer), expected as u64, "{from}..{limit}");
    }
}

#[tokio::test]
async fn auto_is_as_many_workers_as_use_the_whole_budget() {
    let station = Station::start();
    let (_, budget) = station.admin("/budget").await;
    let budget: Value = serde_json::from_str(&budget).unwrap();

    let answer = station.run(json!({"limit": 1e4, "workers": "auto"})).await;

    let workers = account(&answer).workers.len();
    assert_eq!(budget["workers"]["uses_whole_budget"], workers);
    let without = station.run(json!({"limit": 1e4})).await;
    assert_eq!(account(&without).workers.len(), workers);
}

#[tokio::test]
async fn only_static_threads_say_beforehand_what_each_worker_gets() {
    let station = Station::start();
    let described = station.get("/").await.body;
    for strategy in described["strategies"].as_array().unwrap() {
        let body = json!({"limit": 1e5, "strategy": strategy, "workers": 3});

        let answer = station.run(body).await;

        if strategy == "static-threads" {
            let shares: Vec<f64> = serde_json::from_value(answer["work_shares"].clone()).unwrap();
            assert_eq!(shares.len(), 3);
            assert!(
                (shares.iter().sum::<f64>() - 1.0).abs() < 1e-9,
                "{shares:?}"
            );
            // Large numbers cost more: that is the strategy's loss.
            assert!(shares.is_sorted() && shares[0] < 0.3, "{shares:?}");
        } else {
            assert_eq!(answer["work_shares"], Value::Null, "{strategy}");
        }
    }
}

#[tokio::test]
async fn each_run_raises_the_sequence_by_one_and_the_instance_stays() {
    let station = Station::start();
    let stranger = Station::start();
    let instance = station.get("/").await.body["instance"].clone();

    for expected in 1..=4 {
        // What is refused is no run.
        station.refused(&json!({"limit": 0})).await;
        let answer = station.run(json!({"limit": 1000})).await;

        let account = account(&answer);
        assert_eq!(account.run_sequence, expected);
        assert_eq!(instance, account.instance);
    }
    let elsewhere = stranger.run(json!({"limit": 1000})).await;
    assert_eq!(account(&elsewhere).run_sequence, 1);
    assert_ne!(instance, account(&elsewhere).instance);
}
