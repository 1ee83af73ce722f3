//! docs/origin.md, held against the program.

use crate::served::{Origin, origin};
use origin::web::fault::Fault;
use serde_json::Value;
use std::collections::BTreeSet;

fn document() -> String {
    let path = concat!(env!("CARGO_MANIFEST_DIR"), "/../../docs/origin.md");
    std::fs::read_to_string(path).unwrap()
}

fn section(heading: &str) -> String {
    let document = document();
    let (_, rest) = document.split_once(&format!("\n## {heading}\n")).unwrap();
    rest.split("\n## ").next().unwrap().to_owned()
}

/// What stands in backquotes.
fn quoted(text: &str) -> impl Iterator<Item = &str> {
    text.split('`').skip(1).step_by(2)
}

#[test]
fn every_fault_stands_in_the_table_in_its_order() {
    let faults = section("Faults");
    let rows = faults.lines().filter_map(|line| line.strip_prefix("| `"));
    let named: Vec<_> = rows.filter_map(|row| row.split('`').next()).collect();
    assert_eq!(named, Fault::ALL.map(Fault::name));
}

#[test]
fn every_option_in_the_text_is_one() {
    let help = origin().args(["serve", "--help"]).output().unwrap();
    let help = String::from_utf8(help.stdout).unwrap();
    let document = document();
    let options: BTreeSet<_> = quoted(&document)
        .filter_map(|text| text.split(' ').next())
        .filter(|word| word.starts_with("--") && *word != "--help")
        .collect();
    assert!(options.len() > 8, "{options:?}");
    for option in options {
        assert!(
            help.contains(&format!("{option} <")) || help.contains(&format!("{option}\n")),
            "{option}"
        );
    }
    assert!(help.contains("ORIGIN_PAGE_BYTES"));
}

#[test]
fn the_account_in_the_text_has_the_fields_of_the_real_one() {
    let text = section("The account");
    let example = text
        .split("```")
        .nth(1)
        .unwrap()
        .strip_prefix("json")
        .unwrap();
    let example: Value = serde_json::from_str(example).unwrap();
    let origin = Origin::start("");
    origin.get("/page/1");
    let real = origin.stats();
    let fields = |account: &Value| -> BTreeSet<String> {
        account.as_object().unwrap().keys().cloned().collect()
    };
    assert_eq!(fields(&example), fields(&real));
    let path = |account: &Value| fields(&account["paths"]["/page/1"]);
    assert_eq!(path(&example), path(&real));
}

#[test]
fn every_path_in_the_table_is_served() {
    let document = document();
    let rows = document.lines().filter_map(|line| line.strip_prefix("| `"));
    let cells = rows.filter_map(|row| row.split(" | ").next());
    let paths = cells.flat_map(|cell| cell.split('`')).filter_map(|text| {
        let path = text.trim_start_matches("GET ");
        path.starts_with('/').then(|| path.replace("{n}", "1"))
    });
    let paths: BTreeSet<String> = paths.collect();
    assert!(paths.len() >= 8, "{paths:?}");
    let redirects = Origin::start("--redirect 1");
    let loops = Origin::start("--redirect-loop 1");
    for path in paths {
        let origin = if path.starts_with("/loop/") {
            &loops
        } else {
            &redirects
        };
        let status = origin.get(&path).status().unwrap();
        assert!(status < 400, "{path}: {status}");
    }
}
