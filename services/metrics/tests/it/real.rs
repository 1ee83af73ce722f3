//! The monitor on this very machine.

use crate::samples::Samples;
use crate::service::{Service, metrics};
use rustix::process::Signal;
use std::time::{Duration, Instant};

fn assert_plausible(samples: &Samples) {
    for (name, least) in [("cpu_usage_total", 0.0), ("memory_usage_percent", 0.1)] {
        let value = samples
            .alone(name)
            .unwrap_or_else(|| panic!("{name} is missing"));
        assert!((least..=100.0).contains(&value), "{name} {value}");
    }
    let online = samples.alone("host_cpus_online").unwrap();
    assert_eq!(samples.all("cpu_usage_per_core").len() as f64, online);
    assert_eq!(samples.all("system_load_average").len(), 3);
    assert!(samples.alone("host_context_switches_total").unwrap() > 0.0);
}

#[tokio::test]
async fn the_first_scrape_has_every_figure_and_counters_rise() {
    let service = Service::start(&[]);

    let first = service.scrape().await;
    assert_plausible(&first);
    let second = service.scrape().await;

    assert_plausible(&second);
    for (name, kind) in &first.types {
        for sample in first.all(name).iter().filter(|_| kind == "counter") {
            let later = second
                .all(name)
                .iter()
                .find(|one| one.labels == sample.labels);
            // Containers of others may go meanwhile.
            let Some(later) = later else {
                assert!(name.starts_with("container_"), "{name} {sample:?} has gone");
                continue;
            };
            assert!(
                later.value >= sample.value,
                "{name}: {sample:?}, then {later:?}"
            );
        }
    }
}

#[tokio::test]
async fn two_scrapers_at_once_get_the_same_use() {
    let service = Service::start(&[]);

    let asked = Instant::now();
    let (one, other) = tokio::join!(service.scrape(), service.scrape());

    // Readings so close count as one.
    if asked.elapsed() < Duration::from_millis(150) {
        assert_eq!(
            one.all("cpu_usage_per_core"),
            other.all("cpu_usage_per_core")
        );
    }
    assert_plausible(&one);
    assert_plausible(&other);
}

#[tokio::test]
async fn it_says_what_it_sees_and_ends_well() {
    let mut service = Service::start(&[]);

    let description = service.text(service.line.api, "/").await;
    let description: serde_json::Value = serde_json::from_str(&description).unwrap();

    assert_eq!(description["service"], "metrics");
    assert_eq!(description["metrics"], "/metrics");
    assert!(description["cpus_online"].as_u64().unwrap() >= 1);
    assert_eq!(service.text(service.line.admin, "/readyz").await, "ready");
    let admin = service.text(service.line.admin, "/metrics").await;
    assert!(admin.contains("cpu_budget_believed_cpus"), "{admin}");
    let status = metrics()
        .args([
            "healthcheck",
            "--admin-port",
            &service.line.admin.port().to_string(),
        ])
        .status()
        .unwrap();
    assert_eq!(status.code(), Some(0));
    service.signal(Signal::TERM);
    assert_eq!(service.ended().await.code(), Some(0));
}

#[test]
fn what_cannot_be_is_refused_in_one_line() {
    for (arguments, part) in [
        (["watch", "--interval", "1ms"], "100ms to 1h"),
        (["snapshot", "--top", "-1"], "--top"),
        (["serve", "--stations", "a b"], "names of services"),
    ] {
        let output = metrics().args(arguments).output().unwrap();
        let said = String::from_utf8(output.stderr).unwrap();
        assert_eq!(output.status.code(), Some(64), "{said}");
        assert!(said.contains(part) && said.lines().count() == 1, "{said}");
    }
}
