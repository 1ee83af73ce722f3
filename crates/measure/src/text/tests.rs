//! The whole report as a reader sees it. The expected texts stand in
//! `tests/*.txt`; after a wanted change `PARLAB_WRITE_TEXT=1 cargo test -p
//! measure --lib text` writes them anew, to be read before they are committed.
#![allow(clippy::unwrap_used)]

mod any;

use super::*;
use crate::made::{row, sample, station, verdict};
use crate::report::{
    Backend, Host, Interval, PassedOver, Predecessor, ReplicaAccount, Round, Row, Station,
    VerdictKind,
};

use std::path::Path;

fn style(width: usize) -> Style {
    Style {
        width,
        color: false,
        unicode: true,
    }
}

fn assert_is_text(file: &str, actual: &str) {
    let path = Path::new(env!("CARGO_MANIFEST_DIR"))
        .join("src/text/tests")
        .join(file);
    if std::env::var_os("PARLAB_WRITE_TEXT").is_some() {
        std::fs::write(&path, actual).unwrap();
    }
    let expected = std::fs::read_to_string(&path).unwrap();
    assert_eq!(actual, expected, "{file}");
}

/// A report with nothing but a row and its station.
fn report_of(row: Row) -> RunReport {
    RunReport {
        stations: vec![station("two", Some(2.0))],
        rows: vec![row],
        comparisons: Vec::new(),
        drills: Vec::new(),
        groups: Vec::new(),
        invariants: Vec::new(),
        compared_with: Predecessor::default(),
        changes: Vec::new(),
        ..sample()
    }
}

/// The table's line with this in it, as its words.
fn cells_of(report: &RunReport, strategy: &str) -> Vec<String> {
    let table = table(report, &style(160));
    let line = table.lines().find(|line| line.contains(strategy)).unwrap();
    line.split_whitespace().map(str::to_owned).collect()
}

#[test]
fn a_report_reads_as_expected_at_each_width() {
    for width in [80, 120, 160] {
        let text = render(&sample(), &style(width));
        assert_is_text(&format!("{width}.txt"), &text);
    }
}

#[test]
fn a_report_reads_as_expected_in_colour_and_in_ascii() {
    let color = Style {
        color: true,
        ..style(100)
    };
    assert_is_text("100-color.txt", &render(&sample(), &color));
    let ascii = Style {
        unicode: false,
        ..style(100)
    };
    assert_is_text("100-ascii.txt", &render(&sample(), &ascii));
}

#[test]
fn what_is_unknown_is_never_zero() {
    let mut report = report_of(row("two", "executor", 2));
    report.host = Host::default();
    report.stations[0].effective = crate::report::Effective::default();
    report.stations[0].believed_cpus = None;
    report.stations[0].agree = None;
    let cells = cells_of(&report, "executor");
    assert_eq!(
        cells,
        ["executor", "2", "?", "?", "?", "?", "?", "?", "?", "?"]
    );
    let table = table(&report, &style(100));
    assert!(
        table.contains("two: declared 2 CPUs → effective ? · runtime sees ?\n"),
        "{table}"
    );
    assert!(title(&report, &style(100)).starts_with(
        "lab-primes · stations in Docker · ? CPUs · kernel ? · cgroup ? · engine ?\n"
    ));
    assert!(legend(&report, &style(100)).contains("? is what is unknown."));
    assert_eq!(
        disagreements(&report, &style(120)),
        "Know this first\n! Whether the limits applied are those declared is unknown, since the \
         kernel does not tell: two.\n"
    );
}

#[test]
fn a_row_that_did_not_run_has_no_figures_and_says_why() {
    let lost = Row {
        not_run: Some("two was killed".to_owned()),
        ..row("two", "executor", 2)
    };
    let report = report_of(lost);
    let cells = cells_of(&report, "executor").join(" ");
    assert_eq!(cells, "executor 2 not run – – – – – – –");
    let table = table(&report, &style(100));
    assert!(table.ends_with("✗ two · executor · 2 workers not run: two was killed\n"));
}

#[test]
fn a_row_that_was_lost_keeps_its_figures_under_a_mark() {
    let wall = Interval {
        median: 0.474,
        low: 0.474,
        high: 0.474,
        coverage: 0.0,
    };
    let lost = Row {
        not_run: Some("two was lost in round 2: it was killed".to_owned()),
        wall_seconds: Some(wall),
        rounds: vec![crate::report::Round {
            round: 0,
            repeats: 1,
            replicas: Vec::new(),
            ..crate::report::Round::default()
        }],
        ..row("two", "executor", 2)
    };
    let report = report_of(lost);
    let cells = cells_of(&report, "executor").join(" ");
    assert_eq!(cells, "executor 2 474 ms ✗ – – – – – – –");
    let table = table(&report, &style(100));
    assert!(
        table.ends_with(
            "✗ two · executor · 2 workers (lost after 1 round): two was lost in round 2: it was \
             killed\n"
        ),
        "{table}"
    );
}

#[test]
fn limits_that_differ_from_those_declared_come_first() {
    let mut report = sample();
    report.stations[0].agree = Some(false);
    report.stations[0].effective.quota_cpus = Some(0.25);
    report.stations[0].effective.cpus = Some(0.25);
    report.stations[2].agree = Some(false);
    report.stations[2].effective.quota_known = false;
    report.stations[2].effective.cpuset = Some("0,1".to_owned());
    let text = render(&report, &style(100));
    let at = |part: &str| {
        text.find(part)
            .unwrap_or_else(|| panic!("{part} in {text}"))
    };
    let quota = at("✗ primes-half: a quota of 0.5 CPUs is declared, applied is 0.25.");
    let cpuset = at("✗ primes-pinned: cpuset 0 is declared, applied is 0,1.");
    assert!(quota < cpuset && cpuset < at("where the"));
    at("primes-half: declared 0.5 CPUs ≠ effective 0.25 CPUs");
}

#[test]
fn what_is_unknown_is_not_told_as_a_difference() {
    let mut report = report_of(row("two", "executor", 2));
    let station = &mut report.stations[0];
    station.agree = Some(false);
    station.declared.cpuset = Some("0".to_owned());
    station.effective.cpuset = Some("1".to_owned());
    station.effective.quota_known = false;
    station.effective.quota_cpus = None;
    let text = disagreements(&report, &style(120));
    assert!(
        text.contains("two: cpuset 0 is declared, applied is 1."),
        "{text}"
    );
    report.stations[0].effective.cpuset = None;
    let text = disagreements(&report, &style(120));
    assert!(
        text.contains("two: not all of its replicas have the limits"),
        "{text}"
    );
}

#[test]
fn an_agreeing_report_has_no_disagreements() {
    let report = report_of(row("two", "executor", 2));
    assert_eq!(disagreements(&report, &style(80)), "");
}

#[test]
fn a_machine_that_changed_its_speed_is_named_with_what_it_did_to_the_baseline() {
    let mut baseline = row("two", "sequential", 1);
    baseline.baseline = true;
    baseline.rounds = [0.60, 0.65].map(two_jobs).to_vec();
    let mut report = report_of(baseline);
    assert_eq!(disagreements(&report, &style(80)), "");
    report.rows[0].rounds.push(two_jobs(0.85));
    let text = disagreements(&report, &style(400));
    assert!(text.contains("cost 600 ms to 850 ms"), "{text}");
}

/// A round of two jobs that cost so many CPU seconds each.
fn two_jobs(cpu_seconds: f64) -> Round {
    let mut replica = ReplicaAccount::default();
    replica.group.cpu_seconds = Some(2.0 * cpu_seconds);
    Round {
        round: 0,
        repeats: 2,
        replicas: vec![replica],
        ..Round::default()
    }
}

#[test]
fn a_runtime_that_sees_too_few_cpus_is_named() {
    let mut report = report_of(row("odd", "executor", 2));
    report.stations = vec![Station {
        believed_cpus: Some(1),
        ..station("odd", Some(1.5))
    }];
    let text = disagreements(&report, &style(120));
    let expected = "! The runtime sees fewer CPUs than it may use: odd 1 of 1.5 CPUs.";
    assert!(text.contains(expected), "{text}");
}

#[test]
fn a_run_of_its_own_declares_nothing() {
    let mut report = report_of(row("two", "executor", 2));
    report.backend = Backend::InProcess;
    report.host.engine = None;
    assert!(table(&report, &style(80)).contains("two: effective 2 CPUs · runtime sees 2\n"));
    let title = title(&report, &style(120));
    assert!(title.contains("in this process · 2 CPUs"), "{title}");
    assert!(!title.contains('?'), "{title}");
}

#[test]
fn only_stations_with_rows_disagree() {
    let mut report = report_of(row("two", "executor", 2));
    report.stations.push(Station {
        believed_cpus: Some(1),
        ..station("one-and-half", Some(1.5))
    });
    let mut refused = station("four", Some(4.0));
    refused.refused = Some("this host has 2 CPUs".to_owned());
    report.stations.push(refused);
    assert_eq!(disagreements(&report, &style(120)), "");

    for name in ["one-and-half", "four"] {
        report.rows.push(row(name, "executor", 2));
        let text = disagreements(&report, &style(120));
        assert!(text.contains(name), "{text}");
    }
}

#[test]
fn where_most_rows_lost_their_cpus_one_sentence_says_so_at_the_top() {
    let with = |kinds: &[VerdictKind]| {
        let mut report = report_of(row("two", "executor", 2));
        let row = report.rows.pop().unwrap();
        report.rows = kinds.iter().map(|_| row.clone()).collect();
        for (row, kind) in report.rows.iter_mut().zip(kinds) {
            row.verdict = Some(verdict(*kind, "", "", ""));
        }
        report
    };
    let (host, quota) = (VerdictKind::Host, VerdictKind::Quota);
    for few in [&[host][..], &[host, quota], &[host, host, quota, quota]] {
        assert_eq!(busy(&with(few), &style(120)), "", "{few:?}");
    }
    let report = with(&[host, host, quota]);
    let text = render(&report, &style(120));
    let words: Vec<_> = text.split_whitespace().collect();
    let (before, sentence) = words
        .join(" ")
        .split_once("! The machine was busy: in 2 of 3 rows something else had the CPUs.")
        .map(|(before, after)| (before.to_owned(), after.to_owned()))
        .unwrap();
    assert!(
        !before.contains("strategy workers"),
        "above the table: {text}"
    );
    assert!(sentence.contains("and run again"), "{text}");
}

#[test]
fn quick_and_partial_runs_say_so_and_claim_nothing() {
    let mut report = sample();
    report.quick = true;
    report.partial = true;
    let text = render(&report, &style(100));
    assert!(text.contains("\nQuick run: "), "{text}");
    assert!(text.contains("\nPartial: "), "{text}");
    assert!(text.contains("half a CPU? Nothing is claimed from a quick run: 1.00 ×"));
}

#[test]
fn the_legend_says_how_sure_each_interval_is() {
    let measured = |samples: usize, coverage| Row {
        samples: vec![1.0; samples],
        wall_seconds: Some(Interval {
            median: 1.0,
            low: 0.9,
            high: 1.1,
            coverage,
        }),
        ..row("two", "executor", 2)
    };
    let mut report = report_of(measured(6, 0.968_75));
    report.rows.push(measured(3, 0.75));
    report.rows.push(measured(1, 0.0));
    let legend = legend(&report, &style(300));
    let ranges = "in brackets nothing where there is 1 sample; the range of 3 samples, a 75 % \
                  interval of the median; the range of 6 samples, a 96.9 % interval of the median.";
    let words = |text: &str| text.split_whitespace().collect::<Vec<_>>().join(" ");
    assert!(words(&legend).contains(ranges), "{legend}");
}

#[test]
fn the_run_compared_with_is_named_and_why_not_a_newer_one() {
    let mut report = report_of(row("two", "executor", 2));
    assert_eq!(changes(&report, &style(100)), "");
    let quick = PassedOver {
        started: "2025-11-21T08:45:00Z".to_owned(),
        why: "it was quick".to_owned(),
    };
    report.compared_with.passed_over = vec![quick.clone()];
    assert_eq!(
        changes(&report, &style(200)),
        "Changed since an earlier run\n! There is no earlier run to compare with. The run of \
         2025-11-21T08:45:00Z was passed over: it was quick.\n"
    );
    report.compared_with.started = Some("2025-11-21T08:30:00Z".to_owned());
    report.compared_with.passed_over.push(quick);
    assert_eq!(
        changes(&report, &style(200)),
        "Changed since the run of 2025-11-21T08:30:00Z\nNo limit, no parameter and nothing of the \
         host.\n! The run of 2025-11-21T08:45:00Z was passed over: it was quick, and 1 run before \
         it.\n"
    );
}

#[test]
fn rows_of_which_the_same_is_said_share_a_verdict() {
    let text = verdicts(&sample(), &style(200));
    let heads = text.lines().filter(|line| !line.starts_with(' ')).skip(1);
    assert_eq!(heads.count(), 7, "{text}");
    let pinned = "primes-pinned · work-stealing · 2 workers; primes-pinned · static-threads · 2";
    assert!(text.contains(pinned), "{text}");
}

#[test]
fn the_most_is_to_be_won_where_the_most_was_lost() {
    let mut report = sample();
    let steps = |report: &RunReport| -> Vec<String> {
        let text = next_steps(report, &style(100));
        let numbered = text.lines().filter(|line| line.contains(". primes-"));
        numbered
            .map(|line| line.split(':').next().unwrap().to_owned())
            .collect()
    };
    assert_eq!(
        steps(&report),
        [
            "1. primes-half · work-stealing · 2 workers (quota, as in 1 other row)",
            "2. primes-two · static-threads · 2 workers (imbalance)",
            "3. primes-two · work-stealing · 2 workers (cpu)",
        ]
    );
    report.rows.retain(|row| row.baseline);
    assert_eq!(
        steps(&report),
        ["1. primes-two · sequential · 1 worker (baseline) (workers)"]
    );
}

#[test]
fn what_does_not_fit_is_named() {
    let wide = legend(&sample(), &style(160));
    assert!(!wide.contains("Left out"), "{wide}");
    let narrow = legend(&sample(), &style(40));
    for left_out in ["verdict", "percentages", "efficiency", "CPUs used"] {
        assert!(narrow.contains(left_out), "{narrow}");
    }
    assert!(!narrow.contains("running: on a CPU"), "{narrow}");
}

#[test]
fn several_kernels_are_told_apart() {
    let mut report = report_of(row("two", "executor", 2));
    report.rows.push(Row {
        kernel: "sieve".to_owned(),
        ..row("two", "executor", 2)
    });
    let table = table(&report, &style(120));
    assert!(table.contains("executor/trial ") && table.contains("executor/sieve "));
}

#[test]
fn a_report_without_rows_is_a_title() {
    let mut report = report_of(row("two", "executor", 2));
    report.rows.clear();
    assert_eq!(render(&report, &style(100)), title(&report, &style(100)));
}

#[test]
fn the_style_follows_what_is_known_of_the_output() {
    let file = Style::detect(false, false, None);
    assert_eq!((file.width, file.color), (120, false));
    let terminal = Style::detect(true, false, Some(0));
    assert_eq!((terminal.width, terminal.color), (80, true));
    assert!(!Style::detect(true, true, Some(100)).color);
    assert!(!Style::detect(false, false, Some(100)).color);
    assert_eq!(Style::detect(true, false, Some(100)).width, 100);
}
