//! A real quota on this machine: a group is made, the example runs in it, and
//! must see what the group was given. Needs root and a cgroup tree that can be
//! written; says so and passes elsewhere.

#![cfg(target_os = "linux")]
#![allow(clippy::unwrap_used)]

use std::fs;
use std::fs::OpenOptions;
use std::io::{self, ErrorKind, Write};
use std::path::{Path, PathBuf};
use std::process::{self, Command};
use std::time::Instant;

/// A CPU group below the root of this machine's tree, removed on drop.
struct QuotaGroup(PathBuf);

impl QuotaGroup {
    /// Grants 30 ms in every 50 ms, which no one sets by chance. `None`, with a
    /// printed line, where no group can be made.
    fn make(test: &str) -> Option<Self> {
        match Self::try_make(test) {
            Ok(group) => Some(group),
            Err(error) if may_be_refused(error.kind()) => {
                println!("skipped: no CPU group can be made here: {error}");
                None
            }
            Err(error) => panic!("making a CPU group: {error}"),
        }
    }

    fn try_make(test: &str) -> io::Result<Self> {
        let name = format!("cpu-budget-{test}-{}", process::id());
        let v1 = Path::new("/sys/fs/cgroup/cpu");
        if v1.join("cpu.cfs_quota_us").exists() {
            let group = Self::create(&v1.join(name))?;
            group.write("cpu.cfs_period_us", "50000")?;
            group.write("cpu.cfs_quota_us", "30000")?;
            Ok(group)
        } else {
            let group = Self::create(&Path::new("/sys/fs/cgroup").join(name))?;
            group.write("cpu.max", "30000 50000")?;
            Ok(group)
        }
    }

    fn create(path: &Path) -> io::Result<Self> {
        fs::create_dir(path)?;
        Ok(Self(path.to_owned()))
    }

    fn write(&self, file: &str, text: &str) -> io::Result<()> {
        // Not `fs::write`, which asks to create a file the kernel lacks.
        let mut file = OpenOptions::new().write(true).open(self.0.join(file))?;
        file.write_all(text.as_bytes())
    }

    /// The output of a program that has run in this group, after the shell
    /// that starts it has counted to `count` there.
    fn output_of(&self, program: &Path, count: u32) -> String {
        let script = r#"
            echo $$ > "$1/cgroup.procs" || exit
            while [ $((n += 1)) -le "$3" ]; do :; done
            exec "$2""#;
        let output = Command::new("sh")
            .args(["-c", script, "sh"])
            .args([&self.0, program])
            .arg(count.to_string())
            .output()
            .unwrap();
        assert!(output.status.success(), "{output:?}");
        String::from_utf8(output.stdout).unwrap()
    }
}

impl Drop for QuotaGroup {
    fn drop(&mut self) {
        if let Err(error) = fs::remove_dir(&self.0) {
            println!("left behind: {}: {error}", self.0.display());
        }
    }
}

/// No root, a tree mounted read-only, or no CPU controller (no such file).
fn may_be_refused(error: ErrorKind) -> bool {
    use ErrorKind::{NotFound, PermissionDenied, ReadOnlyFilesystem};
    matches!(error, NotFound | PermissionDenied | ReadOnlyFilesystem)
}

/// The example, which `cargo test` has built beside the tests.
fn example() -> PathBuf {
    let deps = std::env::current_exe().unwrap();
    let target = deps.parent().and_then(Path::parent).unwrap();
    let example = target.join("examples/budget");
    assert!(
        example.exists(),
        "{} is not there: run `cargo build -p cpu-budget --examples` first",
        example.display()
    );
    example
}

#[test]
fn a_process_in_a_limited_group_sees_its_quota() {
    let example = example();
    let Some(group) = QuotaGroup::make("own") else {
        return;
    };

    let output = group.output_of(&example, 0);

    assert!(
        output.contains("0.6 CPUs: 30 ms of CPU time in every 50 ms"),
        "{output}"
    );
    assert!(!output.contains("set on a group above"), "{output}");
    assert!(output.contains("Workers for CPU-bound work: 1"), "{output}");
}

#[test]
fn a_busy_process_sees_that_it_was_throttled() {
    let example = example();
    let Some(group) = QuotaGroup::make("busy") else {
        return;
    };

    let start = Instant::now();
    let output = group.output_of(&example, 300_000);
    let wall = start.elapsed().as_secs_f64();

    // "throttled so far  in 9 of 10 periods, 0.183 s summed over CPUs"
    let line = output
        .lines()
        .find_map(|line| line.strip_prefix("throttled so far"));
    let figures: Vec<f64> = line
        .unwrap()
        .split_whitespace()
        .filter_map(|word| word.parse().ok())
        .collect();
    let [throttled, periods, seconds] = figures[..] else {
        panic!("{output}");
    };
    assert!(throttled >= 1.0 && throttled <= periods, "{output}");
    assert!(periods <= wall / 0.05 + 2.0, "{output} in {wall} s");
    // One thread, so never stopped for longer than the whole period.
    assert!(
        seconds > 0.0 && seconds < 0.05 * (throttled + 1.0),
        "{output}"
    );
}

#[test]
fn a_process_in_a_group_below_sees_the_quota_above() {
    let example = example();
    let Some(group) = QuotaGroup::make("above") else {
        return;
    };
    let below = QuotaGroup::create(&group.0.join("below")).unwrap();

    let output = below.output_of(&example, 0);

    assert!(
        output.contains("every 50 ms, for all threads together; set on a group above"),
        "{output}"
    );
    drop(below);
}
