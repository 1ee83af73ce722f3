#![allow(clippy::unwrap_used)]
use super::*;
use crate::stages::transform::Cost;
use proptest::prelude::*;
use std::time::Duration;

fn listed(stages: &str, capacity: &str) -> Result<Declaration, Refused> {
    let place = |what: &str| format!("PIPELINE_{}", what.to_uppercase());
    Declaration::from_lists("words", stages, capacity, Work::default(), place)
}

fn refusal(stages: &str, capacity: &str) -> String {
    listed(stages, capacity).unwrap_err().to_string()
}

#[test]
fn a_list_is_a_pipeline() {
    let pipeline = listed("source, upper,bracket ,sink", "100,sink=1e3").unwrap();

    assert_eq!(pipeline.inner(), [Stage::Upper, Stage::Bracket]);
    assert_eq!(pipeline.capacity(Stage::Upper), 100);
    assert_eq!(pipeline.capacity(Stage::Sink), 1000);
}

#[test]
fn what_cannot_be_is_refused_with_its_place() {
    for (stages, capacity, place, reason) in [
        (
            "source,uper,sink",
            "10",
            "PIPELINE_STAGES, stage 2",
            "did you mean upper?",
        ),
        ("source,,sink", "10", "PIPELINE_STAGES, stage 2", "a gap"),
        (
            "upper,sink",
            "10",
            "PIPELINE_STAGES:",
            "must begin with source",
        ),
        (
            "source,upper",
            "10",
            "PIPELINE_STAGES:",
            "must end with sink",
        ),
        ("", "10", "PIPELINE_STAGES, stage 1", "a gap"),
        (
            "source,upper,bracket,upper,sink",
            "10",
            "PIPELINE_STAGES, stage 4",
            "a cycle: upper is stage 2",
        ),
        (
            "source,sink,upper,sink",
            "10",
            "PIPELINE_STAGES, stage 4",
            "a cycle: sink is stage 2",
        ),
        (
            "source,sink,upper",
            "10",
            "PIPELINE_STAGES:",
            "must end with sink",
        ),
        ("source,sink", "0", "PIPELINE_CAPACITY:", "a capacity of 0"),
        (
            "source,sink",
            "10,sink=0",
            "PIPELINE_CAPACITY:",
            "a capacity of 0",
        ),
        (
            "source,sink",
            "1e9",
            "PIPELINE_CAPACITY:",
            "at most 10000000",
        ),
        (
            "source,sink",
            "ten",
            "PIPELINE_CAPACITY:",
            "must be a whole number",
        ),
        ("source,sink", "10,20", "PIPELINE_CAPACITY:", "twice"),
        (
            "source,sink",
            "10,upper=5",
            "PIPELINE_CAPACITY:",
            "upper is no stage of this pipeline",
        ),
        (
            "source,sink",
            "10,source=5",
            "PIPELINE_CAPACITY:",
            "source has no queue",
        ),
    ] {
        let said = refusal(stages, capacity);
        assert!(said.starts_with(place), "{stages:?} {capacity:?}: {said}");
        assert!(said.contains(reason), "{stages:?} {capacity:?}: {said}");
    }
}

#[test]
fn a_file_is_a_pipeline() {
    let text = r#"
name = "course"
stages = ["source", "transform", "lookup", "count", "sink"]
capacity = 50

[capacities]
sink = 7

[transform]
cost_micros = 250

[lookup]
wait_micros = 3000

[count]
window = 9
"#;

    let pipeline = Declaration::from_toml(text, "course.toml").unwrap();

    assert_eq!(pipeline.name, "course");
    assert_eq!(pipeline.capacity(Stage::Lookup), 50);
    assert_eq!(pipeline.capacity(Stage::Sink), 7);
    assert_eq!(pipeline.work.transform, Cost::Micros(250));
    assert_eq!(pipeline.work.lookup, Duration::from_millis(3));
    assert_eq!(pipeline.work.window, 9);
}

#[test]
fn what_cannot_be_in_a_file_is_refused_with_its_line() {
    for (text, place, reason) in [
        (
            "name = 'a'\nstages = ['source',\n 'uper', 'sink']",
            "p.toml:3, stage 2",
            "did you mean upper?",
        ),
        (
            "name = 'a'\nstages = ['source', 'sink']\ncapacity = 0",
            "p.toml:3",
            "a capacity of 0",
        ),
        (
            "name = 'a'\nstages = ['source', 'sink']\n[capacities]\nsink = 0",
            "p.toml:4",
            "a capacity of 0",
        ),
        (
            "name = 'a'\nstages = ['source', 'sink']\n[capacities]\nsnk = 1",
            "p.toml:4",
            "did you mean sink?",
        ),
        (
            "name = 'a'\nstages = ['source', 'upper', 'upper', 'sink']",
            "p.toml:2, stage 3",
            "a cycle",
        ),
        (
            "name = 'a'\nstages = ['upper']",
            "p.toml:2:",
            "must begin with source",
        ),
        (
            "name = 'a b'\nstages = ['source', 'sink']",
            "p.toml:1",
            "letters, digits",
        ),
        (
            "name = 'a'\nstages = ['source', 'sink']\n[count]\nwindow = 0",
            "p.toml:4",
            "at least 1",
        ),
        (
            "name = 'a'\nstages = ['source', 'sink']\ncapactiy = 3",
            "p.toml:3",
            "capactiy",
        ),
        ("name = 'a'\nstages = [", "p.toml:2", ""),
        ("stages = ['source', 'sink']", "p.toml:1", "name"),
    ] {
        let said = Declaration::from_toml(text, "p.toml")
            .unwrap_err()
            .to_string();
        assert!(said.starts_with(place), "{text:?}: {said}");
        assert!(said.contains(reason), "{text:?}: {said}");
    }
}

proptest! {
    #[test]
    fn any_order_of_known_stages_is_taken_or_refused_for_what_is_wrong(
        names in proptest::collection::vec(
            prop_oneof![
                Just("source"), Just("upper"), Just("parse"), Just("sink"), Just(""), Just("what")
            ],
            0..7,
        ),
    ) {
        let distinct: std::collections::BTreeSet<_> = names.iter().collect();
        let sound = names.len() >= 2
            && names.first() == Some(&"source")
            && names.last() == Some(&"sink")
            && distinct.len() == names.len()
            && !names.contains(&"")
            && !names.contains(&"what");

        let taken = listed(&names.join(","), "10");

        prop_assert_eq!(taken.is_ok(), sound, "{:?}: {:?}", names, taken);
    }

    #[test]
    fn no_text_makes_it_panic(text: String, capacity: String) {
        let _ = Declaration::from_toml(&text, "any");
        let _ = listed(&text, &capacity);
    }
}
