//! What is read, what is refused, and where it says it is.

#![allow(
    clippy::unwrap_used,
    clippy::format_collect,
    clippy::format_push_string
)]

use super::parse;
use crate::compose::node::{Kind, Node};
use proptest::prelude::*;

fn read(text: &str) -> Node {
    parse(text, "lab.yml").unwrap()
}

/// The first error's line and message.
fn refused(text: &str) -> (usize, String) {
    let error = parse(text, "lab.yml").unwrap_err().remove(0);
    (
        error.place.line,
        format!("{}; {}", error.message, error.hint),
    )
}

#[test]
fn keys_and_values_know_where_they_stand() {
    let root = read("a: 1\nb:\n  - x\n  - c: 2\n");

    let entry = root.entry("b").unwrap();
    assert_eq!((entry.place.line, entry.place.column), (2, 1));
    assert_eq!((entry.value.place.line, entry.value.place.column), (3, 3));
}

#[test]
fn quotes_make_text_and_their_absence_what_it_looks_like() {
    let root = read("a: '1'\nb: 1\nc: 1.5\nd: |\n  x\ne:\n");

    assert_eq!(root.get("a").unwrap().as_text(), Some("1"));
    assert_eq!(root.get("b").unwrap().what(), "a number");
    assert_eq!(root.get("d").unwrap().as_text(), Some("x\n"));
    assert!(root.get("e").is_none() && root.entry("e").is_some());
}

#[test]
fn own_keys_win_over_merged_ones_and_the_first_merged_over_the_second() {
    let root = read(
        "x: &x {p: 1, q: 1, r: 1}\ny: &y {q: 2, s: 2}\na:\n  <<: [*y, *x]\n  p: 0\nb: {p: 9, <<: *x}\n",
    );

    let value = |map: &str, key: &str| match &root.get(map).unwrap().get(key).unwrap().data {
        super::Data::Scalar(scalar) => scalar.kind,
        _ => Kind::Null,
    };
    let a = ["p", "q", "r", "s"].map(|key| value("a", key));
    assert_eq!(a, [0, 2, 1, 2].map(Kind::Int));
    assert_eq!(value("b", "p"), Kind::Int(9));
    assert!(root.get("a").unwrap().entry("<<").is_none());
}

#[test]
fn a_quoted_double_arrow_is_an_ordinary_key() {
    assert!(read("'<<': 1\n").entry("<<").is_some());
}

#[test]
fn every_duplicate_key_is_named_with_both_lines() {
    let errors = parse("a: 1\nb: {c: 1, c: 2}\na: 3\n", "lab.yml").unwrap_err();

    let said: Vec<_> = errors
        .iter()
        .map(|error| (error.place.line, error.message.as_str()))
        .collect();
    assert_eq!(
        said,
        [
            (2, "c is already set on line 2"),
            (3, "a is already set on line 1")
        ]
    );
    let (line, message) = refused("x: &x {p: 1}\na:\n  <<: *x\n  <<: *x\n");
    assert_eq!(line, 4);
    assert!(message.starts_with("<< is already set"), "{message}");
}

#[test]
fn what_is_not_one_yaml_mapping_is_refused_with_its_line() {
    for (text, line, part) in [
        ("a: [1, 2\nb: 3\n", 2, "not YAML"),
        ("a:\n\tb: 1\n", 2, "tabs"),
        ("a: 1\n b: 2\n", 2, "not YAML"),
        ("a: {b: ${C}}\n", 1, "quotes"),
        ("a: 'open\n", 1, "not YAML"),
        ("a: *nowhere\n", 1, "not YAML"),
        ("a: 1\n---\nb: 2\n", 2, "second YAML document"),
        ("1: x\n", 1, "a key must be text, not a number"),
        ("[a]: x\n", 1, "a key must be text, not a list"),
        ("a:\n  <<: 5\n", 2, "<< needs a mapping"),
        ("a: &a [*a]\n", 1, "inside its own anchor"),
        ("a: !!int x\n", 1, "!!int"),
        ("", 0, "is empty"),
        ("# only a comment\n", 0, "is empty"),
    ] {
        let (at, message) = refused(text);
        assert!(message.contains(part), "{text:?}: {message}");
        assert_eq!(at, line, "{text:?}: {message}");
    }
}

#[test]
fn a_billion_laughs_are_refused_at_once() {
    let mut text = "a0: &a0 [x, x, x, x, x, x, x, x, x]\n".to_owned();
    for level in 1..12 {
        let aliases = vec![format!("*a{}", level - 1); 9].join(", ");
        text += &format!("a{level}: &a{level} [{aliases}]\n");
    }
    assert!(refused(&text).1.contains("aliases"));
}

#[test]
fn depth_is_bounded_whether_nested_by_hand_or_by_alias() {
    assert!(
        refused(&format!("{}x", "[".repeat(100)))
            .1
            .contains("nested deeper")
    );
    assert!(parse(&"[".repeat(100_000), "lab.yml").is_err());
    assert!(refused(&"- ".repeat(10_000)).1.contains("nested deeper"));
    let mut text = "a0: &a0 [x]\n".to_owned();
    for level in 1..100 {
        text += &format!("a{level}: &a{level} [*a{}]\n", level - 1);
    }
    assert!(refused(&text).1.contains("nested deeper"));
}

#[test]
fn anchors_in_anchors_cost_no_more_than_is_allowed() {
    let nested = format!("a: {}x{}\n", "&b [".repeat(60), "]".repeat(60));
    assert!(parse(&nested, "lab.yml").is_ok());
    let many: String = (0..2_000)
        .map(|n| format!("a{n}: &a{n} [x, y]\n"))
        .collect();
    assert!(parse(&many, "lab.yml").is_ok());
}

proptest! {
    #[test]
    fn no_text_makes_it_panic(text in "\\PC{0,80}") {
        let _ = parse(&text, "lab.yml");
    }

    #[test]
    fn no_text_of_yaml_signs_makes_it_panic(text in "[-:?,\\[\\]{}#&*!|>'\"%@` \t\na<0]{0,60}") {
        let _ = parse(&text, "lab.yml");
    }
}
