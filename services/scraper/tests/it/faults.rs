//! Every fault of the origin, alone and all together, in every mode: each URL
//! has one outcome, and as many attempts as the origin counted.

use crate::programs::{Origin, ended, run, summary};
use serde_json::Value;
use std::collections::BTreeMap;

/// What becomes of a page with a fault: its error, and after how many attempts.
fn expected(fault: &str) -> (Option<&'static str>, u64) {
    match fault {
        "status-500" | "status-503" | "reset" => (None, 2),
        "slow-body" => (Some("timeout"), 1),
        "endless-body" => (Some("body_too_large"), 1),
        "redirect-loop" => (Some("redirect_loop"), 1),
        "wrong-charset" | "redirect" | "malformed" => (None, 1),
        other => panic!("a fault that nobody expects: {other}"),
    }
}

/// Fetches all pages and holds what became of them against the origin's account.
fn each_page_has_its_outcome(faults: &str, mode: &str, pages: usize) {
    let origin = Origin::start(&format!("--pages {pages} --retry-after 0 {faults}"));
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("outcomes.ndjson");
    let options = format!(
        "--origin {} --pages {pages} --mode {mode} --concurrency 16 --timeout 5s --max-bytes 200000 \
         --format json --store ndjson:{}",
        origin.url(),
        file.display(),
    );

    let output = ended(&mut run(&options));

    assert!(output.status.success(), "{faults} {mode}: {output:?}");
    let rows = rows(&file);
    assert_eq!(rows.len(), pages, "{faults} {mode}");
    let attempts: BTreeMap<_, _> = rows
        .iter()
        .map(|(path, row)| (path.clone(), row["attempts"].as_u64().unwrap()))
        .collect();
    assert_eq!(attempts, origin.attempts(), "{faults} {mode}");
    let with_fault = origin.faults();
    assert!(!with_fault.is_empty(), "{faults}: no page has it");
    for (path, row) in &rows {
        let fault = with_fault.get(path);
        let (error, attempts) = fault.map_or((None, 1), |fault| expected(fault));
        assert_eq!(row["error"].as_str(), error, "{mode} {fault:?} {row}");
        assert_eq!(row["attempts"], attempts, "{mode} {fault:?} {row}");
    }
    let summary = summary(&output);
    let failed: u64 = summary["failed"]
        .as_object()
        .unwrap()
        .values()
        .filter_map(Value::as_u64)
        .sum();
    assert_eq!(summary["pages"].as_u64().unwrap() + failed, pages as u64);
    assert_eq!(
        (&summary["stored"], &summary["lost"]),
        (&pages.into(), &0.into())
    );
}

/// The stored outcomes by path; a second one of the same is a defect.
fn rows(file: &std::path::Path) -> BTreeMap<String, Value> {
    let mut rows = BTreeMap::new();
    for line in std::fs::read_to_string(file).unwrap().lines() {
        let row: Value = serde_json::from_str(line).unwrap();
        let url = url::Url::parse(row["url"].as_str().unwrap()).unwrap();
        let before = rows.insert(url.path().to_owned(), row);
        assert!(before.is_none(), "a second outcome of {url}");
    }
    rows
}

macro_rules! faults {
    ($($name:ident: $options:literal;)*) => {
        $(
            #[test]
            fn $name() {
                each_page_has_its_outcome($options, "async", 60);
            }
        )*
    };
}

faults! {
    a_500_passes: "--status-500 0.2";
    a_503_with_retry_after_passes: "--status-503 0.2";
    a_reset_passes: "--reset 0.2";
    a_slow_body_ends_at_the_deadline: "--slow-body 0.2";
    an_endless_body_ends_at_the_limit: "--endless-body 0.2";
    a_wrong_charset_is_a_page: "--wrong-charset 0.2";
    a_redirect_is_followed: "--redirect 0.2";
    a_redirect_loop_is_seen: "--redirect-loop 0.2";
    malformed_html_is_a_page: "--malformed 0.2";
}

#[test]
fn all_faults_together_end_no_run_in_any_mode() {
    for (mode, pages) in [("async", 300), ("threads", 300), ("sequential", 60)] {
        each_page_has_its_outcome("--all-faults 0.1", mode, pages);
        each_page_has_its_outcome("--all-faults 0.1 --compress", mode, pages);
    }
}

#[test]
fn a_fault_that_does_not_pass_is_an_outcome_with_all_attempts() {
    for (options, error) in [("--status-500 1", "status"), ("--reset 1", "reset")] {
        let origin = Origin::start(&format!("--pages 5 --fault-times 0 {options}"));
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("outcomes.ndjson");
        let store = format!("--store ndjson:{} --attempts 3", file.display());

        let output = ended(&mut run(&format!(
            "--origin {} --pages 5 {store}",
            origin.url()
        )));

        assert!(output.status.success(), "{output:?}");
        for row in rows(&file).values() {
            assert_eq!(row["error"], error);
            assert_eq!(row["attempts"], 3);
        }
        assert!(origin.attempts().values().all(|attempts| *attempts == 3));
    }
}

#[test]
fn a_rate_limit_slows_the_run_and_fails_no_page() {
    let origin = Origin::start("--pages 120 --rate-limit 40,10");
    let options = format!(
        "--origin {} --pages 120 --concurrency 16 --format json",
        origin.url()
    );

    let output = ended(&mut run(&options));

    let summary = summary(&output);
    assert_eq!(summary["pages"], 120, "{summary}");
    assert!(origin.stats()["by_status"]["429"].as_u64() > Some(0));
}

/// What a run takes beside the bodies: the program, connections, stacks.
const BESIDE: u64 = 48 << 20;

#[test]
fn endless_bodies_at_high_concurrency_take_the_memory_that_they_may() {
    let origin = Origin::start("--pages 200 --endless-body 1");
    for mode in ["async", "threads"] {
        let options = format!(
            "--origin {} --pages 200 --mode {mode} --concurrency 100 --ignore-robots --format json \
             --max-bytes 8388608 --max-bytes-at-once 33554432",
            origin.url()
        );

        // As in the image: else each thread's part of the allocator keeps what it had.
        let output = ended(run(&options).env("MALLOC_MMAP_THRESHOLD_", "131072"));

        assert!(output.status.success(), "{output:?}");
        let summary = summary(&output);
        // Those that wait for others end as they would have.
        assert_eq!(summary["failed"]["body_too_large"], 200, "{summary}");
        let memory = summary["memory_peak_bytes"].as_u64().unwrap();
        assert!(memory < (32 << 20) + BESIDE, "{mode}: {memory} bytes");
    }
}
