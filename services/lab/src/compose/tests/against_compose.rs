//! Our resolved model against Compose's own, file by file.

use super::{fixtures, repository};
use crate::compose::{Environment, LabModel, load};
use std::path::{Path, PathBuf};
use std::process::Command;

/// Variables for both sides; PATH and HOME let the Docker client find itself.
fn environment() -> Environment {
    let own = ["PATH", "HOME"].map(|name| (name, std::env::var(name).unwrap_or_default()));
    let given = [("TAG", "t1".to_owned()), ("BLANK", String::new())];
    own.into_iter()
        .chain(given)
        .map(|(name, value)| (name.to_owned(), value))
        .collect()
}

fn compose(arguments: &[&str]) -> Option<String> {
    let output = Command::new("docker")
        .arg("compose")
        .args(arguments)
        .env_clear()
        .envs(environment())
        .output()
        .ok()?;
    let error = String::from_utf8_lossy(&output.stderr);
    assert!(
        output.status.success() || arguments == ["version", "--short"],
        "docker compose {arguments:?}: {error}"
    );
    output
        .status
        .success()
        .then(|| String::from_utf8(output.stdout).unwrap())
}

fn has_compose_v2() -> bool {
    let version = compose(&["version", "--short"]).unwrap_or_default();
    let is_v2 = version.trim_start_matches('v').starts_with("2.");
    if !is_v2 {
        println!("left out: comparing with Compose needs `docker compose` v2");
    }
    is_v2
}

fn labs(folder: &Path) -> Vec<PathBuf> {
    let mut labs: Vec<PathBuf> = std::fs::read_dir(folder)
        .unwrap()
        .map(|file| file.unwrap().path())
        .filter(|path| {
            let name = path.file_name().unwrap().to_str().unwrap();
            name.starts_with("lab-") && path.extension().is_some_and(|ending| ending == "yml")
        })
        .collect();
    labs.sort();
    labs
}

fn agree(lab: &Path) {
    let path = lab.canonicalize().unwrap();
    let (folder, name) = (path.parent().unwrap(), path.file_name().unwrap());
    let file = path.to_str().unwrap();
    let arguments = [
        "-p",
        "parlab",
        "-f",
        file,
        "--profile",
        "*",
        "config",
        "--format",
        "json",
    ];
    let theirs = LabModel::from_compose_json(&compose(&arguments).unwrap()).unwrap();

    let loaded = load(folder, name.to_str().unwrap(), &environment());

    let ours = loaded
        .unwrap_or_else(|findings| panic!("{file}: {findings:#?}"))
        .model;
    for (name, service) in &theirs.services {
        let pretty = |service| serde_json::to_string_pretty(service).unwrap();
        let own = ours.services.get(name).map(pretty).unwrap_or_default();
        assert_eq!(own, pretty(service), "{file}: {name}");
    }
    assert_eq!(ours, theirs, "{file}");
}

#[test]
fn our_model_is_composes_for_every_lab_and_fixture() {
    if !has_compose_v2() {
        return;
    }
    let files = [labs(&fixtures()), labs(&repository())].concat();
    assert!(files.len() >= 5, "no labs found: {files:?}");
    for lab in files {
        agree(&lab);
    }
}
