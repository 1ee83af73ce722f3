//! Jobs whose outcomes go to PostgreSQL too.

use super::*;
use crate::postgres::{Cluster, PASSWORD};
use rustix::process::Signal;

/// A station that may fetch from `origin` and store in `cluster`.
fn station(cluster: &Cluster, origin: &Origin) -> Station {
    let password = cluster.password_file(PASSWORD);
    Station::start_with(
        origin,
        &format!(
            "--database-url {} --database-password-file {}",
            cluster.url("postgres"),
            password.display()
        ),
    )
}

/// How many rows the run of the job at `path` has.
async fn rows(cluster: &Cluster, path: &str) -> i64 {
    let mut connection = cluster.connect("postgres").await.unwrap();
    sqlx::query_scalar("SELECT count(*) FROM pages WHERE run = $1")
        .bind(path.trim_start_matches("/scrape/"))
        .fetch_one(&mut connection)
        .await
        .unwrap()
}

fn stored(origin: &Origin, pages: u32) -> Value {
    json!({"origin": origin.url(), "pages": pages, "store": "postgres", "concurrency": 8})
}

#[tokio::test]
async fn what_is_stored_is_what_the_results_say_under_the_jobs_name() {
    let Some(cluster) = Cluster::start().await else {
        return;
    };
    let origin = Origin::start("--pages 500 --status-500 0.1 --fault-times 0");
    let station = station(&cluster, &origin);

    let path = begun(&station, &stored(&origin, 100)).await;
    let job = ended(&station, &path).await;

    assert_eq!(job["state"], "done", "{job}");
    assert_eq!(
        (&job["stored"], &job["store"]),
        (&json!(100), &json!("postgres"))
    );
    assert_eq!(rows(&cluster, &path).await, 100);
    let results = get(&station, &format!("{path}/results")).await.body;
    let mut connection = cluster.connect("postgres").await.unwrap();
    for result in results["results"].as_array().unwrap() {
        let row: (Option<i16>, Option<String>, i32) =
            sqlx::query_as("SELECT status, error, attempts FROM pages WHERE url = $1")
                .bind(result["url"].as_str().unwrap())
                .fetch_one(&mut connection)
                .await
                .unwrap();
        let told = json!([result["status"], result["error"], result["attempts"]]);
        assert_eq!(json!([row.0, row.1, row.2]), told, "{result}");
    }
}

#[tokio::test]
async fn a_job_that_cannot_store_fails_and_tells_its_client_no_internals() {
    let Some(mut cluster) = Cluster::start().await else {
        return;
    };
    let origin = Origin::start("");
    let station = station(&cluster, &origin);
    cluster.crash();

    let path = begun(&station, &stored(&origin, 10)).await;
    let job = ended(&station, &path).await;

    assert_eq!(job["state"], "failed", "{job}");
    let error = job["error"].as_str().unwrap();
    assert!(error.contains("log"), "{error}");
    assert!(
        !error.contains("127.0.0.1") && !error.contains("scraper@"),
        "{error}"
    );
    assert_eq!(
        origin.stats()["requests"],
        0,
        "nothing is fetched for nothing"
    );
    cluster.run().await;
    let path = begun(&station, &stored(&origin, 10)).await;
    assert_eq!(
        ended(&station, &path).await["state"],
        "done",
        "the next one goes"
    );
}

#[tokio::test]
async fn a_job_that_is_cut_off_by_the_services_end_has_stored_what_it_fetched() {
    let Some(cluster) = Cluster::start().await else {
        return;
    };
    let origin = Origin::start("--pages 10000 --latency 30ms");
    let mut station = station(&cluster, &origin);
    let path = begun(&station, &stored(&origin, 10_000)).await;
    until(&station, &path, |job| job["done"].as_u64() > Some(20)).await;

    station.signal(Signal::TERM);
    assert_eq!(station.ended().code(), Some(0));

    // Every page that was asked for was let finish and is there.
    assert_eq!(
        rows(&cluster, &path).await as usize,
        origin.attempts().len()
    );
}
