//! The queue as servers use it.

use crate::programs::{Worker, noop, server, sleep};
use queue::job::{Cancelled, JobId, Listing, NewJob, State, What};
use queue::queue::{Limits, Queue, QueueError};
use queue::store::memory::Memory;
use queue::store::{Claim, Outcome, Place, Settlement, Wanted};
use serving::RedisServer;
use std::sync::Arc;
use std::time::{Duration, Instant};

const LIMITS: Limits = Limits { depth: 1000 };

/// Takes a job and is done with it.
fn work_off(place: &Place, jobs: usize) {
    let mut store = place.open().unwrap();
    let claimed = store.claim(&Claim {
        worker: "w".into(),
        lease: Duration::from_secs(10),
        wanted: Wanted { cpu: jobs, io: 0 },
        ageing: Duration::ZERO,
    });
    let done = |job: queue::store::Taken| Settlement {
        id: job.id,
        token: job.token,
        outcome: Outcome::Done("1".into()),
        jitter: 0.0,
    };
    let settlements: Vec<Settlement> = claimed.unwrap().jobs.into_iter().map(done).collect();
    store.settle(&settlements).unwrap();
}

/// The same, over Redis where there is one and in memory.
async fn everywhere<F: Future<Output = ()>>(test: impl Fn(Queue) -> F) {
    let memory = Place::Memory(Memory::new());
    test(Queue::at(memory, LIMITS).unwrap()).await;
    if let Some(redis) = RedisServer::start(&[]) {
        test(Queue::over_redis(server(&redis, "front"), LIMITS).unwrap()).await;
    }
}

#[tokio::test]
async fn what_many_ask_for_at_once_is_answered_to_each() {
    everywhere(|queue| async move {
        let asked = (0..200).map(|number| {
            let (queue, key) = (queue.clone(), Some(number.to_string()));
            tokio::spawn(async move {
                let id = queue
                    .submit(vec![NewJob {
                        key: key.clone(),
                        ..noop()
                    }])
                    .await
                    .unwrap()[0]
                    .id;
                let job = queue.get(id).await.unwrap().unwrap();
                assert_eq!((job.id, job.key), (id, key));
                id
            })
        });
        let mut ids = Vec::new();
        for asked in asked.collect::<Vec<_>>() {
            ids.push(asked.await.unwrap());
        }
        ids.sort();
        ids.dedup();
        assert_eq!(ids.len(), 200);
        let stats = queue.stats().await.unwrap();
        assert_eq!((stats.waiting, stats.totals.submitted), (200, 200));
    })
    .await;
}

#[tokio::test]
async fn who_waits_for_a_job_hears_of_its_end() {
    everywhere(|queue| async move {
        let id = queue.submit(vec![noop()]).await.unwrap()[0].id;
        let soon = queue.wait(id, Duration::from_millis(20)).await.unwrap();
        assert_eq!(soon.unwrap().state, State::Ready);
        let waiting = tokio::spawn({
            let queue = queue.clone();
            async move { queue.wait(id, Duration::from_mins(1)).await }
        });
        tokio::time::sleep(Duration::from_millis(50)).await;
        let asked = Instant::now();
        let place = queue.place().clone();
        tokio::task::spawn_blocking(move || work_off(&place, 1))
            .await
            .unwrap();
        let job = waiting.await.unwrap().unwrap().unwrap();
        assert_eq!(
            (job.state, job.result.unwrap().get()),
            (State::Succeeded, "1")
        );
        // Not only when it was looked for again.
        assert!(asked.elapsed() < Duration::from_secs(4));
        assert_eq!(
            queue.wait(JobId(1), Duration::from_mins(1)).await.unwrap(),
            None
        );
    })
    .await;
}

#[tokio::test]
async fn all_who_listen_hear_what_happens() {
    everywhere(|queue| async move {
        queue.stats().await.unwrap();
        tokio::time::sleep(Duration::from_millis(300)).await;
        let mut listeners = [queue.events(), queue.events()];
        let id = queue.submit(vec![noop()]).await.unwrap()[0].id;
        let place = queue.place().clone();
        tokio::task::spawn_blocking(move || work_off(&place, 1))
            .await
            .unwrap();
        let mut first = None;
        for listener in &mut listeners {
            let mut states = Vec::new();
            while states.len() < 3 {
                let event = tokio::time::timeout(Duration::from_mins(1), listener.recv());
                let event: Arc<_> = event.await.unwrap().unwrap();
                assert_eq!(event.id, id);
                first.get_or_insert(event.seq);
                states.push(event.what);
            }
            let expected = [State::Ready, State::Active, State::Succeeded];
            assert_eq!(states, expected.map(What::State));
        }
        let later = queue.events_after(first.unwrap(), 10).await.unwrap();
        assert_eq!(later.len(), 2);
    })
    .await;
}

#[tokio::test]
async fn what_is_too_much_is_refused() {
    everywhere(|queue| async move {
        let batch = |jobs| queue.submit(vec![noop(); jobs]);
        assert!(matches!(
            batch(1001).await,
            Err(QueueError::TooMany { jobs: 1001 })
        ));
        batch(999).await.unwrap();
        let full = batch(2).await.unwrap_err();
        assert!(
            matches!(
                full,
                QueueError::Full {
                    depth: 999,
                    limit: 1000
                }
            ),
            "{full}"
        );
        assert!(batch(0).await.unwrap().is_empty());
        batch(1).await.unwrap();
        let listing = Listing {
            limit: 1000,
            ..Listing::default()
        };
        assert_eq!(queue.list(listing).await.unwrap().jobs.len(), 1000);
    })
    .await;
}

#[tokio::test]
async fn jobs_are_cancelled_and_dead_ones_retried_and_dropped() {
    everywhere(|queue| async move {
        let id = queue.submit(vec![sleep(1.0)]).await.unwrap()[0].id;
        let was = State::Ready;
        assert_eq!(queue.cancel(id).await.unwrap(), Cancelled::Now { was });
        let dead = vec![NewJob::new("nonsense", &serde_json::json!({})); 450];
        queue.submit(dead).await.unwrap();
        assert_eq!(queue.drop_dead(vec![id]).await.unwrap(), 0);
        assert_eq!(queue.retry_dead(vec![]).await.unwrap(), 450);
        assert_eq!(queue.stats().await.unwrap().waiting, 450);
    })
    .await;
}

#[tokio::test]
async fn a_redis_that_is_away_is_told_at_once_and_come_back_to() {
    let Some(mut redis) = RedisServer::made(&[]) else {
        return;
    };
    let queue = Queue::over_redis(server(&redis, "away"), LIMITS).unwrap();
    let asked = Instant::now();
    for _ in 0..20 {
        let error = queue.submit(vec![noop()]).await.unwrap_err();
        assert!(matches!(error, QueueError::Away(_)), "{error}");
    }
    assert!(asked.elapsed() < Duration::from_secs(20));
    assert!(queue.trouble().is_some());

    redis.run();
    queue.connected().await.unwrap();
    let worker = Worker::start(&redis, "away", "");
    let id = loop {
        match queue.submit(vec![noop()]).await {
            Ok(submitted) => break submitted[0].id,
            Err(_) => tokio::time::sleep(Duration::from_millis(50)).await,
        }
    };
    let job = queue
        .wait(id, Duration::from_mins(1))
        .await
        .unwrap()
        .unwrap();
    assert_eq!(job.state, State::Succeeded);
    assert_eq!(queue.trouble(), None);
    drop(worker);
    queue.close();
    tokio::time::sleep(Duration::from_millis(300)).await;
    assert!(matches!(queue.get(id).await, Err(QueueError::Closed)));
}
