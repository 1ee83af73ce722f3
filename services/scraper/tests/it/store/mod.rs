//! The store, on a real PostgreSQL.

mod outages;
mod refusals;
mod rows;

use crate::postgres::{Cluster, PASSWORD};
use scraper::outcome::{ErrorKind, Outcome, Page};
use scraper::store::{self, Database, Opened, StoreChoice, StoreFailed, Target};
use std::time::{Duration, SystemTime};

/// Far longer than anything here takes, on a busy machine too.
const DEADLINE: Duration = Duration::from_mins(1);

fn target(cluster: &Cluster, run: &str) -> Target {
    let password = cluster.password_file(PASSWORD);
    let database = Database::new(&cluster.url("postgres"), Some(&password));
    Target {
        choice: StoreChoice::Postgres,
        database: Some(database.unwrap()),
        run: run.parse().unwrap(),
        resume: false,
    }
}

async fn open(cluster: &Cluster, run: &str) -> Opened {
    store::open(target(cluster, run)).await.unwrap()
}

async fn resume(cluster: &Cluster, run: &str) -> Opened {
    let target = Target {
        resume: true,
        ..target(cluster, run)
    };
    store::open(target).await.unwrap()
}

async fn refused(target: Target) -> StoreFailed {
    store::open(target).await.unwrap_err()
}

/// What became of page `number`: every seventh failed.
fn outcome(number: u32) -> Outcome {
    let failed = number % 7 == 0;
    Outcome {
        url: format!("http://origin:8080/page/{number}").parse().unwrap(),
        status: (!failed).then_some(200),
        error: failed.then_some(ErrorKind::Timeout),
        attempts: number % 3 + 1,
        page: (!failed).then(|| Page {
            title: Some(format!("Page {number} ✓")),
            links: number,
            words: u64::from(number) * 100,
            hash: [number as u8; 32],
        }),
        bytes: u64::from(number) * 1000,
        elapsed: Duration::from_millis(100),
        fetched_at: SystemTime::UNIX_EPOCH + Duration::from_micros(1_764_000_000_123_456),
    }
}

/// How many rows the run has, and how many different URLs these have.
async fn rows(cluster: &Cluster, run: &str) -> (i64, i64) {
    let mut connection = cluster.connect("postgres").await.unwrap();
    sqlx::query_as("SELECT count(*), count(DISTINCT url) FROM pages WHERE run = $1")
        .bind(run)
        .fetch_one(&mut connection)
        .await
        .unwrap()
}
