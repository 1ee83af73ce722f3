//! Systems that have no limit, no cgroups, or do not say.

use cpu_budget::{CgroupVersion, CpuQuota, CpuUsage, MemoryUsage};

use crate::limited;
use crate::tree::{Tree, V1_UNLIMITED_BYTES};

/// A host without a limit is another thing than one that cannot be read.
#[test]
fn unlimited_is_not_unknown() {
    let v1 = Tree::new()
        .file("proc/self/cgroup", "2:memory:/\n1:cpu:/\n")
        .file(
            "proc/self/mountinfo",
            "41 40 0:29 / /cg/cpu rw - cgroup cgroup rw,cpu\n42 40 0:30 / /cg/a\\040b rw - cgroup cgroup rw,memory\n",
        )
        .v1_cpu("cg/cpu", "-1")
        .group("cg/a b", &[("memory.limit_in_bytes", V1_UNLIMITED_BYTES)]);
    let v2_root = Tree::new()
        .file("proc/self/cgroup", "0::/\n")
        .file(
            "proc/self/mountinfo",
            "40 39 0:26 / /sys/fs/cgroup rw - cgroup2 cgroup2 rw\n",
        )
        .group("sys/fs/cgroup", &[("cpu.stat", "usage_usec 5")]);

    for tree in [v1, v2_root] {
        let (_, budget) = tree.read();
        assert_eq!(budget.quota, CpuQuota::Unlimited);
        assert_eq!(
            (budget.memory_limit_bytes, budget.memory_unlimited),
            (None, true)
        );
    }
}

/// Nothing at all, as on macOS.
#[test]
fn no_cgroups() {
    let (cgroup, budget) = Tree::new().read();

    assert_eq!(budget.cgroup_version, None);
    assert_eq!(budget.quota, CpuQuota::Unknown);
    assert_eq!(budget.cpuset, None);
    assert_eq!(budget.host_cpus, None);
    assert_eq!(budget.effective_cpus(), None);
    assert_eq!(
        (budget.memory_limit_bytes, budget.memory_unlimited),
        (None, false)
    );
    assert_eq!(cgroup.usage(), CpuUsage::default());
    assert_eq!(cgroup.memory(), MemoryUsage::default());
    assert_eq!(
        budget.advice().uses_whole_budget,
        budget.believed_cpus.unwrap()
    );
}

/// A kernel with cgroups of which nothing is mounted here; CPUs are counted in
/// `/proc/stat`, and affinity alone says where the process may run.
#[test]
fn cgroups_that_are_not_mounted() {
    let tree = Tree::new()
        .file("proc/self/cgroup", "1:cpu:/a\n0::/a\n")
        .file(
            "proc/self/mountinfo",
            "23 1 254:0 / / rw - ext4 /dev/vda rw\n",
        )
        .file("proc/self/status", "Cpus_allowed_list:\t1\n")
        .file(
            "proc/stat",
            "cpu 2 2 2 2 2 2 2 2\ncpu0 1 1 1 1 1 1 1 1\ncpu1 1 1 1 1 1 1 1 1\n",
        );

    let (_, budget) = tree.read();

    assert_eq!(budget.cgroup_version, None);
    assert_eq!(budget.quota, CpuQuota::Unknown);
    assert_eq!(budget.host_cpus, Some(2));
    assert_eq!(budget.effective_cpus(), Some(1.0));
}

/// Sandboxes may hide `/proc/self/mountinfo` and `/proc/self/cgroup`: then the
/// usual places, of which `cpu` may be a link to `cpu,cpuacct`.
#[test]
fn the_usual_places_when_proc_does_not_say() {
    let v1 = Tree::new()
        .v1_cpu("sys/fs/cgroup/cpu,cpuacct", "30000")
        .link("sys/fs/cgroup/cpu", "cpu,cpuacct");
    let v2 = Tree::new().group("sys/fs/cgroup", &[("cpu.max", "30000 100000")]);

    assert_eq!(v1.read().1.quota, limited(30_000));
    assert_eq!(v1.read().1.cgroup_version, Some(CgroupVersion::V1));
    assert_eq!(v2.read().1.quota, limited(30_000));
    assert_eq!(v2.read().1.cgroup_version, Some(CgroupVersion::V2));
}

/// Files that are empty or hold garbage leave their own figure unknown, and
/// no other.
#[test]
fn garbage_is_unknown_figure_by_figure() {
    let tree = Tree::new()
        .file("proc/self/cgroup", "\u{fffd}\n::::\n0::/\n")
        .file(
            "proc/self/mountinfo",
            "- - -\n40 39 0:26 / /sys/fs/cgroup rw - cgroup2 cgroup2 rw\n",
        )
        .file("proc/self/status", "Cpus_allowed_list:\tall\n")
        .file("sys/devices/system/cpu/online", "")
        .group(
            "sys/fs/cgroup",
            &[
                ("cpu.max", ""),
                (
                    "cpu.stat",
                    "usage_usec much\nnr_periods 5\nnr_throttled\nthrottled_usec -1",
                ),
                ("cpuset.cpus.effective", "0-99999999999"),
                ("memory.max", "99999999999999999999999999"),
                ("memory.current", "5000"),
            ],
        );

    let (cgroup, budget) = tree.read();

    assert_eq!(budget.quota, CpuQuota::Unknown);
    assert_eq!((&budget.cpuset, budget.host_cpus), (&None, None));
    assert_eq!(
        (budget.memory_limit_bytes, budget.memory_unlimited),
        (None, false)
    );
    assert_eq!(cgroup.memory().current_bytes, Some(5000));
    let expected = CpuUsage {
        periods: Some(5),
        ..CpuUsage::default()
    };
    assert_eq!(cgroup.usage(), expected);
}
