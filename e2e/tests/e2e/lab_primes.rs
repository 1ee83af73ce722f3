//! `lab-primes` as a person runs it.

use crate::observability;
use crate::observability::panels::Panels;
use crate::observability::prometheus::Prometheus;
use crate::support::{Checkout, Docker, finish, root, said};
use serde_json::Value;
use std::io::{BufRead, BufReader};
use std::time::{Duration, Instant};

pub(crate) const LAB: &str = "lab-primes";

/// A station's replicas, CPU quota and cpuset, as the Compose file has them.
const LIMITS: [(&str, usize, Option<f64>, &str); 6] = [
    ("primes-half", 1, Some(0.5), ""),
    ("primes-one", 1, Some(1.0), ""),
    ("primes-one-and-half", 1, Some(1.5), ""),
    ("primes-two", 1, Some(2.0), ""),
    ("primes-pinned", 1, None, "0"),
    ("primes-fleet", 4, Some(0.5), ""),
];

#[test]
fn quick_run_measures_applies_limits_keeps_a_valid_report_and_is_seen_by_prometheus() {
    let Some(docker) = Docker::take("lab-primes, quick") else {
        return;
    };
    let checkout = docker.checkout();

    observability::start(&checkout);
    let panels = Panels::ask(Prometheus::of(&docker), LAB);
    let arguments = ["lab-primes", "QUICK=1"];
    let mut make = checkout.make(&arguments);
    let child = make.env("NO_OBSERVABILITY", "0").spawn().unwrap();
    let ended = std::thread::spawn(move || {
        let output = finish(child, &arguments);
        if !output.status.success() {
            // Who watches waits in vain then, and is the first to say so.
            eprintln!("{}", said(&output));
        }
        output
    });
    observability::watch_a_run(&docker);
    let output = ended.join().unwrap();

    assert!(output.status.success(), "{}", said(&output));
    panels.all_had_data();
    let report = checkout.report(LAB);
    assert!(report.quick && !report.partial);
    assert!(report.rows.len() >= 6, "{} rows", report.rows.len());
    for row in &report.rows {
        assert_eq!(row.rounds.len(), 3, "{}", row.key());
        assert!(row.verdict.is_some(), "{}", row.key());
        let unaccounted = row.blocked_by.map(|blocked| blocked.unaccounted);
        assert!(
            unaccounted.is_some_and(|share| share.abs() < 0.05),
            "{}: {unaccounted:?}",
            row.key()
        );
    }
    assert_valid(&checkout.report_json(LAB));
    assert_limits(&docker);
    explain_gives_the_same_verdicts(&checkout);
    observability::look_back(&docker, &checkout);
}

pub(crate) fn assert_valid(report: &Value) {
    let schema = std::fs::read_to_string(root().join("docs/run.schema.json")).unwrap();
    let schema: Value = serde_json::from_str(&schema).unwrap();
    let validator = jsonschema::validator_for(&schema).unwrap();
    let errors: Vec<_> = validator
        .iter_errors(report)
        .map(|e| e.to_string())
        .collect();
    assert!(errors.is_empty(), "{errors:?}");
}

/// The limits by the engine's account, and by the kernel's inside.
fn assert_limits(docker: &Docker) {
    for (station, replicas, cpus, cpuset) in LIMITS {
        let containers = docker.containers(station);
        assert_eq!(containers.len(), replicas, "{station}");
        for container in containers {
            let config = &docker.inspect(&container)["HostConfig"];
            let nano_cpus = config["NanoCpus"].as_i64().unwrap();
            assert_eq!(nano_cpus, (cpus.unwrap_or(0.0) * 1e9) as i64, "{station}");
            assert_eq!(config["CpusetCpus"], cpuset, "{station}");
            assert_eq!(quota_inside(docker, &container), cpus, "{station}");
            assert_hardened(docker, station, &container);
        }
    }
}

/// The quota in CPUs that the container's own files show.
pub(crate) fn quota_inside(docker: &Docker, container: &str) -> Option<f64> {
    let read = "cat /sys/fs/cgroup/cpu.max 2>/dev/null || \
                cat /sys/fs/cgroup/cpu/cpu.cfs_quota_us /sys/fs/cgroup/cpu/cpu.cfs_period_us";
    let text = docker.output(&["exec", container, "sh", "-c", read]);
    let mut words = text.split_whitespace();
    let quota: f64 = words.next()?.parse().ok().filter(|&quota| quota > 0.0)?;
    Some(quota / words.next()?.parse::<f64>().ok()?)
}

pub(crate) fn assert_hardened(docker: &Docker, station: &str, container: &str) {
    let all = docker.inspect(container);
    assert_eq!(all["Config"]["User"], "10001:10001", "{station}");
    assert_eq!(all["HostConfig"]["ReadonlyRootfs"], true, "{station}");
    assert_eq!(all["HostConfig"]["CapDrop"][0], "ALL", "{station}");
    assert!(
        all["HostConfig"]["Memory"].as_i64().unwrap() > 0,
        "{station}"
    );
}

fn explain_gives_the_same_verdicts(checkout: &Checkout) {
    let run = checkout.path("results/lab-primes/latest/run.json");
    let folder = run.parent().unwrap().canonicalize().unwrap();
    let mount = format!("{}:/run-to-explain:ro", folder.display());
    let output = std::process::Command::new("docker")
        .args([
            "run",
            "--rm",
            "--network",
            "none",
            "-v",
            &mount,
            "parlab/lab",
        ])
        .args(["explain", "--json", "/run-to-explain/run.json"])
        .output()
        .unwrap();
    let again: measure::report::RunReport = serde_json::from_slice(&output.stdout).unwrap();
    let verdicts = |report: &measure::report::RunReport| -> Vec<_> {
        report.rows.iter().map(|row| row.verdict.clone()).collect()
    };
    assert_eq!(verdicts(&again), verdicts(&checkout.report(LAB)));
}

#[test]
fn an_edited_limit_is_named_in_the_next_report_with_its_effect() {
    let Some(docker) = Docker::take("lab-primes, edited") else {
        return;
    };
    let checkout = docker.checkout();
    let narrowed = ["lab-primes", "STATION=primes-half", "WORKERS=2"];

    let before = checkout.run(&narrowed);
    assert!(before.status.success(), "{}", said(&before));
    checkout.edit_quota(LAB, "primes-half", "0.5", "0.25");
    let after = checkout.run(&narrowed);

    assert!(after.status.success(), "{}", said(&after));
    let report = checkout.report(LAB);
    let change = report
        .changes
        .iter()
        .find(|c| c.subject == "primes-half" && c.knob == "cpus");
    let change = change.unwrap_or_else(|| panic!("{:?}", report.changes));
    assert_eq!(
        (change.before.as_str(), change.after.as_str()),
        ("0.5", "0.25")
    );
    // Half the quota: twice the wall, six rounds against six.
    assert!(!change.effects.is_empty(), "{change:?}");
    let said_so = change
        .effects
        .iter()
        .any(|effect| effect.contains("× as long"));
    assert!(said_so, "{change:?}");
    let half = report.stations.iter().find(|s| s.name == "primes-half");
    assert_eq!(half.unwrap().effective.quota_cpus, Some(0.25));
    let stdout = String::from_utf8_lossy(&after.stdout);
    assert!(stdout.contains("0.25"), "{stdout}");
}

#[test]
fn a_killed_station_is_named_and_the_other_rows_go_on() {
    let Some(docker) = Docker::take("lab-primes, killed") else {
        return;
    };
    let checkout = docker.checkout();
    let arguments = ["lab-primes", "QUICK=1"];

    let mut child = checkout.make(&arguments).spawn().unwrap();
    let stderr = child.stderr.take().unwrap();
    let mut killed = false;
    // Lines are read to the end: a full pipe would keep the run from ending.
    for line in BufReader::new(stderr).lines().map_while(Result::ok) {
        if !killed && line.contains("round 1 of") {
            let container = docker.containers("primes-one").remove(0);
            docker.output(&["kill", &container]);
            killed = true;
        }
    }
    let output = child.wait_with_output().unwrap();

    assert!(
        killed,
        "the first round was never announced: {}",
        said(&output)
    );
    assert_eq!(
        output.status.code(),
        Some(2),
        "make's own failure: {}",
        said(&output)
    );
    let report = checkout.report(LAB);
    let (lost, kept): (Vec<_>, Vec<_>) =
        report.rows.iter().partition(|r| r.station == "primes-one");
    for row in lost {
        let why = row.not_run.as_ref().unwrap();
        assert!(why.contains("primes-one was lost"), "{why}");
        // And not after a deadline.
        assert!(why.contains("the connection broke"), "{why}");
        assert!(row.rounds.len() < 3);
    }
    for row in kept {
        assert_eq!(row.rounds.len(), 3, "{}", row.key());
    }
    let stdout = String::from_utf8_lossy(&output.stdout);
    assert!(stdout.contains("primes-one was lost"), "{stdout}");
}

#[test]
fn an_interrupted_run_keeps_whole_rounds_and_leaves_nothing_running() {
    let Some(docker) = Docker::take("lab-primes, interrupted") else {
        return;
    };
    let checkout = docker.checkout();
    let arguments = ["lab-primes", "QUICK=1"];

    let mut child = checkout.make(&arguments).spawn().unwrap();
    let stderr = child.stderr.take().unwrap();
    let id = child.id();
    let mut interrupted = false;
    for line in BufReader::new(stderr).lines().map_while(Result::ok) {
        if !interrupted && line.contains("round 1 of") {
            std::thread::sleep(Duration::from_millis(1500));
            signal_script(id, "INT");
            interrupted = true;
        }
    }
    let status = child.wait().unwrap();

    assert!(interrupted && !status.success());
    let report = checkout.report(LAB);
    assert!(report.partial);
    let rounds: Vec<_> = report.rows.iter().map(|row| row.rounds.len()).collect();
    assert!(
        rounds.iter().all(|&n| n == rounds[0] && n >= 1),
        "{rounds:?}"
    );
    assert!(
        docker.containers("lab").is_empty(),
        "the runner is still there"
    );
}

#[test]
fn the_runner_ends_with_a_script_that_is_killed() {
    let Some(docker) = Docker::take("lab-primes, killed") else {
        return;
    };
    let checkout = docker.checkout();

    let mut child = checkout.make(&["lab-primes", "QUICK=1"]).spawn().unwrap();
    let stderr = child.stderr.take().unwrap();
    let mut killed = false;
    // To the end of what the runner says.
    for line in BufReader::new(stderr).lines().map_while(Result::ok) {
        if !killed && line.contains("round 1 of") {
            signal_script(child.id(), "KILL");
            killed = true;
        }
    }

    assert!(killed && !child.wait().unwrap().success());
    assert!(checkout.report(LAB).partial);
    // Its last words are heard before the engine has taken note of its end.
    let deadline = Instant::now() + Duration::from_secs(20);
    while !docker.containers("lab").is_empty() {
        assert!(Instant::now() < deadline, "the runner is still there");
        std::thread::sleep(Duration::from_millis(200));
    }
}

/// A signal to the script that make started; SIGINT is Ctrl-C without a terminal.
fn signal_script(make: u32, signal: &str) {
    let signal = format!("kill -{signal} $(pgrep -P {make} -f lab.sh)");
    let status = std::process::Command::new("sh")
        .args(["-c", &signal])
        .status()
        .unwrap();
    assert!(status.success());
}

#[test]
fn a_limit_above_the_hosts_is_refused_by_line_and_the_others_run() {
    let Some(docker) = Docker::take("lab-primes, refused") else {
        return;
    };
    let checkout = docker.checkout();
    let line = checkout.edit_quota(LAB, "primes-one", "1.0", "999.0");

    let alone = checkout.run(&["lab-primes", "STATION=primes-one"]);
    let arguments = [
        "lab-primes",
        "STATION=primes-one,primes-two",
        "ROUNDS=1",
        "LIMIT=2e5",
    ];
    let output = checkout.run(&arguments);

    assert!(!alone.status.success());
    let nothing = said(&alone);
    assert!(
        nothing.contains("STATION=primes-one: nothing of this can be measured here"),
        "{nothing}"
    );
    let said = said(&output);
    assert!(output.status.success(), "{said}");
    assert!(
        said.contains(&format!("compose/lab-primes.yml:{line}")),
        "{said}"
    );
    let report = checkout.report(LAB);
    let refused = report
        .stations
        .iter()
        .find(|s| s.name == "primes-one")
        .unwrap();
    assert!(refused.refused.is_some());
    let baseline = report.rows.iter().find(|row| row.baseline).unwrap();
    assert_eq!(baseline.rounds.len(), 1);
}

#[test]
fn taking_down_what_is_not_up_is_no_error() {
    let Some(docker) = Docker::take("down, twice") else {
        return;
    };
    let checkout = docker.checkout();
    for _ in 0..2 {
        let output = checkout.run(&["down"]);
        assert!(output.status.success(), "{}", said(&output));
    }
}
