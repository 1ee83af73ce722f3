//! A service under test: the built program, serving on ports of its own. For
//! tests only: what cannot be had panics.
//!
//! Each service's tests have a type of their own around a [`Serving`], with the
//! requests that they send.

mod redis_server;

pub use redis_server::{RedisServer, free_port};

use rustix::process::{Pid, Signal, kill_process};
use service_kit::address::AddressLine;
use std::ffi::OsStr;
use std::io::{BufRead as _, BufReader};
use std::process::{Child, Command, ExitStatus, Stdio};
use std::time::{Duration, Instant};

/// Far longer than anything takes that is waited for, on a busy machine too.
pub const DEADLINE: Duration = Duration::from_mins(1);

/// A pause between two probes.
const PAUSE: Duration = Duration::from_millis(10);

/// A running service, killed when dropped.
#[derive(Debug)]
pub struct Serving {
    /// Where it listens.
    pub line: AddressLine,
    child: Child,
}

impl Serving {
    /// Starts `program serve` on free ports, with these options. Its log goes nowhere.
    pub fn start(
        program: &mut Command,
        options: impl IntoIterator<Item = impl AsRef<OsStr>>,
    ) -> Self {
        let ports = ["serve", "--port", "0", "--admin-port", "0"];
        Self::spawn(program.args(ports).args(options))
    }

    /// The one that `command` starts, whose first line says where it listens.
    pub fn spawn(command: &mut Command) -> Self {
        let mut child = command
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .stderr(Stdio::null())
            .spawn()
            .expect("the program starts");
        let mut line = String::new();
        let stdout = child.stdout.take().expect("it was asked for");
        BufReader::new(stdout)
            .read_line(&mut line)
            .expect("it prints text");
        let line = serde_json::from_str(&line)
            .unwrap_or_else(|error| panic!("it does not say where it listens: {error}: {line:?}"));
        Self { line, child }
    }

    /// Its process.
    pub fn id(&self) -> u32 {
        self.child.id()
    }

    /// Sends it a signal.
    pub fn signal(&self, signal: Signal) {
        kill_process(Pid::from_child(&self.child), signal).expect("it has not ended");
    }

    /// Waits for its end.
    pub fn ended(&mut self) -> ExitStatus {
        eventually("the service ends", || self.poll())
    }

    /// The same, while other tasks of the test go on.
    pub async fn ended_async(&mut self) -> ExitStatus {
        eventually_async("the service ends", async || self.poll()).await
    }

    fn poll(&mut self) -> Option<ExitStatus> {
        self.child
            .try_wait()
            .expect("it is a child of this process")
    }
}

impl Drop for Serving {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// What `probe` finds in the end; panics with `what` when that takes too long.
pub fn eventually<T>(what: &str, mut probe: impl FnMut() -> Option<T>) -> T {
    let asked = Instant::now();
    loop {
        if let Some(found) = probe() {
            return found;
        }
        assert!(asked.elapsed() < DEADLINE, "not in time: {what}");
        std::thread::sleep(PAUSE);
    }
}

/// The same, with a probe that waits itself, while other tasks of the test go on.
pub async fn eventually_async<T>(what: &str, mut probe: impl AsyncFnMut() -> Option<T>) -> T {
    let asked = Instant::now();
    loop {
        if let Some(found) = probe().await {
            return found;
        }
        assert!(asked.elapsed() < DEADLINE, "not in time: {what}");
        tokio::time::sleep(PAUSE).await;
    }
}

/// A name of its own for each station: the run lock is one per name.
pub fn unique_name() -> String {
    format!("test-{}", uuid::Uuid::new_v4())
}
