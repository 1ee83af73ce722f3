//! `lab top` as a person has it before them: in a terminal, beside stations
//! that work, go and come back.

mod docker;
mod stations;
mod terminal;

use crate::local::bench::programs;
use crate::support::{finish, root, said, turn};
use serde_json::Value;
use stations::Lab;
use std::path::PathBuf;
use std::process::{Command, Stdio};
use std::sync::OnceLock;
use terminal::Terminal;

/// Builds `lab-top` beside `lab`, and the example that panics; where `lab` is.
fn lab() -> PathBuf {
    static BUILT: OnceLock<()> = OnceLock::new();
    let lab = programs().join("lab");
    BUILT.get_or_init(|| {
        let built = Command::new(env!("CARGO"))
            .current_dir(root())
            .args(["build", "--quiet", "-p", "top", "--bins", "--examples"])
            .status()
            .unwrap();
        assert!(built.success(), "lab-top cannot be built");
    });
    lab
}

/// Where a station's line is.
fn place(text: &str, station: &str) -> Option<usize> {
    // What is measured at this moment is marked right behind its name.
    let starts = [format!("{station} "), format!("{station}◂")];
    let is_its = |line: &str| starts.iter().any(|start| line.starts_with(start));
    text.lines().position(is_its)
}

/// What stands on the line of a station; `None` where it has none.
fn row<'t>(text: &'t str, station: &str) -> Option<&'t str> {
    text.lines().nth(place(text, station)?)
}

/// The lines of a station with several replicas.
fn rows(text: &str, station: &str) -> Vec<String> {
    let start = format!("{station} :");
    let lines = text.lines().filter(|line| line.starts_with(&start));
    lines.map(str::to_owned).collect()
}

fn away(rows: &[String]) -> usize {
    let away = rows.iter().filter(|row| row.contains("away: no answer"));
    away.count()
}

#[test]
fn a_person_watches_sorts_holds_and_leaves() {
    let _turn = turn();
    let lab_program = lab();
    let Some(mut terminal) = Terminal::open("a person watches lab top", 80, 24) else {
        return;
    };
    let mut lab = Lab::start(&[("primes-half", Some(0.5)), ("primes-two", None)]);
    lab.write_now(Some("primes-half"));
    let _run = lab.run("primes-half");

    terminal.line(&format!(
        "{} top --interval 500ms --now {}",
        lab_program.display(),
        lab.now().display()
    ));

    // Two readings, and a run that fills what it was granted.
    let text = terminal.until("the run is seen", |text| {
        row(text, "primes-half").is_some_and(|row| row.contains("████"))
    });
    assert!(
        text.contains("lab-primes · stations as local processes · round 2 of 6"),
        "{text}"
    );
    assert!(
        text.contains("measuring primes-half: work-stealing, trial, 2 workers"),
        "{text}"
    );
    let half = row(&text, "primes-half").unwrap();
    assert!(half.starts_with("primes-half◂"), "{text}");
    if lab.has_quotas() {
        let throttled = terminal.until("it is throttled most of the time", |text| {
            let row = row(text, "primes-half").unwrap_or_default();
            let share = row
                .split_whitespace()
                .find_map(|word| word.strip_suffix('%'));
            share.is_some_and(|share| share.parse::<f64>().unwrap() > 40.0)
        });
        let words: Vec<_> = row(&throttled, "primes-half")
            .unwrap()
            .split_whitespace()
            .collect();
        assert_eq!(
            words[1..3],
            ["0.5", "0.5"],
            "declared and effective: {throttled}"
        );
    }
    assert!(row(&text, "primes-two").is_some(), "{text}");
    assert!(text.contains("cpu0") && text.contains("host: "), "{text}");

    terminal.keys("s");
    terminal.until("sorted by use", |text| text.contains("sort: used"));
    terminal.keys("r");
    terminal.until("the idle one first", |text| {
        let places = place(text, "primes-two").zip(place(text, "primes-half"));
        places.is_some_and(|(two, half)| two < half)
    });
    terminal.keys("?");
    terminal.until("the help", |text| text.contains("hold the picture"));
    terminal.keys("x");
    terminal.until("the stations again", |text| {
        row(text, "primes-two").is_some()
    });
    terminal.keys("p");
    let held = terminal.until("held", |text| text.contains("PAUSED"));
    std::thread::sleep(std::time::Duration::from_millis(1500));
    assert_eq!(terminal.text(), held, "a held picture stands still");
    terminal.keys("p");
    terminal.until("it goes on", |text| {
        !text.contains("PAUSED") && text != held
    });

    terminal.resize(50, 10);
    terminal.until("too small", |text| text.contains("60 × 12 is the least."));
    terminal.resize(130, 30);
    terminal.until("wide", |text| {
        text.contains("CPUs used of granted") && text.contains("measured now")
    });

    terminal.keys("q");
    terminal.is_clean("0");
}

#[test]
fn a_station_goes_comes_back_and_is_scaled_while_it_is_watched() {
    let _turn = turn();
    let lab_program = lab();
    let Some(mut terminal) = Terminal::open("stations go and come back in lab top", 100, 30) else {
        return;
    };
    let mut lab = Lab::start(&[("primes-one", None), ("primes-fleet", None)]);
    lab.write_now(None);
    terminal.line(&format!(
        "NO_COLOR=1 {} top --interval 300ms --now {}",
        lab_program.display(),
        lab.now().display()
    ));
    terminal.until("both are there", |text| {
        row(text, "primes-one").is_some() && row(text, "primes-fleet").is_some()
    });

    lab.kill("primes-one");
    terminal.until("it is away", |text| {
        row(text, "primes-one").is_some_and(|row| row.contains("away: no answer for"))
    });
    lab.start_again("primes-one");
    terminal.until("it is back", |text| {
        // With a figure of CPUs used again.
        let back = row(text, "primes-one").filter(|row| !row.contains("away"));
        back.is_some_and(|row| row.contains('─') || row.contains('█'))
    });

    lab.scale("primes-fleet", 4);
    terminal.until("four replicas", |text| {
        rows(text, "primes-fleet").len() == 4
    });
    lab.scale("primes-fleet", 2);
    terminal.until("two of them are away", |text| {
        away(&rows(text, "primes-fleet")) == 2
    });
    terminal.until("two are left", |text| {
        let rows = rows(text, "primes-fleet");
        rows.len() == 2 && away(&rows) == 0
    });

    // The row goes in the end, and the station is named as one that is missing.
    lab.kill("primes-one");
    terminal.until("it is gone", |text| {
        row(text, "primes-one").is_none() && text.contains("no answer: primes-one")
    });

    terminal.keys("C-c");
    terminal.is_clean("0");
}

#[test]
fn the_terminal_is_left_clean_after_a_signal_and_after_a_panic() {
    let _turn = turn();
    let lab_program = lab();
    let Some(mut terminal) = Terminal::open("lab top is killed, or panics", 80, 24) else {
        return;
    };
    terminal.line(&format!("{} top --now /nowhere", lab_program.display()));
    terminal.until("it runs", |text| {
        text.contains("no run has been started here")
    });
    terminal.signal_child("TERM");
    terminal.is_clean("143");

    let example = lab_program.with_file_name("examples").join("panics");
    for (which, status) in [("", "101"), ("thread", "1")] {
        terminal.line(&format!("clear; {} {which}", example.display()));
        terminal.until("its message is readable", |text| {
            text.contains("this was to be")
        });
        terminal.is_clean(status);
    }
}

#[test]
fn one_frame_as_text_and_a_stream_for_programs() {
    let _turn = turn();
    let program = lab().with_file_name("lab-top");
    let lab = Lab::start(&[("primes-half", Some(0.5))]);
    let top = |arguments: &[&str]| {
        let mut top = Command::new(&program);
        top.args(arguments)
            .args(["--interval", "300ms"])
            .env_remove("LAB_STATIONS")
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped());
        finish(top.spawn().unwrap(), arguments)
    };
    let station = format!("half={}", lab.admin("primes-half"));

    let once = top(&["--once", "--now", "/nowhere", "--station", &station]);
    assert!(once.status.success(), "{}", said(&once));
    let text = String::from_utf8(once.stdout).unwrap();
    let line = row(&text, "half").unwrap_or_else(|| panic!("{text}"));
    assert!(
        line.contains(" – "),
        "what is declared is unknown without a run: {text}"
    );

    lab.write_now(Some("primes-half"));
    let now = lab.now().display().to_string();
    let json = top(&["--once", "--json", "--now", &now]);
    assert!(json.status.success(), "{}", said(&json));
    let frame: Value = serde_json::from_slice(&json.stdout).unwrap();
    let half = &frame["replicas"][0];
    assert_eq!(half["station"], "primes-half");
    assert_eq!(
        (&half["declared_cpus"], &half["state"]),
        (&0.5.into(), &"up".into())
    );
    assert!(
        half["used_cpus"].is_f64() && frame["host"][0]["busy_share"].is_f64(),
        "{frame}"
    );
    assert_eq!(frame["run"]["row"]["strategy"], "work-stealing");

    // A reader that goes ends the stream.
    let stream = format!(
        "{} --json --interval 200ms --now {now} | head -n 2",
        program.display()
    );
    let lines = Command::new("sh").args(["-c", &stream]).output().unwrap();
    let text = String::from_utf8(lines.stdout).unwrap();
    assert_eq!(text.lines().count(), 2);
    let at = |line: &str| serde_json::from_str::<Value>(line).unwrap()["at_seconds"].as_f64();
    let times: Vec<_> = text.lines().map(at).collect();
    assert!(times[0] < times[1], "{text}");

    let none = top(&["--once", "--now", "/nowhere"]);
    assert_eq!(none.status.code(), Some(1), "{}", said(&none));
    assert!(said(&none).contains("make lab-primes"), "{}", said(&none));
    let screen = top(&[]);
    assert_eq!(screen.status.code(), Some(64), "{}", said(&screen));
    assert!(
        said(&screen).contains("--once prints one frame"),
        "{}",
        said(&screen)
    );
}
