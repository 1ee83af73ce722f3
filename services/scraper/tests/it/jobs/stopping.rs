//! One run at a time, and how one ends before its URLs do.

use super::*;
use rustix::process::Signal;
use std::net::TcpListener;

#[tokio::test]
async fn a_second_job_or_sample_is_refused_while_one_goes_on() {
    let origin = Origin::start("--pages 10000 --latency 50ms");
    let station = Station::start(&origin);
    let path = begun(&station, &endless(&origin)).await;
    until(&station, &path, |job| job["done"].as_u64() > Some(2)).await;

    let job = post(&station, &endless(&origin)).await;
    let (sample, _) = station.run(&origin, &json!({"pages": 1})).await;

    assert_eq!((job.status, sample), (409, 409));
    let progress = job.body["progress"].as_f64().unwrap();
    assert!(progress > 0.0 && progress < 1.0, "{job:?}");
    delete(&station, &path).await;
    ended(&station, &path).await;
    let (sample, _) = station.run(&origin, &json!({"pages": 1})).await;
    assert_eq!(sample, 200, "the first one is over");
}

#[tokio::test]
async fn a_job_that_is_deleted_stops_and_keeps_what_it_has() {
    let origin = Origin::start("--pages 10000 --latency 50ms");
    let station = Station::start(&origin);
    for mode in ["sequential", "threads", "async"] {
        let mut body = endless(&origin);
        body["mode"] = mode.into();
        let path = begun(&station, &body).await;
        until(&station, &path, |job| job["done"].as_u64() > Some(2)).await;

        let stopping = delete(&station, &path).await;
        let job = ended(&station, &path).await;

        assert_eq!(stopping.status, 202);
        assert_eq!(job["state"], "cancelled", "{job}");
        let results = get(&station, &format!("{path}/results")).await.body;
        assert_eq!(results["total"], job["done"]);
        assert_eq!(job["stored"], job["done"]);
        let asked = origin.stats()["requests"].clone();
        assert_eq!(delete(&station, &path).await.status, 204);
        assert_eq!(get(&station, &path).await.status, 404);
        assert_eq!(
            origin.stats()["requests"],
            asked,
            "nothing is fetched any more"
        );
    }
}

#[tokio::test]
async fn the_end_of_the_service_ends_its_job_and_tells_who_listens() {
    let origin = Origin::start("--pages 10000 --latency 50ms");
    let mut station = Station::start(&origin);
    let path = begun(&station, &endless(&origin)).await;
    let events = request(&station, Method::GET, &format!("{path}/events"));
    let events = events.send().await.unwrap();
    until(&station, &path, |job| job["done"].as_u64() > Some(2)).await;

    station.signal(Signal::TERM);

    let events = events.text().await.unwrap();
    assert!(
        events.contains("event: problem") && events.contains("503"),
        "{events}"
    );
    assert_eq!(station.ended().code(), Some(0));
}

#[tokio::test]
async fn a_job_that_waits_for_a_database_can_be_stopped() {
    let origin = Origin::start("");
    let silent = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = silent.local_addr().unwrap();
    let options = format!("--database-url postgres://u@{address}/d");
    let mut station = Station::start_with(&origin, &options);
    let body = json!({"origin": origin.url(), "store": "postgres"});
    let path = begun(&station, &body).await;
    let _connection = silent.accept().unwrap();

    delete(&station, &path).await;

    // Not failed, as it would be once PostgreSQL had had its time.
    assert_eq!(ended(&station, &path).await["state"], "cancelled");
    begun(&station, &body).await;
    let _connection = silent.accept().unwrap();
    station.signal(Signal::TERM);
    assert_eq!(station.ended().code(), Some(0));
    assert_eq!(origin.stats()["requests"], 0);
}
