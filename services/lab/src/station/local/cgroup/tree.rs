//! How a group and all below it ends.

use rustix::process::{Pid, Signal, kill_process};
use std::io::Write;
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

/// How long killed processes may take to be gone.
const DEADLINE: Duration = Duration::from_secs(3);

/// Kills what is in a group and below, and removes it. What cannot be removed
/// stays for the next run: there is nobody left to tell.
pub fn end(group: &Path) {
    let deadline = Instant::now() + DEADLINE;
    // v2 has one file for it, which also catches what is being forked.
    let kill = std::fs::OpenOptions::new()
        .write(true)
        .open(group.join("cgroup.kill"));
    let _ = kill.and_then(|mut file| file.write_all(b"1"));
    while group.exists() {
        for below in groups_below(group) {
            end(&below);
        }
        for pid in processes(group).into_iter().flatten() {
            // One that has ended meanwhile is as good as killed.
            let _ = kill_process(pid, Signal::KILL);
        }
        if std::fs::remove_dir(group).is_ok() || Instant::now() > deadline {
            return;
        }
        std::thread::sleep(Duration::from_millis(5));
    }
}

/// The processes in a group; `None` for one that belongs to another PID
/// namespace and has no number here.
pub fn processes(group: &Path) -> Vec<Option<Pid>> {
    let text = std::fs::read_to_string(group.join("cgroup.procs")).unwrap_or_default();
    text.lines()
        .filter_map(|line| line.parse().ok())
        .map(Pid::from_raw)
        .collect()
}

/// The groups directly below a group.
pub fn groups_below(group: &Path) -> Vec<PathBuf> {
    let entries = std::fs::read_dir(group).into_iter().flatten().flatten();
    entries
        .filter(|entry| entry.file_type().is_ok_and(|kind| kind.is_dir()))
        .map(|entry| entry.path())
        .collect()
}
