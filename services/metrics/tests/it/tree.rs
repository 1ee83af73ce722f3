//! A made-up host: the files that matter, in a folder that is removed at the end.

use std::fmt::Write as _;
use std::fs;
use std::path::{Path, PathBuf};
use tempfile::TempDir;

/// The id of a container, of one hexadecimal digit.
pub(crate) fn id(digit: char) -> String {
    digit.to_string().repeat(64)
}

/// What people call it.
pub(crate) fn short(digit: char) -> String {
    digit.to_string().repeat(12)
}

/// `proc`, `sys` and `cgroup` of a host.
pub(crate) struct Tree(TempDir);

impl Tree {
    /// A host with these CPUs, each of which was busy for a quarter of `ticks`.
    pub(crate) fn with_cpus(cpus: &[usize], ticks: u64) -> Self {
        let tree = Self(tempfile::tempdir().unwrap());
        tree.stat(cpus, ticks);
        tree.file("proc/loadavg", "0.52 1.58 12.59 3/455 26798\n");
        tree.file(
            "proc/meminfo",
            "MemTotal:        8000 kB\nMemFree:         1000 kB\nMemAvailable:    6000 kB\n",
        );
        tree
    }

    /// Where a path of the tree is.
    pub(crate) fn place(&self, path: &str) -> PathBuf {
        self.0.path().join(path)
    }

    /// Writes a file, with the folders it needs. A reader sees the old or the
    /// new one.
    pub(crate) fn file(&self, path: &str, text: &str) {
        let place = self.place(path);
        fs::create_dir_all(place.parent().unwrap()).unwrap();
        let unfinished = self.place("unfinished");
        fs::write(&unfinished, text).unwrap();
        fs::rename(unfinished, place).unwrap();
    }

    /// The CPUs' counters.
    pub(crate) fn stat(&self, cpus: &[usize], ticks: u64) {
        let mut stat = String::from("cpu  0 0 0 0 0 0 0 0 0 0\n");
        for cpu in cpus {
            // user nice system idle iowait irq softirq steal guest guest_nice
            let (busy, rest) = (ticks / 8, ticks * 5 / 8);
            writeln!(stat, "cpu{cpu} {busy} 0 {busy} {rest} 0 0 0 {busy} 0 0").unwrap();
        }
        writeln!(stat, "intr 5\nctxt {}\nbtime 5", 100 + ticks).unwrap();
        self.file("proc/stat", &stat);
    }

    /// What the kernel tells where it is asked to: waiting times.
    pub(crate) fn pressure(&self) {
        for resource in ["cpu", "memory", "io"] {
            let line = "avg10=2.67 avg60=4.54 avg300=7.99 total";
            let text = format!("some {line}=4500000\nfull {line}=1500000\n");
            self.file(&format!("proc/pressure/{resource}"), &text);
        }
    }

    /// A frequency driver's figure for each of these CPUs.
    pub(crate) fn frequencies(&self, cpus: &[usize]) {
        for cpu in cpus {
            let file = format!("sys/devices/system/cpu/cpu{cpu}/cpufreq/scaling_cur_freq");
            self.file(&file, "2450000\n");
        }
    }

    /// A process, by what `stat` tells.
    pub(crate) fn process(&self, pid: u32, name: &str, ticks: u64, last_cpu: usize) {
        let rest = format!(
            "S 1 1 1 0 -1 0 0 0 0 0 {ticks} 0 0 0 20 0 3 0 77 9999 100 0 0 0 0 0 0 0 0 0 0 0 0 0 17 {last_cpu} 0 0"
        );
        self.file(
            &format!("proc/{pid}/stat"),
            &format!("{pid} ({name}) {rest}\n"),
        );
    }

    /// A group of v2, with a quota of half a CPU and 64 MiB.
    pub(crate) fn v2_group(&self, path: &str, usage_micros: u64, periods: u64) {
        self.file("cgroup/cgroup.controllers", "cpuset cpu io memory pids\n");
        let stat = format!(
            "usage_usec {usage_micros}\nuser_usec 1\nsystem_usec 1\nnr_periods {periods}\nnr_throttled {}\nthrottled_usec {}\n",
            periods / 2,
            periods * 50_000,
        );
        self.group(
            &format!("cgroup/{path}"),
            &[
                ("cpu.stat", &stat),
                ("cpu.max", "50000 100000\n"),
                ("memory.current", "4096\n"),
                ("memory.max", "67108864\n"),
            ],
        );
    }

    /// The same in the hierarchies of v1. As on most systems, `cpu` and
    /// `cpuacct` are links to the one that has both.
    pub(crate) fn v1_group(&self, path: &str, usage_micros: u64, periods: u64) {
        self.v1_tops();
        let stat = format!(
            "nr_periods {periods}\nnr_throttled {}\nthrottled_time {}\n",
            periods / 2,
            periods * 50_000_000,
        );
        self.group(
            &format!("cgroup/cpu,cpuacct/{path}"),
            &[
                ("cpu.stat", &stat),
                ("cpu.cfs_quota_us", "50000\n"),
                ("cpu.cfs_period_us", "100000\n"),
                ("cpuacct.usage", &format!("{}\n", usage_micros * 1000)),
            ],
        );
        self.group(
            &format!("cgroup/memory/{path}"),
            &[
                ("memory.usage_in_bytes", "4096\n"),
                ("memory.limit_in_bytes", "67108864\n"),
            ],
        );
    }

    fn v1_tops(&self) {
        for top in ["cgroup/cpu,cpuacct", "cgroup/memory"] {
            self.group(top, &[]);
        }
        for link in ["cgroup/cpu", "cgroup/cpuacct"] {
            let _ = std::os::unix::fs::symlink("cpu,cpuacct", self.place(link));
        }
    }

    /// A group: the file that every one has, and these.
    pub(crate) fn group(&self, path: &str, files: &[(&str, &str)]) {
        self.file(&format!("{path}/cgroup.procs"), "");
        for (name, text) in files {
            self.file(&format!("{path}/{name}"), text);
        }
    }

    /// Removes a folder and all below it.
    pub(crate) fn remove(&self, path: &str) {
        fs::remove_dir_all(self.place(path)).unwrap();
    }

    /// What tells the program to read these files.
    pub(crate) fn arguments(&self) -> Vec<String> {
        let option = |name: &str| {
            let place: &Path = &self.place(name);
            format!("--{name}={}", place.display())
        };
        ["proc", "sys", "cgroup"].map(option).to_vec()
    }
}
