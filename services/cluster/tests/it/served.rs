//! A cluster under test: the built program, serving on ports of its own.

use crate::wire::{Seen, ask};
use rustix::process::{Pid, Signal, kill_process};
use serde_json::Value;
use service_kit::address::AddressLine;
use std::io::{BufRead as _, BufReader, Read as _};
use std::net::SocketAddr;
use std::process::{Child, Command, ExitStatus, Stdio};
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

/// Far longer than anything here takes, on a busy machine too.
pub(crate) const DEADLINE: Duration = Duration::from_mins(1);

/// The program, in an environment that says nothing.
pub(crate) fn cluster() -> Command {
    let mut command = Command::new(assert_cmd::cargo::cargo_bin!("cluster"));
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

/// A running `cluster serve`, killed when dropped.
pub(crate) struct Cluster {
    pub(crate) line: AddressLine,
    child: Child,
    log: Arc<Mutex<String>>,
}

impl Cluster {
    /// One that is told `options`, words separated by spaces.
    pub(crate) fn start(options: &str) -> Self {
        Self::spawn(Self::command(options))
    }

    /// What would start it.
    pub(crate) fn command(options: &str) -> Command {
        // Runs of one name exclude each other, and tests run side by side.
        let station = format!("test-{}", uuid::Uuid::new_v4());
        let mut command = cluster();
        command
            .args(["serve", "--port", "0", "--api-port", "0"])
            .args(["--admin-port", "0", "--station", &station])
            .args(options.split_whitespace());
        command
    }

    /// The one that `command` starts.
    pub(crate) fn spawn(mut command: Command) -> Self {
        let mut child = command
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .unwrap();
        let log = Arc::new(Mutex::new(String::new()));
        let (mut stderr, written) = (child.stderr.take().unwrap(), log.clone());
        std::thread::spawn(move || {
            let mut part = [0; 4096];
            while let Ok(read @ 1..) = stderr.read(&mut part) {
                let text = String::from_utf8_lossy(&part[..read]);
                written.lock().unwrap().push_str(&text);
            }
        });
        let mut line = String::new();
        BufReader::new(child.stdout.take().unwrap())
            .read_line(&mut line)
            .unwrap();
        let line = serde_json::from_str(&line)
            .unwrap_or_else(|_| panic!("it does not start: {}", log.lock().unwrap()));
        Self { line, child, log }
    }

    /// The port that the workers serve.
    pub(crate) fn http(&self) -> SocketAddr {
        self.line.http.unwrap()
    }

    /// What a client sees of `GET path`, on a connection of its own.
    pub(crate) fn get(&self, path: &str) -> Seen {
        ask(self.http(), "GET", path, "", b"")
    }

    /// What its log says so far.
    pub(crate) fn log(&self) -> String {
        self.log.lock().unwrap().clone()
    }

    /// The API's answer, with its status.
    pub(crate) fn api(&self, method: &str, path: &str, body: &Value) -> (u16, Value) {
        let body = if body.is_null() {
            String::new()
        } else {
            body.to_string()
        };
        let more = "Content-Type: application/json\r\n";
        let seen = ask(self.line.api, method, path, more, body.as_bytes());
        let answer = serde_json::from_slice(&seen.body).unwrap_or(Value::Null);
        (seen.status, answer)
    }

    /// The family.
    pub(crate) fn family(&self) -> Value {
        let (status, family) = self.api("GET", "/workers", &Value::Null);
        assert_eq!(status, 200);
        family
    }

    /// The processes of the workers that serve.
    pub(crate) fn workers(&self) -> Vec<u32> {
        let family = self.family();
        let workers = family["workers"].as_array().unwrap().iter();
        workers
            .filter(|worker| worker["state"] == "serving")
            .map(|worker| worker["pid"].as_u64().unwrap() as u32)
            .collect()
    }

    /// What `/readyz` answers.
    pub(crate) fn readiness(&self) -> u16 {
        ask(self.line.admin, "GET", "/readyz", "", b"").status
    }

    /// Text of an admin endpoint.
    pub(crate) fn admin(&self, path: &str) -> String {
        let seen = ask(self.line.admin, "GET", path, "", b"");
        assert_eq!(seen.status, 200, "{path}: {seen:?}");
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

    /// The master's process.
    pub(crate) fn pid(&self) -> u32 {
        self.child.id()
    }

    pub(crate) fn signal(&self, signal: Signal) {
        kill_process(Pid::from_child(&self.child), signal).unwrap();
    }

    pub(crate) fn ended(&mut self) -> ExitStatus {
        eventually("the service ends", || self.child.try_wait().unwrap())
    }
}

impl Drop for Cluster {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
        // Whoever looks for a reason finds it below the assertion.
        if std::thread::panicking() {
            eprintln!("the log:\n{}", self.log());
        }
    }
}

/// Signals another process.
pub(crate) fn signal(pid: u32, signal: Signal) {
    // It may have ended meanwhile.
    let _ = kill_process(Pid::from_raw(pid.cast_signed()).unwrap(), signal);
}

/// Stops another process, and waits until it stands still.
pub(crate) fn stop(pid: u32) {
    signal(pid, Signal::STOP);
    eventually("it has stopped", || {
        let stat = std::fs::read_to_string(format!("/proc/{pid}/stat")).ok()?;
        let state = stat.rsplit_once(')')?.1.trim();
        state.starts_with('T').then_some(())
    });
}
