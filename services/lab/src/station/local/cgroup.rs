//! Control groups of our own: where they are made, what is written into them,
//! how they go.
//!
//! One base group per run and hierarchy, `parlab-<pid namespace>-<pid>-<start
//! time>`, whose name tells the next run whether its maker still lives; below
//! it one group per replica.

mod hierarchy;
mod knobs;
mod stale;
mod tree;

use super::limits::Limits;
use anyhow::{Context, bail};
use hierarchy::Base;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

/// The groups of one run. Dropping them removes them.
#[derive(Debug)]
pub struct Cgroups {
    bases: Vec<Base>,
}

/// The groups of one replica, one per hierarchy. Dropping it kills what is in
/// them and removes them.
#[derive(Debug)]
pub struct Group {
    folders: Vec<PathBuf>,
}

impl Cgroups {
    /// Makes the base groups, in every hierarchy that has one of our
    /// controllers, and tries whether a process can be put into a limited
    /// group. `enter` is this program. Errors say what the kernel refused.
    pub fn make(enter: &Path) -> anyhow::Result<Self> {
        let name = stale::own_name()?;
        let mut groups = Self { bases: Vec::new() };
        for hierarchy in hierarchy::all() {
            let needed = hierarchy.controllers.contains(&"cpu");
            match Base::make(hierarchy, &name) {
                Ok(base) => groups.bases.push(base),
                Err(error) if needed => return Err(error),
                // What is missing without it, `has` tells.
                Err(_) => {}
            }
        }
        if !groups.has("cpu") {
            bail!("no control group of this process has the cpu controller");
        }
        groups.try_out(enter)?;
        Ok(groups)
    }

    /// Removes what runs left that were killed. Returns how many groups.
    pub fn remove_stale() -> usize {
        stale::remove(&hierarchy::tops())
    }

    /// Whether limits of this controller can be given.
    pub fn has(&self, controller: &str) -> bool {
        let mut bases = self.bases.iter();
        bases.any(|base| base.controllers.contains(&controller))
    }

    /// The groups of one replica with its limits, each read back after it was
    /// written.
    pub fn group(&self, name: &str, limits: &Limits) -> anyhow::Result<Group> {
        let mut group = Group {
            folders: Vec::new(),
        };
        for base in &self.bases {
            let folder = base.folder.join(name);
            std::fs::create_dir(&folder)
                .with_context(|| format!("{}: cannot be made", folder.display()))?;
            group.folders.push(folder.clone());
            knobs::apply(&folder, base, limits)?;
        }
        Ok(group)
    }

    /// Whether a process may enter: on v2 that takes a right on the group
    /// above both, which no look at files tells for certain.
    fn try_out(&self, enter: &Path) -> anyhow::Result<()> {
        // Little, since a group above may have little itself.
        let limits = Limits {
            quota_cpus: Some(0.1),
            ..Limits::default()
        };
        let group = self.group("try", &limits)?;
        let mut command = Command::new(enter);
        command.args(["enter", "--parent", &std::process::id().to_string()]);
        for procs in group.procs() {
            command.arg("--join").arg(procs);
        }
        let output = command
            .arg("--")
            .arg(enter)
            .arg("--version")
            .stdin(Stdio::null())
            .output()
            .with_context(|| format!("{}: cannot be run", enter.display()))?;
        if !output.status.success() {
            let said = String::from_utf8_lossy(&output.stderr);
            bail!("{}", said.trim().trim_start_matches("✗ "));
        }
        Ok(())
    }
}

impl Drop for Cgroups {
    fn drop(&mut self) {
        for base in &self.bases {
            tree::end(&base.folder);
        }
    }
}

impl Group {
    /// The files through which a process enters.
    pub fn procs(&self) -> impl Iterator<Item = PathBuf> + '_ {
        self.folders
            .iter()
            .map(|folder| folder.join("cgroup.procs"))
    }
}

impl Drop for Group {
    fn drop(&mut self) {
        for folder in &self.folders {
            tree::end(folder);
        }
    }
}
