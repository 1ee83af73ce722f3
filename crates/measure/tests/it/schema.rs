//! The report's JSON Schema: current, and true of a report.

use measure::analysis::analyse;
use measure::made::*;
use measure::report::RunReport;
use std::path::PathBuf;

const REGENERATE: &str = "PARLAB_WRITE_SCHEMA=1 cargo test -p measure schema";

fn path() -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../../docs/run.schema.json")
}

fn generated() -> String {
    let schema = schemars::schema_for!(RunReport);
    serde_json::to_string_pretty(&schema).unwrap() + "\n"
}

#[test]
fn the_schema_in_docs_is_the_one_of_the_types() {
    if std::env::var_os("PARLAB_WRITE_SCHEMA").is_some() {
        std::fs::write(path(), generated()).unwrap();
    }
    let stored = std::fs::read_to_string(path()).unwrap_or_default();
    assert!(
        stored == generated(),
        "docs/run.schema.json is out of date with crates/measure/src/report: run\n  {REGENERATE}"
    );
}

#[test]
fn a_report_is_valid_and_a_broken_one_is_not() {
    let schema: serde_json::Value = serde_json::from_str(&generated()).unwrap();
    let validator = jsonschema::validator_for(&schema).unwrap();
    let half_row = row_of("half", "sequential", 1, rounds(6, &[half(1.02)]));
    let mut report = report(
        vec![station("two", None), station("half", Some(0.5))],
        vec![baseline(&[1.02; 6]), half_row],
    );
    analyse(&mut report);
    let mut json = serde_json::to_value(&report).unwrap();
    let errors: Vec<String> = validator
        .iter_errors(&json)
        .map(|e| e.to_string())
        .collect();
    assert!(errors.is_empty(), "{errors:?}");

    json["rows"][0]["verdict"]["kind"] = "no-such-kind".into();
    assert!(!validator.is_valid(&json));
    json["rows"][0]["verdict"]["kind"] = "cpu".into();
    json.as_object_mut().unwrap().remove("stations");
    assert!(!validator.is_valid(&json));
}
