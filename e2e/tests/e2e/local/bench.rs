//! A folder to run the lab in without Docker, and what a runner leaves behind.

use super::LAB;
use crate::lab_primes::assert_valid;
use crate::support::{finish, root, turn};
use measure::report::RunReport;
use std::io::{BufRead, BufReader};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Output, Stdio};
use std::sync::{MutexGuard, OnceLock};
use std::time::{Duration, Instant};

/// How long what is killed may take to be gone.
const GONE: Duration = Duration::from_secs(5);

/// A folder to run in, with Compose files of its own.
pub(crate) struct Bench {
    _turn: MutexGuard<'static, ()>,
    folder: tempfile::TempDir,
    lab: &'static str,
}

impl Bench {
    pub(crate) fn new() -> Self {
        Self::of(LAB)
    }

    /// For this lab, whose services are built already.
    pub(crate) fn of(lab: &'static str) -> Self {
        let turn = turn();
        programs();
        let folder = tempfile::tempdir().unwrap();
        let compose = folder.path().join("compose");
        std::fs::create_dir(&compose).unwrap();
        for entry in std::fs::read_dir(root().join("compose")).unwrap() {
            let entry = entry.unwrap();
            std::fs::copy(entry.path(), compose.join(entry.file_name())).unwrap();
        }
        Self {
            _turn: turn,
            folder,
            lab,
        }
    }

    pub(crate) fn compose(&self) -> PathBuf {
        self.folder.path().join(format!("compose/{}.yml", self.lab))
    }

    pub(crate) fn start(&self, settings: &[(&str, &str)]) -> Child {
        self.spawn(&mut Command::new(programs().join("lab")), settings)
    }

    /// A run none of whose files may become larger than 2 KiB.
    pub(crate) fn start_with_small_files(&self, settings: &[(&str, &str)]) -> Child {
        let limited = "trap '' XFSZ; ulimit -f 4; exec \"$0\" \"$@\"";
        let mut shell = Command::new("sh");
        shell.args(["-c", limited]).arg(programs().join("lab"));
        self.spawn(&mut shell, settings)
    }

    /// A run called by a shell that holds the scripts' lock, with these words
    /// behind it. The shell's own process is `$$`.
    pub(crate) fn start_in_script(&self, words: &str, settings: &[(&str, &str)]) -> Child {
        let script = format!(
            ". '{0}/scripts/lib/common.sh'; . '{0}/scripts/lib/lock.sh'; trap free_lock EXIT; \
             take_lock; \"$0\" \"$@\" {words}",
            root().display()
        );
        let mut shell = Command::new("sh");
        shell.args(["-euc", &script]).arg(programs().join("lab"));
        self.spawn(&mut shell, settings)
    }

    /// A run in this control group.
    pub(crate) fn start_in_group(&self, group: &Path, settings: &[(&str, &str)]) -> Child {
        let enter = "echo $$ >\"$0/cgroup.procs\" && exec \"$@\"";
        let mut shell = Command::new("sh");
        shell
            .args(["-c", enter])
            .arg(group)
            .arg(programs().join("lab"));
        self.spawn(&mut shell, settings)
    }

    fn spawn(&self, command: &mut Command, settings: &[(&str, &str)]) -> Child {
        command
            .current_dir(self.folder.path())
            .args(["run", "--local", "--lab", self.lab])
            .env_remove("LAB_LIMITS")
            .envs(settings.iter().copied())
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .unwrap()
    }

    pub(crate) fn run(&self, settings: &[(&str, &str)]) -> Output {
        finish(self.start(settings), &["lab run --local"])
    }

    /// The service's own program.
    pub(crate) fn primes(&self, arguments: &[&str]) -> Output {
        let mut primes = Command::new(programs().join("primes"));
        primes.args(arguments).output().unwrap()
    }

    /// The folder of the lab's runs.
    pub(crate) fn runs(&self) -> PathBuf {
        self.folder.path().join("results").join(self.lab)
    }

    /// What is in that folder, and where `latest` points.
    pub(crate) fn kept(&self) -> (Vec<PathBuf>, PathBuf) {
        let entries = std::fs::read_dir(self.runs()).unwrap();
        let mut all: Vec<_> = entries.map(|entry| entry.unwrap().path()).collect();
        all.sort();
        (all, std::fs::read_link(self.runs().join("latest")).unwrap())
    }

    pub(crate) fn report(&self) -> RunReport {
        let path = self.runs().join("latest/run.json");
        let text = std::fs::read_to_string(path).unwrap();
        assert_valid(&serde_json::from_str(&text).unwrap());
        serde_json::from_str(&text).unwrap()
    }
}

/// The folder of the programs, built once; where this test's own program is.
pub(crate) fn programs() -> &'static Path {
    static BUILT: OnceLock<PathBuf> = OnceLock::new();
    BUILT.get_or_init(|| {
        let built = Command::new(env!("CARGO"))
            .current_dir(root())
            .args(["build", "--quiet", "-p", "lab", "-p", "primes"])
            .status()
            .unwrap();
        assert!(built.success(), "the programs cannot be built");
        let own = Path::new(env!("CARGO_BIN_EXE_known-load"));
        own.parent().unwrap().to_owned()
    })
}

/// The processes whose parent this is.
pub(crate) fn children_of(process: u32) -> Vec<u32> {
    let children = format!("pgrep -P {process}");
    let output = Command::new("sh").args(["-c", &children]).output().unwrap();
    let text = String::from_utf8(output.stdout).unwrap();
    text.lines().map(|pid| pid.parse().unwrap()).collect()
}

/// The processes that a runner started, by what it put into their environment.
pub(crate) fn stations_of(runner: u32) -> Vec<String> {
    let marks = ["STATION_NAME=", &format!("-{runner}\0")];
    let processes = std::fs::read_dir("/proc").unwrap().flatten();
    processes
        .filter(|process| {
            let environment = std::fs::read(process.path().join("environ")).unwrap_or_default();
            let environment = String::from_utf8_lossy(&environment).into_owned() + "\0";
            let station = environment.split_inclusive('\0');
            station
                .into_iter()
                .any(|entry| entry.starts_with(marks[0]) && entry.ends_with(marks[1]))
        })
        .map(|process| process.file_name().to_string_lossy().into_owned())
        .collect()
}

/// The control groups that a runner made.
pub(crate) fn groups_of(runner: u32) -> Vec<PathBuf> {
    let mut found = Vec::new();
    gather(
        Path::new("/sys/fs/cgroup"),
        &format!("-{runner}-"),
        &mut found,
    );
    found
}

fn gather(folder: &Path, part: &str, found: &mut Vec<PathBuf>) {
    for entry in std::fs::read_dir(folder).into_iter().flatten().flatten() {
        let name = entry.file_name().to_string_lossy().into_owned();
        if name.starts_with("parlab-") && name.contains(part) {
            found.push(entry.path());
        } else if entry.file_type().is_ok_and(|kind| kind.is_dir()) {
            gather(&entry.path(), part, found);
        }
    }
}

pub(crate) fn gone<T: std::fmt::Debug>(what: impl Fn() -> Vec<T>) {
    let deadline = Instant::now() + GONE;
    loop {
        let left = what();
        if left.is_empty() {
            return;
        }
        assert!(Instant::now() < deadline, "still there: {left:?}");
        std::thread::sleep(Duration::from_millis(20));
    }
}

/// Waits until the runner says that its first round is done; what it says
/// afterwards is read to the end.
pub(crate) fn first_round(child: &mut Child) -> std::thread::JoinHandle<String> {
    let mut lines = BufReader::new(child.stderr.take().unwrap()).lines();
    let mut before = String::new();
    for line in lines.by_ref().map_while(Result::ok) {
        before += &line;
        before.push('\n');
        if line.contains("round 1 of") {
            return std::thread::spawn(move || {
                let rest: Vec<String> = lines.map_while(Result::ok).collect();
                before + &rest.join("\n")
            });
        }
    }
    panic!("the first round was never announced: {before}");
}

pub(crate) fn signal(process: u32, signal: &str) {
    let kill = format!("kill -{signal} {process}");
    assert!(
        Command::new("sh")
            .args(["-c", &kill])
            .status()
            .unwrap()
            .success()
    );
}
