//! What is served is what docs/metrics.md says of the monitor, in both
//! directions, and what Prometheus' own checker accepts.

use crate::samples::Samples;
use crate::service::{Service, eventually};
use crate::tree::{Tree, id};
use std::collections::{BTreeMap, BTreeSet};
use std::io::Write as _;
use std::process::{Command, Stdio};

const COURSE: [&str; 4] = [
    "cpu_usage_total",
    "cpu_usage_per_core",
    "memory_usage_percent",
    "system_load_average",
];

/// A metric's type and the names of its labels.
type Shape = (String, BTreeSet<String>);

/// The table of the section that is about the monitor.
fn documented() -> BTreeMap<String, Shape> {
    let path = concat!(env!("CARGO_MANIFEST_DIR"), "/../../docs/metrics.md");
    let text = std::fs::read_to_string(path).unwrap();
    let (_, section) = text.split_once("\n## `metrics`: the monitor\n").unwrap();
    let section = section.split("\n## ").next().unwrap();
    let rows = section.lines().filter(|line| line.starts_with("| `"));
    let metric = |row: &str| {
        let cells: Vec<&str> = row.trim_matches('|').split('|').map(str::trim).collect();
        let labels = cells[2]
            .split(',')
            .map(|label| label.trim().trim_matches('`'));
        let labels = labels.filter(|label| !label.is_empty()).map(str::to_owned);
        (
            cells[0].trim_matches('`').to_owned(),
            (cells[1].to_owned(), labels.collect()),
        )
    };
    rows.map(metric).collect()
}

fn served(samples: &Samples) -> BTreeMap<String, Shape> {
    let metrics = samples.by_name.iter().map(|(name, all)| {
        let labels: BTreeSet<String> = all[0].labels.keys().cloned().collect();
        for sample in all {
            assert!(sample.labels.keys().eq(labels.iter()), "{name}: {sample:?}");
            assert!(
                sample.value.is_finite() && sample.value >= 0.0,
                "{name}: {sample:?}"
            );
        }
        (name.clone(), (samples.types[name].clone(), labels))
    });
    metrics.collect()
}

/// A host that tells everything, with a container that has every limit.
async fn everything() -> (Tree, Service, String) {
    let cpus = [0, 1];
    let tree = Tree::with_cpus(&cpus, 1000);
    tree.pressure();
    tree.frequencies(&cpus);
    tree.v2_group(
        &format!("system.slice/docker-{}.scope", id('a')),
        5_000_000,
        40,
    );
    let service = Service::start(&tree.arguments());
    tree.stat(&cpus, 2000);
    let text = eventually("the CPUs' use is known", async || {
        let text = service.text(service.line.api, "/metrics").await;
        text.contains("\ncpu_usage_total ").then_some(text)
    });
    let text = text.await;
    (tree, service, text)
}

#[tokio::test]
async fn every_metric_is_documented_and_every_documented_one_is_served() {
    let (_tree, _service, text) = everything().await;

    let (documented, served) = (documented(), served(&Samples::parse(&text)));

    assert!(documented.len() >= COURSE.len());
    for course in COURSE {
        assert!(documented.contains_key(course), "{course}");
    }
    assert_eq!(served, documented);
}

#[tokio::test]
async fn on_this_machine_nothing_is_served_that_is_not_documented() {
    let service = Service::start(&[]);
    let documented = documented();
    for (name, shape) in served(&service.scrape().await) {
        assert_eq!(Some(&shape), documented.get(&name), "{name}");
    }
}

#[tokio::test]
async fn prometheus_own_checker_accepts_all_but_the_courses_names() {
    let (_tree, service, text) = everything().await;
    let admin = service.text(service.line.admin, "/metrics").await;
    for text in [text, admin] {
        let checker = Command::new("promtool")
            .args(["check", "metrics"])
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn();
        let Ok(mut checker) = checker else {
            eprintln!("left out: there is no promtool (Debian package prometheus)");
            return;
        };
        checker
            .stdin
            .take()
            .unwrap()
            .write_all(text.as_bytes())
            .unwrap();
        let output = checker.wait_with_output().unwrap();
        let said = [output.stdout, output.stderr].concat();
        let said = String::from_utf8(said).unwrap();
        let complaints = said.lines().filter(|line| !line.trim().is_empty());
        let others: Vec<&str> = complaints
            .filter(|line| !COURSE.iter().any(|name| line.starts_with(name)))
            .collect();
        assert!(others.is_empty(), "{others:?}");
        // 3: it has remarks on style, which are those on the course's names.
        assert!(matches!(output.status.code(), Some(0 | 3)), "{said}");
    }
}
