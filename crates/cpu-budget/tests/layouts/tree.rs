//! A small copy of a system's files, in a folder that is removed at the end.

use std::fs;
use std::os::unix::fs::symlink;
use std::path::{Path, PathBuf};

use cpu_budget::{Cgroup, ContainerTree, CpuBudget, GroupFolder};
use tempfile::TempDir;

/// How v1 writes "no memory limit" on a machine with pages of 4 KiB.
pub(crate) const V1_UNLIMITED_BYTES: &str = "9223372036854771712";

/// Files below a root of their own.
pub(crate) struct Tree(TempDir);

impl Tree {
    /// No file at all.
    pub(crate) fn new() -> Self {
        Self(tempfile::tempdir().unwrap())
    }

    /// One file, with the folders it needs.
    pub(crate) fn file(self, path: &str, text: &str) -> Self {
        fs::write(self.place(path), text).unwrap();
        self
    }

    /// A symbolic link.
    pub(crate) fn link(self, path: &str, target: &str) -> Self {
        symlink(target, self.place(path)).unwrap();
        self
    }

    /// A cgroup: the file every one has, and these.
    pub(crate) fn group(self, path: &str, files: &[(&str, &str)]) -> Self {
        let group = self.file(&format!("{path}/cgroup.procs"), "1\n");
        files.iter().fold(group, |tree, (name, text)| {
            tree.file(&format!("{path}/{name}"), &format!("{text}\n"))
        })
    }

    /// A v1 group of the cpu controller, with a period of 100 ms.
    pub(crate) fn v1_cpu(self, path: &str, quota_micros: &str) -> Self {
        self.group(
            path,
            &[
                ("cpu.cfs_quota_us", quota_micros),
                ("cpu.cfs_period_us", "100000"),
            ],
        )
    }

    /// What is found in these files.
    pub(crate) fn read(&self) -> (Cgroup, CpuBudget) {
        let cgroup = Cgroup::under(self.0.path());
        let budget = cgroup.budget();
        (cgroup, budget)
    }

    /// Where a controller's group is found in these files, and the highest
    /// folder above it, both relative to the root.
    pub(crate) fn group_of(&self, controller: &str) -> Option<(bool, String, String)> {
        let found = GroupFolder::under(self.0.path(), controller)?;
        let shown = |path: &Path| {
            let below = path.strip_prefix(self.0.path()).unwrap();
            below.to_str().unwrap().to_owned()
        };
        Some((found.is_v2, shown(&found.folder), shown(&found.top)))
    }

    /// The containers in the cgroup tree at this path.
    pub(crate) fn containers_at(&self, path: &str) -> ContainerTree {
        ContainerTree::at(&self.0.path().join(path))
    }

    /// Removes a group.
    pub(crate) fn remove(&self, path: &str) {
        fs::remove_dir_all(self.0.path().join(path)).unwrap();
    }

    fn place(&self, path: &str) -> PathBuf {
        let place = self.0.path().join(path);
        fs::create_dir_all(place.parent().unwrap()).unwrap();
        place
    }
}
