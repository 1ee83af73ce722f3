//! Whole hosts: which groups are containers, wherever the tree is mounted.

use cpu_budget::{CgroupVersion, Container, ContainerTree, CpuQuota, CpuUsage, MemoryUsage};

use crate::tree::{Tree, V1_UNLIMITED_BYTES};
use crate::{limited, usage};

const ID: &str = "1f0e5d7c2b3a49681f0e5d7c2b3a49681f0e5d7c2b3a49681f0e5d7c2b3a4968";
const SHORT: &str = "1f0e5d7c2b3a";

/// The names of the containers, in order.
fn names(tree: &ContainerTree) -> Vec<String> {
    let names = tree
        .containers()
        .into_iter()
        .map(|one| one.id.short().to_owned());
    names.collect()
}

fn only(tree: &ContainerTree) -> Container {
    let mut all = tree.containers();
    assert_eq!(all.len(), 1, "{all:?}");
    all.remove(0)
}

/// `cpu` and `cpuacct` are links to a hierarchy that has both; `memory` is one
/// of its own. Mounted somewhere else, as in the monitor's container.
#[test]
fn docker_on_v1() {
    let tree = Tree::new()
        .group("host/cgroup/cpu,cpuacct", &[])
        .link("host/cgroup/cpu", "cpu,cpuacct")
        .link("host/cgroup/cpuacct", "cpu,cpuacct")
        .group("host/cgroup/memory", &[])
        .v1_cpu(&format!("host/cgroup/cpu,cpuacct/docker/{ID}"), "50000")
        .file(
            &format!("host/cgroup/cpu,cpuacct/docker/{ID}/cpuacct.usage"),
            "2500000000\n",
        )
        .file(
            &format!("host/cgroup/cpu,cpuacct/docker/{ID}/cpu.stat"),
            "nr_periods 40\nnr_throttled 30\nthrottled_time 1250000000\n",
        )
        .group(
            &format!("host/cgroup/memory/docker/{ID}"),
            &[
                ("memory.usage_in_bytes", "1000"),
                ("memory.limit_in_bytes", V1_UNLIMITED_BYTES),
            ],
        );

    let hosts = tree.containers_at("host/cgroup");

    assert_eq!(hosts.version(), Some(CgroupVersion::V1));
    let container = only(&hosts);
    assert_eq!(container.id.short(), SHORT);
    assert_eq!(container.usage(), usage(2.5, 40, 30, 1.25));
    assert_eq!(container.quota(), limited(50_000));
    let memory = container.memory();
    assert_eq!(
        (memory.current_bytes, memory.limit_bytes),
        (Some(1000), None)
    );
    assert!(memory.unlimited);
}

/// Podman puts the container's processes one group further down; the limits
/// stand on its scope. What watches the container is none.
#[test]
fn podman_on_v2() {
    let slice = "sys/fs/cgroup/machine.slice";
    let stat = "usage_usec 700000\nnr_periods 9\nnr_throttled 8\nthrottled_usec 400000";
    let tree = Tree::new()
        .file("sys/fs/cgroup/cgroup.controllers", "cpu memory\n")
        .group(
            &format!("{slice}/libpod-{ID}.scope"),
            &[
                ("cpu.max", "50000 100000"),
                ("cpu.stat", stat),
                ("memory.max", "9000"),
            ],
        )
        .group(
            &format!("{slice}/libpod-{ID}.scope/container"),
            &[("cpu.stat", "usage_usec 1")],
        )
        .group(
            &format!("{slice}/libpod-conmon-{ID}.scope"),
            &[("cpu.stat", "usage_usec 5")],
        )
        .group(
            "sys/fs/cgroup/system.slice/cron.service",
            &[("cpu.stat", "usage_usec 5")],
        );

    let hosts = tree.containers_at("sys/fs/cgroup");

    assert_eq!(hosts.version(), Some(CgroupVersion::V2));
    let container = only(&hosts);
    assert_eq!(container.usage(), usage(0.7, 9, 8, 0.4));
    assert_eq!(container.quota(), limited(50_000));
    assert_eq!(container.memory().limit_bytes, Some(9000));
}

/// A controller that no v1 hierarchy has may be in v2 beside them.
#[test]
fn v1_with_memory_on_v2_beside_it() {
    let tree = Tree::new()
        .group("cgroup/cpu", &[])
        .file("cgroup/unified/cgroup.controllers", "memory\n")
        .group("cgroup/unified", &[])
        .v1_cpu(&format!("cgroup/cpu/docker/{ID}"), "-1")
        .group(
            &format!("cgroup/unified/docker/{ID}"),
            &[("memory.current", "77")],
        );

    let container = only(&tree.containers_at("cgroup"));

    assert_eq!(container.quota(), CpuQuota::Unlimited);
    assert_eq!(container.memory().current_bytes, Some(77));
    assert_eq!(container.usage().usage_seconds, None);
}

/// A runner may be at another place in each hierarchy, so its stations are too.
#[test]
fn local_stations_are_found_wherever_their_runner_was() {
    let (run, killed) = ("parlab-40265-71-90210", "parlab-40265-60-80000");
    let tree = Tree::new()
        .group("cgroup/cpu", &[])
        .group("cgroup/memory", &[])
        .v1_cpu(&format!("cgroup/cpu/{run}/primes-half-1"), "50000")
        .v1_cpu(&format!("cgroup/cpu/{run}/primes-fleet-2"), "50000")
        .v1_cpu(&format!("cgroup/cpu/{killed}/primes-half-1"), "10000")
        .group(
            &format!("cgroup/memory/session/7/{run}/primes-half-1"),
            &[("memory.usage_in_bytes", "4096")],
        );

    let hosts = tree.containers_at("cgroup");

    assert_eq!(names(&hosts), ["primes-fleet-2", "primes-half-1"]);
    let half = &hosts.containers()[1];
    assert_eq!(half.id.station(), Some("primes-half"));
    assert_eq!(half.quota(), limited(50_000));
    assert_eq!(half.memory().current_bytes, Some(4096));
}

#[test]
fn one_that_has_gone_is_unknown_and_not_unlimited() {
    let place = format!("cgroup/docker/{ID}");
    let tree = Tree::new()
        .file("cgroup/cgroup.controllers", "cpu memory\n")
        .group(
            &place,
            &[("cpu.max", "max 100000"), ("cpu.stat", "usage_usec 1")],
        );
    let container = only(&tree.containers_at("cgroup"));
    assert_eq!(container.quota(), CpuQuota::Unlimited);

    tree.remove(&place);

    assert_eq!(container.quota(), CpuQuota::Unknown);
    assert_eq!(container.usage(), CpuUsage::default());
    assert_eq!(container.memory(), MemoryUsage::default());
}

#[test]
fn without_groups_there_are_no_containers() {
    let tree = Tree::new().file("elsewhere", "");
    for place in ["", "nowhere", "elsewhere"] {
        let hosts = tree.containers_at(place);
        assert_eq!(hosts.version(), None, "{place}");
        assert!(hosts.containers().is_empty(), "{place}");
    }
}

/// Links are not followed, or a group could be found twice or without end.
#[test]
fn links_and_deep_trees_come_to_an_end() {
    let deep = format!("cgroup/{}", "a/".repeat(40));
    let tree = Tree::new()
        .file("cgroup/cgroup.controllers", "cpu\n")
        .group(
            &format!("cgroup/docker/{ID}"),
            &[("cpu.stat", "usage_usec 1")],
        )
        .link("cgroup/docker/again", "../docker")
        .group(&format!("{deep}/{}", ID.replace('1', "2")), &[]);

    assert_eq!(names(&tree.containers_at("cgroup")), [SHORT]);
}
