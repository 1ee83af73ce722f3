#![allow(clippy::unwrap_used)]

use super::{SCHEMA, Snapshot};
use std::path::PathBuf;

const REGENERATE: &str = "PARLAB_WRITE_SCHEMA=1 cargo test -p metrics schema";

fn path() -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../../docs/snapshot.schema.json")
}

#[test]
fn the_schema_in_docs_is_the_one_of_the_types() {
    let schema = schemars::schema_for!(Snapshot);
    let generated = serde_json::to_string_pretty(&schema).unwrap() + "\n";
    if std::env::var_os("PARLAB_WRITE_SCHEMA").is_some() {
        std::fs::write(path(), &generated).unwrap();
    }
    let stored = std::fs::read_to_string(path()).unwrap_or_default();
    assert!(
        stored == generated,
        "docs/snapshot.schema.json is out of date with services/metrics/src/snapshot.rs: run\n  {REGENERATE}"
    );
    assert!(
        generated.contains(SCHEMA),
        "the schema names its own version"
    );
}
