//! A monitor under test: the built program, serving on ports of its own.

use crate::samples::Samples;
use rustix::process::{Pid, Signal, kill_process};
use service_kit::address::AddressLine;
use std::io::{BufRead as _, BufReader};
use std::process::{Child, Command, ExitStatus, Stdio};
use std::time::{Duration, Instant};

/// Far longer than anything here takes, on a busy machine too.
pub(crate) const DEADLINE: Duration = Duration::from_secs(30);

/// The program, in an environment that says nothing.
pub(crate) fn metrics() -> Command {
    let mut command = Command::new(assert_cmd::cargo::cargo_bin!("metrics"));
    command.env_clear();
    command
}

/// What `probe` finds in the end; panics with `what` when that takes too long.
pub(crate) async fn eventually<T>(what: &str, mut probe: impl AsyncFnMut() -> Option<T>) -> T {
    let asked = Instant::now();
    loop {
        if let Some(found) = probe().await {
            return found;
        }
        assert!(asked.elapsed() < DEADLINE, "not in time: {what}");
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
}

/// A running `metrics serve`, killed when dropped.
pub(crate) struct Service {
    pub(crate) line: AddressLine,
    child: Child,
    client: reqwest::Client,
}

impl Service {
    /// One that is told `more`.
    pub(crate) fn start(more: &[String]) -> Self {
        let mut child = metrics()
            .args(["serve", "--port", "0", "--admin-port", "0"])
            .args(more)
            .stdout(Stdio::piped())
            .stderr(Stdio::null())
            .spawn()
            .unwrap();
        let mut line = String::new();
        BufReader::new(child.stdout.take().unwrap())
            .read_line(&mut line)
            .unwrap();
        let client = reqwest::Client::builder().no_proxy().timeout(DEADLINE);
        Self {
            line: serde_json::from_str(&line).unwrap(),
            child,
            client: client.build().unwrap(),
        }
    }

    /// The text that an address answers with.
    pub(crate) async fn text(&self, address: std::net::SocketAddr, path: &str) -> String {
        let url = format!("http://{address}{path}");
        let response = self.client.get(url).send().await.unwrap();
        assert_eq!(response.status().as_u16(), 200, "{path}");
        response.text().await.unwrap()
    }

    /// One scrape.
    pub(crate) async fn scrape(&self) -> Samples {
        Samples::parse(&self.text(self.line.api, "/metrics").await)
    }

    pub(crate) fn signal(&self, signal: Signal) {
        kill_process(Pid::from_child(&self.child), signal).unwrap();
    }

    pub(crate) async fn ended(&mut self) -> ExitStatus {
        eventually("the service ends", async || self.child.try_wait().unwrap()).await
    }
}

impl Drop for Service {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}
