//! Containers: Docker and Podman, where the paths of host and container differ.

use cpu_budget::{CgroupVersion, CpuQuota, CpuUsage, MemoryUsage};

use crate::tree::Tree;
use crate::{limited, usage};

/// `/proc/self/cgroup` has the host's path; the mounts show only the
/// container's own groups, and mountinfo says so.
#[test]
fn docker_on_v1() {
    let tree = Tree::new()
        .file(
            "proc/self/cgroup",
            "5:memory:/docker/1f0e\n4:cpuset:/docker/1f0e\n2:cpu,cpuacct:/docker/1f0e\n0::/system.slice/docker.service\n",
        )
        .file(
            "proc/self/mountinfo",
            "40 39 0:50 / /sys/fs/cgroup ro,nosuid - tmpfs tmpfs rw,mode=755\n\
             41 40 0:29 /docker/1f0e /sys/fs/cgroup/cpu,cpuacct ro master:9 - cgroup cgroup rw,cpu,cpuacct\n\
             42 40 0:31 /docker/1f0e /sys/fs/cgroup/cpuset ro master:11 - cgroup cgroup rw,cpuset\n\
             43 40 0:32 /docker/1f0e /sys/fs/cgroup/memory ro master:12 - cgroup cgroup rw,memory\n",
        )
        .file("proc/self/status", "Name:\tbudget\nCpus_allowed_list:\t0-1\n")
        .file("sys/devices/system/cpu/online", "0-7\n")
        .v1_cpu("sys/fs/cgroup/cpu,cpuacct", "150000")
        .file("sys/fs/cgroup/cpu,cpuacct/cpuacct.usage", "2500000000\n")
        .file(
            "sys/fs/cgroup/cpu,cpuacct/cpu.stat",
            "nr_periods 40\nnr_throttled 30\nthrottled_time 1250000000\nnr_bursts 0\nburst_time 0\n",
        )
        .group("sys/fs/cgroup/cpuset", &[("cpuset.cpus", "0-3"), ("cpuset.effective_cpus", "0-2")])
        .group(
            "sys/fs/cgroup/memory",
            &[
                ("memory.usage_in_bytes", "1000"),
                ("memory.max_usage_in_bytes", "3000"),
                ("memory.limit_in_bytes", "67108864"),
            ],
        );

    let (cgroup, budget) = tree.read();

    assert_eq!(budget.cgroup_version, Some(CgroupVersion::V1));
    assert_eq!(budget.quota, limited(150_000));
    assert!(!budget.quota_set_above);
    assert_eq!(budget.cpuset, Some("0-1".parse().unwrap()));
    assert_eq!(budget.host_cpus, Some(8));
    assert_eq!(budget.effective_cpus(), Some(1.5));
    assert_eq!(budget.memory_limit_bytes, Some(64 << 20));
    assert_eq!(cgroup.usage(), usage(2.5, 40, 30, 1.25));
    assert_eq!(
        cgroup.memory(),
        MemoryUsage {
            current_bytes: Some(1000),
            peak_bytes: Some(3000),
            limit_bytes: Some(64 << 20),
            unlimited: false,
        }
    );
}

/// Podman mounts each controller by its own name, and mountinfo gives the
/// mount's root as `/` although the path of the host is not below it.
#[test]
fn podman_on_v1_with_a_path_that_is_not_below_the_mount() {
    let tree = Tree::new()
        .file(
            "proc/self/cgroup",
            "3:cpuacct:/machine.slice/libpod-7c.scope\n2:cpu:/machine.slice/libpod-7c.scope\n",
        )
        .file(
            "proc/self/mountinfo",
            "41 40 0:29 / /sys/fs/cgroup/cpu ro - cgroup cgroup rw,cpu\n\
             42 40 0:30 / /sys/fs/cgroup/cpuacct ro - cgroup cgroup rw,cpuacct\n",
        )
        .v1_cpu("sys/fs/cgroup/cpu", "25000")
        .group("sys/fs/cgroup/cpuacct", &[("cpuacct.usage", "500000000")]);

    let (cgroup, budget) = tree.read();

    assert_eq!(budget.quota, limited(25_000));
    assert_eq!(cgroup.usage().usage_seconds, Some(0.5));
    assert_eq!(cgroup.usage().periods, None);
    assert_eq!(
        (budget.memory_limit_bytes, budget.memory_unlimited),
        (None, false)
    );
}

/// A cgroup namespace of its own: everything is at the mount point.
#[test]
fn docker_on_v2() {
    let tree = Tree::new()
        .file("proc/self/cgroup", "0::/\n")
        .file(
            "proc/self/mountinfo",
            "40 39 0:26 / /sys/fs/cgroup ro,nosuid - cgroup2 cgroup rw,nsdelegate\n",
        )
        .file("proc/self/status", "Cpus_allowed_list:\t0-3\n")
        .group(
            "sys/fs/cgroup",
            &[
                ("cpu.max", "50000 100000"),
                ("cpu.stat", "usage_usec 700000\nuser_usec 1\nnr_periods 9\nnr_throttled 8\nthrottled_usec 400000\nnr_bursts 1"),
                ("cpuset.cpus.effective", "1,3"),
                ("memory.max", "max"),
                ("memory.current", "4096"),
                ("memory.peak", "8192"),
            ],
        );

    let (cgroup, budget) = tree.read();

    assert_eq!(budget.cgroup_version, Some(CgroupVersion::V2));
    assert_eq!(budget.quota, limited(50_000));
    assert_eq!(budget.cpuset, Some("1,3".parse().unwrap()));
    assert_eq!(
        (budget.memory_limit_bytes, budget.memory_unlimited),
        (None, true)
    );
    assert_eq!(cgroup.usage(), usage(0.7, 9, 8, 0.4));
    assert_eq!(cgroup.memory().peak_bytes, Some(8192));
}

/// Rootless Podman with the host's cgroup namespace. systemd hands a user the
/// `memory` and `pids` controllers only, so the limit on CPU stands far above.
#[test]
fn rootless_podman_on_v2() {
    let scope = "user.slice/user-1000.slice/user@1000.service/user.slice/libpod-7c.scope/container";
    let tree = Tree::new()
        .file("proc/self/cgroup", &format!("0::/{scope}\n"))
        .file(
            "proc/self/mountinfo",
            "40 39 0:26 / /sys/fs/cgroup ro - cgroup2 cgroup2 rw,nsdelegate\n",
        )
        .group("sys/fs/cgroup", &[("cpuset.cpus.effective", "0-7")])
        .group(
            "sys/fs/cgroup/user.slice",
            &[("cpu.max", "max 100000"), ("memory.max", "max")],
        )
        .group(
            "sys/fs/cgroup/user.slice/user-1000.slice",
            &[
                ("cpu.max", "300000 100000"),
                (
                    "cpu.stat",
                    "usage_usec 9000000\nnr_periods 7\nnr_throttled 3\nthrottled_usec 20000",
                ),
                ("memory.max", "9000"),
            ],
        )
        .group(
            &format!("sys/fs/cgroup/{scope}"),
            &[
                ("cpu.stat", "usage_usec 1500000\nuser_usec 1"),
                ("memory.max", "max"),
            ],
        );

    let (cgroup, budget) = tree.read();

    assert_eq!(budget.quota, limited(300_000));
    assert!(budget.quota_set_above);
    assert_eq!(budget.cpuset, Some("0-7".parse().unwrap()));
    assert_eq!(budget.memory_limit_bytes, Some(9000));
    // CPU time is this container's, throttling that of the group that binds.
    assert_eq!(cgroup.usage(), usage(1.5, 7, 3, 0.02));
}

/// The host's tree, mounted into a container with a cgroup namespace of its
/// own (`-v /sys/fs/cgroup:/sys/fs/cgroup`). The container's group is somewhere
/// in it under a name that cannot be known, so the host's figures, which stand
/// at the mount point, must not pass for the container's.
#[test]
fn the_hosts_tree_in_a_namespace_of_its_own_is_unknown() {
    let tree = Tree::new()
        .file("proc/self/cgroup", "0::/\n")
        .file(
            "proc/self/mountinfo",
            "40 39 0:26 /../.. /sys/fs/cgroup ro - cgroup2 cgroup2 rw\n",
        )
        .group(
            "sys/fs/cgroup",
            &[("cpu.stat", "usage_usec 99000000"), ("memory.max", "max")],
        );

    let (cgroup, budget) = tree.read();

    assert_eq!(budget.cgroup_version, Some(CgroupVersion::V2));
    assert_eq!(budget.quota, CpuQuota::Unknown);
    assert!(!budget.memory_unlimited);
    assert_eq!(cgroup.usage(), CpuUsage::default());
}

/// A process that was moved out of its cgroup namespace: neither the path that
/// leads out nor the namespace's own root is its group.
#[test]
fn a_path_out_of_the_namespace_is_not_followed() {
    let tree = Tree::new()
        .file("proc/self/cgroup", "0::/../elsewhere\n")
        .file(
            "proc/self/mountinfo",
            "40 39 0:26 / /sys/fs/cgroup/here ro - cgroup2 cgroup2 rw\n",
        )
        .group("sys/fs/cgroup/elsewhere", &[("cpu.max", "1000 100000")])
        .group("sys/fs/cgroup/here", &[("cpu.max", "80000 100000")]);

    assert_eq!(tree.read().1.quota, CpuQuota::Unknown);
}

/// A limit changed while the process runs (`docker update`) is read anew.
#[test]
fn a_changed_quota_is_seen_without_looking_again() {
    let tree = Tree::new().group("sys/fs/cgroup", &[("cpu.max", "30000 100000")]);
    let (cgroup, _) = tree.read();

    let tree = tree.file("sys/fs/cgroup/cpu.max", "90000 100000\n");

    assert_eq!(cgroup.budget().quota, limited(90_000));
    drop(tree);
}
