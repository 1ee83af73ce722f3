//! A lab as Prometheus sees it while it runs, and afterwards.

pub(crate) mod panels;
pub(crate) mod prometheus;

use crate::lab_primes::LAB;
use crate::support::{Checkout, Docker, said};
use prometheus::Prometheus;
use std::process::Command;
use std::time::Duration;

/// A scrape a second, DNS asked again every 5 s, a run of a minute or two.
const SOON: Duration = Duration::from_secs(90);
const WITHIN_A_RUN: Duration = Duration::from_mins(5);

/// Fetches and builds what watches labs, and starts it.
pub(crate) fn start(checkout: &Checkout) {
    let output = checkout.run(&["observability"]);
    assert!(output.status.success(), "{}", said(&output));
}

/// What must be seen while a quick run of lab-primes goes on.
pub(crate) fn watch_a_run(docker: &Docker) {
    let prometheus = Prometheus::of(docker);
    let active = format!("lab_run_active{{lab=\"{LAB}\", backend=\"docker\"}} == 1");
    prometheus.until(&active, WITHIN_A_RUN, |run| run.len() == 1);
    // Four replicas, told apart; and whose row it is.
    let fleet = "up{job=\"primes\", station=\"primes-fleet\"} == 1";
    let fleet = prometheus.until(fleet, WITHIN_A_RUN, |replicas| replicas.len() == 4);
    for label in ["replica", "instance"] {
        let mut told: Vec<_> = fleet.iter().map(|one| one.label(label)).collect();
        told.sort();
        told.dedup();
        assert_eq!(told.len(), 4, "{told:?}");
    }
    prometheus.until("lab_row_active", WITHIN_A_RUN, |rows| rows.len() == 1);
    let half = prometheus.until(
        &of_those_up(
            "max_over_time(station:throttled_share:rate{station=\"primes-half\"}[2m]) > 0.4",
        ),
        WITHIN_A_RUN,
        |half| half.len() == 1,
    );
    assert!(half[0].value <= 1.0, "{half:?}");
    // As the kernel grants it, beside what the file declares.
    let declared = "station_declared_cpus == on (station) group_right () cpu_budget_quota_cpus";
    prometheus.until(declared, SOON, |stations| stations.len() == 4 + 4);
}

/// What must hold once the run has ended: all of it was kept.
pub(crate) fn look_back(docker: &Docker, checkout: &Checkout) {
    let prometheus = Prometheus::of(docker);
    prometheus.until("lab_run_active == 0", SOON, |run| run.len() == 1);
    // No quota, so no period in which it could run out: 0 by the kernel's count.
    let pinned = "max_over_time(station:throttled_share:rate{station=\"primes-pinned\"}[10m])";
    let pinned = prometheus.query(&of_those_up(pinned));
    assert_eq!(pinned.len(), 1, "{pinned:?}");
    assert!(pinned[0].value.abs() < 1e-9, "{pinned:?}");
    let used = "max_over_time(station:cpu_used_cpus:rate{station=\"primes-half\"}[10m])";
    let used = prometheus.query(&of_those_up(used));
    assert!(used[0].value > 0.3 && used[0].value < 0.7, "{used:?}");
    survives_a_restart(docker, &prometheus);
    follows_replicas(&prometheus, checkout);
    disturbs_little(docker);
}

/// Without what an earlier run of the same day has left.
fn of_those_up(query: &str) -> String {
    format!("{query} and on (station, replica) up == 1")
}

/// Data outlive Prometheus' process.
fn survives_a_restart(docker: &Docker, prometheus: &Prometheus) {
    let counted = "sum(count_over_time(up{station=\"primes-half\"}[20m]))";
    let before = prometheus.query(counted);
    docker.output(&["restart", &docker.containers("prometheus")[0]]);
    // As many as before, and one more at least.
    prometheus.until(counted, SOON, |kept| {
        kept.first()
            .is_some_and(|kept| kept.value > before[0].value)
    });
}

/// Replicas that come are found, those that go leave, and nothing is down then.
fn follows_replicas(prometheus: &Prometheus, checkout: &Checkout) {
    for replicas in [1, 4, 2] {
        scale(checkout, "primes-fleet", replicas);
        let there = "up{station=\"primes-fleet\"} == 1";
        prometheus.until(there, SOON, |up| up.len() == replicas);
        // None that went is asked for any more.
        prometheus.until("up{station=\"primes-fleet\"}", SOON, |up| {
            up.len() == replicas
        });
    }
    let alarms = prometheus
        .query("count_over_time(ALERTS{alertname=\"StationDown\", alertstate=\"firing\"}[3m])");
    assert!(alarms.is_empty(), "{alarms:?}");
}

fn scale(checkout: &Checkout, station: &str, replicas: usize) {
    let file = checkout.path(&format!("compose/{LAB}.yml"));
    let output = Command::new("docker")
        .args(["compose", "-p", "parlab", "-f", file.to_str().unwrap()])
        .args(["up", "-d", "--no-deps", "--no-recreate", "--scale"])
        .args([&format!("{station}={replicas}"), station])
        .output()
        .unwrap();
    assert!(output.status.success(), "{}", said(&output));
}

/// Who watches has little weight, a limit of its own and no privilege, and is
/// published on this machine only.
fn disturbs_little(docker: &Docker) {
    for watcher in ["prometheus", "metrics", "lab-state"] {
        let all = docker.inspect(&docker.containers(watcher)[0]);
        let config = &all["HostConfig"];
        assert!(config["CpuShares"].as_i64().unwrap() <= 64, "{watcher}");
        assert!(config["NanoCpus"].as_i64().unwrap() > 0, "{watcher}");
        assert!(config["Memory"].as_i64().unwrap() > 0, "{watcher}");
        assert_eq!(config["ReadonlyRootfs"], true, "{watcher}");
        assert_eq!(config["CapDrop"][0], "ALL", "{watcher}");
        let user = all["Config"]["User"].as_str().unwrap();
        assert!(!user.is_empty(), "{watcher} is root");
        let ports = config["PortBindings"].as_object().unwrap();
        for binding in ports.values().flat_map(|b| b.as_array().unwrap()) {
            assert_eq!(binding["HostIp"], "127.0.0.1", "{watcher}");
        }
    }
}

#[test]
fn a_taken_port_costs_the_lab_nothing_and_is_said() {
    let Some(docker) = Docker::take("lab-primes, a port taken") else {
        return;
    };
    let checkout = docker.checkout();
    let taken = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let port = taken.local_addr().unwrap().port().to_string();

    let narrowed = [
        "lab-primes",
        "STATION=primes-one",
        "STRATEGY=work-stealing",
        "ROUNDS=1",
        "LIMIT=2e5",
    ];
    let child = checkout
        .make(&narrowed)
        .env("NO_OBSERVABILITY", "0")
        .env("PARLAB_PORT_PROMETHEUS", &port)
        .spawn()
        .unwrap();
    let output = crate::support::finish(child, &narrowed);

    let text = said(&output);
    assert!(output.status.success(), "{text}");
    assert!(
        text.contains(&format!(
            "port {port} of this machine is taken, so prometheus"
        )),
        "{text}"
    );
    assert!(text.contains("PARLAB_PORT_PROMETHEUS=<port>"), "{text}");
    let prometheus = Prometheus::of(&docker);
    assert!(
        text.contains(&format!("http://{}", prometheus.address())),
        "{text}"
    );
    prometheus.until("up{job=\"lab\"} == 1", SOON, |up| up.len() == 1);
}

#[test]
fn without_observability_nothing_watches() {
    let Some(docker) = Docker::take("lab-primes, NO_OBSERVABILITY=1") else {
        return;
    };
    let checkout = docker.checkout();
    start(&checkout);
    assert_eq!(docker.containers("prometheus").len(), 1);

    let narrowed = [
        "lab-primes",
        "STATION=primes-one",
        "ROUNDS=1",
        "LIMIT=2e5",
        "NO_OBSERVABILITY=1",
    ];
    let output = checkout.run(&narrowed);

    assert!(output.status.success(), "{}", said(&output));
    for watcher in ["prometheus", "metrics", "lab-state", "grafana"] {
        assert!(docker.containers(watcher).is_empty(), "{watcher}");
    }
    assert_eq!(docker.containers("primes-one").len(), 1);
    let refused = checkout.run(&["lab-primes", "NO_OBSERVABILITY=maybe"]);
    assert!(said(&refused).contains("NO_OBSERVABILITY='maybe': must be 1 or 0"));
}
