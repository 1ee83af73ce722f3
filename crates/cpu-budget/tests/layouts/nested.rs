//! Groups within groups, of which the tightest binds, and v1 beside v2.

use cpu_budget::CgroupVersion;

use crate::limited;
use crate::tree::{Tree, V1_UNLIMITED_BYTES};

/// A service on a systemd host: its own quota is wide, its slice's is tight.
#[test]
fn systemd_slice_on_v2() {
    let tree = Tree::new()
        .file("proc/self/cgroup", "0::/lab.slice/primes.service\n")
        .file(
            "proc/self/mountinfo",
            "40 39 0:26 / /sys/fs/cgroup rw - cgroup2 cgroup2 rw\n",
        )
        .group("sys/fs/cgroup", &[("cpu.stat", "usage_usec 99000000")])
        .group("sys/fs/cgroup/lab.slice", &[("cpu.max", "60000 100000")])
        .group(
            "sys/fs/cgroup/lab.slice/primes.service",
            &[("cpu.max", "200000 100000")],
        );

    let (_, budget) = tree.read();

    assert_eq!(budget.quota, limited(60_000));
    assert!(budget.quota_set_above);
}

/// A pod seen from its node. The pod may use 1 CPU, its container has no quota
/// of its own (v1 refuses one above its parent's).
#[test]
fn kubernetes_on_v1() {
    let pod = "kubepods/burstable/pod3a";
    let tree = Tree::new()
        .file(
            "proc/self/cgroup",
            &format!("4:memory:/{pod}/c1\n2:cpu,cpuacct:/{pod}/c1\n"),
        )
        .file(
            "proc/self/mountinfo",
            "41 40 0:29 / /sys/fs/cgroup/cpu,cpuacct rw - cgroup cgroup rw,cpu,cpuacct\n\
             43 40 0:32 / /sys/fs/cgroup/memory rw - cgroup cgroup rw,memory\n",
        )
        .v1_cpu("sys/fs/cgroup/cpu,cpuacct", "-1")
        .v1_cpu("sys/fs/cgroup/cpu,cpuacct/kubepods", "-1")
        .v1_cpu("sys/fs/cgroup/cpu,cpuacct/kubepods/burstable", "-1")
        .v1_cpu(&format!("sys/fs/cgroup/cpu,cpuacct/{pod}"), "100000")
        .v1_cpu(&format!("sys/fs/cgroup/cpu,cpuacct/{pod}/c1"), "-1")
        .group(
            "sys/fs/cgroup/memory",
            &[("memory.limit_in_bytes", V1_UNLIMITED_BYTES)],
        )
        .group(
            &format!("sys/fs/cgroup/memory/{pod}"),
            &[("memory.limit_in_bytes", "5000")],
        )
        .group(
            &format!("sys/fs/cgroup/memory/{pod}/c1"),
            &[("memory.limit_in_bytes", V1_UNLIMITED_BYTES)],
        );

    let (_, budget) = tree.read();

    assert_eq!(budget.quota, limited(100_000));
    assert!(budget.quota_set_above);
    assert_eq!(budget.memory_limit_bytes, Some(5000));
}

/// The same on v2, where the container's own quota is the tighter one.
#[test]
fn kubernetes_on_v2() {
    let pod = "kubepods.slice/kubepods-pod3a.slice";
    let container = format!("{pod}/cri-containerd-c1.scope");
    let tree = Tree::new()
        .file("proc/self/cgroup", &format!("0::/{container}\n"))
        .file(
            "proc/self/mountinfo",
            "40 39 0:26 / /sys/fs/cgroup rw - cgroup2 cgroup2 rw\n",
        )
        .group("sys/fs/cgroup", &[])
        .group("sys/fs/cgroup/kubepods.slice", &[("cpu.max", "max 100000")])
        .group(
            &format!("sys/fs/cgroup/{pod}"),
            &[("cpu.max", "100000 100000")],
        )
        .group(
            &format!("sys/fs/cgroup/{container}"),
            &[("cpu.max", "20000 100000")],
        );

    let (_, budget) = tree.read();

    assert_eq!(budget.quota, limited(20_000));
    assert!(!budget.quota_set_above);
}

/// systemd's hybrid: controllers on v1, v2 mounted beside them without any.
#[test]
fn hybrid_has_cpu_on_v1() {
    let tree = Tree::new()
        .file(
            "proc/self/cgroup",
            "3:cpuset:/\n2:cpu,cpuacct:/lab.slice\n0::/lab.slice\n",
        )
        .file(
            "proc/self/mountinfo",
            "41 40 0:29 / /sys/fs/cgroup/cpu,cpuacct rw - cgroup cgroup rw,cpu,cpuacct\n\
             42 40 0:30 / /sys/fs/cgroup/unified rw - cgroup2 cgroup2 rw\n\
             43 40 0:31 / /sys/fs/cgroup/cpuset rw - cgroup cgroup rw,cpuset\n",
        )
        .v1_cpu("sys/fs/cgroup/cpu,cpuacct", "-1")
        .v1_cpu("sys/fs/cgroup/cpu,cpuacct/lab.slice", "70000")
        .group("sys/fs/cgroup/cpuset", &[("cpuset.cpus", "0-1")])
        .group(
            "sys/fs/cgroup/unified/lab.slice",
            &[("cpu.stat", "usage_usec 5")],
        )
        .group("sys/fs/cgroup/unified", &[]);

    let (_, budget) = tree.read();

    assert_eq!(budget.cgroup_version, Some(CgroupVersion::Hybrid));
    assert_eq!(budget.quota, limited(70_000));
    assert_eq!(budget.cpuset, Some("0-1".parse().unwrap()));
    let cpu = "sys/fs/cgroup/cpu,cpuacct".to_owned();
    assert_eq!(
        tree.group_of("cpuacct"),
        Some((false, format!("{cpu}/lab.slice"), cpu))
    );
    let unified = "sys/fs/cgroup/unified".to_owned();
    assert_eq!(
        tree.group_of("pids"),
        Some((true, format!("{unified}/lab.slice"), unified)),
        "a controller that no v1 hierarchy has"
    );
}

/// The other way round (`cgroup_no_v1=cpu`): memory on v1, cpu on v2.
#[test]
fn hybrid_has_cpu_on_v2() {
    let tree = Tree::new()
        .file("proc/self/cgroup", "3:memory:/a\n0::/a\n")
        .file(
            "proc/self/mountinfo",
            "41 40 0:29 / /sys/fs/cgroup/memory rw - cgroup cgroup rw,memory\n\
             42 40 0:30 / /sys/fs/cgroup/unified rw - cgroup2 cgroup2 rw\n",
        )
        .group("sys/fs/cgroup/memory", &[])
        .group(
            "sys/fs/cgroup/memory/a",
            &[("memory.limit_in_bytes", "7000")],
        )
        .group(
            "sys/fs/cgroup/unified/a",
            &[("cpu.max", "40000 100000"), ("memory.max", "1")],
        )
        .group("sys/fs/cgroup/unified", &[]);

    let (_, budget) = tree.read();

    assert_eq!(budget.cgroup_version, Some(CgroupVersion::Hybrid));
    assert_eq!(budget.quota, limited(40_000));
    assert_eq!(budget.memory_limit_bytes, Some(7000));
}
