//! An origin under test: the built program, serving on ports of its own.

use crate::wire::{Seen, ask};
use rustix::process::{Pid, Signal, kill_process};
use serde_json::Value;
use service_kit::address::AddressLine;
use std::collections::BTreeMap;
use std::io::{BufRead as _, BufReader};
use std::process::{Child, Command, ExitStatus, Stdio};
use std::time::{Duration, Instant};

/// Far longer than anything here takes, on a busy machine too.
pub(crate) const DEADLINE: Duration = Duration::from_secs(30);

/// The program, in an environment that says nothing.
pub(crate) fn origin() -> Command {
    let mut command = Command::new(assert_cmd::cargo::cargo_bin!("origin"));
    command.env_clear();
    command
}

/// What `probe` finds in the end; panics with `what` when that takes too long.
pub(crate) fn eventually<T>(what: &str, mut probe: impl FnMut() -> Option<T>) -> T {
    let asked = Instant::now();
    loop {
        if let Some(found) = probe() {
            return found;
        }
        assert!(asked.elapsed() < DEADLINE, "not in time: {what}");
        std::thread::sleep(Duration::from_millis(10));
    }
}

/// A running `origin serve`, killed when dropped.
pub(crate) struct Origin {
    pub(crate) line: AddressLine,
    child: Child,
}

impl Origin {
    /// One that is told `options`, words separated by spaces.
    pub(crate) fn start(options: &str) -> Self {
        let mut command = origin();
        command
            .args(["serve", "--port", "0", "--admin-port", "0"])
            .args(options.split_whitespace());
        Self::spawn(&mut command)
    }

    /// The one that `command` starts.
    pub(crate) fn spawn(command: &mut Command) -> Self {
        let mut child = command
            .stdout(Stdio::piped())
            .stderr(Stdio::null())
            .spawn()
            .unwrap();
        let mut line = String::new();
        BufReader::new(child.stdout.take().unwrap())
            .read_line(&mut line)
            .unwrap();
        Self {
            line: serde_json::from_str(&line).unwrap(),
            child,
        }
    }

    /// What a client sees of `GET path`, on a connection of its own.
    pub(crate) fn get(&self, path: &str) -> Seen {
        ask(self.line.api, "GET", path, "")
    }

    /// The same with another method, and more lines of the head.
    pub(crate) fn ask(&self, method: &str, path: &str, more: &str) -> Seen {
        ask(self.line.api, method, path, more)
    }

    /// What it says as JSON at `path`.
    pub(crate) fn json(&self, path: &str) -> Value {
        let seen = self.get(path);
        assert_eq!(seen.status(), Some(200), "{path}: {seen:?}");
        serde_json::from_slice(&seen.body).unwrap()
    }

    pub(crate) fn stats(&self) -> Value {
        self.json("/stats")
    }

    /// The pages that it says have a fault.
    pub(crate) fn faults(&self) -> BTreeMap<String, String> {
        serde_json::from_value(self.json("/faults")).unwrap()
    }

    /// Begins its account anew.
    pub(crate) fn forget(&self) {
        assert_eq!(self.ask("DELETE", "/stats", "").status(), Some(204));
    }

    /// Text of an admin endpoint.
    pub(crate) fn admin(&self, path: &str) -> String {
        let seen = ask(self.line.admin, "GET", path, "");
        assert_eq!(seen.status(), Some(200), "{path}: {seen:?}");
        seen.text()
    }

    /// The value of one metric, given with its labels.
    pub(crate) fn metric(&self, name: &str) -> f64 {
        let text = self.admin("/metrics");
        let found = text
            .lines()
            .find_map(|line| line.strip_prefix(name)?.trim().parse().ok());
        found.unwrap_or_else(|| panic!("{name} is not in {text}"))
    }

    pub(crate) fn signal(&self, signal: Signal) {
        kill_process(Pid::from_child(&self.child), signal).unwrap();
    }

    pub(crate) fn ended(&mut self) -> ExitStatus {
        eventually("the service ends", || self.child.try_wait().unwrap())
    }
}

impl Drop for Origin {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}
