//! PostgreSQL goes away while outcomes are put.

use super::*;
use scraper::store::Sender;
use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};
use tokio::task::JoinHandle;

/// More than the buffer and a batch hold.
const MORE_THAN_FITS: u32 = 5000;

/// Outcomes under way to the store, one after the other.
struct Putting {
    put: Arc<AtomicU32>,
    task: JoinHandle<()>,
}

impl Putting {
    fn start(sender: Sender, count: u32) -> Self {
        let put = Arc::<AtomicU32>::default();
        let counter = put.clone();
        let task = tokio::spawn(async move {
            for number in 1..=count {
                sender.put(outcome(number)).await.unwrap();
                counter.store(number, Ordering::Relaxed);
            }
        });
        Self { put, task }
    }

    fn so_far(&self) -> u32 {
        self.put.load(Ordering::Relaxed)
    }
}

/// Waits until `holds`.
async fn until(what: &str, mut holds: impl FnMut() -> bool) {
    let waited = async {
        while !holds() {
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
    };
    let waited = tokio::time::timeout(DEADLINE, waited).await;
    waited.unwrap_or_else(|_| panic!("not in time: {what}"));
}

/// Waits until the buffer is full: whoever puts something waits.
async fn backed_up(putting: &Putting) {
    let mut last = (putting.so_far(), std::time::Instant::now());
    until("putting comes to a stop", || {
        if putting.so_far() != last.0 {
            last = (putting.so_far(), std::time::Instant::now());
        }
        last.1.elapsed() > Duration::from_millis(500)
    })
    .await;
}

#[tokio::test]
async fn a_restart_loses_nothing_and_doubles_nothing() {
    let Some(mut cluster) = Cluster::start().await else {
        return;
    };
    let opened = open(&cluster, "a").await;
    let sender = opened.sender();
    let putting = Putting::start(opened.sender(), MORE_THAN_FITS);
    until("some are stored", || sender.state().stored > 0).await;

    cluster.crash();
    backed_up(&putting).await;
    let put = u64::from(putting.so_far());
    let state = sender.state();
    assert!(put < u64::from(MORE_THAN_FITS), "the buffer has a bound");
    assert_eq!(state.stored + state.waiting, put);
    assert!(state.away_for.is_some());
    cluster.run().await;

    tokio::time::timeout(DEADLINE, putting.task)
        .await
        .unwrap()
        .unwrap();
    let stored = opened.finish(DEADLINE).await;
    let all = i64::from(MORE_THAN_FITS);
    assert_eq!(
        (stored.rows, stored.lost, stored.failed),
        (all as u64, 0, None)
    );
    assert_eq!(rows(&cluster, "a").await, (all, all));
    assert_eq!(sender.state().away_for, None);
}

#[tokio::test]
async fn a_pause_longer_than_an_answer_may_take_loses_nothing_and_doubles_nothing() {
    let Some(cluster) = Cluster::start().await else {
        return;
    };
    let opened = open(&cluster, "a").await;
    let sender = opened.sender();
    let putting = Putting::start(opened.sender(), MORE_THAN_FITS);
    until("some are stored", || sender.state().stored > 0).await;

    cluster.pause();
    let paused = std::time::Instant::now();
    backed_up(&putting).await;
    assert!(putting.so_far() < MORE_THAN_FITS, "the buffer has a bound");
    until("the server is given up", || {
        sender.state().away_for.is_some()
    })
    .await;
    until("the pause is over", || {
        paused.elapsed() > Duration::from_secs(11)
    })
    .await;
    let stopped_at = putting.so_far();
    cluster.resume();

    until("it goes on", || putting.so_far() > stopped_at).await;
    tokio::time::timeout(DEADLINE, putting.task)
        .await
        .unwrap()
        .unwrap();
    let stored = opened.finish(DEADLINE).await;
    let all = i64::from(MORE_THAN_FITS);
    assert_eq!(
        (stored.rows, stored.lost, stored.failed),
        (all as u64, 0, None)
    );
    assert_eq!(rows(&cluster, "a").await, (all, all));
}

#[tokio::test]
async fn a_store_that_must_end_while_the_server_is_away_says_what_is_lost() {
    let Some(mut cluster) = Cluster::start().await else {
        return;
    };
    let opened = open(&cluster, "a").await;
    let sender = opened.sender();
    for number in 1..=100 {
        sender.put(outcome(number)).await.unwrap();
    }
    until("they are stored", || sender.state().stored == 100).await;
    cluster.crash();
    for number in 101..=150 {
        sender.put(outcome(number)).await.unwrap();
    }

    let asked = std::time::Instant::now();
    let stored = opened.finish(Duration::from_millis(500)).await;

    assert!(asked.elapsed() < Duration::from_secs(30));
    assert_eq!((stored.rows, stored.lost), (100, 50));
    cluster.run().await;
    let resumed = resume(&cluster, "a").await;
    assert_eq!(resumed.done().len(), 100, "what was said is so");
    assert_eq!(rows(&cluster, "a").await, (100, 100));
}

#[tokio::test]
async fn a_connection_that_the_server_ends_is_replaced() {
    let Some(cluster) = Cluster::start().await else {
        return;
    };
    let opened = open(&cluster, "a").await;
    let sender = opened.sender();
    let mut connection = cluster.connect("postgres").await.unwrap();
    for number in 1..=20 {
        sender.put(outcome(number)).await.unwrap();
        sqlx::query(
            "SELECT pg_terminate_backend(pid) FROM pg_stat_activity
             WHERE application_name = 'scraper'",
        )
        .execute(&mut connection)
        .await
        .unwrap();
    }

    let stored = opened.finish(DEADLINE).await;

    assert_eq!((stored.rows, stored.lost, stored.failed), (20, 0, None));
    assert_eq!(rows(&cluster, "a").await, (20, 20));
}
