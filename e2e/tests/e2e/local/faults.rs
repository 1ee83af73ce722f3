//! What goes wrong: each is said plainly, costs no more than it must, and leaves
//! nothing behind.

use super::bench::{Bench, gone, groups_of, stations_of};
use super::{SHORTEST, SMALL};
use crate::support::{finish, said};
use std::net::TcpListener;
use std::path::Path;
use std::process::{Child, Command, Output};

/// Lets a run end, and sees that nothing of it is left.
fn ended(child: Child) -> Output {
    let runner = child.id();
    let output = finish(child, &["lab run --local"]);
    gone(|| stations_of(runner));
    gone(|| groups_of(runner));
    output
}

/// Puts this line below the first that has `after`; its number.
fn edit(bench: &Bench, after: &str, line: &str) -> usize {
    let text = std::fs::read_to_string(bench.compose()).unwrap();
    let above = text.lines().take_while(|text| !text.contains(after));
    let number = above.count() + 2;
    let whole = text.lines().find(|text| text.contains(after)).unwrap();
    let edited = text.replacen(whole, &format!("{whole}\n{line}"), 1);
    std::fs::write(bench.compose(), edited).unwrap();
    number
}

#[test]
fn a_broken_file_starts_nothing() {
    for (after, line, expected) in [
        ("  primes-one:", "   cpuset: 0", ": not YAML: "),
        (
            "  primes-one:",
            "    cpu_set: \"0\"",
            ": primes-one: a service has no key \"cpu_set\"; did you mean cpuset?",
        ),
        (
            "  primes-pinned:",
            "    mem_limit: ${PARLAB_TEST_NOT_SET}",
            ": warning: the variable PARLAB_TEST_NOT_SET is not set",
        ),
        (
            "services:",
            "  round: {extends: {service: about}}\n  about: {extends: {service: round}}",
            ": services extend one another in a circle: ",
        ),
    ] {
        let bench = Bench::new();
        let line = edit(&bench, after, line);

        let output = ended(bench.start(&SHORTEST));

        let said = said(&output);
        assert_eq!(output.status.code(), Some(65), "{said}");
        let named = said
            .lines()
            .any(|said| said.starts_with("compose/lab-primes.yml:") && said.contains(expected));
        assert!(named, "line {line}: {said}");
        assert!(!bench.runs().join("latest").exists());
    }
}

#[test]
fn a_limit_above_the_host_leaves_its_station_out_and_alone_is_no_run() {
    let bench = Bench::new();
    let text = std::fs::read_to_string(bench.compose()).unwrap();
    std::fs::write(bench.compose(), text.replacen("\"1.0\"", "\"999.0\"", 1)).unwrap();
    let asked = |stations: &'static str| [&SHORTEST[1..], &[("STATION", stations)]].concat();

    let both = ended(bench.start(&asked("primes-one,primes-pinned")));
    let alone = ended(bench.start(&asked("primes-one")));

    let (both_said, alone_said) = (said(&both), said(&alone));
    assert_eq!(both.status.code(), Some(0), "{both_said}");
    assert!(
        both_said.contains("cpus 999 is above this host's"),
        "{both_said}"
    );
    assert_eq!(alone.status.code(), Some(64), "{alone_said}");
    assert!(
        alone_said.contains("STATION=primes-one: nothing of this can be measured here"),
        "{alone_said}"
    );
}

#[test]
fn a_program_that_is_missing_or_ends_at_once_is_named() {
    let bench = Bench::new();
    let folder = tempfile::tempdir().unwrap();
    let with = [
        &SHORTEST[..],
        &[("LAB_PROGRAMS", folder.path().to_str().unwrap())],
    ]
    .concat();

    let missing = ended(bench.start(&with));
    let program = folder.path().join("primes");
    std::fs::write(&program, "#!/bin/sh\necho 'no luck today' >&2\nexit 3\n").unwrap();
    assert!(
        Command::new("chmod")
            .arg("+x")
            .arg(&program)
            .status()
            .unwrap()
            .success()
    );
    let ending = ended(bench.start(&with));

    let (missing_said, ending_said) = (said(&missing), said(&ending));
    assert_eq!(missing.status.code(), Some(65), "{missing_said}");
    assert!(
        missing_said.contains("its program primes is not built; cargo build --release -p primes"),
        "{missing_said}"
    );
    assert_eq!(ending.status.code(), Some(64), "{ending_said}");
    let why = "it could not be started: it ended at once (exit status: 3): no luck today";
    assert!(ending_said.contains(why), "{ending_said}");
    assert!(!bench.runs().join("latest").exists());
}

#[test]
fn a_port_that_is_taken_is_none_of_a_local_stations() {
    let taken = TcpListener::bind("127.0.0.1:0").unwrap();
    let port = taken.local_addr().unwrap().port();
    let bench = Bench::new();
    edit(
        &bench,
        "  primes-pinned:",
        &format!("    environment: {{API_PORT: {port}, ADMIN_PORT: {port}}}"),
    );
    let line = edit(
        &bench,
        "  primes-one:",
        &format!("    command: [serve, --port={port}]"),
    );

    let output = ended(bench.start(&SHORTEST));

    let said = said(&output);
    assert_eq!(output.status.code(), Some(0), "{said}");
    let refused = format!(
        "compose/lab-primes.yml:{line}: primes-one: a local station is told where to listen by \
         the runner, and takes no --port"
    );
    assert!(said.contains(&refused), "{said}");
    let report = bench.report();
    let pinned = report
        .rows
        .iter()
        .find(|row| row.station == "primes-pinned");
    assert_eq!(pinned.unwrap().rounds.len(), 1, "{said}");
}

/// A control group of version 1 with a quota of half a CPU, to start a run in.
struct Narrow(String);

impl Narrow {
    fn new() -> Option<Self> {
        let folder = format!(
            "/sys/fs/cgroup/cpu/parlab-e2e-narrow-{}",
            std::process::id()
        );
        std::fs::create_dir(&folder).ok()?;
        let narrow = Self(folder);
        std::fs::write(format!("{}/cpu.cfs_quota_us", narrow.0), "50000").ok()?;
        Some(narrow)
    }
}

impl Drop for Narrow {
    fn drop(&mut self) {
        let _ = std::fs::remove_dir(&self.0);
    }
}

#[test]
fn a_quota_that_the_kernel_refuses_half_way_costs_its_station_alone() {
    let bench = Bench::new();
    let Some(narrow) = Narrow::new() else {
        eprintln!("left out, since no group with a quota can be made here: a refused quota");
        return;
    };
    let run = |stations: &'static str| {
        let asked = [
            &SHORTEST[1..],
            &[("STATION", stations), ("LAB_LIMITS", "cgroup")],
        ]
        .concat();
        ended(bench.start_in_group(Path::new(&narrow.0), &asked))
    };

    let both = run("primes-half,primes-one");
    let alone = run("primes-one");

    let refused = "primes-one: it could not be started: ";
    let why = "cpu.cfs_quota_us: the kernel refuses 100000, perhaps since a group above it allows";
    let (both_said, alone_said) = (said(&both), said(&alone));
    // The group above also gives a quota to a station that declares none.
    assert_eq!(both.status.code(), Some(1), "{both_said}");
    let report = bench.report();
    let broken = report.invariants.iter().filter(|invariant| !invariant.held);
    let broken: Vec<&str> = broken.map(|invariant| invariant.detail.as_str()).collect();
    assert_eq!(
        broken,
        ["declared and effective limits differ in primes-pinned"]
    );
    let find = |name: &str| report.stations.iter().find(|s| s.name == name).unwrap();
    assert_eq!(find("primes-half").agree, Some(true), "{both_said}");
    assert!(
        find("primes-one").refused.as_ref().unwrap().contains(why),
        "{both_said}"
    );
    assert_eq!(alone.status.code(), Some(64), "{alone_said}");
    assert!(
        alone_said.contains(refused) && alone_said.contains(why),
        "{alone_said}"
    );
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
