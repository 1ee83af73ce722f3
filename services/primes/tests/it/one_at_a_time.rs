//! Two measured runs at once would spoil both: the second is refused, whoever
//! started the first.

use crate::processes::has_processes;
use crate::station::{Station, endless, eventually, primes};
use serde_json::{Value, json};
use std::process::{Child, Stdio};

#[tokio::test]
async fn a_second_request_is_refused_with_the_progress_of_the_first() {
    let station = Station::start();
    let first = station.send_run(&endless("work-stealing"));
    station.busy().await;

    let refused = station.refused(&json!({"limit": 10})).await;

    assert_eq!(refused.status, 409);
    let progress = refused.body["progress"].as_f64().unwrap();
    assert!((0.0..=1.0).contains(&progress), "{progress}");
    assert!(!first.is_finished());
    first.abort();
}

#[tokio::test]
async fn a_request_is_refused_while_the_command_measures() {
    let station = Station::start();
    let command = Measuring::start(&station.name).await;

    let refused = station.refused(&json!({"limit": 10})).await;

    assert_eq!(refused.status, 409);
    assert_eq!(
        refused.body["progress"],
        Value::Null,
        "it goes on elsewhere"
    );
    drop(command);
    station.run(json!({"limit": 10})).await;
}

#[tokio::test]
async fn the_command_refuses_while_a_request_is_measured() {
    let station = Station::start();
    let first = station.send_run(&endless("executor"));
    station.busy().await;

    let output = primes(&station.name)
        .args(["run", "--limit", "10"])
        .output();

    let output = output.unwrap();
    let message = String::from_utf8(output.stderr).unwrap();
    assert_eq!(output.status.code(), Some(1), "{message}");
    assert_eq!(message.lines().count(), 1, "{message}");
    let serving = has_processes(&station.name, 1).await[0];
    assert!(message.contains(&format!("process {serving}")), "{message}");
    assert!(output.stdout.is_empty());
    first.abort();
}

#[tokio::test]
async fn stations_of_other_names_do_not_wait_for_each_other() {
    let (one, other) = (Station::start(), Station::start());
    let first = one.send_run(&endless("work-stealing"));
    one.busy().await;

    other.run(json!({"limit": 10})).await;

    first.abort();
}

/// A `primes run` that measures for hours; killed when dropped.
struct Measuring(Child);

impl Measuring {
    async fn start(station: &str) -> Self {
        let child = primes(station)
            .args(["run", "--limit", "1e12"])
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .spawn();
        let measuring = Self(child.unwrap());
        eventually("the command holds the run lock", async || {
            holds_run_lock(station).then_some(())
        })
        .await;
        measuring
    }
}

impl Drop for Measuring {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

/// Whether somebody holds the run lock called `name`; looked up in the
/// kernel's list, since trying it would take it.
pub(crate) fn holds_run_lock(name: &str) -> bool {
    let sockets = std::fs::read_to_string("/proc/net/unix").unwrap();
    sockets.contains(&format!("@parlab-run/{name}\n"))
}
