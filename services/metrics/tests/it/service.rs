//! A monitor under test: the built program, serving on ports of its own.

use crate::samples::Samples;
use rustix::process::Signal;
use service_kit::address::AddressLine;
pub(crate) use serving::{DEADLINE, Serving, eventually_async as eventually};
use std::process::{Command, ExitStatus};

/// The program, in an environment that says nothing.
pub(crate) fn metrics() -> Command {
    let mut command = Command::new(assert_cmd::cargo::cargo_bin!("metrics"));
    command.env_clear();
    command
}

/// A running `metrics serve`, killed when dropped.
pub(crate) struct Service {
    pub(crate) line: AddressLine,
    program: Serving,
    client: reqwest::Client,
}

impl Service {
    /// One that is told `more`.
    pub(crate) fn start(more: &[String]) -> Self {
        let client = reqwest::Client::builder().no_proxy().timeout(DEADLINE);
        let program = Serving::start(&mut metrics(), more);
        Self {
            line: program.line,
            program,
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
        self.program.signal(signal);
    }

    pub(crate) async fn ended(&mut self) -> ExitStatus {
        self.program.ended_async().await
    }
}
