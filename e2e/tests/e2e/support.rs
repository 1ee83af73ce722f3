//! A checkout of its own to run in, and Docker.

use measure::report::RunReport;
use serde_json::Value;
use std::path::{Path, PathBuf};
use std::process::{Command, Output, Stdio};
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

/// How long any one command may take; building the images is the longest.
const DEADLINE: Duration = Duration::from_mins(25);

static ONE_AT_A_TIME: Mutex<()> = Mutex::new(());

/// This machine's CPUs, held by one test at a time.
pub(crate) fn turn() -> MutexGuard<'static, ()> {
    ONE_AT_A_TIME.lock().unwrap_or_else(PoisonError::into_inner)
}

/// Docker, held by one test at a time.
pub(crate) struct Docker {
    _turn: MutexGuard<'static, ()>,
}

impl Docker {
    /// Waits for this test's turn; `None`, said so, where no Docker answers.
    pub(crate) fn take(test: &str) -> Option<Self> {
        let turn = turn();
        let answers = Command::new("docker")
            .args(["version", "--format", "{{.Server.Version}}"])
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .status()
            .is_ok_and(|status| status.success());
        if answers {
            Some(Self { _turn: turn })
        } else {
            eprintln!("left out, since no Docker answers: {test}");
            None
        }
    }

    /// A checkout whose labs run in containers. All checkouts share one project,
    /// so only who has the turn may take it down, as dropping this one does.
    pub(crate) fn checkout(&self) -> Checkout {
        let mut checkout = Checkout::new();
        checkout.in_docker = true;
        checkout
    }

    /// What `docker …` prints.
    pub(crate) fn output(&self, arguments: &[&str]) -> String {
        let output = Command::new("docker").args(arguments).output().unwrap();
        let error = String::from_utf8_lossy(&output.stderr);
        assert!(output.status.success(), "docker {arguments:?}: {error}");
        String::from_utf8(output.stdout).unwrap().trim().to_owned()
    }

    /// The JSON that `docker inspect` prints of one container.
    pub(crate) fn inspect(&self, container: &str) -> Value {
        let all: Value = serde_json::from_str(&self.output(&["inspect", container])).unwrap();
        all[0].clone()
    }

    /// The containers of a station.
    pub(crate) fn containers(&self, station: &str) -> Vec<String> {
        let label = format!("label=com.docker.compose.service={station}");
        let filter = [
            "ps",
            "-q",
            "--filter",
            "label=com.docker.compose.project=parlab",
        ];
        let list = self.output(&[&filter[..], &["--filter", &label]].concat());
        list.lines().map(str::to_owned).collect()
    }
}

/// The workspace's root.
pub(crate) fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR"))
        .parent()
        .unwrap()
        .to_owned()
}

/// A copy of the files that git knows, in a folder of its own: a test may edit
/// its Compose files and keeps its results to itself.
pub(crate) struct Checkout {
    folder: tempfile::TempDir,
    /// Whether dropping it takes the project's containers down.
    in_docker: bool,
}

impl Checkout {
    /// Copies what git tracks, and what it would track. For what runs no
    /// container; see [`Docker::checkout`].
    pub(crate) fn new() -> Self {
        let folder = tempfile::tempdir().unwrap();
        let copy = format!(
            "git -C '{}' ls-files -z --cached --others --exclude-standard \
             | tar -C '{}' --null --files-from=- --ignore-failed-read -cf - | tar -C '{}' -xf -",
            root().display(),
            root().display(),
            folder.path().display()
        );
        let status = Command::new("sh").args(["-c", &copy]).status().unwrap();
        assert!(status.success(), "the checkout cannot be copied");
        Self {
            folder,
            in_docker: false,
        }
    }

    /// A file in it.
    pub(crate) fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    /// Changes a station's quota in the lab's Compose file, as a person edits
    /// it. Returns the line.
    pub(crate) fn edit_quota(&self, lab: &str, station: &str, from: &str, to: &str) -> usize {
        let path = self.path(&format!("compose/{lab}.yml"));
        let text = std::fs::read_to_string(&path).unwrap();
        let start = text.find(&format!("  {station}:\n")).unwrap();
        let quota = start + text[start..].find(&format!("\"{from}\"")).unwrap();
        let rest = &text[quota + from.len() + 2..];
        std::fs::write(path, format!("{}\"{to}\"{rest}", &text[..quota])).unwrap();
        text[..quota].lines().count()
    }

    /// `make …` in it, ready to start; without a terminal and without input.
    pub(crate) fn make(&self, arguments: &[&str]) -> Command {
        let mut make = Command::new("make");
        make.current_dir(self.folder.path())
            .args(arguments)
            .env("CI", "true")
            // Who tests what watches says so.
            .env("NO_OBSERVABILITY", "1")
            .env_remove("MAKEFLAGS")
            .env_remove("MAKELEVEL")
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped());
        make
    }

    /// Runs `make …` to its end.
    pub(crate) fn run(&self, arguments: &[&str]) -> Output {
        let child = self.make(arguments).spawn().unwrap();
        finish(child, arguments)
    }

    /// The lab's newest run.
    pub(crate) fn report(&self, lab: &str) -> RunReport {
        let path = self.path(&format!("results/{lab}/latest/run.json"));
        let text = std::fs::read_to_string(&path).unwrap();
        serde_json::from_str(&text).unwrap()
    }

    /// The lab's newest run as it was written.
    pub(crate) fn report_json(&self, lab: &str) -> Value {
        let path = self.path(&format!("results/{lab}/latest/run.json"));
        serde_json::from_str(&std::fs::read_to_string(&path).unwrap()).unwrap()
    }
}

impl Drop for Checkout {
    fn drop(&mut self) {
        if self.in_docker {
            let _ = self.make(&["down"]).output();
        }
    }
}

/// Waits for a child, no longer than the deadline.
pub(crate) fn finish(mut child: std::process::Child, what: &[&str]) -> Output {
    // Read meanwhile: a full pipe would keep the child from ending.
    let stdout = reader(child.stdout.take().unwrap());
    let stderr = reader(child.stderr.take().unwrap());
    let deadline = Instant::now() + DEADLINE;
    let status = loop {
        if let Some(status) = child.try_wait().unwrap() {
            break status;
        }
        if Instant::now() > deadline {
            let _ = child.kill();
            panic!("{what:?} did not end within {DEADLINE:?}");
        }
        std::thread::sleep(Duration::from_millis(50));
    };
    Output {
        status,
        stdout: stdout.join().unwrap(),
        stderr: stderr.join().unwrap(),
    }
}

fn reader(mut from: impl std::io::Read + Send + 'static) -> std::thread::JoinHandle<Vec<u8>> {
    std::thread::spawn(move || {
        let mut bytes = Vec::new();
        let _ = from.read_to_end(&mut bytes);
        bytes
    })
}

/// Both outputs as text, for a message.
pub(crate) fn said(output: &Output) -> String {
    let stdout = String::from_utf8_lossy(&output.stdout);
    let stderr = String::from_utf8_lossy(&output.stderr);
    format!("exit {:?}\n{stdout}\n{stderr}", output.status.code())
}
