//! The screen as a reader sees it. The expected texts stand in `tests/*.txt`;
//! after a wanted change `PARLAB_WRITE_TEXT=1 cargo test -p top` writes them
//! anew, to be read before they are committed.
#![allow(clippy::unwrap_used)]

use super::*;
use crate::frame::tests::replica;
use crate::frame::{Core, Presence, Replica, Run};
use measure::now::Row;
use measure::report::Backend;
use measure::report::TimeBudget;
use proptest::prelude::*;
use ratatui::Terminal;
use ratatui::backend::TestBackend;
use ratatui::style::Modifier;
use std::path::Path;

const PLAIN: Look = Look { color: false };

fn assert_is_text(file: &str, actual: &str) {
    let path = Path::new(env!("CARGO_MANIFEST_DIR"))
        .join("src/draw/tests")
        .join(file);
    if std::env::var_os("PARLAB_WRITE_TEXT").is_some() {
        std::fs::write(&path, actual).unwrap();
    }
    let expected = std::fs::read_to_string(&path).unwrap();
    assert_eq!(actual, expected, "{file}");
}

/// What a terminal of this size shows.
fn shown(frame: &Frame, view: &View, width: u16, height: u16) -> String {
    let cells = cells(frame, view, PLAIN, width, height);
    let line = |y| {
        let line: String = (0..width).map(|x| cells[(x, y)].symbol()).collect();
        line.trim_end().to_owned() + "\n"
    };
    (0..height).map(line).collect()
}

fn cells(frame: &Frame, view: &View, look: Look, width: u16, height: u16) -> Buffer {
    let mut terminal = Terminal::new(TestBackend::new(width, height)).unwrap();
    let drawn = terminal.draw(|cells| draw(frame, view, look, cells.area(), cells.buffer_mut()));
    drawn.unwrap().buffer.clone()
}

fn line_of<'t>(text: &'t str, start: &str) -> &'t str {
    let mut lines = text.lines();
    let found = lines.find(|line| line.starts_with(start));
    found.unwrap_or_else(|| panic!("no line begins with {start}: {text}"))
}

fn cores(count: usize) -> Vec<Core> {
    let core = |cpu| Core {
        cpu,
        busy_share: cpu as f64 / count as f64,
        stolen_share: 0.0,
    };
    (0..count).map(core).collect()
}

/// A run of a lab with all that can be on a line.
fn frame() -> Frame {
    let row = Row {
        station: "primes-half".into(),
        strategy: "work-stealing".into(),
        kernel: "trial".into(),
        workers: 2,
    };
    let idle = |station, last| Replica {
        used_cpus: Some(0.003),
        throttled_share: None,
        worker_time: None,
        workers: Some(0.0),
        ..replica(station, last)
    };
    let fleet = |last| idle("primes-fleet", last);
    Frame {
        at_seconds: 1000.0,
        run: Some(Run {
            lab: "lab-primes".into(),
            backend: Backend::Docker,
            ended_seconds: None,
            round: 2,
            rounds: 6,
            row: Some(row),
        }),
        replicas: vec![
            Replica {
                under_way: true,
                worker_time: Some(TimeBudget {
                    running: 0.25,
                    throttled: 0.74,
                    runnable: 0.0,
                    blocked: 0.01,
                    stolen: Some(0.0),
                }),
                ..replica("primes-half", 3)
            },
            Replica {
                declared_cpus: Some(1.0),
                ..idle("primes-one", 4)
            },
            Replica {
                declared_cpus: Some(1.5),
                effective_cpus: Some(1.5),
                quota_cpus: Some(1.5),
                state: Presence::New,
                used_cpus: None,
                ..idle("primes-one-and-half", 5)
            },
            Replica {
                declared_cpus: None,
                effective_cpus: Some(1.0),
                quota_cpus: None,
                workers: None,
                memory_limit_bytes: None,
                ..idle("primes-pinned", 6)
            },
            fleet(7),
            fleet(8),
            Replica {
                state: Presence::Away,
                away_seconds: 3.2,
                ..fleet(9)
            },
        ],
        silent: vec!["primes-two".into()],
        host: vec![
            Core {
                cpu: 0,
                busy_share: 0.5,
                stolen_share: 0.0,
            },
            Core {
                cpu: 1,
                busy_share: 0.45,
                stolen_share: 0.25,
            },
        ],
        trouble: None,
    }
}

#[test]
fn the_whole_screen_at_80_columns() {
    assert_is_text("80x24.txt", &shown(&frame(), &View::default(), 80, 24));
}

#[test]
fn the_whole_screen_at_140_columns() {
    assert_is_text("140x24.txt", &shown(&frame(), &View::default(), 140, 24));
}

#[test]
fn the_help_and_one_frame_as_text() {
    let view = View {
        help: true,
        ..View::default()
    };
    assert_is_text("help.txt", &shown(&frame(), &view, 80, 24));
    assert_is_text("once.txt", &text(&frame(), 120));
}

#[test]
fn the_bar_is_against_what_was_granted_and_not_against_a_core() {
    let mut frame = frame();
    let text = |frame: &Frame| shown(frame, &View::default(), 80, 24);
    let full = text(&frame);
    assert!(
        line_of(&full, "primes-half").contains("████ 0.50"),
        "{full}"
    );

    frame.replicas[0].effective_cpus = Some(1.0);
    let half = text(&frame);
    assert!(
        line_of(&half, "primes-half").contains("██── 0.50"),
        "{half}"
    );
    frame.replicas[0].effective_cpus = None;
    let unknown = text(&frame);
    assert!(
        line_of(&unknown, "primes-half").contains("     0.50"),
        "{unknown}"
    );
}

#[test]
fn what_is_unknown_is_a_dash_and_what_is_zero_is_none() {
    let mut frame = frame();
    frame.replicas[0].throttled_share = Some(0.0);
    frame.replicas[0].worker_time = None;
    frame.replicas[0].workers = None;
    let text = shown(&frame, &View::default(), 80, 24);
    let words: Vec<_> = line_of(&text, "primes-half").split_whitespace().collect();
    // station, mark, declared, effective, bar, used, throttled, time, memory
    assert_eq!(words[6..], ["0%", "–", "12/256M"], "{text}");
}

#[test]
fn a_paused_or_sorted_view_says_so() {
    let view = View {
        paused: true,
        sort: crate::view::Sort::Throttled,
        ..View::default()
    };
    let text = shown(&frame(), &view, 80, 24);
    assert!(text.lines().next().unwrap().ends_with("PAUSED"), "{text}");
    assert!(text.contains("sort: throttled"), "{text}");
    assert!(text.contains("p go on"), "{text}");
}

#[test]
fn a_run_that_is_over_or_never_was_is_said() {
    let with = |change: fn(&mut Run)| {
        let mut frame = frame();
        let run = frame.run.as_mut().unwrap();
        run.row = None;
        change(run);
        shown(&frame, &View::default(), 80, 24)
    };
    let docker = with(|run| run.ended_seconds = Some(988.0));
    assert!(
        docker.contains("lab-primes · stations in Docker · ended 12 s ago"),
        "{docker}"
    );
    assert!(docker.contains("the stations are idle"), "{docker}");
    let local = with(|run| {
        run.ended_seconds = Some(988.0);
        run.backend = Backend::Local;
    });
    assert!(
        local.contains("make lab-primes LOCAL=1 starts the next"),
        "{local}"
    );
    let early = with(|run| run.round = 0);
    assert!(early.contains("calibrating"), "{early}");
    let none = shown(&Frame::default(), &View::default(), 80, 24);
    assert!(none.contains("no run has been started here"), "{none}");
    assert!(none.contains("host: –"), "{none}");
    let broken = Frame {
        trouble: Some("now.json is not what a runner writes".into()),
        ..Frame::default()
    };
    let broken = shown(&broken, &View::default(), 80, 24);
    assert!(broken.contains("! now.json is not what"), "{broken}");
}

#[test]
fn more_replicas_than_lines_are_scrolled() {
    let frame = Frame {
        replicas: (1..=40).map(|last| replica("fleet", last)).collect(),
        host: cores(2),
        ..Frame::default()
    };
    let at = |offset| {
        let view = View {
            offset,
            ..View::default()
        };
        shown(&frame, &view, 80, 24)
    };
    let page = page(&frame, &View::default(), PLAIN, Rect::new(0, 0, 80, 24));

    let (first, next, last) = (at(0), at(1), at(usize::MAX));

    assert!(
        first.contains("fleet .1 ") && !first.contains("fleet .40"),
        "{first}"
    );
    assert!(
        first.contains(&format!("1 to {page} of 40 replicas")),
        "{first}"
    );
    assert!(next.contains(&format!("2 to {} of 40", page + 1)), "{next}");
    assert!(
        last.contains(&format!("{} to 40 of 40", 41 - page)),
        "{last}"
    );
    assert!(last.contains("fleet .40"), "{last}");
    assert!(
        first.contains("q quit") && first.contains("cpu1"),
        "{first}"
    );
}

#[test]
fn one_cpu_has_a_bar_and_192_have_a_character_each() {
    let with = |count| Frame {
        host: cores(count),
        ..frame()
    };
    let one = shown(&with(1), &View::default(), 80, 24);
    assert!(one.contains("host: 1 CPU, 0.00 busy"), "{one}");
    assert!(
        line_of(&one, "cpu0 ").contains("────────────────────   0%"),
        "{one}"
    );

    let many = shown(&with(192), &View::default(), 80, 24);
    assert!(many.contains("host: 192 CPUs, 95.50 busy"), "{many}");
    for (name, first, last) in [
        ("cpu0–63", '▁', '▃'),
        ("cpu64–127", '▃', '▆'),
        ("cpu128–191", '▆', '█'),
    ] {
        let characters: String = line_of(&many, name).chars().skip(12).collect();
        assert_eq!(characters.chars().count(), 64, "{many}");
        assert!(
            characters.starts_with(first) && characters.ends_with(last),
            "{many}"
        );
    }
    assert!(
        many.contains("primes-fleet .8"),
        "the replicas keep their room: {many}"
    );
    let printed = text(&with(192), 80);
    assert!(
        printed.contains("cpu191"),
        "without a terminal there is room for all: {printed}"
    );
}

#[test]
fn stolen_time_is_seen_in_a_bar_and_in_a_character() {
    let mut frame = frame();
    let bars = shown(&frame, &View::default(), 80, 24);
    assert!(
        line_of(&bars, "cpu0").contains("cpu1   █████████!!!!!──────"),
        "{bars}"
    );
    frame.host = cores(192);
    frame.host[5].stolen_share = 0.04;
    let text = shown(&frame, &View::default(), 80, 24);
    assert_eq!(
        line_of(&text, "cpu0–63").chars().nth(12 + 5),
        Some('!'),
        "{text}"
    );
}

#[test]
fn a_terminal_that_is_too_small_is_told_how_large_it_must_be() {
    let (width, height) = LEAST;
    for (width, height) in [(width - 1, 24), (80, height - 1), (1, 1), (20, 3)] {
        let text = shown(&frame(), &View::default(), width, height);
        assert!(!text.contains("primes"), "{text}");
    }
    let text = shown(&frame(), &View::default(), 30, 5);
    assert!(text.contains("60 × 12 is the least."), "{text}");
    let least = shown(&frame(), &View::default(), width, height);
    assert!(
        least.contains("primes-half") && least.contains("q quit"),
        "{least}"
    );
}

#[test]
fn without_colours_every_cell_is_the_terminals_own() {
    let coloured = |look| {
        let cells = cells(&frame(), &View::default(), look, 140, 24);
        let mut all = cells.content.iter();
        all.any(|cell| {
            cell.fg != Color::Reset
                || cell.bg != Color::Reset
                || cell.modifier.contains(Modifier::DIM)
        })
    };
    assert!(!coloured(PLAIN));
    assert!(coloured(Look { color: true }));
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]
    #[test]
    fn it_draws_in_any_terminal(
        width in 1..250_u16,
        height in 1..80_u16,
        count in 0..300_usize,
        replicas in 0..120_u8,
        offset in any::<usize>(),
        help in any::<bool>(),
        share in any::<f64>(),
    ) {
        let broken = Replica { used_cpus: Some(share), throttled_share: Some(share), ..replica("x", 1) };
        let frame = Frame {
            host: cores(count),
            replicas: (0..replicas).map(|last| replica("fleet", last)).chain([broken]).collect(),
            ..frame()
        };
        let view = View { help, offset, ..View::default() };
        let text = shown(&frame, &view, width, height);
        prop_assert_eq!(text.lines().count(), usize::from(height));
        prop_assert!(page(&frame, &View::default(), PLAIN, Rect::new(0, 0, width, height)) >= 1);
    }
}
