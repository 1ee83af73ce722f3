//! What the strategy `processes` knows of its child processes.

use crate::processes::has_processes;
use crate::station::{Station, endless, eventually};
use measure::report::ReplicaAccount;
use rustix::process::{Signal, kill_process};
use serde_json::json;
use std::time::Instant;

/// CPU seconds of the ended children of a process, in whole ticks
/// (`cutime` and `cstime`, `proc_pid_stat(5)`).
fn children_cpu_seconds(process: u32) -> f64 {
    let stat = std::fs::read_to_string(format!("/proc/{process}/stat")).unwrap();
    let (_, from_state) = stat.rsplit_once(") ").unwrap();
    let fields: Vec<&str> = from_state.split(' ').collect();
    let ticks: u64 = fields[13].parse::<u64>().unwrap() + fields[14].parse::<u64>().unwrap();
    ticks as f64 / rustix::param::clock_ticks_per_second() as f64
}

#[tokio::test]
async fn their_whole_cpu_time_is_the_groups_whether_they_had_a_chunk_or_not() {
    let station = Station::start();
    let body = json!({"limit": 10, "strategy": "processes", "workers": 4, "repeats": 50});

    let answer = station.run(body).await;

    let account: ReplicaAccount = serde_json::from_value(answer["account"].clone()).unwrap();
    let group = account.group.cpu_seconds.unwrap();
    let children = children_cpu_seconds(station.id());
    // They still use a little when they have told what they used.
    assert!(group > 0.9 * children - 0.02, "{group} of {children}");
}

#[tokio::test]
async fn a_sample_lasts_until_those_are_there_for_which_no_chunk_is_left() {
    let station = Station::start();
    let body = json!({"limit": 10, "strategy": "processes", "workers": 200});
    let asked = Instant::now();

    let answer = station.run(body).await;

    // Starting them is nearly all that happens.
    let (seconds, all) = (answer["seconds"].as_f64(), asked.elapsed().as_secs_f64());
    assert!(seconds.unwrap() > 0.3 * all, "{seconds:?} of {all}");
    let account: ReplicaAccount = serde_json::from_value(answer["account"].clone()).unwrap();
    let wall_seconds = account.ended_seconds - account.started_seconds;
    for worker in &account.workers {
        let (ran, waited) = (worker.on_cpu_seconds, worker.waited_seconds);
        let sum = ran.unwrap_or(0.0) + waited.unwrap_or(0.0) + worker.blocked_on.total();
        assert!(sum <= wall_seconds + 1e-9, "{worker:?}");
    }
}

#[tokio::test]
async fn they_say_how_far_they_are_while_they_work() {
    let station = Station::start();
    let run = station.send_run(&endless("processes"));

    eventually("some chunks are done", async || {
        station.progress().await.filter(|&progress| progress > 0.0)
    })
    .await;

    assert!(!run.is_finished());
    run.abort();
}

#[tokio::test]
async fn one_that_dies_fails_the_run_though_the_others_have_hours_to_go() {
    let station = Station::start();
    let client = station.send_run(&endless("processes"));
    let processes = has_processes(&station.name, 3).await;
    let children = station.children_of(&processes);
    // The first is listened to first: it must not hide the second's end.
    let second = children.iter().max_by_key(|child| child.as_raw_nonzero());

    kill_process(*second.unwrap(), Signal::KILL).unwrap();

    assert_eq!(client.await.unwrap().status, 503);
    has_processes(&station.name, 1).await;
}
