//! The built program: stages as processes, and its commands.

use rustix::process::{Pid, Signal, kill_process};
use serde_json::Value;
use service_kit::address::AddressLine;
use serving::RedisServer;
use std::io::{BufRead as _, BufReader, Read as _, Write as _};
use std::net::{SocketAddr, TcpStream};
use std::process::{Child, Command, Output, Stdio};
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};

/// Far longer than anything here takes, on a busy machine too.
pub(crate) const DEADLINE: Duration = Duration::from_mins(2);

/// The program, in an environment that says nothing.
pub(crate) fn pipeline() -> Command {
    let mut command = Command::new(assert_cmd::cargo::cargo_bin!("pipeline"));
    command.env_clear();
    command
}

/// `pipeline` with `options`, words separated by spaces.
pub(crate) fn command(options: &str) -> Command {
    let mut command = pipeline();
    command.args(options.split_whitespace());
    command
}

/// What a command that ends by itself came to.
pub(crate) fn ended(command: &mut Command) -> Output {
    command.stdin(Stdio::null()).output().unwrap()
}

/// The JSON that a command printed.
pub(crate) fn summary(output: &Output) -> Value {
    serde_json::from_slice(&output.stdout).unwrap_or_else(|error| panic!("{error}: {output:?}"))
}

/// What a command said on stderr.
pub(crate) fn said(output: &Output) -> String {
    String::from_utf8_lossy(&output.stderr).into_owned()
}

/// Asks again and again until `done`, at most for [`DEADLINE`].
pub(crate) fn until(what: &str, mut done: impl FnMut() -> bool) {
    let began = Instant::now();
    while !done() {
        assert!(began.elapsed() < DEADLINE, "{what} does not come");
        std::thread::sleep(Duration::from_millis(10));
    }
}

/// A stage that serves, killed when dropped.
pub(crate) struct StageProcess {
    child: Child,
    pub(crate) addresses: AddressLine,
    log: tempfile::TempPath,
}

/// A pipeline over a Redis: how its processes are started.
pub(crate) struct Pipeline<'r> {
    pub(crate) redis: &'r RedisServer,
    pub(crate) name: &'static str,
    pub(crate) stages: &'static str,
    /// More options of every stage.
    pub(crate) options: String,
}

impl Pipeline<'_> {
    /// A process of `stage`, once its addresses are known.
    pub(crate) fn stage(&self, stage: &str, options: &str) -> StageProcess {
        let mut command = command("serve");
        command
            .args(["--stage", stage, "--name", self.name])
            .args(["--stages", self.stages, "--redis-url", &self.redis.url()])
            .args(self.options.split_whitespace())
            .args(options.split_whitespace());
        StageProcess::start(command)
    }

    /// `pipeline source` with `options`.
    pub(crate) fn source(&self, options: &str) -> Command {
        let mut source = command("source --format json");
        source
            .args(["--name", self.name, "--stages", self.stages])
            .args(["--redis-url", &self.redis.url()])
            .args(options.split_whitespace());
        source
    }

    /// `pipeline dead` with `options`.
    pub(crate) fn dead(&self, options: &str) -> Output {
        let mut dead = command("dead");
        dead.args(options.split_whitespace()).args([
            "--name",
            self.name,
            "--redis-url",
            &self.redis.url(),
        ]);
        ended(&mut dead)
    }
}

impl StageProcess {
    /// What `command` begins to serve, once its addresses are known.
    pub(crate) fn start(mut command: Command) -> Self {
        static NEXT: AtomicU64 = AtomicU64::new(0);
        let number = NEXT.fetch_add(1, Ordering::Relaxed);
        let log = tempfile::NamedTempFile::new().unwrap().into_temp_path();
        let mut child = command
            .args(["--port", "0", "--admin-port", "0"])
            .args([
                "--station",
                &format!("test-{}-{number}", std::process::id()),
            ])
            .stdout(Stdio::piped())
            .stderr(std::fs::File::create(&log).unwrap())
            .spawn()
            .unwrap();
        let mut line = String::new();
        let output = child.stdout.take().unwrap();
        BufReader::new(output).read_line(&mut line).unwrap();
        let said = || std::fs::read_to_string(&log).unwrap_or_default();
        let addresses = serde_json::from_str(&line);
        let addresses = addresses.unwrap_or_else(|error| panic!("{error}: {line:?} {}", said()));
        Self {
            child,
            addresses,
            log,
        }
    }

    pub(crate) fn signal(&self, signal: Signal) {
        kill_process(Pid::from_child(&self.child), signal).unwrap();
    }

    /// Kills it at once.
    pub(crate) fn kill(mut self) {
        self.child.kill().unwrap();
        self.child.wait().unwrap();
    }

    /// Waits until it ends; its exit code, and what it has logged.
    pub(crate) fn ended(mut self) -> (Option<i32>, String) {
        let mut status = None;
        until("the end of a stage", || {
            status = self.child.try_wait().unwrap();
            status.is_some()
        });
        (status.unwrap().code(), self.log())
    }

    /// A metric of it, all stages together; 0 where it is not there.
    pub(crate) fn count(&self, metric: &str) -> u64 {
        let (_, scrape) = self.admin("/metrics");
        let lines = scrape.lines().filter(|line| line.starts_with(metric));
        let values = lines.filter_map(|line| line.rsplit(' ').next()?.parse::<f64>().ok());
        values.sum::<f64>() as u64
    }

    /// What it has logged.
    pub(crate) fn log(&self) -> String {
        std::fs::read_to_string(&self.log).unwrap_or_default()
    }

    /// What one of its admin endpoints answers.
    pub(crate) fn admin(&self, path: &str) -> (u16, String) {
        asked(
            self.addresses.admin,
            &format!("GET {path} HTTP/1.1\r\n"),
            "",
        )
    }

    /// Its answer to `POST /run`.
    pub(crate) fn run(&self, request: &Value) -> (u16, Value) {
        let body = request.to_string();
        let head = format!(
            "POST /run HTTP/1.1\r\ncontent-type: application/json\r\ncontent-length: {}\r\n",
            body.len()
        );
        let (status, answer) = asked(self.addresses.api, &head, &body);
        let answer = serde_json::from_str(&answer);
        (
            status,
            answer.unwrap_or_else(|error| panic!("{status}: {error}")),
        )
    }

    /// A document of its API.
    pub(crate) fn document(&self, path: &str) -> Value {
        let (status, text) = asked(self.addresses.api, &format!("GET {path} HTTP/1.1\r\n"), "");
        assert_eq!(status, 200, "{text}");
        serde_json::from_str(&text).unwrap()
    }

    /// Waits until it is ready.
    pub(crate) fn ready(&self) {
        until("a stage's readiness", || self.admin("/readyz").0 == 200);
    }
}

/// Sends a request whose head lacks its end; the status, and the answer's body.
fn asked(address: SocketAddr, head: &str, body: &str) -> (u16, String) {
    let mut stream = TcpStream::connect(address).unwrap();
    stream.set_read_timeout(Some(DEADLINE)).unwrap();
    let request = format!("{head}host: stage\r\nconnection: close\r\n\r\n{body}");
    stream.write_all(request.as_bytes()).unwrap();
    let mut answer = String::new();
    stream.read_to_string(&mut answer).unwrap();
    let status = answer
        .split(' ')
        .nth(1)
        .and_then(|status| status.parse().ok());
    let (head, body) = answer.split_once("\r\n\r\n").unwrap_or_default();
    assert!(!head.contains("transfer-encoding"), "{head}");
    (status.unwrap_or(0), body.to_owned())
}

impl Drop for StageProcess {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}
