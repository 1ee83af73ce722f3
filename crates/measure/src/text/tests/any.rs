//! Whatever a report holds, lines keep to the width and nothing is lost.

use super::style;
use crate::made::any::{Parts, any_report};
use crate::report::RunReport;
use crate::text::{Style, render};
use proptest::prelude::*;
use unicode_width::UnicodeWidthStr;

const ESCAPE: char = '\u{1b}';

fn figure() -> impl Strategy<Value = f64> {
    prop_oneof![
        8 => 1e-6..1e4f64,
        1 => Just(0.0),
        1 => -5.0..0.0f64,
        1 => Just(f64::NAN),
        1 => Just(f64::INFINITY),
    ]
}

/// Mostly short, sometimes far longer than a line, sometimes not ASCII.
fn name() -> impl Strategy<Value = String> {
    prop_oneof![
        6 => "[a-z]{1,8}(-[a-z]{1,8}){0,2}",
        1 => "[a-z-]{50,70}",
        1 => "[äß数µ]{1,12}",
    ]
}

fn sentence() -> impl Strategy<Value = String> {
    let word = prop_oneof![
        8 => "[a-zA-Z0-9×→–]{1,12}[,.;]?",
        2 => "[0-9]{1,3} (%|s|CPUs)",
        1 => "[a-z/]{41,90}",
    ];
    proptest::collection::vec(word, 0..30).prop_map(|words| words.join(" "))
}

fn reports() -> impl Strategy<Value = RunReport> {
    any_report(&Parts {
        name: name().boxed(),
        sentence: sentence().boxed(),
        figure: figure().boxed(),
    })
}

/// Whether nothing on the line could have gone to the next one.
fn is_one_word(line: &str) -> bool {
    line.split_whitespace().count() == 1
}

fn without_colour(text: &str) -> String {
    let mut plain = String::new();
    let mut rest = text.chars();
    while let Some(c) = rest.next() {
        if c == ESCAPE {
            rest.by_ref().find(|c| *c == 'm');
        } else {
            plain.push(c);
        }
    }
    plain
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    #[test]
    fn no_line_is_wider_than_the_width(report in reports(), width in 40usize..240) {
        for line in render(&report, &style(width)).lines() {
            prop_assert!(line.width() <= width || is_one_word(line), "{}: {:?}", width, line);
            prop_assert_eq!(line.trim_end(), line);
        }
    }

    #[test]
    fn nothing_is_cut(report in reports(), width in 40usize..240) {
        let text = render(&report, &style(width));
        let words: Vec<&str> = text.split_whitespace().collect();
        let said = |part: &str| part.split_whitespace().all(|word| words.contains(&word));
        for row in &report.rows {
            let station = format!("{}:", row.station);
            prop_assert!(said(&station), "{}", row.station);
            prop_assert!(said(row.not_run.as_deref().unwrap_or_default()), "{:?}", row.not_run);
            if let Some(verdict) = &row.verdict {
                let parts = [&verdict.text, &verdict.evidence, &verdict.next, &verdict.also[0].text];
                prop_assert!(parts.into_iter().all(|part| said(part)), "{:?}", verdict);
            }
        }
    }

    #[test]
    fn colour_changes_nothing_but_the_colour(report in reports(), width in 40usize..240) {
        let plain = render(&report, &style(width));
        let colored = render(&report, &Style { color: true, ..style(width) });
        prop_assert!(!plain.contains(ESCAPE), "{}", plain);
        prop_assert!(colored.contains(ESCAPE), "{}", colored);
        prop_assert_eq!(without_colour(&colored), plain);
    }

    #[test]
    fn ascii_is_ascii(report in reports(), width in 40usize..240) {
        let text = render(&report, &Style { unicode: false, ..style(width) });
        prop_assert!(text.is_ascii(), "{}", text);
        for line in text.lines() {
            prop_assert!(line.width() <= width || is_one_word(line), "{}: {:?}", width, line);
        }
    }
}
