//! `lab run --local`: the same lab as child processes, without Docker.

pub(crate) mod bench;
mod faults;

use crate::support::{finish, said};
use crate::truth::{DISTURBED, disturbance};
use bench::{Bench, children_of, first_round, gone, groups_of, programs, signal, stations_of};
use measure::report::{Backend, EnforcementMeans, RunReport, Station, VerdictKind};
use std::process::{Command, Output};

const LAB: &str = "lab-primes";

/// Small enough for programs that are not optimised.
const SMALL: (&str, &str) = ("LIMIT", "2e5");

/// One row and one round.
pub(crate) const SHORTEST: [(&str, &str); 4] = [
    ("STATION", "primes-pinned"),
    ("WORKERS", "1"),
    ("ROUNDS", "1"),
    SMALL,
];

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
fn a_run_ends_with_the_script_that_called_it() {
    let bench = Bench::new();
    // With nothing behind it the shell would become the runner.
    let words = "--script $$; echo 'the script has gone on'";
    let mut script = bench.start_in_script(words, &[("STATION", "primes-pinned"), SMALL]);
    let stderr = first_round(&mut script);
    let runner = *children_of(script.id()).first().unwrap();
    assert!(!stations_of(runner).is_empty());

    signal(script.id(), "KILL");
    // Until the runner, which has the other ends, has ended too.
    let output = script.wait_with_output().unwrap();
    stderr.join().unwrap();

    let stdout = String::from_utf8_lossy(&output.stdout);
    assert!(stdout.contains("The whole run: "), "{stdout}");
    assert!(!stdout.contains("has gone on"), "{stdout}");
    assert!(bench.report().partial);
    gone(|| stations_of(runner));
    gone(|| groups_of(runner));
    // What the killed script left of its lock is in nobody's way.
    let next = finish(
        bench.start_in_script("--script $$", &SHORTEST),
        &["a script"],
    );
    assert!(next.status.success(), "{}", said(&next));
}

#[test]
fn a_script_and_a_run_called_by_hand_see_each_other() {
    let bench = Bench::new();
    let busy = |output: &Output| {
        let said = said(output);
        assert_eq!(output.status.code(), Some(75), "{said}");
        assert!(said.contains("another lab is running here"), "{said}");
    };

    // By hand in a shell that holds the scripts' lock, since it is not named.
    busy(&finish(bench.start_in_script("", &SHORTEST), &["a script"]));

    let mut by_hand = bench.start(&[("STATION", "primes-pinned"), SMALL]);
    let stderr = first_round(&mut by_hand);
    let script = bench.start_in_script("--script $$", &SHORTEST);
    let output = finish(script, &["a script"]);
    signal(by_hand.id(), "INT");
    by_hand.wait_with_output().unwrap();
    stderr.join().unwrap();
    busy(&output);
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
