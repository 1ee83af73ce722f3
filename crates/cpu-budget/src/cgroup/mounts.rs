//! `/proc/self/mountinfo`: where the cgroup hierarchies are mounted
//! (`proc_pid_mountinfo(5)`).

use std::path::{Path, PathBuf};

use super::CONTROLLERS;

/// A mounted cgroup hierarchy, or the part of one that was mounted.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct CgroupMount {
    /// The group that appears at the mount point, below its hierarchy's root.
    /// `/` on a host; in a v1 container mostly that container's own group.
    pub(super) root: PathBuf,
    pub(super) mount_point: PathBuf,
    pub(super) hierarchy: Hierarchy,
}

/// Which hierarchy a mount shows.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Hierarchy {
    /// The v1 hierarchy with these controllers.
    V1(Vec<String>),
    /// The one v2 hierarchy.
    V2,
}

/// All cgroup mounts that can be seen.
#[derive(Debug)]
pub(super) struct Mounts(Vec<CgroupMount>);

impl Mounts {
    /// The cgroup mounts of a mountinfo text, with mount points below
    /// `fs_root`; the usual places when it names none.
    pub(super) fn parse(mountinfo: &str, fs_root: &Path) -> Self {
        let mut mounts = cgroup_mounts(mountinfo);
        if mounts.is_empty() {
            mounts = usual_mounts();
        }
        for mount in &mut mounts {
            let below = mount
                .mount_point
                .strip_prefix("/")
                .unwrap_or(&mount.mount_point);
            mount.mount_point = fs_root.join(below);
        }
        Self(mounts)
    }

    /// Those that show the v1 hierarchy of a controller.
    pub(super) fn v1(&self, controller: &str) -> Vec<&CgroupMount> {
        let shows = |mount: &&CgroupMount| match &mount.hierarchy {
            Hierarchy::V1(options) => options.iter().any(|option| option == controller),
            Hierarchy::V2 => false,
        };
        self.0.iter().filter(shows).collect()
    }

    /// Those that show the v2 hierarchy.
    pub(super) fn v2(&self) -> Vec<&CgroupMount> {
        let is_v2 = |mount: &&CgroupMount| mount.hierarchy == Hierarchy::V2;
        self.0.iter().filter(is_v2).collect()
    }
}

/// Where cgroups are mounted by custom. Whether they are there is for the
/// caller to see.
fn usual_mounts() -> Vec<CgroupMount> {
    let v1 = CONTROLLERS.map(|controller| CgroupMount {
        root: "/".into(),
        mount_point: Path::new("/sys/fs/cgroup").join(controller),
        hierarchy: Hierarchy::V1(vec![controller.to_owned()]),
    });
    let v2 = ["/sys/fs/cgroup", "/sys/fs/cgroup/unified"].map(|place| CgroupMount {
        root: "/".into(),
        mount_point: place.into(),
        hierarchy: Hierarchy::V2,
    });
    v1.into_iter().chain(v2).collect()
}

/// The cgroup mounts of a mountinfo text, in its order.
fn cgroup_mounts(mountinfo: &str) -> Vec<CgroupMount> {
    mountinfo.lines().filter_map(cgroup_mount).collect()
}

/// `31 24 0:26 <root> <mount point> <options> <any tags> - <type> <source>
/// <super options>`; a v1 mount's super options name its controllers.
fn cgroup_mount(line: &str) -> Option<CgroupMount> {
    let (place, filesystem) = line.split_once(" - ")?;
    let mut place = place.split(' ').skip(3);
    let mut filesystem = filesystem.split(' ');
    let (root, mount_point) = (place.next()?, place.next()?);
    let hierarchy = match filesystem.next()? {
        "cgroup2" => Hierarchy::V2,
        "cgroup" => Hierarchy::V1(filesystem.nth(1)?.split(',').map(str::to_owned).collect()),
        _ => return None,
    };
    Some(CgroupMount {
        root: unescape(root).into(),
        mount_point: unescape(mount_point).into(),
        hierarchy,
    })
}

/// Blank, tab, newline and backslash stand as `\` and three octal digits.
fn unescape(field: &str) -> String {
    let mut pieces = field.split('\\');
    let mut text = pieces.next().unwrap_or_default().to_owned();
    for piece in pieces {
        let escaped = piece.split_at_checked(3).and_then(|(digits, rest)| {
            let byte = u8::from_str_radix(digits, 8).ok()?;
            Some((char::from(byte), rest))
        });
        if let Some((character, rest)) = escaped {
            text.push(character);
            text.push_str(rest);
        } else {
            text.push('\\');
            text.push_str(piece);
        }
    }
    text
}

#[cfg(test)]
mod tests {
    use super::{CgroupMount, Hierarchy, cgroup_mounts, unescape};
    use proptest::prelude::*;

    fn mount(root: &str, mount_point: &str, hierarchy: Hierarchy) -> CgroupMount {
        CgroupMount {
            root: root.into(),
            mount_point: mount_point.into(),
            hierarchy,
        }
    }

    #[test]
    fn v1_and_v2_mounts_with_and_without_tags() {
        let text = "\
23 1 254:0 / / rw,relatime - ext4 /dev/vda rw
31 23 0:28 / /sys/fs/cgroup ro,nosuid - tmpfs tmpfs rw,mode=755
32 31 0:29 /docker/1f /sys/fs/cgroup/cpu,cpuacct ro,relatime master:9 - cgroup cgroup rw,cpu,cpuacct
33 31 0:30 / /sys/fs/cgroup/unified rw shared:4 master:2 - cgroup2 cgroup2 rw,nsdelegate
";
        let v1 = Hierarchy::V1(["rw", "cpu", "cpuacct"].map(str::to_owned).into());

        assert_eq!(
            cgroup_mounts(text),
            [
                mount("/docker/1f", "/sys/fs/cgroup/cpu,cpuacct", v1),
                mount("/", "/sys/fs/cgroup/unified", Hierarchy::V2),
            ]
        );
    }

    #[test]
    fn blanks_in_paths_are_escaped_in_octal() {
        assert_eq!(unescape(r"/a\040b\134c"), r"/a b\c");
        assert_eq!(unescape(r"/a\9b\"), r"/a\9b\");
    }

    #[test]
    fn lines_of_another_form_are_passed_over() {
        assert_eq!(cgroup_mounts(""), []);
        assert_eq!(
            cgroup_mounts("a b c\n1 2 3 - cgroup2\n1 2 3 / /x rw - cgroup cgroup"),
            []
        );
    }

    proptest! {
        #[test]
        fn reading_never_panics(text in ".*", line in "[0-9 /\\\\a-zé]{0,40} - cgroup2? [a-z ,]{0,20}") {
            let _ = cgroup_mounts(&text);
            let _ = cgroup_mounts(&line);
            let _ = unescape(&text);
        }
    }
}
