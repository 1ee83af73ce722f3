//! The containers of a host, as its cgroup tree shows them: for whoever may
//! see the whole tree and not only the group that he is in.

use std::collections::BTreeMap;
use std::fs;
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};

use super::container_id::ContainerId;
use super::group::{Group, Version, is_group};
use super::usage::{CpuUsage, MemoryLimit, MemoryUsage};
use super::{CgroupVersion, quota_at};
use crate::CpuQuota;

/// Deeper than any engine puts a container: a rootless one of Kubernetes within
/// a user's session lies eight groups down.
const MAX_DEPTH: usize = 12;

/// The hierarchies whose files are read of a container.
const CONTROLLERS: [&str; 3] = ["cpu", "cpuacct", "memory"];

/// A host's cgroup tree: `/sys/fs/cgroup`, or where that is mounted.
#[derive(Clone, Debug)]
pub struct ContainerTree {
    /// Where each of [`CONTROLLERS`] has its groups.
    hierarchies: [Option<(Version, PathBuf)>; 3],
}

/// One container's groups. Found once; the figures are read anew at each call,
/// and are unknown when it has gone.
#[derive(Clone, Debug)]
pub struct Container {
    /// What tells it from others.
    pub id: ContainerId,
    cpu: Option<Group>,
    cpuacct: Option<Group>,
    memory: Option<Group>,
}

impl ContainerTree {
    /// The tree that is mounted at `root`: that of v2, or a folder with a
    /// hierarchy of v1 per controller.
    pub fn at(root: &Path) -> Self {
        Self {
            hierarchies: CONTROLLERS.map(|controller| hierarchy(root, controller)),
        }
    }

    /// Which kind of groups count CPU time there; `None` where there are none.
    pub fn version(&self) -> Option<CgroupVersion> {
        let (version, _) = self.hierarchies[0].as_ref()?;
        Some(match version {
            Version::V1 => CgroupVersion::V1,
            Version::V2 => CgroupVersion::V2,
        })
    }

    /// The containers that are there now, by id. Those inside a container are
    /// part of it, and so not named by themselves. Of two runs of local
    /// stations, one of which was killed and left its groups, the later one's.
    pub fn containers(&self) -> Vec<Container> {
        let mut found: BTreeMap<ContainerId, Container> = BTreeMap::new();
        let mut walked: Vec<(&Path, Vec<(ContainerId, PathBuf)>)> = Vec::new();
        for (controller, hierarchy) in self.hierarchies.iter().enumerate() {
            let Some((version, top)) = hierarchy else {
                continue;
            };
            if !walked.iter().any(|(known, _)| known == top) {
                let mut groups = Vec::new();
                walk(top, "", MAX_DEPTH, &mut groups);
                walked.push((top, groups));
            }
            let groups = walked.iter().find(|(known, _)| known == top);
            for (id, dir) in groups.into_iter().flat_map(|(_, groups)| groups) {
                let group = Group::alone(*version, dir.clone());
                let container = found
                    .entry(id.clone())
                    .or_insert_with(|| Container::without_groups(id.clone()));
                let place = match CONTROLLERS[controller] {
                    "cpu" => &mut container.cpu,
                    "cpuacct" => &mut container.cpuacct,
                    _ => &mut container.memory,
                };
                *place = Some(group);
            }
        }
        // Runs come in rising order, so a later one takes an earlier one's place.
        let by_name: BTreeMap<String, Container> = found
            .into_values()
            .map(|container| (container.id.short().to_owned(), container))
            .collect();
        by_name.into_values().collect()
    }
}

impl Container {
    fn without_groups(id: ContainerId) -> Self {
        Self {
            id,
            cpu: None,
            cpuacct: None,
            memory: None,
        }
    }

    /// What it has used, and how often its own quota stopped it.
    pub fn usage(&self) -> CpuUsage {
        let cpu = self.cpu.as_ref();
        let throttling = cpu.map(|group| (group.version, group.dir.as_path()));
        CpuUsage::read(throttling, self.cpuacct.as_ref())
    }

    /// Its own quota; groups above it may have a tighter one.
    pub fn quota(&self) -> CpuQuota {
        let Some(group) = &self.cpu else {
            return CpuQuota::Unknown;
        };
        match quota_at(group.version, &group.dir) {
            // One that has gone has no file either, and is no container
            // without a quota.
            CpuQuota::Unlimited if !is_group(&group.dir) => CpuQuota::Unknown,
            quota => quota,
        }
    }

    /// Its memory, and its own limit.
    pub fn memory(&self) -> MemoryUsage {
        let group = self.memory.as_ref();
        let limit = match group.map(|group| (group, MemoryLimit::at(group.version, &group.dir))) {
            Some((group, MemoryLimit::Unlimited)) if !is_group(&group.dir) => MemoryLimit::Unknown,
            Some((_, limit)) => limit,
            None => MemoryLimit::Unknown,
        };
        MemoryUsage::read(group, limit)
    }
}

/// Where a controller's groups are below `root`: v2 alone, a hierarchy of v1,
/// or v2 beside those of v1.
fn hierarchy(root: &Path, controller: &str) -> Option<(Version, PathBuf)> {
    if root.join("cgroup.controllers").exists() {
        return Some((Version::V2, root.to_owned()));
    }
    let v1 = || {
        let folders = fs::read_dir(root).ok()?.flatten();
        let mut places = folders.filter_map(|folder| {
            // `cpu` is mostly a link to `cpu,cpuacct`: one place, walked once.
            let has = folder
                .file_name()
                .to_str()?
                .split(',')
                .any(|one| one == controller);
            has.then(|| folder.path().canonicalize().ok()).flatten()
        });
        places.find(|place| is_group(place))
    };
    let beside_v1 = || {
        let unified = root.join("unified");
        let text = fs::read_to_string(unified.join("cgroup.controllers")).ok()?;
        // On v2 CPU time is counted in every group.
        let asked = if controller == "cpuacct" {
            "cpu"
        } else {
            controller
        };
        text.split_whitespace()
            .any(|one| one == asked)
            .then_some(unified)
    };
    let of = |version| move |place| (version, place);
    v1().map(of(Version::V1))
        .or_else(|| beside_v1().map(of(Version::V2)))
}

/// The containers' groups below `dir`, whose own name is `above`.
fn walk(dir: &Path, above: &str, depth: usize, found: &mut Vec<(ContainerId, PathBuf)>) {
    let Ok(entries) = fs::read_dir(dir) else {
        return;
    };
    let is_folder = |entry: &fs::DirEntry| entry.file_type().is_ok_and(|kind| kind.is_dir());
    for entry in entries.flatten().filter(is_folder) {
        let name = entry.file_name();
        // No group of an engine or of ours has a name that is not UTF-8.
        let Some(name) = name.to_str() else {
            continue;
        };
        if let Some(id) = ContainerId::of_group(name, above) {
            found.push((id, entry.path()));
        } else if depth > 1 && may_have_folders(&entry) {
            walk(&entry.path(), name, depth - 1, found);
        }
    }
}

/// A group's link count is 2 and one more for each group below it, so that the
/// many that have none need not be listed. Other file systems, which hold
/// copies, may show 1 for every folder.
fn may_have_folders(entry: &fs::DirEntry) -> bool {
    entry.metadata().is_ok_and(|metadata| metadata.nlink() != 2)
}
