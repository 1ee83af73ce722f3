//! `lab run --local`: the same lab as child processes, without Docker.

pub(crate) mod bench;

use crate::support::{finish, said};
use crate::truth::{DISTURBED, disturbance};
use bench::{Bench, first_round, gone, groups_of, programs, signal, stations_of};
use measure::report::{Backend, EnforcementMeans, RunReport, Station, VerdictKind};
use std::process::Command;

const LAB: &str = "lab-primes";

/// Small enough for programs that are not optimised.
const SMALL: (&str, &str) = ("LIMIT", "2e5");

fn station<'r>(report: &'r RunReport, name: &str) -> &'r Station {
    let mut stations = report.stations.iter();
    stations.find(|station| station.name == name).unwrap()
}

#[test]
fn a_narrowed_run_has_the_files_limits_and_its_verdicts() {
    let bench = Bench::new();

    let child = bench.start(&[
        ("QUICK", "1"),
        ("STATION", "primes-half,primes-pinned,primes-fleet"),
        ("WORKERS", "2"),
        SMALL,
    ]);
    let runner = child.id();
    let output = finish(child, &["lab run --local"]);

    assert!(output.status.success(), "{}", said(&output));
    let report = bench.report();
    assert_eq!(report.backend, Backend::Local);
    let enforcement = report.host.enforcement.as_ref().unwrap();
    if enforcement.means == EnforcementMeans::Affinity {
        eprintln!("left out, since quotas need a control group: limits and verdicts");
        return;
    }
    for (name, cpus, cpuset, replicas) in [
        ("primes-half", Some(0.5), None, 1),
        ("primes-pinned", None, Some("0"), 1),
        ("primes-fleet", Some(0.5), None, 4),
    ] {
        let station = station(&report, name);
        assert_eq!(station.effective.quota_cpus, cpus, "{name}");
        assert_eq!((station.agree, station.replicas), (Some(true), replicas));
        if cpuset.is_some() {
            assert_eq!(station.effective.cpuset.as_deref(), cpuset, "{name}");
        }
    }
    // A row that others disturbed may say that instead, if it was measured.
    for (name, kind) in [
        ("primes-half", VerdictKind::Quota),
        ("primes-pinned", VerdictKind::Oversubscribed),
    ] {
        let mut rows = report.rows.iter();
        let row = rows
            .find(|row| row.station == name && row.workers == 2)
            .unwrap();
        let verdict = row.verdict.as_ref().unwrap();
        let left_open = matches!(verdict.kind, VerdictKind::Host | VerdictKind::Unclear)
            && disturbance(row) >= DISTURBED;
        assert!(verdict.kind == kind || left_open, "{name}: {verdict:?}");
    }
    let stdout = String::from_utf8_lossy(&output.stdout);
    assert!(stdout.contains("stations as local processes"), "{stdout}");
    assert!(stdout.contains("This cannot show"), "{stdout}");
    gone(|| stations_of(runner));
    gone(|| groups_of(runner));
}

#[test]
fn ctrl_c_keeps_whole_rounds_and_leaves_nothing() {
    let bench = Bench::new();
    let mut child = bench.start(&[("STATION", "primes-pinned"), SMALL]);
    let runner = child.id();

    let stderr = first_round(&mut child);
    assert!(!stations_of(runner).is_empty());
    signal(runner, "INT");
    let output = child.wait_with_output().unwrap();

    assert_eq!(
        output.status.code(),
        Some(130),
        "{}",
        stderr.join().unwrap()
    );
    assert!(bench.report().partial);
    gone(|| stations_of(runner));
    gone(|| groups_of(runner));
}

#[test]
fn stats_shows_the_stations_while_their_run_goes_on() {
    let stats = || {
        let mut command = Command::new(programs().join("lab"));
        command.arg("stats").output().unwrap()
    };
    let bench = Bench::new();
    assert!(!stats().status.success(), "no run is under way");
    let mut child = bench.start(&[("STATION", "primes-pinned"), SMALL]);
    let stderr = first_round(&mut child);
    let stations = stations_of(child.id());

    let shown = stats();
    signal(child.id(), "INT");
    child.wait_with_output().unwrap();
    stderr.join().unwrap();

    assert!(shown.status.success(), "{}", said(&shown));
    let text = String::from_utf8_lossy(&shown.stdout);
    let line = text
        .lines()
        .find(|line| line.starts_with("primes-pinned-1 "));
    let words: Vec<&str> = line.unwrap().split_whitespace().collect();
    assert!(stations.iter().any(|process| process == words[1]), "{text}");
    assert_eq!(words[5], "0", "the CPU that the file has: {text}");
}

#[test]
fn what_a_killed_runner_leaves_dies_and_the_next_run_removes_it() {
    let bench = Bench::new();
    let mut child = bench.start(&[("STATION", "primes-pinned"), SMALL]);
    let runner = child.id();
    let stderr = first_round(&mut child);
    let had_groups = !groups_of(runner).is_empty();

    signal(runner, "KILL");
    child.wait().unwrap();
    stderr.join().unwrap();

    gone(|| stations_of(runner));
    let settings = [
        ("STATION", "primes-pinned"),
        ("WORKERS", "1"),
        ("ROUNDS", "1"),
        SMALL,
    ];
    let next = bench.run(&settings);
    assert!(next.status.success(), "{}", said(&next));
    gone(|| groups_of(runner));
    let removed = String::from_utf8_lossy(&next.stderr).contains("of runs that were killed");
    assert_eq!(removed, had_groups, "{}", said(&next));
}

#[test]
fn a_second_run_is_told_of_the_first() {
    let bench = Bench::new();
    let mut first = bench.start(&[("STATION", "primes-pinned"), SMALL]);
    let stderr = first_round(&mut first);

    let second = bench.run(&[SMALL]);
    signal(first.id(), "INT");
    first.wait_with_output().unwrap();
    stderr.join().unwrap();

    assert_eq!(second.status.code(), Some(75), "{}", said(&second));
    let said = said(&second);
    assert!(said.contains("another lab is running here"), "{said}");
}

#[test]
fn with_affinity_alone_fractions_do_not_run_and_whole_cpus_are_pins() {
    let bench = Bench::new();

    let output = bench.run(&[
        ("LAB_LIMITS", "affinity"),
        ("STATION", "primes-half,primes-one"),
        ("WORKERS", "1"),
        ("ROUNDS", "1"),
        SMALL,
    ]);

    assert!(output.status.success(), "{}", said(&output));
    let report = bench.report();
    let means = report.host.enforcement.as_ref().unwrap().means;
    assert_eq!(means, EnforcementMeans::Affinity);
    let why = station(&report, "primes-half").refused.clone().unwrap();
    assert!(
        why.contains("a quota of 0.5 CPUs needs a control group"),
        "{why}"
    );
    let one = station(&report, "primes-one");
    assert_eq!((one.agree, one.effective.cpus), (Some(true), Some(1.0)));
    let cpuset = one.effective.cpuset.as_deref().unwrap();
    assert!(!cpuset.contains(['-', ',']), "one CPU: {cpuset}");
}

#[test]
fn what_only_docker_has_is_refused_by_line_and_the_others_run() {
    let bench = Bench::new();
    let text = std::fs::read_to_string(bench.compose()).unwrap();
    let station = "  primes-half:\n";
    let edited = text.replacen(
        station,
        &format!("{station}    volumes: [\"/tmp:/data\"]\n"),
        1,
    );
    let line = edited
        .lines()
        .position(|line| line.contains("volumes"))
        .unwrap()
        + 1;
    std::fs::write(bench.compose(), edited).unwrap();

    let output = bench.run(&[
        ("STATION", "primes-pinned"),
        ("WORKERS", "1"),
        ("ROUNDS", "1"),
        SMALL,
    ]);

    let said = said(&output);
    assert!(output.status.success(), "{said}");
    let place = format!("compose/lab-primes.yml:{line}: primes-half: a local station has no disk");
    assert!(said.contains(&place), "{said}");
}

#[test]
fn a_component_that_the_lab_needs_is_refused_before_anything_starts() {
    let bench = Bench::new();
    let text = std::fs::read_to_string(bench.compose()).unwrap();
    std::fs::write(
        bench.compose(),
        format!("{text}\nx-parlab: {{needs: [redis]}}\n"),
    )
    .unwrap();

    let output = bench.run(&[]);

    assert_eq!(output.status.code(), Some(65), "{}", said(&output));
    let said = said(&output);
    assert!(
        said.contains("this lab needs redis, which local stations cannot start yet"),
        "{said}"
    );
}

/// The options are checked before a station runs that could be asked.
#[test]
fn what_the_check_knows_of_primes_is_what_primes_says() {
    let bench = Bench::new();
    let names = |said: &str, before: &str, after: char| -> Vec<String> {
        let (_, list) = said.split_once(before).unwrap_or_else(|| panic!("{said}"));
        let list = list.split([after, '\n']).next().unwrap();
        list.split(", ")
            .map(|name| name.trim().to_owned())
            .collect()
    };
    for (option, variable) in [("--strategy", "STRATEGY"), ("--kernel", "KERNEL")] {
        let refused = bench.primes(&["run", option, "none-of-these"]);
        let of_primes = names(&said(&refused), "allowed is ", ';');
        let refused = bench.run(&[(variable, "none-of-these")]);
        assert_eq!(refused.status.code(), Some(64), "{}", said(&refused));
        assert_eq!(names(&said(&refused), "(there are ", ')'), of_primes);
    }
    let refused = bench.primes(&["run", "--limit", "1e30"]);
    let limit = names(&said(&refused), "must be from 1 to ", ';');
    let refused = bench.run(&[("LIMIT", "1e30")]);
    assert_eq!(names(&said(&refused), "must be from 1 to ", ';'), limit);
}

/// One row and one round.
const SHORTEST: [(&str, &str); 4] = [
    ("STATION", "primes-pinned"),
    ("WORKERS", "1"),
    ("ROUNDS", "1"),
    SMALL,
];

#[test]
fn a_full_disk_costs_neither_the_table_nor_the_run_before() {
    let bench = Bench::new();
    let first = bench.run(&SHORTEST);
    assert!(first.status.success(), "{}", said(&first));
    let before = bench.kept();

    // A file that may not grow fails as a full disk does, and needs no root.
    let child = bench.start_with_small_files(&SHORTEST);
    let runner = child.id();
    let second = finish(child, &["lab run --local"]);

    assert_eq!(second.status.code(), Some(1), "{}", said(&second));
    let stdout = String::from_utf8_lossy(&second.stdout);
    assert!(
        stdout.contains("sequential *") && stdout.contains("\nVerdicts\n"),
        "{stdout}"
    );
    let stderr = String::from_utf8_lossy(&second.stderr);
    assert!(
        stderr.contains("run.json: the run cannot be written"),
        "{stderr}"
    );
    assert_eq!(
        bench.kept(),
        before,
        "the first run and `latest`, nothing half"
    );
    assert!(!bench.report().rows.is_empty());
    gone(|| stations_of(runner));
    gone(|| groups_of(runner));
}

#[test]
fn earlier_runs_that_cannot_be_read_are_passed_over() {
    let bench = Bench::new();
    for (name, text) in [
        ("2020-01-01T00-00-00Z", "{\"schema\": \"parl"),
        ("2020-01-02T00-00-00Z", "{\"schema\": \"parlab-run/9\"}"),
        ("2020-01-03T00-00-00Z", "no run at all"),
    ] {
        let folder = bench.runs().join(name);
        std::fs::create_dir_all(&folder).unwrap();
        std::fs::write(folder.join("run.json"), text).unwrap();
    }
    // A folder of that name is none either.
    std::fs::create_dir_all(bench.runs().join("2020-01-04T00-00-00Z/run.json")).unwrap();

    let output = bench.run(&SHORTEST);

    assert!(output.status.success(), "{}", said(&output));
    let passed_over = bench.report().compared_with.passed_over;
    assert_eq!(passed_over.len(), 3, "{passed_over:?}");
}

#[test]
fn results_that_cannot_be_written_are_said_before_anything_is_measured() {
    let bench = Bench::new();
    std::fs::write(bench.runs().parent().unwrap(), "in the way").unwrap();

    let output = bench.run(&SHORTEST);

    assert_eq!(output.status.code(), Some(1), "{}", said(&output));
    let said = said(&output);
    assert!(
        said.contains("results/lab-primes: you cannot write there"),
        "{said}"
    );
    assert!(!said.contains("round 1 of"), "{said}");
}
