//! `primes run` ended by a signal: whole rounds are kept, nothing is left.

use crate::one_at_a_time::holds_run_lock;
use crate::processes::has_processes;
use crate::station::{eventually, primes, unique_name};
use measure::report::RunReport;
use rustix::process::{Pid, Signal, kill_process_group};
use std::io::{BufRead as _, BufReader, Read as _};
use std::os::unix::process::CommandExt as _;
use std::process::{Child, ChildStderr, Stdio};

/// A `primes run` as a terminal starts it: in a process group of its own.
struct Command {
    station: String,
    child: Child,
    stderr: BufReader<ChildStderr>,
}

/// How it ended.
struct Ended {
    code: Option<i32>,
    stdout: String,
    stderr: String,
}

impl Command {
    fn start(arguments: &[&str]) -> Self {
        let station = unique_name();
        let mut child = primes(&station)
            .arg("run")
            .args(arguments)
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .process_group(0)
            .spawn()
            .unwrap();
        let stderr = BufReader::new(child.stderr.take().unwrap());
        Self {
            station,
            child,
            stderr,
        }
    }

    /// Waits until the first whole round is measured.
    fn measured_a_round(&mut self) {
        let mut line = String::new();
        self.stderr.read_line(&mut line).unwrap();
        assert_eq!(line, "round 1 of 100 is measured\n");
    }

    /// Signals the whole group, as Ctrl-C does, and waits for the end.
    async fn end_by(mut self, signal: Signal) -> Ended {
        kill_process_group(Pid::from_child(&self.child), signal).unwrap();
        let (mut stdout, mut stderr) = (String::new(), String::new());
        let pipe = self.child.stdout.as_mut().unwrap();
        pipe.read_to_string(&mut stdout).unwrap();
        self.stderr.read_to_string(&mut stderr).unwrap();
        let code = eventually("it ends", async || self.child.try_wait().unwrap())
            .await
            .code();
        has_processes(&self.station, 0).await;
        Ended {
            code,
            stdout,
            stderr,
        }
    }
}

impl Drop for Command {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

#[tokio::test]
async fn ctrl_c_before_the_first_round_says_that_nothing_was_measured() {
    let command = Command::start(&["--limit", "1e12"]);
    eventually("it measures", async || {
        holds_run_lock(&command.station).then_some(())
    })
    .await;

    let ended = command.end_by(Signal::INT).await;

    assert_eq!(ended.code, Some(130), "{}", ended.stderr);
    assert!(
        ended.stderr.contains("nothing was measured"),
        "{}",
        ended.stderr
    );
    assert_eq!(ended.stdout, "");
}

#[tokio::test]
async fn a_signal_after_a_round_keeps_the_whole_rounds() {
    let short = [
        "--limit",
        "2e4",
        "--rounds",
        "100",
        "--min-seconds",
        "0.1",
        "--format",
        "json",
    ];
    for (signal, strategy, code) in [
        (Signal::INT, "work-stealing", 130),
        (Signal::INT, "processes", 130),
        (Signal::TERM, "executor", 143),
    ] {
        let mut command = Command::start(&[&short[..], &["--strategy", strategy]].concat());
        command.measured_a_round();

        let ended = command.end_by(signal).await;

        assert_eq!(ended.code, Some(code), "{strategy}: {}", ended.stderr);
        let report: RunReport = serde_json::from_str(&ended.stdout).unwrap();
        let rounds = report.rows[0].rounds.len();
        assert!(report.partial, "{strategy}");
        assert!((1..100).contains(&rounds), "{strategy}: {rounds}");
        assert!(report.rows.iter().all(|row| row.rounds.len() == rounds));
        let says = format!("{rounds} of 100 rounds");
        assert!(ended.stderr.contains(&says), "{}", ended.stderr);
    }
}
