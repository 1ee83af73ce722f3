//! The admin endpoints, and what Prometheus sees.

use crate::load::Load;
use crate::served::{Cluster, eventually};
use serde_json::{Value, json};

/// What a cluster serves that has met everything.
fn scrape(cluster: &Cluster) -> String {
    for path in ["/?work=0", "/nowhere", "/?work=x"] {
        cluster.get(path);
    }
    let (status, _) = cluster.api("POST", "/run", &json!({"workers": 2, "seconds": 0.2}));
    assert_eq!(status, 200);
    cluster.admin("/metrics")
}

/// What this machine cannot tell, by the cluster's own `/budget`: then a metric is absent.
fn unknown(cluster: &Cluster) -> Vec<&'static str> {
    let budget: Value = serde_json::from_str(&cluster.admin("/budget")).unwrap();
    let mut unknown = metrics_doc_names(&budget);
    // Known when a sample has ended, where the hypervisor tells it at all.
    if !cluster
        .admin("/metrics")
        .contains("worker_time_seconds_total")
    {
        unknown.push("worker_time_seconds_total");
    }
    unknown
}

fn metrics_doc_names(budget: &Value) -> Vec<&'static str> {
    [
        ("cpu_budget_effective_cpus", "/effective_cpus"),
        ("cpu_budget_quota_cpus", "/quota/cpus"),
        ("cpu_budget_believed_cpus", "/believed_cpus"),
        ("cpu_budget_usage_seconds_total", "/usage/usage_seconds"),
        ("cpu_budget_periods_total", "/usage/periods"),
        (
            "cpu_budget_throttled_periods_total",
            "/usage/throttled_periods",
        ),
        (
            "cpu_budget_throttled_seconds_total",
            "/usage/throttled_seconds",
        ),
        ("cpu_budget_memory_bytes", "/memory/current_bytes"),
        ("cpu_budget_memory_peak_bytes", "/memory/peak_bytes"),
        ("cpu_budget_memory_limit_bytes", "/memory/limit_bytes"),
    ]
    .into_iter()
    .filter(|(_, pointer)| budget.pointer(pointer).is_none_or(Value::is_null))
    .map(|(name, _)| name)
    .collect()
}

#[test]
fn what_is_served_is_what_is_documented() {
    let cluster = Cluster::start("--workers 2");
    let served = metrics_doc::served(&scrape(&cluster));
    let mut documented = metrics_doc::section("Every service");
    documented.extend(metrics_doc::section("Every station"));
    documented.extend(metrics_doc::section("cluster"));
    for name in unknown(&cluster) {
        let known = documented.remove(name);
        assert!(known.is_some(), "{name} is not documented");
    }
    let differences = metrics_doc::differences(&documented, &served);
    assert!(differences.is_empty(), "{differences:#?}");
}

#[test]
fn prometheus_has_nothing_to_say_against_it() {
    let cluster = Cluster::start("--workers 2");
    metrics_doc::check_with_promtool(&scrape(&cluster), &[]);
}

#[test]
fn what_all_workers_have_served_is_counted() {
    let cluster = Cluster::start("--workers 3 --work 0");
    let load = Load::start(cluster.http(), 6, "/", 10);
    eventually("requests are answered", || {
        (load.answered() > 500).then_some(())
    });
    let tally = load.stop();
    assert!(tally.lost.is_empty(), "{:?}", tally.lost);
    eventually("all are counted", || {
        let counted = cluster.metric("cluster_requests_total{status=\"200\"}") as u64;
        assert!(counted <= tally.answered);
        (counted == tally.answered).then_some(())
    });
    let seconds = cluster.metric("cluster_request_duration_seconds_count") as u64;
    assert_eq!(seconds, tally.answered);
    let connections = cluster.metric("cluster_connections_total") as u64;
    assert_eq!(connections, tally.connections);
    assert!((cluster.metric("cluster_workers{state=\"serving\"}") - 3.0).abs() < 1e-9);
}

#[test]
fn a_cluster_that_printed_its_addresses_is_ready() {
    let cluster = Cluster::start("--workers 4");
    assert_eq!(cluster.admin("/readyz"), "ready");
    assert_eq!(cluster.workers().len(), 4);
}
