//! `queue run`: no Redis, no container.

use crate::programs::program;
use serde_json::Value;
use std::process::Output;

fn run(options: &str) -> Output {
    let mut command = program();
    command.arg("run").args(options.split_whitespace());
    command.output().unwrap()
}

fn text(bytes: &[u8]) -> String {
    String::from_utf8(bytes.to_vec()).unwrap()
}

#[test]
fn jobs_are_done_and_their_results_printed_in_order() {
    let output = run(r#"fibonacci --data {"n":20} --jobs 3 --print --format json"#);
    assert!(output.status.success(), "{output:?}");
    assert_eq!(
        text(&output.stdout),
        "{\"n\":20,\"value\":6765}\n".repeat(3)
    );
    let summary: Value = serde_json::from_slice(&output.stderr).unwrap();
    assert_eq!(summary["totals"]["succeeded"], 3);
}

#[test]
fn many_jobs_go_through_one_process() {
    let output = run("noop --jobs 20000 --format json");
    assert!(output.status.success(), "{output:?}");
    let summary: Value = serde_json::from_slice(&output.stdout).unwrap();
    assert_eq!(summary["totals"]["submitted"], 20_000);
    assert_eq!(summary["totals"]["succeeded"], 20_000);
    assert_eq!(summary["latency"]["items"], 20_000);
}

#[test]
fn what_waits_waits_at_once() {
    let began = std::time::Instant::now();
    let output = run(r#"sleep --data {"seconds":0.5} --jobs 200 --io 100"#);
    assert!(output.status.success(), "{output:?}");
    assert!(began.elapsed().as_secs_f64() < 60.0);
}

#[test]
fn dead_jobs_are_told_and_fail_the_run() {
    for (options, why) in [
        (
            r#"fail --data {"times":9} --attempts 2 --backoff-seconds 0"#,
            "it fails as asked: 2 of 9",
        ),
        ("nonsense", "unknown type"),
        (r#"fibonacci --data {"n":1000}"#, "at most 45"),
        ("panic --attempts 1", "the work panicked"),
    ] {
        let output = run(options);
        assert_eq!(output.status.code(), Some(1), "{output:?}");
        assert!(text(&output.stderr).contains(why), "{output:?}");
    }
}

#[test]
fn bad_input_is_refused_in_one_line() {
    for options in [
        "noop --priority 11",
        "noop --attempts 0",
        "noop --data {",
        "noop --jobs 0",
        "noop --backoff-seconds -1",
    ] {
        let output = run(options);
        assert_eq!(output.status.code(), Some(64), "{options}: {output:?}");
    }
}
