//! The page of reports made by hand and by chance.
#![allow(clippy::unwrap_used)]

mod any;
mod markup;

use markup::Markup;
use measure::made::{self, ReplicaExt, interval, row, sample, station};
use measure::report::{Drill, Row, RunReport, Station, Verdict, VerdictKind, Void};
use measure::serving::raw;
use report_page::page;

fn verdict(text: &str) -> Verdict {
    let (evidence, next) = (format!("figures of {text}"), format!("advice on {text}"));
    made::verdict(VerdictKind::Quota, text, &evidence, &next)
}

/// The text that a reader finds on the page.
fn read(report: &RunReport) -> String {
    Markup::of(&page(report)).text
}

#[test]
fn every_row_and_what_bound_it_is_on_the_page() {
    let report = sample();
    let text = read(&report);
    for row in &report.rows {
        assert!(text.contains(&row.station), "{}", row.station);
        assert!(text.contains(&row.strategy), "{}", row.strategy);
        if let Some(verdict) = &row.verdict {
            for part in [&verdict.text, &verdict.evidence, &verdict.next] {
                assert!(text.contains(part.as_str()), "{part}");
            }
        }
    }
    for part in [
        "2.04 s (2.02–2.07)",
        "running 50 %",
        "Is a fleet as good as one container?",
        "cpus: 0.25 → 0.5",
        "the run of 2025-11-21T08:30:00Z",
        "v1",
    ] {
        assert!(text.contains(part), "{part}");
    }
}

#[test]
fn a_servers_page_has_its_latencies_and_drills_and_nothing_of_jobs() {
    let mut sample = made::replica(2.0).worker(0.9, 0.0);
    sample.quota_known = true;
    let mut rounds = made::rounds(6, &[sample]);
    for round in &mut rounds {
        for (name, figure) in [
            (raw::SENT, 1000.0),
            (raw::ANSWERED, 1000.0),
            (raw::LOAD_SECONDS, 2.0),
            (raw::P99_SECONDS, 0.0123),
        ] {
            round.figures.insert(name.to_owned(), figure);
        }
    }
    let row = Row {
        void: vec![Void {
            round: 2,
            why: "the generator was late".to_owned(),
        }],
        ..made::row_of("cluster-one", "saturated", 1, rounds)
    };
    let mut report = made::report(vec![station("cluster-one", Some(1.0))], vec![row]);
    report.drills = vec![Drill {
        name: "a worker is killed".to_owned(),
        station: "cluster-one".to_owned(),
        failed_because: Some("nobody could be asked".to_owned()),
        ..Drill::default()
    }];
    measure::analysis::analyse(&mut report);

    let text = read(&report);

    for part in [
        "12.3 ms",
        "requests/s",
        "no sample in round 3: the generator was late",
        "a worker is killed",
        "nobody could be asked",
        "from the moment at which a request was to leave",
    ] {
        assert!(text.contains(part), "{part}: {text}");
    }
    for nonsense in [
        "Speedup",
        "effi",
        "predicted",
        "The prediction",
        "The time of one job",
    ] {
        assert!(!text.contains(nonsense), "{nonsense}: {text}");
    }
}

#[test]
fn the_page_needs_nothing_beside_itself() {
    let page = page(&sample());
    let markup = Markup::of(&page);
    assert!(
        !markup
            .tags
            .iter()
            .any(|tag| tag == "script" || tag == "link" || tag == "img")
    );
    for (name, value) in &markup.attributes {
        assert!(!name.starts_with("on"), "{name}");
        let internal = !matches!(name.as_str(), "href" | "src") || value.starts_with('#');
        assert!(internal, "{name}={value}");
    }
    for loading in ["@import", "url(", "http:", "https:", "//"] {
        assert!(!page.contains(loading), "{loading}");
    }
}

#[test]
fn what_a_file_names_is_text_and_never_markup() {
    let mut report = sample();
    let name = "<script>alert('1')</script>&\"><b";
    report.stations[0].name = name.to_owned();
    for row in &mut report.rows {
        row.station = name.to_owned();
        row.strategy = name.to_owned();
    }
    report.lab = name.to_owned();
    report.started = name.to_owned();
    let page = page(&report);
    assert!(!page.contains("<script") && !page.contains("<b>"), "{page}");
    assert!(Markup::of(&page).text.contains(name));
}

#[test]
fn the_ceiling_is_that_of_the_budget() {
    let text = read(&sample());
    // Half a CPU beside a baseline that had a whole one.
    assert!(text.contains("best 0.51 ×, ceiling 0.5 ×"), "{text}");
    assert!(text.contains("best 1.98 ×, ceiling 2 ×"), "{text}");
}

#[test]
fn rows_that_did_not_run_say_why_and_draw_nothing() {
    let mut report = sample();
    report.stations.push(Station {
        refused: Some("4 CPUs are declared and this host has 2".to_owned()),
        ..station("four", Some(4.0))
    });
    report.rows.push(Row {
        not_run: Some("4 CPUs are declared and this host has 2".to_owned()),
        ..row("four", "sequential", 1)
    });
    let text = read(&report);
    assert!(text.contains("not run: 4 CPUs are declared"), "{text}");
    assert!(text.contains("did not run: 4 CPUs are declared"), "{text}");
}

#[test]
fn what_is_unknown_is_not_drawn_as_none() {
    let mut report = sample();
    report.rows = vec![Row {
        wall_seconds: Some(interval(1.0, 0.9, 1.1)),
        ..row("primes-half", "sequential", 1)
    }];
    let page = page(&report);
    // No time budget and no speedup: those plots are left out.
    assert!(!page.contains("id=\"time\"") && !page.contains("id=\"speedup\""));
    assert!(page.contains("id=\"wall\"") && page.contains("<td>?</td>"));
}

#[test]
fn a_run_without_rows_is_a_page() {
    let mut report = sample();
    report.rows.clear();
    report.stations.clear();
    report.comparisons.clear();
    report.groups.clear();
    report.changes.clear();
    assert!(read(&report).contains("No row was measured."));
}

#[test]
fn warnings_stand_before_the_figures() {
    let mut report = sample();
    report.quick = true;
    report.partial = true;
    let text = read(&report);
    let figures = text.find("All figures").unwrap();
    for warning in ["did not hold", "Partial:", "Quick run:"] {
        assert!(text.find(warning).unwrap() < figures, "{warning}");
    }
}

#[test]
fn equal_verdicts_share_an_entry_that_the_rows_link_to() {
    let mut report = sample();
    report.rows[1].verdict = report.rows[0].verdict.clone();
    report.rows[0].verdict = Some(verdict("the same"));
    report.rows[1].verdict = Some(verdict("the same"));
    let page = page(&report);
    assert_eq!(page.matches("<p>the same</p>").count(), 1);
    let links = Markup::of(&page)
        .attributes
        .iter()
        .filter(|(_, v)| v == "#verdict-0")
        .count();
    // From the table and from the bars, for each of the two.
    assert_eq!(links, 4);
}

#[test]
fn marks_beyond_the_ceiling_are_explained_where_there_are_any() {
    let mut report = sample();
    let explained = "took less CPU time for the job than the baseline";
    assert!(!read(&report).contains(explained));
    report.rows[1].speedup = Some(interval(2.6, 2.5, 2.7));
    assert!(read(&report).contains(explained));
}

#[test]
fn what_the_terminal_shows_between_backticks_is_code() {
    let mut report = sample();
    report.rows[0].verdict = Some(verdict("Round 2 by itself shows `host`."));
    assert!(page(&report).contains("Round 2 by itself shows <code>host</code>."));
}

#[test]
fn a_lab_with_figures_of_its_own_has_a_table_of_them_and_says_what_is_scaled() {
    assert!(!read(&sample()).contains("Figures of this lab"));
    let mut report = sample();
    let row = &mut report.rows[1];
    row.figures.insert("cpu_ms_per_page".to_owned(), 0.3);
    row.rounds = vec![measure::report::Round {
        share: 0.02,
        ..measure::report::Round::default()
    }];

    let text = read(&report);

    for part in [
        "Figures of this lab",
        "CPU ms per page",
        "0.30",
        "2.0 % of it",
    ] {
        assert!(text.contains(part), "{part}: {text}");
    }
}
