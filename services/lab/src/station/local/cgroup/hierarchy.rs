//! The hierarchies that have our controllers, and our base group in each.

use super::tree;
use anyhow::{Context, bail};
use cpu_budget::GroupFolder;
use std::path::{Path, PathBuf};

/// What limits and accounts are made of; on v2 `cpuacct` is part of every group.
const CONTROLLERS: [&str; 5] = ["cpu", "cpuacct", "cpuset", "memory", "pids"];

/// A hierarchy, as far as this process sees it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Hierarchy {
    pub is_v2: bool,
    /// Which of our controllers it has.
    pub controllers: Vec<&'static str>,
    /// This process's group.
    pub own: PathBuf,
    /// The highest group that can be seen.
    pub top: PathBuf,
}

/// Our base group in one hierarchy.
#[derive(Debug)]
pub struct Base {
    pub is_v2: bool,
    /// The controllers that groups below it have.
    pub controllers: Vec<&'static str>,
    pub folder: PathBuf,
}

/// The hierarchies with any of our controllers, each once.
pub fn all() -> Vec<Hierarchy> {
    of(GroupFolder::of_this_process)
}

/// The highest groups that can be seen, below which runs have made theirs.
pub fn tops() -> Vec<PathBuf> {
    all().into_iter().map(|hierarchy| hierarchy.top).collect()
}

fn of(find: impl Fn(&str) -> Option<GroupFolder>) -> Vec<Hierarchy> {
    let mut all: Vec<Hierarchy> = Vec::new();
    for controller in CONTROLLERS {
        let Some(found) = find(controller) else {
            continue;
        };
        // v1 hierarchies may hold several controllers: cpu,cpuacct.
        match all.iter_mut().find(|known| known.own == found.folder) {
            Some(known) => known.controllers.push(controller),
            None => all.push(Hierarchy {
                is_v2: found.is_v2,
                controllers: vec![controller],
                own: found.folder,
                top: found.top,
            }),
        }
    }
    all
}

impl Base {
    /// Makes the base group called `name`.
    pub fn make(hierarchy: Hierarchy, name: &str) -> anyhow::Result<Self> {
        if hierarchy.is_v2 {
            make_v2(&hierarchy, name)
        } else {
            make_v1(hierarchy, name)
        }
    }
}

/// Below our own group: its limits go on binding. A group of v1 may hold
/// processes and groups at once.
fn make_v1(hierarchy: Hierarchy, name: &str) -> anyhow::Result<Base> {
    let folder = hierarchy.own.join(name);
    make_folder(&folder)?;
    let base = Base {
        is_v2: false,
        controllers: hierarchy.controllers,
        folder,
    };
    if base.controllers.contains(&"cpuset") {
        inherit_cpuset(&base.folder).inspect_err(|_| tree::end(&base.folder))?;
    }
    Ok(base)
}

/// A new cpuset of v1 is empty, and no process may enter it.
pub fn inherit_cpuset(folder: &Path) -> anyhow::Result<()> {
    let above = folder.parent().context("a group has one above it")?;
    for file in ["cpuset.mems", "cpuset.cpus"] {
        let from = above.join(file);
        let text = std::fs::read_to_string(&from)
            .with_context(|| format!("{}: cannot be read", from.display()))?;
        let to = folder.join(file);
        std::fs::write(&to, text.trim())
            .with_context(|| format!("{}: cannot be written", to.display()))?;
    }
    Ok(())
}

/// Below the nearest group, from our own upwards, that lets its controllers be
/// switched on for groups below: v2 refuses that where processes are.
fn make_v2(hierarchy: &Hierarchy, name: &str) -> anyhow::Result<Base> {
    let mut refused = None;
    for above in hierarchy.own.ancestors() {
        if !above.starts_with(&hierarchy.top) {
            break;
        }
        match make_v2_below(above, hierarchy, name) {
            Ok(base) => return Ok(base),
            // The nearest one's reason is the one that a person can act on.
            Err(error) => refused = refused.or(Some(error)),
        }
    }
    Err(refused.unwrap_or_else(|| anyhow::anyhow!("no group of this process can be seen")))
}

fn make_v2_below(above: &Path, hierarchy: &Hierarchy, name: &str) -> anyhow::Result<Base> {
    let mut controllers = switch_on(above, &hierarchy.controllers)?;
    let folder = above.join(name);
    make_folder(&folder)?;
    let base = |controllers| Base {
        is_v2: true,
        controllers,
        folder: folder.clone(),
    };
    match switch_on(&folder, &controllers) {
        Ok(on) => controllers = on,
        Err(error) => {
            tree::end(&folder);
            return Err(error);
        }
    }
    Ok(base(controllers))
}

/// Switches controllers on for the groups below `group`; those that are.
fn switch_on(group: &Path, wanted: &[&'static str]) -> anyhow::Result<Vec<&'static str>> {
    let read = |file: &str| {
        let path = group.join(file);
        std::fs::read_to_string(&path)
            .with_context(|| format!("{}: cannot be read", path.display()))
    };
    let has = |list: &str, one: &str| list.split_whitespace().any(|other| other == one);
    let available = read("cgroup.controllers")?;
    let control = group.join("cgroup.subtree_control");
    let mut refused = None;
    for controller in wanted.iter().filter(|one| has(&available, one)) {
        if !has(&read("cgroup.subtree_control")?, controller)
            && let Err(error) = std::fs::write(&control, format!("+{controller}"))
        {
            refused = Some(error);
        }
    }
    let on = read("cgroup.subtree_control")?;
    // Every group of v2 counts its CPU time, whatever is switched on.
    let usable = |one: &&'static str| *one == "cpuacct" || has(&on, one);
    let usable: Vec<&'static str> = wanted.iter().copied().filter(usable).collect();
    if usable.contains(&"cpu") || !wanted.contains(&"cpu") {
        return Ok(usable);
    }
    match refused {
        Some(error) => Err(error).context(format!(
            "{}: the cpu controller cannot be switched on",
            control.display()
        )),
        None => bail!("{}: has no cpu controller to give", group.display()),
    }
}

fn make_folder(folder: &Path) -> anyhow::Result<()> {
    std::fs::create_dir(folder).with_context(|| format!("{}: cannot be made", folder.display()))
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::{Base, GroupFolder, Hierarchy, make_v2_below, of};
    use std::path::{Path, PathBuf};

    /// A folder with the files of a v2 group.
    fn group(above: &Path, name: &str, controllers: &str, on: &str) -> PathBuf {
        let folder = above.join(name);
        std::fs::create_dir_all(&folder).unwrap();
        std::fs::write(folder.join("cgroup.controllers"), controllers).unwrap();
        std::fs::write(folder.join("cgroup.subtree_control"), on).unwrap();
        folder
    }

    #[test]
    fn controllers_of_one_hierarchy_share_a_group() {
        let find = |controller: &str| {
            let place = match controller {
                "cpu" | "cpuacct" => "/cg/cpu,cpuacct",
                "pids" => "/cg/unified",
                "memory" => return None,
                other => &format!("/cg/{other}"),
            };
            Some(GroupFolder {
                is_v2: controller == "pids",
                folder: Path::new(place).join("own"),
                top: place.into(),
            })
        };

        let all = of(find);

        let found: Vec<_> = all
            .iter()
            .map(|h| (h.is_v2, h.controllers.clone()))
            .collect();
        assert_eq!(
            found,
            [
                (false, vec!["cpu", "cpuacct"]),
                (false, vec!["cpuset"]),
                (true, vec!["pids"])
            ]
        );
    }

    #[test]
    fn on_v2_a_group_without_the_cpu_controller_is_refused_by_name() {
        let folder = tempfile::tempdir().unwrap();
        let above = group(folder.path(), "user", "memory pids", "memory pids");
        let hierarchy = Hierarchy {
            is_v2: true,
            controllers: vec!["cpu", "memory", "pids"],
            own: above.clone(),
            top: folder.path().to_owned(),
        };

        let error = make_v2_below(&above, &hierarchy, "parlab-x").unwrap_err();

        assert!(
            error.to_string().contains("has no cpu controller"),
            "{error}"
        );
        let error = Base::make(hierarchy, "parlab-x").unwrap_err();
        assert!(error.to_string().contains("user"), "{error}");
    }
}
