//! A station under test: the built program, serving on ports of its own.

#[cfg(target_os = "linux")]
use rustix::process::Pid;
use rustix::process::Signal;
use serde_json::{Value, json};
use service_kit::address::AddressLine;
use serving::Serving;
pub(crate) use serving::{DEADLINE, eventually_async as eventually, unique_name};
use std::process::{Command, ExitStatus};

/// The program, in an environment that says nothing but the station's name.
pub(crate) fn primes(station: &str) -> Command {
    let mut command = Command::new(assert_cmd::cargo::cargo_bin!("primes"));
    command.env_clear().env("STATION_NAME", station);
    command
}

/// A run that takes hours, if nobody ends it.
pub(crate) fn endless(strategy: &str) -> Value {
    json!({"limit": 1e12, "strategy": strategy, "workers": 2})
}

/// A running `primes serve`, killed when dropped.
pub(crate) struct Station {
    pub(crate) name: String,
    pub(crate) line: AddressLine,
    program: Serving,
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
        let program = Serving::start(&mut primes(&name), more);
        let client = reqwest::Client::builder().no_proxy().timeout(DEADLINE);
        Self {
            name,
            line: program.line,
            program,
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
        self.program.id()
    }

    /// Those of its `processes` that are not the service itself.
    #[cfg(target_os = "linux")]
    pub(crate) fn children_of(&self, processes: &[u32]) -> Vec<Pid> {
        processes
            .iter()
            .filter(|&&id| id != self.program.id())
            .filter_map(|id| Pid::from_raw(id.cast_signed()))
            .collect()
    }

    pub(crate) fn signal(&self, signal: Signal) {
        self.program.signal(signal);
    }

    pub(crate) async fn ended(&mut self) -> ExitStatus {
        self.program.ended_async().await
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
