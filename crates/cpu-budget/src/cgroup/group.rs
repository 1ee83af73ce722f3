//! One controller's group of this process: its folder, and those above it.

use std::path::{Component, Path, PathBuf};

use super::file;
use super::mounts::CgroupMount;

/// Which files a group's folder holds.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Version {
    V1,
    V2,
}

/// A folder of a cgroup hierarchy, as seen from here.
#[derive(Clone, Debug)]
pub(super) struct Group {
    pub(super) version: Version,
    pub(super) dir: PathBuf,
    /// The highest folder that can be seen.
    mount_point: PathBuf,
}

impl Group {
    /// The folder that shows the group `path`, or failing that the mount's own.
    ///
    /// The fallback is for containers that share the host's cgroup namespace:
    /// their `/proc/self/cgroup` has the path on the host, while their mount
    /// shows nothing but their own group, at the mount point.
    ///
    /// Nothing is found when path or mount lies outside this process's cgroup
    /// namespace, which the kernel writes as `/..`: such a mount shows groups
    /// of the host, and under which of them this process is has no name here.
    pub(super) fn find(
        version: Version,
        path: &str,
        mut mounts: Vec<&CgroupMount>,
    ) -> Option<Self> {
        // The mount with the shortest root shows the most groups above.
        mounts.sort_by_key(|mount| mount.root.components().count());

        let path = Path::new(path);
        let shows_path = mounts.iter().filter_map(|mount| {
            let below = path.strip_prefix(&mount.root).ok()?;
            (!leads_up(below)).then(|| (mount.mount_point.join(below), mount))
        });
        let mount_itself = mounts.iter().filter_map(|mount| {
            let inside = !leads_up(&mount.root) && !leads_up(path);
            inside.then(|| (mount.mount_point.clone(), mount))
        });
        let (dir, mount) = shows_path
            .chain(mount_itself)
            .find(|(dir, _)| is_group(dir))?;
        Some(Self {
            version,
            dir,
            mount_point: mount.mount_point.clone(),
        })
    }

    /// The group in this folder, as if there were none above it.
    pub(super) fn alone(version: Version, dir: PathBuf) -> Self {
        Self {
            version,
            mount_point: dir.clone(),
            dir,
        }
    }

    /// This group's folder, then those above it, up to the mount point.
    pub(super) fn levels(&self) -> impl Iterator<Item = &Path> {
        let levels = self.dir.ancestors();
        levels.take_while(|level| level.starts_with(&self.mount_point))
    }

    /// A file of this group.
    pub(super) fn read(&self, name: &str) -> Option<String> {
        file::read(&self.dir.join(name)).ok()
    }

    /// A number that stands alone in a file of this group.
    pub(super) fn read_number(&self, file: &str) -> Option<u64> {
        self.read(file)?.trim().parse().ok()
    }
}

/// Every group of either version has `cgroup.procs`.
pub(super) fn is_group(dir: &Path) -> bool {
    dir.join("cgroup.procs").exists()
}

fn leads_up(path: &Path) -> bool {
    path.components().any(|part| part == Component::ParentDir)
}
