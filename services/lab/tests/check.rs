//! `lab check` as it is called: what goes to which stream, and exit status.

#![allow(clippy::unwrap_used)]

use assert_cmd::Command;
use std::path::Path;
use tempfile::TempDir;

const LAB: &str = "\
services:
  one:
    extends: {file: services.yml, service: primes}
    cpuset: \"0\"
  three:
    extends: {file: services.yml, service: primes}
    deploy:
      resources:
        limits:
          cpus: 3.0
  lab: {image: parlab/lab, profiles: [run]}
";
const SERVICES: &str = "services:\n  primes: {image: parlab/primes}\n";

fn folder(lab: &str) -> TempDir {
    let folder = tempfile::tempdir().unwrap();
    std::fs::write(folder.path().join("lab-x.yml"), lab).unwrap();
    std::fs::write(folder.path().join("services.yml"), SERVICES).unwrap();
    folder
}

/// Exit status, standard output and standard error.
fn check(folder: &Path, arguments: &[&str]) -> (i32, String, String) {
    check_with(folder, arguments, &[])
}

/// The same, with these variables set.
fn check_with(
    folder: &Path,
    arguments: &[&str],
    variables: &[(&str, &str)],
) -> (i32, String, String) {
    let output = Command::cargo_bin("lab")
        .unwrap()
        .arg("check")
        .arg("--compose-dir")
        .arg(folder)
        .args(arguments)
        .envs(variables.iter().copied())
        .output()
        .unwrap();
    let text = |bytes| String::from_utf8(bytes).unwrap();
    (
        output.status.code().unwrap(),
        text(output.stdout),
        text(output.stderr),
    )
}

const REFUSED: &str =
    "compose/lab-x.yml:10: three: cpus 3 is above this host's 2 CPUs; write 2 or less\n";

#[test]
fn a_limit_above_the_host_refuses_its_station_and_no_other() {
    let folder = folder(LAB);

    let (status, out, err) = check(folder.path(), &["--lab", "x", "--host-cpus", "2"]);

    assert_eq!((status, err.as_str()), (0, ""));
    let summary = "one    cpuset 0  granted\n\
                   three  3 CPUs    refused: cpus 3 is above this host's 2 CPUs\n";
    assert_eq!(out, format!("{REFUSED}{summary}"));
}

#[test]
fn for_a_script_only_station_names_go_to_standard_output() {
    let folder = folder(LAB);
    let arguments = ["--lab", "lab-x", "--format", "stations", "--host-cpus"];

    let two = check(folder.path(), &[&arguments[..], &["2"]].concat());
    assert_eq!(two, (0, "one\n".to_owned(), REFUSED.to_owned()));
    let three = check(folder.path(), &[&arguments[..], &["3"]].concat());
    assert_eq!(three, (0, "one\nthree\n".to_owned(), String::new()));
}

#[test]
fn a_broken_file_is_status_65_and_grants_nothing() {
    let folder = folder(&LAB.replace("cpuset:", "cpu_set:"));
    let arguments = [
        "--lab",
        "x",
        "--format",
        "stations",
        "--display-dir",
        "my/compose",
    ];

    let (status, out, err) = check(folder.path(), &arguments);

    assert_eq!((status, out.as_str()), (65, ""));
    assert_eq!(
        err,
        "my/compose/lab-x.yml:4: one: a service has no key \"cpu_set\"; did you mean cpuset?\n"
    );
}

#[test]
fn no_station_that_can_run_is_status_65() {
    let folder = folder(&LAB.replace("cpuset: \"0\"", "cpuset: \"5\""));

    let (status, out, _) = check(folder.path(), &["--lab", "x", "--host-cpus", "2"]);

    assert_eq!(status, 65);
    assert!(out.contains("refused: cpuset 5 leaves it no CPU"), "{out}");
}

#[test]
fn a_lab_that_is_not_there_is_named_with_those_that_are() {
    let folder = folder(LAB);

    let (status, out, _) = check(folder.path(), &["--lab", "primes"]);

    assert_eq!(status, 65);
    assert!(
        out.contains("cannot read lab-primes.yml: it does not exist"),
        "{out}"
    );
    assert!(out.contains("there are: lab-x.yml, services.yml"), "{out}");
    let (status, out, _) = check(&folder.path().join("gone"), &["--lab", "x"]);
    assert_eq!(status, 65);
    assert!(out.contains("there is no folder"), "{out}");
}

#[test]
fn variables_come_from_the_environment() {
    let folder = folder(&LAB.replace("3.0", "${PARLAB_TEST_CPUS:-3.0}"));

    let arguments = ["--format", "stations", "--lab", "x", "--host-cpus", "2"];
    let two = [("PARLAB_TEST_CPUS", "2")];

    let (_, out, _) = check_with(folder.path(), &arguments, &two);

    assert_eq!(out, "one\nthree\n");
}

/// `lab-primes` as it stands here, for a machine of two CPUs.
fn check_primes(variables: &[(&str, &str)]) -> (i32, String, String) {
    let compose = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../compose");
    let arguments = ["--lab", "primes", "--format", "stations"];
    check_with(
        &compose,
        &[&arguments[..], &["--host-cpus", "2"]].concat(),
        variables,
    )
}

#[test]
fn an_option_that_cannot_be_is_one_line_and_status_64() {
    for (variable, value, says) in [
        ("STATION", "primes-hlaf", "did you mean primes-half?"),
        ("STATION", "primes-one,elsewhere", "STATION=elsewhere: "),
        ("STRATEGY", "work-steling", "did you mean work-stealing?"),
        ("KERNEL", "seive", "did you mean sieve?"),
        ("KERNEL", "trial,sieve", "must be one name"),
        (
            "WORKERS",
            "1,two",
            "must be auto, or whole numbers from 1 to 1024",
        ),
        (
            "WORKERS",
            "0",
            "must be auto, or whole numbers from 1 to 1024",
        ),
        ("ROUNDS", "0", "must be a whole number from 1 to 100"),
        ("QUICK", "maybe", "must be 1 or 0"),
        ("LIMIT", "0", "must be from 1 to 1000000000000 (10^12)"),
        ("LIMIT", "-1", "must be from 1 to 1000000000000 (10^12)"),
        ("LIMIT", "1e30", "must be from 1 to 1000000000000 (10^12)"),
        (
            "LIMIT",
            "1000000000001",
            "must be from 1 to 1000000000000 (10^12)",
        ),
        (
            "LIMIT",
            "abc",
            "must be a whole number, such as 2000000 or 2e6",
        ),
        (
            "LIMIT",
            "2.5",
            "must be a whole number, such as 2000000 or 2e6",
        ),
        (
            "LAB_GIVEN",
            "LIMT",
            "LIMT: there is no such variable; did you mean LIMIT?",
        ),
        ("LAB_GIVEN", "QUICK stations", "did you mean STATION?"),
        ("LAB_GIVEN", "ROUND", "did you mean ROUNDS?"),
    ] {
        let (status, out, err) = check_primes(&[(variable, value)]);
        let said = format!("{variable}={value}: {status} {out}{err}");
        assert_eq!((status, out.as_str()), (64, ""), "{said}");
        assert_eq!(err.lines().count(), 1, "{said}");
        assert!(err.contains(says), "{said}");
    }
}

#[test]
fn a_run_of_refused_stations_alone_is_status_64_behind_their_lines() {
    let folder = folder(LAB);
    std::fs::rename(
        folder.path().join("lab-x.yml"),
        folder.path().join("lab-primes.yml"),
    )
    .unwrap();
    let arguments = [
        "--lab",
        "primes",
        "--format",
        "stations",
        "--host-cpus",
        "2",
    ];
    let asked = |stations: &str| check_with(folder.path(), &arguments, &[("STATION", stations)]);

    let (status, _, err) = asked("three");
    assert_eq!(status, 64, "{err}");
    let lines: Vec<&str> = err.lines().collect();
    assert!(
        lines[0].starts_with("compose/lab-primes.yml:10: three: "),
        "{err}"
    );
    assert_eq!(
        lines[1],
        "✗ STATION=three: nothing of this can be measured here, so nothing was: three: cpus 3 is \
         above this host's 2 CPUs"
    );
    let (status, out, err) = asked("three,one");
    assert_eq!((status, out.as_str()), (0, "one\n"), "{err}");
}

#[test]
fn options_that_can_be_grant_what_a_run_without_them_does() {
    let plain = check_primes(&[]);
    assert_eq!(plain.0, 0, "{plain:?}");
    for (variable, value) in [
        ("STATION", "primes-one, primes-two"),
        (
            "STRATEGY",
            "sequential,static-threads,executor,channels,processes,async",
        ),
        ("WORKERS", "auto"),
        ("WORKERS", "1,auto,1024"),
        ("KERNEL", "sieve"),
        ("LIMIT", "1"),
        ("LIMIT", "1e12"),
        ("ROUNDS", "100"),
        ("QUICK", "1"),
        // What make passes on where nothing is set.
        ("WORKERS", ""),
        // Ours, the scripts', and one that may be meant for something else.
        (
            "LAB_GIVEN",
            "LIMIT LOCAL COLUMNS DEBIAN_MIRROR PARLAB_PORT_GRAFANA",
        ),
    ] {
        assert_eq!(
            check_primes(&[(variable, value)]),
            plain,
            "{variable}={value}"
        );
    }
}

#[test]
fn what_is_wrong_in_a_file_is_said_with_its_line_the_cause_first() {
    for (from, to, said) in [
        (
            "  three:",
            "  three",
            &["compose/lab-x.yml:6: not YAML: "][..],
        ),
        (
            "    deploy:",
            "    depoly:",
            &["compose/lab-x.yml:7: three: a service has no key \"depoly\"; did you mean deploy?"],
        ),
        (
            "{file: services.yml, service: primes}\n    cpuset",
            "{service: one}\n    cpuset",
            &["compose/lab-x.yml:3: one: services extend one another in a circle: one → one"],
        ),
        (
            "3.0",
            "${PARLAB_TEST_NOT_SET}",
            &[
                "compose/lab-x.yml:10: warning: the variable PARLAB_TEST_NOT_SET is not set",
                "compose/lab-x.yml:10: three: cpus: \"\" is not a number",
            ],
        ),
    ] {
        let folder = folder(&LAB.replacen(from, to, 1));
        let arguments = ["--lab", "x", "--format", "stations", "--host-cpus", "2"];

        let (status, out, err) = check(folder.path(), &arguments);

        assert_eq!((status, out.as_str()), (65, ""), "{err}");
        let lines: Vec<&str> = err.lines().collect();
        assert_eq!(lines.len(), said.len(), "{err}");
        for (line, start) in lines.iter().zip(said) {
            assert!(line.starts_with(start), "{line}");
        }
    }
}

/// The real labs, on the smallest host they are written for.
#[test]
fn every_lab_of_the_repository_is_granted_whole_on_two_cpus() {
    let compose = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../compose");
    let mut labs = 0;
    for file in std::fs::read_dir(&compose).unwrap() {
        let name = file.unwrap().file_name().into_string().unwrap();
        let Some(lab) = name
            .strip_prefix("lab-")
            .and_then(|name| name.strip_suffix(".yml"))
        else {
            continue;
        };
        let (status, out, err) = check(&compose, &["--lab", lab, "--host-cpus", "2"]);
        assert_eq!(status, 0, "{out}{err}");
        assert!(!out.contains("refused") && !out.contains(".yml:"), "{out}");
        labs += 1;
    }
    assert!(labs > 0);
}
