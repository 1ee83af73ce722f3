//! docs/metrics.md and docs/load.md, held against the program.

use crate::programs::{Service, ended};
use load::engine::Failure;
use load::request::{CONNECTIONS, RATE, SECONDS, TIMEOUT_SECONDS, WARM_UP_SECONDS};
use serde_json::Value;
use std::collections::BTreeSet;

fn document() -> String {
    let path = concat!(env!("CARGO_MANIFEST_DIR"), "/../../docs/load.md");
    std::fs::read_to_string(path).unwrap()
}

async fn fetched(url: String) -> String {
    let client = reqwest::Client::builder().no_proxy().build().unwrap();
    client.get(url).send().await.unwrap().text().await.unwrap()
}

#[tokio::test]
async fn what_is_served_is_what_is_documented() {
    let service = Service::start("documented");
    let described = fetched(format!("http://{}/", service.line.api)).await;
    assert!(described.contains("\"service\":\"load\""), "{described}");
    // One of each: a counter without a count has no series.
    let body = serde_json::json!({"targets": ["http://127.0.0.1:1/"], "rate": 10, "seconds": 0.1, "warm_up_seconds": 0});
    let client = reqwest::Client::builder().no_proxy().build().unwrap();
    let url = format!("http://{}/run", service.line.api);
    client.post(url).json(&body).send().await.unwrap();
    let scrape = fetched(format!("http://{}/metrics", service.line.admin)).await;
    let served = metrics_doc::served(&scrape);
    let mut documented = metrics_doc::section("Every service");
    documented.extend(metrics_doc::section("load"));
    // Each machine tells what it knows.
    documented.retain(|name, _| served.contains_key(name) || !name.starts_with("cpu_budget_"));
    let differences = metrics_doc::differences(&documented, &served);
    assert!(differences.is_empty(), "{differences:#?}");
    metrics_doc::check_with_promtool(&scrape, &[]);
}

#[tokio::test]
async fn the_api_is_described() {
    let service = Service::start("described");
    let text = fetched(format!("http://{}/openapi.json", service.line.api)).await;
    let document: Value = serde_json::from_str(&text).unwrap();
    for path in ["/run", "/search"] {
        assert!(document["paths"][path]["post"].is_object(), "{path}");
    }
}

#[test]
fn every_kind_of_failure_stands_in_the_document_in_its_order() {
    let document = document();
    let (_, section) = document.split_once("\n## Failures\n").unwrap();
    let section = section.split("\n## ").next().unwrap();
    let rows = section.lines().filter_map(|line| line.strip_prefix("| `"));
    let named: Vec<_> = rows.filter_map(|row| row.split('`').next()).collect();
    assert_eq!(named, Failure::ALL.map(Failure::name));
}

#[test]
fn the_bounds_in_the_document_are_the_real_ones() {
    let document = document();
    for (name, least, most) in [
        (
            "connections",
            *CONNECTIONS.start() as f64,
            *CONNECTIONS.end() as f64,
        ),
        ("rate", *RATE.start(), *RATE.end()),
        ("seconds", *SECONDS.start(), *SECONDS.end()),
        (
            "warm_up_seconds",
            *WARM_UP_SECONDS.start(),
            *WARM_UP_SECONDS.end(),
        ),
        (
            "timeout_seconds",
            *TIMEOUT_SECONDS.start(),
            *TIMEOUT_SECONDS.end(),
        ),
    ] {
        let row = format!("| `{name}` | {least} to {most} |");
        assert!(document.contains(&row), "docs/load.md has no row {row:?}");
    }
}

#[test]
fn every_option_in_the_document_is_one() {
    let help = ["run --help", "search --help", "serve --help"].map(|arguments| {
        let output = ended(arguments);
        String::from_utf8(output.stdout).unwrap()
    });
    let help = help.concat();
    let document = document();
    let words = document.split(|c: char| c.is_whitespace() || c == '`');
    let options: BTreeSet<_> = words.filter(|word| word.starts_with("--")).collect();
    assert!(options.len() >= 6, "{options:?}");
    for option in options
        .into_iter()
        .filter(|option| !["--", "--release"].contains(option))
    {
        assert!(
            help.contains(&format!("{option} <")) || help.contains(&format!("{option}\n")),
            "{option}"
        );
    }
}
