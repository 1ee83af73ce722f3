//! `primes run`: the embedded form, without any other component.

use crate::station::{DEADLINE, primes, unique_name};
use assert_cmd::Command;
use measure::report::{Backend, RunReport, SCHEMA, VerdictKind};

fn run(arguments: &[&str]) -> Command {
    let mut command = Command::from_std(primes(&unique_name()));
    command.arg("run").args(arguments).timeout(DEADLINE);
    command
}

/// A run as short as can be, and what else is asked.
fn short_run(more: &[&str]) -> Command {
    let short = ["--limit", "2e4", "--rounds", "2", "--min-seconds", "0.05"];
    run(&[&short, more].concat())
}

fn report(command: &mut Command) -> RunReport {
    let output = command.args(["--format", "json"]).output().unwrap();
    assert_eq!(output.status.code(), Some(0), "{output:?}");
    serde_json::from_slice(&output.stdout).unwrap()
}

#[test]
fn json_is_a_whole_run_report() {
    let mut command = short_run(&["--strategy", "static-threads", "--workers", "2"]);

    let report = report(&mut command);

    assert_eq!(report.schema, SCHEMA);
    assert_eq!(report.backend, Backend::InProcess);
    assert!(!report.partial);
    assert_eq!(report.parameters["limit"], 20_000);
    assert_eq!(report.stations.len(), 1);
    let asked: Vec<_> = report
        .rows
        .iter()
        .map(|row| (row.strategy.as_str(), row.workers, row.baseline))
        .collect();
    assert_eq!(
        asked,
        [("sequential", 1, true), ("static-threads", 2, false)]
    );
    for row in &report.rows {
        assert_eq!(row.rounds.len(), 2);
        assert!(row.wall_seconds.is_some() && row.verdict.is_some());
        assert!(row.rounds.iter().all(|round| round.repeats >= 1));
        let answers = row.rounds.iter().map(|round| round.replicas[0].answer);
        assert!(answers.into_iter().all(|answer| answer == Some(2262)));
    }
    assert!(!report.invariants.is_empty());
    assert!(report.invariants.iter().all(|invariant| invariant.held));
}

#[test]
fn every_strategy_can_be_asked_for() {
    for strategy in [
        "executor",
        "work-stealing",
        "channels",
        "processes",
        "async",
    ] {
        let mut command = short_run(&["--strategy", strategy, "--workers", "2"]);

        let report = report(&mut command);

        assert_eq!(report.rows[1].strategy, strategy);
        assert!(report.invariants.iter().all(|invariant| invariant.held));
    }
}

#[test]
fn the_baseline_alone_is_one_row() {
    let mut command = short_run(&["--strategy", "sequential", "--workers", "1"]);
    assert_eq!(report(&mut command).rows.len(), 1);
}

#[test]
fn the_table_gives_each_row_and_the_verdict() {
    let output = short_run(&["--strategy", "executor", "--workers", "2"])
        .output()
        .unwrap();

    let table = String::from_utf8(output.stdout).unwrap();
    assert_eq!(output.status.code(), Some(0), "{table}");
    assert!(table.contains("sequential"), "{table}");
    // Lines are wrapped to the width, wherever that falls.
    let words: Vec<_> = table.split_whitespace().collect();
    let words = words.join(" ");
    let (_, verdict) = words.split_once("executor · 2 workers: ").unwrap();
    let kind = verdict.split([' ', '.']).next().unwrap();
    let known = serde_json::from_str::<VerdictKind>(&format!("{kind:?}"));
    assert!(known.is_ok(), "{kind} is no verdict: {table}");
    assert!(!table.contains('\x1b'), "no colours in a pipe");
}

#[test]
fn no_number_is_prime_below_2() {
    let mut command = run(&["--limit", "1", "--rounds", "1", "--min-seconds", "0.01"]);
    let report = report(&mut command);
    assert_eq!(report.rows[0].rounds[0].replicas[0].answer, Some(0));
}

#[test]
fn the_sieve_finds_the_same_primes_in_processes_as_on_one_thread() {
    let mut command = run(&[
        "--kernel",
        "sieve",
        "--strategy",
        "processes",
        "--workers",
        "3",
        "--from",
        "1000000",
        "--limit",
        "6000000",
        "--rounds",
        "1",
        "--min-seconds",
        "0.01",
    ]);

    let report = report(&mut command);

    // π(6·10^6) − π(10^6)
    let found = Some(412_849 - 78_498);
    for row in &report.rows {
        assert_eq!(row.kernel, "sieve");
        assert_eq!(row.rounds[0].replicas[0].answer, found, "{}", row.strategy);
    }
    assert_eq!(report.rows.len(), 2);
}

#[test]
fn bad_arguments_are_one_line_and_exit_code_64() {
    for (arguments, parts) in [
        (
            vec!["--limit", "0"],
            vec!["--limit", "\"0\": must be from 1 to 1000000000000 (10^12)"],
        ),
        (
            vec!["--limit", "-1"],
            vec!["--limit", "-1", "must be from 1 to 1000000000000 (10^12)"],
        ),
        (
            vec!["--limit", "1e30"],
            vec!["--limit", "1e30", "must be from 1 to 1000000000000 (10^12)"],
        ),
        (
            vec!["--limit", "abc"],
            vec!["--limit", "abc", "whole number"],
        ),
        (
            vec!["--limit", "2.5"],
            vec!["--limit", "2.5", "whole number"],
        ),
        (
            vec!["--limit", "5", "--from", "7"],
            vec!["limit 5", "above from 7"],
        ),
        (vec!["--workers", "0"], vec!["--workers", "0", "1 to 1024"]),
        (
            vec!["--workers", "1e9"],
            vec!["--workers", "1e9", "1 to 1024"],
        ),
        (vec!["--workers", "many"], vec!["--workers", "many", "auto"]),
        (
            vec!["--strategy", "nonsense"],
            vec!["--strategy", "nonsense", "work-stealing"],
        ),
        (
            vec!["--strategy", "work-staling"],
            vec!["did you mean work-stealing?"],
        ),
        (
            vec!["--strategie", "async"],
            vec!["did you mean --strategy?"],
        ),
        (
            vec!["--kernel", "nonsense"],
            vec!["--kernel", "nonsense", "trial, sieve"],
        ),
        (
            vec!["--rounds", "0"],
            vec!["--rounds", "\"0\": must be from 1 to 100;"],
        ),
        (
            vec!["--min-seconds", "-2"],
            vec!["--min-seconds", "-2", "0.01 to 600"],
        ),
        (
            vec!["--format", "yaml"],
            vec!["--format", "yaml", "table, json"],
        ),
    ] {
        let output = run(&arguments).output().unwrap();

        let line = String::from_utf8(output.stderr).unwrap();
        assert_eq!(output.status.code(), Some(64), "{arguments:?}: {line}");
        assert_eq!(line.lines().count(), 1, "{arguments:?}: {line}");
        assert!(output.stdout.is_empty(), "{arguments:?}");
        for part in parts {
            assert!(line.contains(part), "{part:?} is missing in {line}");
        }
    }
}

#[test]
fn help_names_every_command_and_option_but_not_the_childs() {
    let help = |arguments: &[&str]| {
        let mut command = Command::from_std(primes(&unique_name()));
        let output = command.args(arguments).output().unwrap();
        assert_eq!(output.status.code(), Some(0));
        String::from_utf8(output.stdout).unwrap()
    };

    let whole = help(&["--help"]);
    assert!(
        ["serve", "run", "healthcheck"]
            .iter()
            .all(|name| whole.contains(name))
    );
    assert!(!whole.contains("child"), "{whole}");
    let of_run = help(&["run", "--help"]);
    for option in [
        "--limit",
        "--strategy",
        "--workers",
        "--rounds",
        "--min-seconds",
        "--format",
    ] {
        assert!(of_run.contains(option), "{option}: {of_run}");
    }
    assert!(help(&["serve", "--help"]).contains("STATION_NAME"));
}
