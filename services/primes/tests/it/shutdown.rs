//! The end of the service during a run: the client is told, nothing is left.

#[cfg(target_os = "linux")]
use crate::processes::has_processes;
use crate::station::{Station, endless};
use rustix::process::Signal;
use std::time::{Duration, Instant};

/// Two seconds are promised; the rest is for busy machines.
const ENDS_WITHIN: Duration = Duration::from_secs(5);

#[tokio::test]
async fn a_signal_ends_a_run_with_503_and_the_service_with_0() {
    for (signal, strategy) in [
        (Signal::TERM, "work-stealing"),
        (Signal::TERM, "processes"),
        (Signal::INT, "sequential"),
    ] {
        let mut station = Station::start();
        let client = station.send_run(&endless(strategy));
        station.busy().await;

        let asked = Instant::now();
        station.signal(signal);

        let answer = client.await.unwrap();
        answer.assert_problem();
        assert_eq!(answer.status, 503, "{strategy}: {answer:?}");
        assert!(answer.detail().contains("told to end"), "{answer:?}");
        let ended = station.ended().await;
        assert_eq!(ended.code(), Some(0), "{strategy}");
        assert!(asked.elapsed() < ENDS_WITHIN, "{strategy}");
        #[cfg(target_os = "linux")]
        has_processes(&station.name, 0).await;
    }
}

#[tokio::test]
async fn an_idle_service_ends_with_0() {
    let mut station = Station::start();
    station.signal(Signal::TERM);
    assert_eq!(station.ended().await.code(), Some(0));
}

#[cfg(target_os = "linux")]
#[tokio::test]
async fn a_killed_service_leaves_no_child_process() {
    let mut station = Station::start();
    let client = station.send_run(&endless("processes"));
    has_processes(&station.name, 3).await;

    station.signal(Signal::KILL);
    station.ended().await;

    has_processes(&station.name, 0).await;
    assert!(client.await.is_err(), "nobody was left to answer");
}
