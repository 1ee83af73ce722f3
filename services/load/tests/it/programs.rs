//! The built program.

use rustix::process::{Pid, Signal, kill_process};
use service_kit::address::AddressLine;
use std::io::{BufRead as _, BufReader};
use std::process::{Child, Command, Output, Stdio};
use std::time::{Duration, Instant};

/// Far longer than anything here takes, on a busy machine too.
pub(crate) const DEADLINE: Duration = Duration::from_mins(1);

/// The program, in an environment that says nothing.
pub(crate) fn load() -> Command {
    let mut command = Command::new(assert_cmd::cargo::cargo_bin!("load"));
    command.env_clear().stdin(Stdio::null());
    command
}

/// What it comes to with `arguments`, words separated by spaces.
pub(crate) fn ended(arguments: &str) -> Output {
    let mut command = load();
    command.args(arguments.split_whitespace()).output().unwrap()
}

pub(crate) fn signal(child: &Child, signal: Signal) {
    kill_process(Pid::from_child(child), signal).unwrap();
}

/// What `probe` finds in the end; panics with `what` when that takes too long.
pub(crate) async fn eventually<T>(what: &str, mut probe: impl AsyncFnMut() -> Option<T>) -> T {
    let asked = Instant::now();
    loop {
        if let Some(found) = probe().await {
            return found;
        }
        assert!(asked.elapsed() < DEADLINE, "not in time: {what}");
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
}

/// A running `load serve`, killed when dropped.
pub(crate) struct Service {
    pub(crate) line: AddressLine,
    child: Child,
}

impl Service {
    pub(crate) fn start(station: &str) -> Self {
        let mut child = load()
            .args(["serve", "--port", "0", "--admin-port", "0"])
            .args(["--station", &format!("{station}-{}", std::process::id())])
            .stdout(Stdio::piped())
            .stderr(Stdio::null())
            .spawn()
            .unwrap();
        let mut line = String::new();
        let stdout = child.stdout.take().unwrap();
        BufReader::new(stdout).read_line(&mut line).unwrap();
        Self {
            line: serde_json::from_str(&line).unwrap(),
            child,
        }
    }
}

impl Drop for Service {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}
