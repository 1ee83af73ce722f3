//! What Prometheus sees, held against docs/metrics.md.

use crate::programs::{Origin, Station};
use serde_json::{Value, json};

#[tokio::test]
async fn what_is_served_is_what_is_documented() {
    let origin = Origin::start("");
    let station = Station::start(&origin);
    station.run(&origin, &json!({"pages": 5})).await;

    let scrape = station.metrics().await;

    let served = metrics_doc::served(&scrape);
    let mut documented = metrics_doc::section("Every service");
    documented.extend(metrics_doc::section("Every station"));
    documented.extend(metrics_doc::section("scraper"));
    // Each machine tells what it knows: what is absent must be one of these.
    documented.retain(|name, _| served.contains_key(name) || !may_be_absent(name));
    let differences = metrics_doc::differences(&documented, &served);
    assert!(differences.is_empty(), "{differences:#?}");
}

fn may_be_absent(name: &str) -> bool {
    name.starts_with("cpu_budget_") || name == "worker_time_seconds_total"
}

#[tokio::test]
async fn the_counts_are_those_of_all_runs() {
    let origin = Origin::start("--pages 20 --redirect-loop 0.2 --status-500 0.2");
    let station = Station::start(&origin);
    let faults = origin.faults();
    let count = |kind: &str| faults.values().filter(|fault| *fault == kind).count() as u64;

    for _ in 0..2 {
        let answer: Value = station.run(&origin, &json!({"pages": 20})).await.1;
        assert_eq!(answer["account"]["answer"], 20 - count("redirect-loop"));
    }

    let scrape = station.metrics().await;
    let pages = 2 * (20 - count("redirect-loop"));
    for line in [
        format!("scraper_pages_total {pages}"),
        format!(
            "scraper_failed_total{{kind=\"redirect_loop\"}} {}",
            2 * count("redirect-loop")
        ),
        format!("scraper_retries_total {}", count("status-500")),
        "scraper_in_flight 0".to_owned(),
        "scraper_runs_total{outcome=\"done\"} 2".to_owned(),
        "scraper_run_duration_seconds_count 2".to_owned(),
    ] {
        assert!(
            scrape.lines().any(|served| served == line),
            "{line}: {scrape}"
        );
    }
}
