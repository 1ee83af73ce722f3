//! What changes while it is watched: containers come and go, counters fall.

use crate::service::{Service, eventually};
use crate::tree::{Tree, id, short};

const USAGE: &str = "container_cpu_usage_seconds_total";

#[tokio::test]
async fn a_container_goes_and_comes_back_under_the_same_and_another_id() {
    let tree = Tree::with_cpus(&[0], 1000);
    let (one, two) = (format!("docker/{}", id('1')), format!("docker/{}", id('2')));
    tree.v1_group(&one, 5_000_000, 40);
    let service = Service::start(&tree.arguments());
    assert_eq!(service.scrape().await.labels(USAGE, "id"), [short('1')]);

    for top in ["cpu,cpuacct", "memory"] {
        tree.remove(&format!("cgroup/{top}/{one}"));
    }
    let gone = service.scrape().await;
    for name in [
        USAGE,
        "container_cpu_quota_cpus",
        "container_memory_bytes",
        "container_memory_limit_bytes",
    ] {
        assert_eq!(gone.all(name), [], "{name}");
    }

    // Restarted: the same id, and counters that begin anew, as Prometheus wants
    // to see them.
    tree.v1_group(&one, 100_000, 1);
    let back = service.scrape().await;
    assert_eq!(back.value(USAGE, ("id", &short('1'))), Some(0.1));

    // Made anew beside it.
    tree.v1_group(&two, 200_000, 1);
    assert_eq!(
        service.scrape().await.labels(USAGE, "id"),
        [short('1'), short('2')]
    );
}

#[tokio::test]
async fn a_counter_of_the_host_that_falls_a_little_is_held() {
    let tree = Tree::with_cpus(&[0], 100_000);
    let service = Service::start(&tree.arguments());
    let idle = async || {
        service
            .scrape()
            .await
            .value("host_cpu_seconds_total", ("mode", "idle"))
            .unwrap()
    };
    let before = idle().await;
    assert!(before > 0.0);

    tree.stat(&[0], 99_900);
    assert_eq!(idle().await, before);

    // A machine that was restored: passed on, since Prometheus knows restarts.
    tree.stat(&[0], 800);
    assert!(idle().await < before / 50.0);
}

#[tokio::test]
async fn counters_that_fall_leave_every_use_between_0_and_100() {
    let tree = Tree::with_cpus(&[0, 1], 100_000);
    let service = Service::start(&tree.arguments());
    tree.stat(&[0, 1], 800);
    for _ in 0..10 {
        let samples = service.scrape().await;
        let uses = samples
            .all("cpu_usage_per_core")
            .iter()
            .chain(samples.all("cpu_usage_total"));
        for sample in uses {
            assert!((0.0..=100.0).contains(&sample.value), "{sample:?}");
        }
        tokio::time::sleep(std::time::Duration::from_millis(50)).await;
    }
    tree.stat(&[0, 1], 1600);
    eventually("the use is known again", async || {
        service.scrape().await.alone("cpu_usage_total")
    })
    .await;
}

#[tokio::test]
async fn a_cpu_that_goes_offline_is_absent_at_once() {
    let tree = Tree::with_cpus(&[0, 1], 1000);
    let service = Service::start(&tree.arguments());
    assert_eq!(service.scrape().await.alone("host_cpus_online"), Some(2.0));

    tree.stat(&[1], 2000);

    let samples = service.scrape().await;
    assert_eq!(samples.alone("host_cpus_online"), Some(1.0));
    assert_eq!(
        samples.value("host_cpu_seconds_total", ("cpu", "cpu0")),
        None
    );
}
