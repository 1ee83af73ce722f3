//! docs/cluster.md, held against the program.

use crate::served::{Cluster, cluster};
use std::collections::BTreeSet;

fn document() -> String {
    let path = concat!(env!("CARGO_MANIFEST_DIR"), "/../../docs/cluster.md");
    std::fs::read_to_string(path).unwrap()
}

/// What stands in backquotes.
fn quoted(text: &str) -> impl Iterator<Item = &str> {
    text.split('`').skip(1).step_by(2)
}

#[test]
fn every_option_in_the_text_is_one() {
    let help = cluster().args(["serve", "--help"]).output().unwrap();
    let help = String::from_utf8(help.stdout).unwrap();
    let document = document();
    let options: BTreeSet<_> = quoted(&document)
        .filter_map(|text| text.split(' ').next())
        .filter(|word| word.starts_with("--") && *word != "--help")
        .collect();
    assert!(options.len() > 8, "{options:?}");
    for option in options {
        assert!(help.contains(&format!("{option} <")), "{option}");
    }
    for variable in quoted(&document).filter(|text| text.starts_with("CLUSTER_")) {
        assert!(help.contains(variable), "{variable}");
    }
}

#[test]
fn every_path_of_the_served_port_is_there() {
    let cluster = Cluster::start("--workers 1");
    let document = document();
    let rows = document
        .lines()
        .filter_map(|line| line.strip_prefix("| `/"));
    let paths: Vec<String> = rows
        .filter_map(|row| row.split('`').next())
        .map(|path| format!("/{}", path.replace("=N", "=5")))
        .collect();
    assert!(paths.len() >= 3, "{paths:?}");
    for path in paths {
        assert_eq!(cluster.get(&path).status, 200, "{path}");
    }
}
