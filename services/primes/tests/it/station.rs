//! A station under test: the built program, serving on ports of its own.

use rustix::process::{Pid, Signal, kill_process};
use serde_json::{Value, json};
use service_kit::address::AddressLine;
use std::io::{BufRead as _, BufReader};
use std::process::{Child, Command, ExitStatus, Stdio};
use std::time::{Duration, Instant};

/// Far longer than anything here takes, on a busy machine too.
pub(crate) const DEADLINE: Duration = Duration::from_secs(30);

/// The program, in an environment that says nothing but the station's name.
pub(crate) fn primes(station: &str) -> Command {
    let mut command = Command::new(assert_cmd::cargo::cargo_bin!("primes"));
    command.env_clear().env("STATION_NAME", station);
    command
}

/// A name of its own for each station: the run lock is one per name.
pub(crate) fn unique_name() -> String {
    format!("test-{}", uuid::Uuid::new_v4())
}

/// What `probe` finds in the end; panics with `what` when that takes too long.
pub(crate) async fn eventually<T>(what: &str, mut probe: impl AsyncFnMut() -> Option<T>) -> T {
    let asked = Instant::now();
    loop {
        if let Some(found) = probe().await {
            return found;
        }
        assert!(asked.elapsed() < DEADLINE, "not in time: {what}");
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
}

/// A run that takes hours, if nobody ends it.
pub(crate) fn endless(strategy: &str) -> Value {
    json!({"limit": 1e12, "strategy": strategy, "workers": 2})
}

/// A running `primes serve`, killed when dropped.
pub(crate) struct Station {
    pub(crate) name: String,
    pub(crate) line: AddressLine,
    child: Child,
    client: reqwest::Client,
}

/// An HTTP answer with a JSON body.
#[derive(Debug)]
pub(crate) struct Answer {
    pub(crate) status: u16,
    pub(crate) content_type: String,
    pub(crate) body: Value,
}

impl Station {
    pub(crate) fn start() -> Self {
        Self::start_with(&[])
    }

    /// One that is told `more`.
    pub(crate) fn start_with(more: &[&str]) -> Self {
        let name = unique_name();
        let mut child = primes(&name)
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
            name,
            line: serde_json::from_str(&line).unwrap(),
            child,
            client: client.build().unwrap(),
        }
    }

    pub(crate) fn url(&self, path: &str) -> String {
        format!("http://{}{path}", self.line.api)
    }

    /// A request to send, or to change before.
    pub(crate) fn request(&self, method: reqwest::Method, path: &str) -> reqwest::RequestBuilder {
        self.client.request(method, self.url(path))
    }

    pub(crate) fn post_run(&self, body: &Value) -> reqwest::RequestBuilder {
        self.request(reqwest::Method::POST, "/run").json(body)
    }

    /// Sends a run in the background; aborting the task is a client that goes away.
    pub(crate) fn send_run(&self, body: &Value) -> tokio::task::JoinHandle<Answer> {
        tokio::spawn(answer(self.post_run(body)))
    }

    pub(crate) async fn get(&self, path: &str) -> Answer {
        answer(self.request(reqwest::Method::GET, path)).await
    }

    /// What a run that must succeed answers.
    pub(crate) async fn run(&self, body: Value) -> Value {
        let answer = answer(self.post_run(&body)).await;
        assert_eq!(answer.status, 200, "{body}: {}", answer.body);
        answer.body
    }

    /// What a request that must not succeed answers: a problem.
    pub(crate) async fn refused(&self, body: &Value) -> Answer {
        let answer = answer(self.post_run(body)).await;
        answer.assert_problem();
        answer
    }

    pub(crate) async fn progress(&self) -> Option<f64> {
        self.get("/run").await.body["progress"].as_f64()
    }

    /// Waits until a run goes on.
    pub(crate) async fn busy(&self) {
        eventually("a run goes on", async || self.progress().await).await;
    }

    /// Waits until no run goes on.
    pub(crate) async fn idle(&self) {
        eventually("no run goes on", async || {
            self.progress().await.is_none().then_some(())
        })
        .await;
    }

    /// Status and text of an admin endpoint.
    pub(crate) async fn admin(&self, path: &str) -> (u16, String) {
        let url = format!("http://{}{path}", self.line.admin);
        let response = self.client.get(url).send().await.unwrap();
        (response.status().as_u16(), response.text().await.unwrap())
    }

    /// The value of one metric, given with its labels; `None` while it has none.
    pub(crate) async fn metric(&self, name: &str) -> Option<f64> {
        let (_, text) = self.admin("/metrics").await;
        text.lines()
            .find_map(|line| line.strip_prefix(name)?.trim().parse().ok())
    }

    /// The service's process.
    #[cfg(target_os = "linux")]
    pub(crate) fn id(&self) -> u32 {
        self.child.id()
    }

    /// Those of its `processes` that are not the service itself.
    #[cfg(target_os = "linux")]
    pub(crate) fn children_of(&self, processes: &[u32]) -> Vec<Pid> {
        processes
            .iter()
            .filter(|&&id| id != self.child.id())
            .filter_map(|id| Pid::from_raw(id.cast_signed()))
            .collect()
    }

    pub(crate) fn signal(&self, signal: Signal) {
        kill_process(Pid::from_child(&self.child), signal).unwrap();
    }

    pub(crate) async fn ended(&mut self) -> ExitStatus {
        eventually("the service ends", async || self.child.try_wait().unwrap()).await
    }
}

impl Drop for Station {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// Sends `request`; whatever comes back must be JSON.
pub(crate) async fn answer(request: reqwest::RequestBuilder) -> Answer {
    let response = request.send().await.unwrap();
    let content_type = response.headers().get("content-type");
    Answer {
        status: response.status().as_u16(),
        content_type: content_type.unwrap().to_str().unwrap().to_owned(),
        body: response.json().await.unwrap(),
    }
}

impl Answer {
    /// Checks that it is a problem as RFC 9457 has it.
    pub(crate) fn assert_problem(&self) {
        assert_eq!(self.content_type, "application/problem+json", "{self:?}");
        assert_eq!(self.body["status"], self.status, "{self:?}");
        assert!(self.body["detail"].is_string(), "{self:?}");
        assert!(self.body["request_id"].is_string(), "{self:?}");
    }

    /// What it says to a person.
    pub(crate) fn detail(&self) -> &str {
        self.body["detail"].as_str().unwrap()
    }
}
