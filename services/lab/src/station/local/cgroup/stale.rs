//! Groups of runs that were killed before they could remove them.

use super::tree;
use anyhow::Context;
use std::path::{Path, PathBuf};

const PREFIX: &str = "parlab";

/// Containers, pods and user sessions nest no deeper.
const MAX_DEPTH: usize = 8;

/// Who made a base group. A process number alone says nothing: it is used
/// again, and means another process in another PID namespace.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Maker {
    /// The PID namespace, by the number of its inode.
    namespace: u64,
    process: u32,
    /// When it started, in the kernel's ticks since boot.
    started: u64,
}

impl Maker {
    fn this_process() -> anyhow::Result<Self> {
        let process = std::process::id();
        Ok(Self {
            namespace: namespace().context("/proc/self/ns/pid cannot be read")?,
            process,
            started: started(process).context("/proc/self/stat cannot be read")?,
        })
    }

    fn parse(name: &str) -> Option<Self> {
        let mut parts = name.strip_prefix(PREFIX)?.strip_prefix('-')?.split('-');
        let maker = Self {
            namespace: parts.next()?.parse().ok()?,
            process: parts.next()?.parse().ok()?,
            started: parts.next()?.parse().ok()?,
        };
        parts.next().is_none().then_some(maker)
    }

    fn name(self) -> String {
        format!(
            "{PREFIX}-{}-{}-{}",
            self.namespace, self.process, self.started
        )
    }

    /// Whether it can be seen from here that it is gone.
    fn has_ended(self) -> bool {
        namespace() == Some(self.namespace) && started(self.process) != Some(self.started)
    }
}

/// The name of this run's base groups.
pub fn own_name() -> anyhow::Result<String> {
    Ok(Maker::this_process()?.name())
}

/// Removes the groups below these whose makers have ended; how many.
pub fn remove(tops: &[PathBuf]) -> usize {
    let mut stale = Vec::new();
    for top in tops {
        gather(top, MAX_DEPTH, &mut stale);
    }
    for group in &stale {
        tree::end(group);
    }
    stale.len()
}

/// Below all of the hierarchy: a run's groups are where its own group was, and
/// that of the next run may be elsewhere.
fn gather(group: &Path, depth: usize, stale: &mut Vec<PathBuf>) {
    for below in tree::groups_below(group) {
        let name = below.file_name().and_then(|name| name.to_str());
        match name.and_then(Maker::parse) {
            Some(maker) if maker.has_ended() => stale.push(below),
            None if depth > 0 => gather(&below, depth - 1, stale),
            Some(_) | None => {}
        }
    }
}

fn namespace() -> Option<u64> {
    let link = std::fs::read_link("/proc/self/ns/pid").ok()?;
    let name = link.to_str()?.strip_prefix("pid:[")?;
    name.strip_suffix(']')?.parse().ok()
}

/// The 22nd field of `/proc/<pid>/stat` (`proc_pid_stat(5)`).
fn started(process: u32) -> Option<u64> {
    started_in(&std::fs::read_to_string(format!("/proc/{process}/stat")).ok()?)
}

fn started_in(stat: &str) -> Option<u64> {
    // The name before it, in brackets, may hold blanks and brackets itself.
    let (_, fields) = stat.rsplit_once(')')?;
    fields.split_whitespace().nth(19)?.parse().ok()
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::{Maker, gather, remove, started_in};

    #[test]
    fn a_group_tells_by_its_name_whether_its_maker_lives() {
        let own = Maker::this_process().unwrap();
        assert_eq!(Maker::parse(&own.name()), Some(own));
        assert!(!own.has_ended());

        let reused = Maker {
            started: own.started + 1,
            ..own
        };
        assert!(reused.has_ended(), "the number means another process now");
        let elsewhere = Maker {
            namespace: own.namespace + 1,
            ..reused
        };
        assert!(!elsewhere.has_ended(), "it cannot be seen from here");
        for name in [
            "parlab",
            "parlab-1-2",
            "parlab-1-2-3-4",
            "parlab-a-b-c",
            "x-1-2-3",
        ] {
            assert_eq!(Maker::parse(name), None, "{name}");
        }
    }

    #[test]
    fn only_groups_of_the_dead_are_removed_however_deep() {
        let top = tempfile::tempdir().unwrap();
        let own = Maker::this_process().unwrap();
        let dead = Maker {
            started: own.started + 1,
            ..own
        };
        let deep = top.path().join("user.slice/session");
        for folder in [
            deep.join(dead.name()).join("half-1"),
            deep.join(own.name()),
            deep.join("parlab-of-someone"),
        ] {
            std::fs::create_dir_all(folder).unwrap();
        }

        let removed = remove(&[top.path().to_owned()]);

        assert_eq!(removed, 1);
        assert!(!deep.join(dead.name()).exists());
        assert!(deep.join(own.name()).exists() && deep.join("parlab-of-someone").exists());
        let mut left = Vec::new();
        gather(top.path(), 8, &mut left);
        assert!(left.is_empty());
    }

    #[test]
    fn the_start_is_found_behind_any_name() {
        let fields: Vec<String> = (3..=52).map(|field| field.to_string()).collect();
        let stat = format!("77 (a ) (b) {}", fields.join(" "));
        assert_eq!(started_in(&stat), Some(22));
        assert_eq!(started_in("77 (x) S 1"), None);
    }
}
