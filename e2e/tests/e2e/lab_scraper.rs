//! `lab-scraper` without Docker: the stations, the origin beside them and a
//! PostgreSQL of the run's own.

mod in_docker;

use crate::local::bench::{Bench, first_round, gone, groups_of, programs, signal, stations_of};
use crate::support::{finish, root, said};
use crate::truth::{DISTURBED, disturbance};
use measure::report::{EnforcementMeans, Row, RunReport, VerdictKind};
use measure::waiting::raw;
use std::path::PathBuf;
use std::process::Command;
use std::sync::OnceLock;

const LAB: &str = "lab-scraper";

/// Small enough for programs that are not optimised.
const SMALL: [(&str, &str); 2] = [("LIMIT", "300"), ("ROUNDS", "2")];

/// The runner's folder, with the services of this lab built.
fn bench() -> Bench {
    static BUILT: OnceLock<()> = OnceLock::new();
    BUILT.get_or_init(|| {
        let built = Command::new(env!("CARGO"))
            .current_dir(root())
            .args(["build", "--quiet", "-p", "origin", "-p", "scraper"])
            .status()
            .unwrap();
        assert!(built.success(), "the programs cannot be built");
    });
    Bench::of(LAB)
}

fn row<'r>(report: &'r RunReport, station: &str, strategy: &str, kernel: &str) -> &'r Row {
    let is_it =
        |row: &&Row| (&*row.station, &*row.strategy, &*row.kernel) == (station, strategy, kernel);
    report.rows.iter().find(is_it).unwrap()
}

/// Folders and servers of a runner's own PostgreSQL.
fn databases_of(runner: u32) -> Vec<PathBuf> {
    let name = format!("parlab-postgres-{runner}");
    let folder = std::env::temp_dir().join(&name);
    let mut left: Vec<PathBuf> = folder.exists().then_some(folder).into_iter().collect();
    for process in std::fs::read_dir("/proc").unwrap().flatten() {
        let line = std::fs::read(process.path().join("cmdline")).unwrap_or_default();
        if String::from_utf8_lossy(&line).contains(&name) {
            left.push(process.path());
        }
    }
    left
}

#[test]
fn a_quick_run_stores_every_page_and_both_ends_agree_on_what_went_between_them() {
    let bench = bench();

    let child = bench.start(&[SMALL[0], SMALL[1], ("QUICK", "1")]);
    let runner = child.id();
    let output = finish(child, &["lab run --local"]);

    assert!(output.status.success(), "{}", said(&output));
    let report = bench.report();
    assert!(report.rows.len() >= 6, "{:?}", report.rows.len());
    for row in &report.rows {
        for round in &row.rounds {
            let counted = |name: &str| round.figures[name];
            let pages = counted(raw::JOB_PAGES) * round.share * f64::from(round.repeats);
            // What was asked for came by the scraper's count, and the origin gave
            // as much by its own.
            for count in [raw::PAGES, "origin_status_200", "stored"] {
                assert!(
                    (counted(count) - pages).abs() < 0.5,
                    "{} {count}",
                    row.key()
                );
            }
            assert!(counted(raw::ORIGIN_REQUESTS) >= pages, "{}", row.key());
            let connections = counted("origin_connections");
            assert!(
                connections >= counted(raw::ORIGIN_HIGHEST_IN_FLIGHT),
                "{}",
                row.key()
            );
            let highest = counted(raw::ORIGIN_HIGHEST_IN_FLIGHT);
            assert!(
                (1.0..=row.workers as f64).contains(&highest),
                "{}",
                row.key()
            );
        }
        let ideal = row.figures["ideal_seconds"];
        let wall = row.wall_seconds.unwrap().low;
        assert!(
            wall >= ideal * 0.999,
            "{}: {wall} s under {ideal} s",
            row.key()
        );
    }
    let sequential = row(&report, "scraper-one", "sequential", "light");
    assert!(sequential.baseline && sequential.scaled_from().is_some());
    // On one line, wherever it was wrapped.
    let stdout = String::from_utf8_lossy(&output.stdout);
    let stdout: Vec<&str> = stdout.split_whitespace().collect();
    let stdout = stdout.join(" ");
    for part in [
        "requests/s",
        "CPU ms",
        "is scaled",
        "Little's law",
        "where waiting ends",
    ] {
        assert!(stdout.contains(part), "{part}: {stdout}");
    }
    let stations: Vec<&str> = report.stations.iter().map(|s| s.name.as_str()).collect();
    assert_eq!(stations, ["scraper-quarter", "scraper-one"]);
    // Where it says that there is a database, that is what kept the pages.
    let stderr = String::from_utf8_lossy(&output.stderr);
    let has_database = stderr.contains("PostgreSQL of this run's own");
    let expected = if has_database { "postgres" } else { "ndjson" };
    assert_eq!(report.parameters["store"], expected, "{stderr}");
    gone(|| stations_of(runner));
    gone(|| groups_of(runner));
    gone(|| databases_of(runner));
    verdicts(&report);
}

/// Found before any that is installed, and of no use.
#[test]
fn without_postgresql_outcomes_go_into_files_which_one_line_says() {
    let bench = bench();
    let broken = tempfile::tempdir().unwrap();
    for program in ["initdb", "postgres"] {
        std::fs::write(broken.path().join(program), "").unwrap();
    }
    let path = std::env::var("PATH").unwrap();
    let path = format!("{}:{path}", broken.path().display());

    let output = bench.run(&[
        SMALL[0],
        SMALL[1],
        ("STATION", "scraper-one"),
        ("WORKERS", "64"),
        ("PATH", &path),
    ]);

    assert!(output.status.success(), "{}", said(&output));
    let stderr = String::from_utf8_lossy(&output.stderr);
    let lines: Vec<&str> = stderr
        .lines()
        .filter(|line| line.contains("PostgreSQL"))
        .collect();
    assert_eq!(lines.len(), 1, "{stderr}");
    assert!(lines[0].contains("files of JSON lines"), "{stderr}");
    let report = bench.report();
    assert_eq!(report.parameters["store"], "ndjson");
    // That it succeeded says that every outcome was stored.
    assert!(!report.rows.is_empty(), "{stderr}");
}

/// Waiting is told from CPU work; a row that others disturbed may say that.
fn verdicts(report: &RunReport) {
    if report.host.enforcement.as_ref().unwrap().means == EnforcementMeans::Affinity {
        eprintln!("left out, since quotas need a control group: verdicts");
        return;
    }
    for (station, strategy, kernel, kind) in [
        ("scraper-one", "sequential", "light", VerdictKind::Waiting),
        ("scraper-one", "threads", "light", VerdictKind::Waiting),
        ("scraper-quarter", "async", "heavy", VerdictKind::Quota),
    ] {
        let row = row(report, station, strategy, kernel);
        let verdict = row.verdict.as_ref().unwrap();
        let left_open = matches!(verdict.kind, VerdictKind::Host | VerdictKind::Unclear)
            && disturbance(row) >= DISTURBED;
        // These programs are not optimised, so that a page costs many times its
        // CPU time: 64 at once may be beyond the crossing, and their figures say so.
        let used = row.cpus_used.unwrap();
        let granted = row.granted_cpus.unwrap();
        let beyond = matches!(verdict.kind, VerdictKind::Cpu | VerdictKind::Quota)
            && row.workers > 1
            && used >= 0.8 * granted;
        assert!(
            verdict.kind == kind || left_open || beyond,
            "{}: {verdict:?}",
            row.key()
        );
    }
}

#[test]
fn what_is_beside_the_stations_dies_with_a_killed_runner_and_the_next_run_clears_up() {
    let bench = bench();
    let narrowed = [
        SMALL[0],
        SMALL[1],
        ("STATION", "scraper-one"),
        ("WORKERS", "64"),
    ];
    let mut child = bench.start(&narrowed);
    let runner = child.id();
    let stderr = first_round(&mut child);
    let had_database = !databases_of(runner).is_empty();
    // The origin, and a station for each limit.
    assert_eq!(stations_of(runner).len(), 3);

    signal(runner, "KILL");
    child.wait().unwrap();
    stderr.join().unwrap();

    gone(|| stations_of(runner));
    gone(|| {
        let mut left = databases_of(runner);
        left.retain(|path| path.starts_with("/proc"));
        left
    });
    let next = bench.run(&narrowed);
    assert!(next.status.success(), "{}", said(&next));
    if had_database {
        gone(|| databases_of(runner));
    }
}

/// The options are checked before a station runs that could be asked.
#[test]
fn what_the_check_knows_of_the_scraper_is_what_the_scraper_says() {
    let bench = bench();
    let scraper = |arguments: &[&str]| {
        let mut scraper = Command::new(programs().join("scraper"));
        let origin = ["run", "--origin", "http://localhost"];
        said(&scraper.args(origin).args(arguments).output().unwrap())
    };
    let names = |said: &str, before: &str, after: char| -> Vec<String> {
        let (_, list) = said.split_once(before).unwrap_or_else(|| panic!("{said}"));
        let list = list.split([after, '\n']).next().unwrap();
        list.split(", ")
            .map(|name| name.trim().to_owned())
            .collect()
    };
    for (option, variable) in [("--mode", "STRATEGY"), ("--parse", "KERNEL")] {
        let of_scraper = names(&scraper(&[option, "none-of-these"]), "allowed is ", ';');
        let refused = bench.run(&[(variable, "none-of-these")]);
        assert_eq!(refused.status.code(), Some(64), "{}", said(&refused));
        assert_eq!(names(&said(&refused), "(there are ", ')'), of_scraper);
    }
    let limit = names(&scraper(&["--pages", "1e30"]), "must be from 1 to ", ';');
    let refused = bench.run(&[("LIMIT", "1e30")]);
    assert_eq!(names(&said(&refused), "must be from 1 to ", ';'), limit);
    let more = bench.run(&[("LIMIT", "1001")]);
    assert_eq!(more.status.code(), Some(64), "{}", said(&more));
    assert!(
        said(&more).contains("origin has 1000 pages"),
        "{}",
        said(&more)
    );
}
