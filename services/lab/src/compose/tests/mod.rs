//! The loader as a whole: what it says of bad files, that nothing makes it
//! panic, and that what it resolves is what Compose resolves.

#![allow(clippy::unwrap_used, clippy::format_collect)]

mod against_compose;
mod mangled;
mod refusals;
mod structure;

use super::{Environment, Finding, Loaded, load};
use std::path::PathBuf;
use tempfile::TempDir;

/// The fixtures of this crate that are Compose files.
fn fixtures() -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("tests/fixtures/compose")
}

/// The repository's own labs.
fn repository() -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../../compose")
}

/// A folder with these files.
fn folder(files: &[(&str, &str)]) -> TempDir {
    let folder = tempfile::tempdir().unwrap();
    for (name, text) in files {
        let path = folder.path().join(name);
        std::fs::create_dir_all(path.parent().unwrap()).unwrap();
        std::fs::write(path, text).unwrap();
    }
    folder
}

/// Loads `lab.yml` from a folder with these files and no variables.
fn load_files(files: &[(&str, &str)]) -> Result<Loaded, Vec<Finding>> {
    load(folder(files).path(), "lab.yml", &Environment::new())
}

/// All that is said of these files, as it is printed.
fn said(files: &[(&str, &str)]) -> Vec<String> {
    let findings = match load_files(files) {
        Ok(loaded) => loaded.warnings,
        Err(findings) => findings,
    };
    let print = |finding: &Finding| finding.shown_in("compose").to_string();
    findings.iter().map(print).collect()
}
