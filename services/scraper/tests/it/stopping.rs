//! How a run ends before its URLs do.

use crate::programs::{Origin, Running, eventually, run};
use rustix::process::Signal;
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
