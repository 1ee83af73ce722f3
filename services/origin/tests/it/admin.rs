//! The admin endpoints, and what Prometheus sees.

use crate::served::Origin;
use serde_json::Value;

/// What an origin serves that has shown every fault.
fn scrape_after_requests(origin: &Origin) -> String {
    for page in 1..=40 {
        origin.get(&format!("/page/{page}"));
    }
    origin.get("/nowhere");
    origin.admin("/metrics")
}

fn faulty() -> Origin {
    Origin::start("--pages 40 --all-faults 0.9 --slow-body-every 1ms --longest-body 50ms")
}

/// What this machine cannot tell, by the origin's own `/budget`: then a metric is absent.
fn unknown(origin: &Origin) -> Vec<&'static str> {
    let budget: Value = serde_json::from_str(&origin.admin("/budget")).unwrap();
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
    let origin = faulty();
    let served = metrics_doc::served(&scrape_after_requests(&origin));
    let mut documented = metrics_doc::section("Every service");
    documented.extend(metrics_doc::section("origin"));
    for name in unknown(&origin) {
        let known = documented.remove(name);
        assert!(known.is_some(), "{name} is not documented");
    }
    let differences = metrics_doc::differences(&documented, &served);
    assert!(differences.is_empty(), "{differences:#?}");
}

#[test]
fn prometheus_has_nothing_to_say_against_it() {
    metrics_doc::check_with_promtool(&scrape_after_requests(&faulty()), &[]);
}

#[test]
fn metrics_agree_with_the_account_and_outlive_it() {
    let origin = faulty();
    scrape_after_requests(&origin);
    let stats = origin.stats();
    let outcome = |name: &str| {
        let name = format!("origin_requests_total{{outcome=\"{name}\"}}");
        origin.metric(&name) as u64
    };
    let all = [
        "served",
        "redirected",
        "failed",
        "limited",
        "refused",
        "reset",
        "cut",
        "abandoned",
    ];
    assert_eq!(stats["requests"], all.into_iter().map(outcome).sum::<u64>());
    assert_eq!(stats["resets"], outcome("reset"));
    assert_eq!(stats["by_status"]["404"], outcome("refused"));
    let faults = origin.faults();
    for fault in ["status-500", "reset", "endless-body"] {
        let shown = origin.metric(&format!("origin_faults_total{{fault=\"{fault}\"}}"));
        let named = faults.values().filter(|name| *name == fault).count();
        assert_eq!(shown as usize, named, "{fault}");
    }
    origin.forget();
    assert_eq!(outcome("refused"), 1);
}

#[test]
fn an_origin_that_printed_its_addresses_is_ready() {
    let origin = Origin::start("");
    assert_eq!(origin.admin("/readyz"), "ready");
}
