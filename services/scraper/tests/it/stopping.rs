//! How a run ends before its URLs do.

use crate::programs::{Origin, Running, ended, eventually, run};
use rustix::process::Signal;
use std::net::TcpListener;
use std::time::{Duration, Instant};

#[test]
fn a_signal_lets_what_is_under_way_finish_and_says_what_is_left() {
    for (signal, code, name) in [(Signal::TERM, 143, "SIGTERM"), (Signal::INT, 130, "SIGINT")] {
        for mode in ["async", "threads"] {
            let origin = Origin::start("--latency 300ms --pages 10000");
            let folder = tempfile::tempdir().unwrap();
            let file = folder.path().join("outcomes.ndjson");
            let options = format!(
                "--origin {} --pages 10000 --mode {mode} --concurrency 4 --format json --drain-seconds 30 --store ndjson:{}",
                origin.url(),
                file.display(),
            );
            let running = Running::start(&mut run(&options));
            eventually("pages are asked for", || {
                (origin.stats()["requests"].as_u64() > Some(4)).then_some(())
            });

            running.signal(signal);

            let (status, stdout, stderr) = running.ended();
            assert_eq!(status.code(), Some(code), "{stderr}");
            assert!(
                stderr.contains(name) && stderr.contains("--resume"),
                "{stderr}"
            );
            // What was asked for has its outcome.
            let rows = std::fs::read_to_string(&file).unwrap().lines().count() as u64;
            assert_eq!(origin.attempts().len() as u64, rows, "{mode} {stderr}");
            let summary: serde_json::Value = serde_json::from_str(&stdout).unwrap();
            assert_eq!(summary["stored"], rows);
            assert!(rows < 10_000);
        }
    }
}

#[test]
fn what_does_not_finish_in_time_is_given_up() {
    let origin = Origin::start("--latency 50s");
    for mode in ["async", "threads", "sequential"] {
        let before = origin.stats()["requests"].as_u64();
        let options = format!(
            "--origin {} --mode {mode} --drain-seconds 0.2 --timeout 10m --read-timeout 10m --ignore-robots",
            origin.url()
        );
        let running = Running::start(&mut run(&options));
        eventually("pages are asked for", || {
            (origin.stats()["requests"].as_u64() > before).then_some(())
        });
        let asked = Instant::now();

        running.signal(Signal::TERM);

        let (status, _, stderr) = running.ended();
        assert_eq!(status.code(), Some(143), "{stderr}");
        assert!(asked.elapsed() < Duration::from_secs(30), "{mode}");
    }
}

#[test]
fn a_list_that_nobody_finishes_does_not_hold_a_stopped_run_back() {
    let mut command = run("--urls - --allow-private --drain-seconds 0.2");
    let mut child = Running::start(command.stdin(std::process::Stdio::piped()));
    let _open = child.stdin();
    // Its handlers are there when it reads.
    std::thread::sleep(Duration::from_millis(300));

    child.signal(Signal::INT);

    let (status, _, stderr) = child.ended();
    assert_eq!(status.code(), Some(130), "{stderr}");
}

/// More URLs than are read ahead: what was not read is not among those that are
/// said to be left.
#[test]
fn a_list_that_was_not_read_to_its_end_is_said_not_to_be() {
    let origin = Origin::start("--latency 300ms");
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("list.txt");
    let url = origin.url();
    let lines: Vec<_> = (1..=100_000)
        .map(|page| format!("{url}/page/{page}"))
        .collect();
    std::fs::write(&file, lines.join("\n")).unwrap();
    for mode in ["async", "threads"] {
        let before = origin.stats()["requests"].as_u64();
        let options = format!(
            "--allow-private --mode {mode} --concurrency 4 --drain-seconds 30 --urls {}",
            file.display()
        );
        let running = Running::start(&mut run(&options));
        eventually("pages are asked for", || {
            (origin.stats()["requests"].as_u64() > before).then_some(())
        });

        running.signal(Signal::TERM);

        let (status, _, stderr) = running.ended();
        assert_eq!(status.code(), Some(143), "{stderr}");
        assert!(stderr.contains("not read to its end"), "{mode}: {stderr}");
    }
}

#[test]
fn a_signal_is_heard_while_a_database_that_says_nothing_is_waited_for() {
    let origin = Origin::start("");
    let silent = TcpListener::bind("127.0.0.1:0").unwrap();
    for (signal, code) in [(Signal::TERM, 143), (Signal::INT, 130)] {
        let options = format!(
            "--origin {} --store postgres --database-url postgres://u@{}/d",
            origin.url(),
            silent.local_addr().unwrap()
        );
        let running = Running::start(&mut run(&options));
        let _connection = silent.accept().unwrap();

        running.signal(signal);

        let (status, _, stderr) = running.ended();
        assert_eq!(status.code(), Some(code), "{stderr}");
        assert!(stderr.contains("nothing was fetched"), "{stderr}");
    }
    assert_eq!(origin.stats()["requests"], 0);
}

#[test]
fn what_is_stored_nowhere_is_not_called_stored() {
    let origin = Origin::start("--latency 300ms --pages 10000");
    let options = format!(
        "--origin {} --pages 10000 --concurrency 4 --drain-seconds 30",
        origin.url()
    );
    let running = Running::start(&mut run(&options));
    eventually("pages are asked for", || {
        (origin.stats()["requests"].as_u64() > Some(4)).then_some(())
    });

    running.signal(Signal::TERM);

    let (status, stdout, stderr) = running.ended();
    assert_eq!(status.code(), Some(143), "{stderr}");
    let said = stderr.lines().last().unwrap();
    assert!(
        said.contains("URLs were fetched") && said.contains("nothing is stored"),
        "{stderr}"
    );
    assert!(!said.contains("--resume"), "{stderr}");
    let stored = stdout
        .lines()
        .find(|line| line.trim_start().starts_with("stored"));
    let words: Vec<_> = stored.unwrap().split_whitespace().collect();
    assert_eq!(words[1..3], ["0", "nowhere;"], "{stdout}");
}

/// What Docker gives a container before it kills it.
const GRACE_SECONDS: f64 = 10.0;

#[test]
fn the_time_to_finish_is_less_than_docker_gives() {
    let help = ended(run("").arg("--help"));
    let help = String::from_utf8(help.stdout).unwrap();
    let (_, after) = help.split_once("DRAIN_SECONDS=").unwrap();
    let (_, default) = after.split_once("[default: ").unwrap();
    let (drain, _) = default.split_once(']').unwrap();
    let drain: f64 = drain.parse().unwrap();

    // The pages, the threads that compute something, the store.
    assert!(drain + 1.0 + drain < GRACE_SECONDS, "{drain}");
}
