//! `lab hold` as it is called, by what every machine has: CPU affinity.

#![allow(clippy::unwrap_used)]

use assert_cmd::Command;

fn lab(arguments: &[&str]) -> (i32, String, String) {
    let output = Command::cargo_bin("lab")
        .unwrap()
        .env("LAB_LIMITS", "affinity")
        .args(arguments)
        .output()
        .unwrap();
    let text = |bytes| String::from_utf8(bytes).unwrap();
    let code = output.status.code().unwrap();
    (code, text(output.stdout), text(output.stderr))
}

#[test]
fn a_program_runs_where_it_is_held_and_its_end_is_ours() {
    let first = cpu_budget::CpuBudget::read().cpuset.unwrap();
    let first = first.iter().next().unwrap().to_string();
    let script = "sed -n 's/^Cpus_allowed_list:[^0-9]*//p' /proc/self/status; exit 7";

    let (status, out, err) = lab(&["hold", "--cpuset", &first, "--", "sh", "-c", script]);

    assert_eq!((status, out.trim(), err.as_str()), (7, first.as_str(), ""));
    let (status, _, _) = lab(&["hold", "--", "sh", "-c", "kill -TERM $$"]);
    assert_eq!(status, 128 + 15);
}

#[test]
fn a_limit_that_cannot_be_given_is_refused_and_nothing_runs() {
    let (status, out, err) = lab(&["hold", "--cpus", "0.5", "--", "echo", "ran"]);
    assert_eq!((status, out.as_str()), (64, ""));
    assert!(
        err.contains("a quota of 0.5 CPUs needs a control group"),
        "{err}"
    );

    for bad in ["0", "-1", "NaN", "much"] {
        let (status, _, err) = lab(&["hold", &format!("--cpus={bad}"), "--", "echo", "ran"]);
        assert_eq!(status, 64, "{bad}: {err}");
        assert!(err.contains("a number of CPUs"), "{bad}: {err}");
    }
}

#[test]
fn a_program_that_is_not_there_is_named() {
    let (status, _, err) = lab(&["hold", "--", "/nowhere/program"]);
    assert_ne!(status, 0);
    assert!(err.contains("/nowhere/program"), "{err}");
}
