//! Where the cgroup files of this process are, and what they hold.

mod container_id;
mod containers;
mod file;
mod group;
mod membership;
mod mounts;
mod usage;

use std::fmt;
use std::fs;
use std::io::{self, ErrorKind};
use std::path::{Path, PathBuf};

use crate::quota::{CpuQuota, quota_v1, quota_v2};
use crate::{CpuBudget, CpuSet, budget};
pub use container_id::ContainerId;
pub use containers::{Container, ContainerTree};
use group::{Group, Version};
use membership::Membership;
use mounts::{CgroupMount, Mounts};
pub(crate) use usage::MemoryLimit;
pub use usage::{CpuUsage, MemoryUsage};

/// The controllers whose files are read here.
const CONTROLLERS: [&str; 4] = ["cpu", "cpuacct", "cpuset", "memory"];

/// Which kind of cgroups the system has.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum CgroupVersion {
    /// A hierarchy per controller.
    V1,
    /// One hierarchy for all controllers.
    V2,
    /// v1 hierarchies, and the v2 hierarchy mounted beside them.
    Hybrid,
}

impl fmt::Display for CgroupVersion {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(match self {
            Self::V1 => "v1",
            Self::V2 => "v2",
            Self::Hybrid => "hybrid",
        })
    }
}

/// Where this process's cgroup files are. Looked up once; the figures are read
/// anew at each call. A process that is moved to another group needs a new one.
#[derive(Clone, Debug)]
pub struct Cgroup {
    fs_root: PathBuf,
    /// Its folder's name in `proc`.
    process: String,
    version: Option<CgroupVersion>,
    cpu: Option<Group>,
    cpuacct: Option<Group>,
    cpuset: Option<Group>,
    memory: Option<Group>,
}

impl Cgroup {
    /// The groups of this process.
    pub fn of_this_process() -> Self {
        Self::under(Path::new("/"))
    }

    /// The same for a copy of a system's files below `fs_root`: its
    /// `proc/self/{cgroup,mountinfo,status}`, `proc/stat` and `sys`.
    pub fn under(fs_root: &Path) -> Self {
        Self::of("self", fs_root)
    }

    /// The groups of another process, as far as this one can see them; what
    /// the runtime believes stays that of this one.
    pub fn of_process(id: u32) -> Self {
        Self::of(&id.to_string(), Path::new("/"))
    }

    fn of(process: &str, fs_root: &Path) -> Self {
        let text = |path: &str| fs::read_to_string(fs_root.join(path)).unwrap_or_default();
        let membership = Membership::parse(&text(&format!("proc/{process}/cgroup")));
        let mounts = Mounts::parse(&text("proc/self/mountinfo"), fs_root);
        let [cpu, cpuacct, cpuset, memory] =
            CONTROLLERS.map(|controller| group_with(controller, &membership, &mounts));
        Self {
            fs_root: fs_root.to_owned(),
            process: process.to_owned(),
            version: version(&mounts),
            cpu,
            cpuacct,
            cpuset,
            memory,
        }
    }

    /// What the process may use.
    pub fn budget(&self) -> CpuBudget {
        let (quota, level) = self.binding_quota();
        let memory_limit = self.memory_limit();
        CpuBudget {
            host_cpus: budget::host_cpus(&self.fs_root),
            cgroup_version: self.version,
            quota,
            quota_set_above: level > 0,
            cpuset: budget::allowed(
                self.cgroup_cpuset(),
                budget::affinity(&self.fs_root, &self.process),
            ),
            believed_cpus: std::thread::available_parallelism().ok().map(Into::into),
            memory_limit_bytes: memory_limit.bytes(),
            memory_unlimited: memory_limit == MemoryLimit::Unlimited,
        }
    }

    /// What the group has used, and how often its quota stopped it.
    ///
    /// Usage is that of the process's own group. Periods and throttling are
    /// those of the group whose quota binds, which may be one above (the
    /// kernel counts them there, for all its members together).
    pub fn usage(&self) -> CpuUsage {
        let (_, level) = self.binding_quota();
        let cpu = self.cpu.as_ref();
        let binding = cpu.and_then(|group| Some((group.version, group.levels().nth(level)?)));
        CpuUsage::read(binding, self.cpuacct.as_ref())
    }

    /// What memory the group uses and may use.
    pub fn memory(&self) -> MemoryUsage {
        let limit = self.memory_limit();
        MemoryUsage::read(self.memory.as_ref(), limit)
    }

    /// The tightest quota of the process's group and those above it that can
    /// be seen, and how many levels above it stands.
    fn binding_quota(&self) -> (CpuQuota, usize) {
        let Some(cpu) = &self.cpu else {
            return (CpuQuota::Unknown, 0);
        };
        let quotas = cpu.levels().map(|dir| quota_at(cpu.version, dir));
        let tighter = |(quota, level), (next_level, next)| {
            let tightest = CpuQuota::tighter(quota, next);
            let is_next = tightest != quota && tightest.limit().is_some();
            (tightest, if is_next { next_level } else { level })
        };
        let own = (CpuQuota::Unlimited, 0);
        quotas.enumerate().fold(own, tighter)
    }

    /// The CPUs of the nearest group that says; on v2 only groups with the
    /// controller switched on have the file, and they obey those above.
    fn cgroup_cpuset(&self) -> Option<CpuSet> {
        let group = self.cpuset.as_ref()?;
        let files: &[&str] = match group.version {
            Version::V1 => &["cpuset.effective_cpus", "cpuset.cpus"],
            Version::V2 => &["cpuset.cpus.effective"],
        };
        let places = group
            .levels()
            .flat_map(|dir| files.iter().map(move |file| dir.join(file)));
        let mut cpusets = places.filter_map(|path| fs::read_to_string(path).ok()?.parse().ok());
        cpusets.find(|cpus: &CpuSet| !cpus.is_empty())
    }

    /// The tightest memory limit, as for the quota.
    fn memory_limit(&self) -> MemoryLimit {
        let Some(memory) = &self.memory else {
            return MemoryLimit::Unknown;
        };
        let limits = memory
            .levels()
            .map(|dir| MemoryLimit::at(memory.version, dir));
        limits.fold(MemoryLimit::Unlimited, MemoryLimit::tighter)
    }
}

/// Where this process's group of one controller is: for whoever makes groups
/// of their own below it or beside it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct GroupFolder {
    /// Whether it is a group of the v2 hierarchy.
    pub is_v2: bool,
    /// The group's folder.
    pub folder: PathBuf,
    /// The highest folder of the hierarchy that can be seen.
    pub top: PathBuf,
}

impl GroupFolder {
    /// This process's group of a controller: `cpu`, `cpuset`, `pids` and so
    /// on; a v1 hierarchy that has it goes before v2. `None`: not to be found.
    pub fn of_this_process(controller: &str) -> Option<Self> {
        Self::under(Path::new("/"), controller)
    }

    /// The same for a copy of a system's files, as [`Cgroup::under`] has it.
    pub fn under(fs_root: &Path, controller: &str) -> Option<Self> {
        let text = |path| fs::read_to_string(fs_root.join(path)).unwrap_or_default();
        let membership = Membership::parse(&text("proc/self/cgroup"));
        let mounts = Mounts::parse(&text("proc/self/mountinfo"), fs_root);
        let group = group_with(controller, &membership, &mounts)?;
        Some(Self {
            is_v2: group.version == Version::V2,
            top: group.levels().last()?.to_owned(),
            folder: group.dir,
        })
    }
}

/// The kind of cgroups that these mounts show.
fn version(mounts: &Mounts) -> Option<CgroupVersion> {
    let show_groups = |mounts: Vec<&CgroupMount>| {
        let mut places = mounts.iter().map(|mount| &mount.mount_point);
        places.any(|place| group::is_group(place))
    };
    let any_v1 = CONTROLLERS.iter().any(|name| show_groups(mounts.v1(name)));
    match (any_v1, show_groups(mounts.v2())) {
        (true, true) => Some(CgroupVersion::Hybrid),
        (true, false) => Some(CgroupVersion::V1),
        (false, true) => Some(CgroupVersion::V2),
        (false, false) => None,
    }
}

/// The group that a controller applies to the process: in a v1 hierarchy when
/// one has the controller, else in v2. Without `/proc/self/cgroup`, whatever
/// is mounted.
fn group_with(controller: &str, membership: &Membership, mounts: &Mounts) -> Option<Group> {
    let v1 = |path| Group::find(Version::V1, path, mounts.v1(controller));
    let v2 = |path| Group::find(Version::V2, path, mounts.v2());
    match (membership.v1_path(controller), membership.v2_path()) {
        (Some(path), _) => v1(path),
        (None, Some(path)) => v2(path),
        (None, None) if membership.is_empty() => v1("/").or_else(|| v2("/")),
        (None, None) => None,
    }
}

/// The quota that stands in a group's folder.
fn quota_at(version: Version, dir: &Path) -> CpuQuota {
    let read = |name| file::read(&dir.join(name));
    match version {
        Version::V1 => match read("cpu.cfs_quota_us") {
            Ok(quota) => quota_v1(&quota, &read("cpu.cfs_period_us").unwrap_or_default()),
            Err(error) => no_quota_file(&error),
        },
        Version::V2 => match read("cpu.max") {
            Ok(cpu_max) => quota_v2(&cpu_max),
            Err(error) => no_quota_file(&error),
        },
    }
}

/// A group without the file cannot have a quota: the controller is off there,
/// it is the root of v2, or the kernel is built without quotas.
fn no_quota_file(error: &io::Error) -> CpuQuota {
    match error.kind() {
        ErrorKind::NotFound => CpuQuota::Unlimited,
        _ => CpuQuota::Unknown,
    }
}
