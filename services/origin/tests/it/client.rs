//! A client of the usual kind, which keeps its connections.

use crate::served::{DEADLINE, Origin};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

const CLIENTS: u64 = 16;
const PAGES: u64 = 1000;

/// Fetches all pages with as many tasks as `CLIENTS`, and says how many came whole.
async fn fetch_all(origin: &Origin) -> u64 {
    let client = reqwest::Client::builder().no_proxy().timeout(DEADLINE);
    let client = client.build().unwrap();
    let next = Arc::new(AtomicU64::new(1));
    let tasks: Vec<_> = (0..CLIENTS)
        .map(|_| {
            let (client, next, api) = (client.clone(), next.clone(), origin.line.api);
            tokio::spawn(async move {
                let mut whole = 0;
                loop {
                    let page = next.fetch_add(1, Ordering::Relaxed);
                    if page > PAGES {
                        return whole;
                    }
                    let url = format!("http://{api}/page/{page}");
                    let response = client.get(url).send().await.unwrap();
                    assert_eq!(response.status().as_u16(), 200);
                    whole += u64::from(response.bytes().await.unwrap().len() == 4096);
                }
            })
        })
        .collect();
    let mut whole = 0;
    for task in tasks {
        whole += task.await.unwrap();
    }
    whole
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn no_more_requests_are_seen_at_once_than_were_sent_at_once() {
    for latency in ["0", "uniform:0ms-5ms"] {
        let origin = Origin::start(&format!("--pages {PAGES} --latency {latency}"));

        assert_eq!(fetch_all(&origin).await, PAGES);

        let stats = origin.stats();
        assert_eq!(stats["requests"], PAGES);
        assert_eq!(stats["in_flight"], 0);
        assert!(stats["highest_in_flight"].as_u64().unwrap() <= CLIENTS);
        // Kept ones: the client opens a few more than it needs.
        assert!(stats["connections"].as_u64().unwrap() < PAGES / 4);
        let paths = stats["paths"].as_object().unwrap();
        let once = |page| paths[&format!("/page/{page}")]["attempts"] == 1;
        assert!((1..=PAGES).all(once));
    }
}
