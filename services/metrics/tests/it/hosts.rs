//! Hosts of many kinds.

use crate::samples::Samples;
use crate::service::{Service, eventually};
use crate::tree::{Tree, id, short};

/// A scrape of this host after its counters have risen.
async fn scrape(tree: &Tree, cpus: &[usize]) -> Samples {
    let service = Service::start(&tree.arguments());
    tree.stat(cpus, 2000);
    eventually("the CPUs' use is known", async || {
        let samples = service.scrape().await;
        samples.alone("cpu_usage_total").map(|_| samples)
    })
    .await
}

#[tokio::test]
async fn one_cpu_and_192_and_some_offline() {
    let all: Vec<usize> = (0..192).collect();
    for cpus in [vec![0], all, vec![0, 1, 4, 5, 190]] {
        let tree = Tree::with_cpus(&cpus, 1000);

        let samples = scrape(&tree, &cpus).await;

        assert_eq!(samples.alone("host_cpus_online"), Some(cpus.len() as f64));
        let names: Vec<String> = cpus.iter().map(|cpu| format!("cpu{cpu}")).collect();
        assert_eq!(samples.labels("cpu_usage_per_core", "core"), names);
        assert_eq!(samples.all("host_cpu_seconds_total").len(), 8 * cpus.len());
        // A quarter of what was counted was busy.
        for sample in samples.all("cpu_usage_per_core") {
            assert!((sample.value - 25.0).abs() < 1e-9, "{sample:?}");
        }
        assert!((samples.alone("cpu_usage_total").unwrap() - 25.0).abs() < 1e-9);
        assert_eq!(samples.alone("memory_usage_percent"), Some(25.0));
        assert_eq!(
            samples.value("system_load_average", ("interval", "15min")),
            Some(12.59)
        );
    }
}

#[tokio::test]
async fn what_a_host_does_not_tell_is_absent() {
    let tree = Tree::with_cpus(&[0], 1000);
    tree.file("proc/meminfo", "MemTotal: 8000 kB\n");

    let samples = scrape(&tree, &[0]).await;

    for name in [
        "host_cpu_frequency_hertz",
        "host_pressure_waiting_seconds_total",
        "host_memory_available_bytes",
        "memory_usage_percent",
        "container_cpu_usage_seconds_total",
        "container_memory_bytes",
    ] {
        assert_eq!(samples.all(name), [], "{name}");
    }
    assert_eq!(samples.alone("host_memory_bytes"), Some(8_192_000.0));
}

/// Checks the figures of the one container that a test's group makes.
fn assert_container(samples: &Samples, id: &str) {
    let of = ("id", id);
    for (name, value) in [
        ("container_cpu_usage_seconds_total", 5.0),
        ("container_cpu_quota_cpus", 0.5),
        ("container_cpu_periods_total", 40.0),
        ("container_cpu_throttled_periods_total", 20.0),
        ("container_cpu_throttled_seconds_total", 2.0),
        ("container_memory_bytes", 4096.0),
        ("container_memory_limit_bytes", 67_108_864.0),
    ] {
        assert_eq!(samples.value(name, of), Some(value), "{name} of {id}");
    }
}

#[tokio::test]
async fn containers_of_every_engine_on_v1_and_v2() {
    let groups = [
        ('1', format!("docker/{}", id('1'))),
        ('2', format!("system.slice/docker-{}.scope", id('2'))),
        ('3', format!("machine.slice/libpod-{}.scope", id('3'))),
        (
            '4',
            format!(
                "kubepods.slice/kubepods-pod7.slice/cri-containerd-{}.scope",
                id('4')
            ),
        ),
        (
            '5',
            format!(
                "user.slice/user-7.slice/user@7.service/user.slice/libpod-{}.scope",
                id('5')
            ),
        ),
    ];
    for is_v2 in [false, true] {
        let tree = Tree::with_cpus(&[0], 1000);
        for (_, path) in &groups {
            if is_v2 {
                tree.v2_group(path, 5_000_000, 40);
                // What a container makes of groups is its own affair.
                tree.v2_group(&format!("{path}/docker-{}.scope", id('f')), 1, 1);
            } else {
                tree.v1_group(path, 5_000_000, 40);
                tree.v1_group(&format!("{path}/docker/{}", id('f')), 1, 1);
            }
        }

        let samples = scrape(&tree, &[0]).await;

        let shorts = groups.each_ref().map(|(digit, _)| short(*digit));
        assert_eq!(
            samples.labels("container_cpu_usage_seconds_total", "id"),
            shorts
        );
        // Unnamed, so by their ids.
        assert_eq!(
            samples.labels("container_cpu_usage_seconds_total", "name"),
            shorts
        );
        for (digit, _) in &groups {
            assert_container(&samples, &short(*digit));
        }
    }
}

#[tokio::test]
async fn local_stations_are_named_by_their_groups() {
    let tree = Tree::with_cpus(&[0], 1000);
    // As a runner has it that is not at the top of each hierarchy.
    let run = "parlab-4026531836-71-90210";
    tree.v1_group(&format!("{run}/primes-fleet-2"), 5_000_000, 40);
    tree.remove(&format!("cgroup/memory/{run}"));
    let memory = [
        ("memory.usage_in_bytes", "4096\n"),
        ("memory.limit_in_bytes", "67108864\n"),
    ];
    tree.group(
        &format!("cgroup/memory/session/{run}/primes-fleet-2"),
        &memory,
    );
    // Left by a run that was killed.
    tree.v1_group("parlab-4026531836-60-80000/primes-fleet-2", 1, 1);

    let samples = scrape(&tree, &[0]).await;

    assert_eq!(
        samples.labels("container_cpu_usage_seconds_total", "id"),
        ["primes-fleet-2"]
    );
    assert_eq!(
        samples.labels("container_cpu_usage_seconds_total", "name"),
        ["primes-fleet"]
    );
    assert_container(&samples, "primes-fleet-2");
}

#[tokio::test]
async fn a_container_without_limits_has_none() {
    let tree = Tree::with_cpus(&[0], 1000);
    let path = format!("docker/{}", id('1'));
    tree.v2_group(&path, 5_000_000, 40);
    tree.file(&format!("cgroup/{path}/cpu.max"), "max 100000\n");
    tree.file(&format!("cgroup/{path}/memory.max"), "max\n");

    let samples = scrape(&tree, &[0]).await;

    assert_eq!(samples.all("container_cpu_quota_cpus"), []);
    assert_eq!(samples.all("container_memory_limit_bytes"), []);
    assert_eq!(
        samples.value("container_memory_bytes", ("id", &short('1'))),
        Some(4096.0)
    );
}
