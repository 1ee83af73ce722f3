//! `lab report`, `lab history` and `lab compare` as they are called.

#![allow(clippy::unwrap_used)]

use assert_cmd::Command;
use std::fs::File;
use std::path::{Path, PathBuf};
use std::process::Stdio;
use tempfile::TempDir;

/// A run of the lab without a row, as the runner would have kept it.
fn saved(results: &Path, lab: &str, started: &str) -> PathBuf {
    saved_with(results, lab, started, "docker", &serde_json::json!([]))
}

fn saved_with(
    results: &Path,
    lab: &str,
    started: &str,
    backend: &str,
    stations: &serde_json::Value,
) -> PathBuf {
    let run = serde_json::json!({
        "schema": "parlab-run/1", "lab": lab, "backend": backend, "started": started,
        "seconds": 1.0, "quick": false, "partial": false, "parameters": {}, "host": {},
        "stations": stations, "rows": [], "comparisons": [], "groups": [], "invariants": [],
        "changes": [],
    });
    let folder = results.join(lab).join(started.replace(':', "-"));
    std::fs::create_dir_all(&folder).unwrap();
    let file = folder.join("run.json");
    std::fs::write(&file, run.to_string()).unwrap();
    file
}

/// Exit status, standard output and standard error.
fn lab(arguments: &[&Path]) -> (i32, String, String) {
    let output = Command::cargo_bin("lab")
        .unwrap()
        .args(arguments)
        .output()
        .unwrap();
    let text = |bytes| String::from_utf8(bytes).unwrap();
    let code = output.status.code().unwrap();
    (code, text(output.stdout), text(output.stderr))
}

fn results() -> TempDir {
    tempfile::tempdir().unwrap()
}

const FIRST: &str = "2025-11-21T09:00:00Z";
const SECOND: &str = "2025-11-21T10:00:00Z";

#[test]
fn a_report_is_written_beside_its_run_and_named() {
    let results = results();
    let run = saved(results.path(), "lab-primes", FIRST);

    let (status, out, err) = lab(&[Path::new("report"), &run]);

    let page = run.with_file_name("report.html");
    assert_eq!((status, err.as_str()), (0, ""));
    assert_eq!(out.trim_end(), page.display().to_string());
    assert!(
        std::fs::read_to_string(page)
            .unwrap()
            .contains("<h1>lab-primes</h1>")
    );
}

#[test]
fn a_report_that_cannot_be_written_says_which_and_leaves_nothing_half() {
    let results = results();
    let run = saved(results.path(), "lab-primes", FIRST);
    std::fs::create_dir(run.with_file_name("report.html")).unwrap();

    let (status, out, err) = lab(&[Path::new("report"), &run]);

    assert_eq!((status, out.as_str()), (1, ""));
    assert!(
        err.contains("report.html: the page cannot be written"),
        "{err}"
    );
    assert!(!run.with_file_name("report.html.new").exists());
}

#[test]
fn the_history_has_a_line_for_each_run_the_newest_last() {
    let results = results();
    let [history, option] = [Path::new("history"), Path::new("--results")];
    let (status, out, _) = lab(&[history, option, results.path()]);
    assert_eq!(status, 0);
    assert!(
        out.contains("lab-primes: no run yet; make lab-primes\n"),
        "{out}"
    );

    saved(results.path(), "lab-primes", SECOND);
    saved(results.path(), "lab-primes", FIRST);
    let (status, out, _) = lab(&[history, option, results.path(), Path::new("primes")]);
    assert_eq!(status, 0);
    assert!(
        out.find(FIRST).unwrap() < out.find(SECOND).unwrap(),
        "{out}"
    );

    let (status, _, err) = lab(&[history, option, results.path(), Path::new("lab-prime")]);
    assert_eq!(status, 64);
    assert!(err.contains("did you mean lab-primes?"), "{err}");
}

#[test]
fn a_run_that_cannot_be_read_hides_no_other() {
    let results = results();
    saved(results.path(), "lab-primes", FIRST);
    std::fs::write(saved(results.path(), "lab-primes", SECOND), "{").unwrap();

    let arguments = ["history", "primes", "--results"].map(Path::new);
    let (status, out, err) = lab(&[&arguments[..], &[results.path()]].concat());

    assert_eq!(status, 1);
    assert!(out.contains(FIRST), "{out}");
    assert!(err.contains("is not whole JSON"), "{err}");
}

#[test]
fn only_runs_of_one_lab_are_compared() {
    let results = results();
    let compare = Path::new("compare");
    let [first, second] = [FIRST, SECOND].map(|at| saved(results.path(), "lab-primes", at));
    let other = saved(results.path(), "lab-other", SECOND);

    let (status, out, _) = lab(&[compare, &first, &second]);
    assert_eq!(status, 0);
    assert!(out.contains(&format!("{FIRST} → {SECOND}")), "{out}");

    let (status, _, err) = lab(&[compare, &first, &other]);
    assert_eq!(status, 64);
    assert!(err.contains("have no rows in common"), "{err}");
}

/// Files that are no whole run, with what is to be said of each.
fn broken(folder: &Path) -> Vec<(PathBuf, &'static str)> {
    let run = std::fs::read_to_string(saved(folder, "lab-primes", FIRST)).unwrap();
    let newer = run.replace("parlab-run/1", "parlab-run/9");
    let half = &run[..run.len() / 2];
    let texts = [
        ("newer.json", newer.as_str(), "of shape parlab-run/9"),
        ("truncated.json", half, "is not whole JSON"),
        ("empty.json", "", "is not whole JSON"),
        ("other.json", "[1, 2]", "but not a run report"),
        ("text.json", "a letter", "is not whole JSON"),
        (
            "part.json",
            "{\"schema\":\"parlab-run/1\"}",
            "is not a whole run report",
        ),
    ];
    let mut all: Vec<_> = texts
        .into_iter()
        .map(|(name, text, said)| {
            let file = folder.join(name);
            std::fs::write(&file, text).unwrap();
            (file, said)
        })
        .collect();
    std::fs::write(folder.join("bytes.json"), [0xff, 0xfe, 0x00]).unwrap();
    all.push((folder.join("bytes.json"), "is not whole JSON"));
    all.push((folder.to_owned(), "is a folder; name the run.json in it"));
    all.push((folder.join("missing.json"), "cannot be read ("));
    all
}

#[test]
fn what_is_no_whole_run_is_refused_in_a_line_whoever_reads_it() {
    let results = results();
    let run = saved(results.path(), "lab-primes", SECOND);
    for (file, said) in broken(results.path()) {
        let [explain, report, compare] = ["explain", "report", "compare"].map(Path::new);
        for arguments in [
            &[explain, &file][..],
            &[report, &file],
            &[compare, &run, &file],
            &[compare, &file, &run],
        ] {
            let (status, out, err) = lab(arguments);
            assert_eq!((status, out.as_str()), (1, ""), "{arguments:?}");
            let start = format!("✗ {}: ", file.display());
            assert!(err.starts_with(&start) && err.contains(said), "{err}");
            assert_eq!(err.lines().count(), 1, "{err}");
        }
        assert!(!file.with_file_name("report.html").exists());
    }
}

/// `lab explain` with this as its standard output: exit status and standard error.
fn explained_to(output: impl Into<Stdio>) -> (Option<i32>, String) {
    let results = results();
    let run = saved(results.path(), "lab-primes", FIRST);
    let child = std::process::Command::new(env!("CARGO_BIN_EXE_lab"))
        .arg("explain")
        .arg(run)
        .stdout(output)
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    let ended = child.wait_with_output().unwrap();
    (
        ended.status.code(),
        String::from_utf8(ended.stderr).unwrap(),
    )
}

#[test]
fn output_that_cannot_be_written_is_said_and_a_reader_that_left_is_no_fault() {
    let full = File::options().write(true).open("/dev/full").unwrap();
    let (status, said) = explained_to(full);
    assert_eq!(status, Some(1));
    let start = "✗ standard output cannot be written: No space left on device";
    assert!(said.starts_with(start), "{said}");

    let (reader, writer) = std::io::pipe().unwrap();
    drop(reader);
    assert_eq!(explained_to(writer), (Some(0), String::new()));
}

#[test]
fn a_limit_that_differs_between_docker_and_local_fails_the_comparison() {
    let results = results();
    let station = |cpus: f64| {
        serde_json::json!([{
            "name": "primes-half", "replicas": 1, "declared": {},
            "effective": {"cpus": cpus, "quota_known": true},
            "agree": true, "replica_cpusets": [],
        }])
    };
    let run = |started, backend, cpus| {
        saved_with(
            results.path(),
            "lab-primes",
            started,
            backend,
            &station(cpus),
        )
    };
    let compare = Path::new("compare");
    let docker = run(FIRST, "docker", 0.5);
    let local = run(SECOND, "local", 0.5);

    let (status, out, err) = lab(&[compare, &docker, &local]);
    assert_eq!(status, 0, "{err}");
    assert!(out.contains("Backends"), "{out}");

    let (status, out, _) = lab(&[compare, &docker, &run(SECOND, "local", 0.6)]);
    assert_eq!(status, 1);
    assert!(out.contains("primes-half: another limit"), "{out}");
}
