//! The built programs: the scraper, and the origin that it is tried on.

use rustix::process::{Pid, Signal, kill_process};
use serde_json::{Value, json};
use serving::Serving;
pub(crate) use serving::{DEADLINE, eventually};
use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, ExitStatus, Output, Stdio};
use std::sync::OnceLock;

/// The scraper, in an environment that says nothing.
pub(crate) fn scraper() -> Command {
    let mut command = Command::new(assert_cmd::cargo::cargo_bin!("scraper"));
    command.env_clear();
    command
}

/// `scraper run` with `options`, words separated by spaces.
pub(crate) fn run(options: &str) -> Command {
    let mut command = scraper();
    command.arg("run").args(options.split_whitespace());
    command
}

/// What a run that ends by itself came to.
pub(crate) fn ended(command: &mut Command) -> Output {
    command.stdin(Stdio::null()).output().unwrap()
}

/// The JSON that a run printed.
pub(crate) fn summary(output: &Output) -> Value {
    serde_json::from_slice(&output.stdout).unwrap_or_else(|error| panic!("{error}: {output:?}"))
}

/// The origin, which is another package: built once, beside the scraper.
fn origin_program() -> &'static Path {
    static BUILT: OnceLock<PathBuf> = OnceLock::new();
    BUILT.get_or_init(|| {
        let folder = Path::new(assert_cmd::cargo::cargo_bin!("scraper"))
            .parent()
            .unwrap();
        let mut build = Command::new(env!("CARGO"));
        build.args(["build", "--quiet", "--package", "origin"]);
        if folder.ends_with("release") {
            build.arg("--release");
        }
        assert!(
            build.status().unwrap().success(),
            "the origin cannot be built"
        );
        folder.join("origin")
    })
}

/// A running origin.
pub(crate) struct Origin(Serving);

impl Origin {
    /// One that is told `options`, words separated by spaces.
    pub(crate) fn start(options: &str) -> Self {
        let mut origin = Command::new(origin_program());
        Self(Serving::start(
            origin.env_clear(),
            options.split_whitespace(),
        ))
    }

    pub(crate) fn url(&self) -> String {
        format!("http://{}", self.0.line.api)
    }

    pub(crate) fn port(&self) -> u16 {
        self.0.line.api.port()
    }

    /// How often each page was asked for.
    pub(crate) fn attempts(&self) -> BTreeMap<String, u64> {
        let stats = self.get("/stats");
        let paths = stats["paths"].as_object().unwrap();
        let attempts = paths
            .iter()
            .map(|(path, counts)| (path.clone(), counts["attempts"].as_u64().unwrap()));
        attempts
            .filter(|(path, _)| path.starts_with("/page/"))
            .collect()
    }

    /// Which pages have which fault.
    pub(crate) fn faults(&self) -> BTreeMap<String, String> {
        serde_json::from_value(self.get("/faults")).unwrap()
    }

    /// Counts anew.
    pub(crate) fn forget(&self) {
        let url = format!("{}/stats", self.url());
        let asked = std::thread::spawn(move || {
            let runtime = tokio::runtime::Builder::new_current_thread()
                .enable_all()
                .build();
            let forgotten = async { reqwest::Client::new().delete(url).send().await };
            runtime.unwrap().block_on(forgotten).unwrap();
        });
        asked.join().unwrap();
    }

    pub(crate) fn stats(&self) -> Value {
        self.get("/stats?paths=false")
    }

    fn get(&self, path: &str) -> Value {
        get_json(&format!("{}{path}", self.url()))
    }
}

/// A running `scraper serve` that may fetch from one origin.
pub(crate) struct Station(Serving);

impl Station {
    pub(crate) fn start(origin: &Origin) -> Self {
        Self::start_with(origin, "")
    }

    pub(crate) fn start_with(origin: &Origin, options: &str) -> Self {
        Self::told(&origin.0.line.api.to_string(), options)
    }

    /// One that may fetch from `allowed` instead.
    pub(crate) fn start_allowing(allowed: &str) -> Self {
        Self::told(allowed, "")
    }

    fn told(allowed: &str, options: &str) -> Self {
        let mut command = scraper();
        command.env("SCRAPER_ALLOW", allowed);
        command.env("STATION_NAME", serving::unique_name());
        Self(Serving::start(&mut command, options.split_whitespace()))
    }

    pub(crate) fn url(&self, path: &str) -> String {
        format!("http://{}{path}", self.0.line.api)
    }

    pub(crate) fn signal(&self, signal: Signal) {
        self.0.signal(signal);
    }

    /// Waits for its end.
    pub(crate) fn ended(&mut self) -> ExitStatus {
        self.0.ended()
    }

    /// `POST /run` for this origin's pages, with `more` fields.
    pub(crate) fn post_run(&self, origin: &Origin, more: &Value) -> reqwest::RequestBuilder {
        let mut body = json!({"origin": origin.url()});
        for (field, value) in more.as_object().unwrap() {
            body[field] = value.clone();
        }
        let client = reqwest::Client::builder().no_proxy().timeout(DEADLINE);
        let url = format!("http://{}/run", self.0.line.api);
        client.build().unwrap().post(url).json(&body)
    }

    /// The status and body of the answer to it.
    pub(crate) async fn run(&self, origin: &Origin, more: &Value) -> (u16, Value) {
        let answer = self.post_run(origin, more).send().await.unwrap();
        let status = answer.status().as_u16();
        (status, answer.json().await.unwrap())
    }

    pub(crate) async fn get(&self, path: &str) -> Value {
        let url = format!("http://{}{path}", self.0.line.api);
        reqwest::get(url).await.unwrap().json().await.unwrap()
    }

    pub(crate) async fn metrics(&self) -> String {
        let url = format!("http://{}/metrics", self.0.line.admin);
        reqwest::get(url).await.unwrap().text().await.unwrap()
    }
}

fn get_json(url: &str) -> Value {
    let url = url.to_owned();
    // A thread of its own: the caller may be on a runtime already.
    let asked = std::thread::spawn(move || {
        let runtime = tokio::runtime::Builder::new_current_thread()
            .enable_all()
            .build()
            .unwrap();
        runtime.block_on(async { reqwest::get(url).await.unwrap().json().await.unwrap() })
    });
    asked.join().unwrap()
}

/// A run that goes on; killed when dropped.
pub(crate) struct Running(Child);

impl Running {
    pub(crate) fn start(command: &mut Command) -> Self {
        let command = command.stdout(Stdio::piped()).stderr(Stdio::piped());
        Self(command.spawn().unwrap())
    }

    pub(crate) fn stdin(&mut self) -> std::process::ChildStdin {
        self.0.stdin.take().unwrap()
    }

    pub(crate) fn signal(&self, signal: Signal) {
        kill_process(Pid::from_child(&self.0), signal).unwrap();
    }

    /// Waits for its end; what it printed on both.
    pub(crate) fn ended(mut self) -> (ExitStatus, String, String) {
        eventually("it ends", || self.0.try_wait().unwrap());
        let read = |pipe: &mut dyn std::io::Read| {
            let mut text = String::new();
            pipe.read_to_string(&mut text).unwrap();
            text
        };
        let stdout = read(self.0.stdout.as_mut().unwrap());
        let stderr = read(self.0.stderr.as_mut().unwrap());
        (self.0.wait().unwrap(), stdout, stderr)
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}
