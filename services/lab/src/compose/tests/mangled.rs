//! Real files with bytes changed, lost and doubled: whatever comes out, a
//! model or findings, it comes out without a panic and soon.

use super::{fixtures, load, repository};
use crate::check::{Host, refused};
use crate::compose::Environment;
use proptest::prelude::*;
use std::path::PathBuf;

fn file(index: usize) -> (PathBuf, String) {
    let names = [
        "lab-merges.yml",
        "lab-anchors.yml",
        "lab-variables.yml",
        "lab-notations.yml",
    ];
    match names.get(index) {
        Some(name) => (fixtures(), (*name).to_owned()),
        None => (repository(), "lab-primes.yml".to_owned()),
    }
}

#[derive(Debug, Clone)]
enum Slip {
    Replace(usize, u8),
    Insert(usize, String),
    Remove(usize, usize),
    Double(usize, usize),
}

fn slip() -> impl Strategy<Value = Slip> {
    let signs = "[-:{}\\[\\]$*&!|>#\"' \t\n0-9a-z~<,%@]{1,3}";
    prop_oneof![
        (0..4000_usize, any::<u8>()).prop_map(|(at, byte)| Slip::Replace(at, byte)),
        (0..4000_usize, signs).prop_map(|(at, text)| Slip::Insert(at, text)),
        (0..4000_usize, 1..80_usize).prop_map(|(at, length)| Slip::Remove(at, length)),
        (0..4000_usize, 1..300_usize).prop_map(|(at, length)| Slip::Double(at, length)),
    ]
}

fn mangle(bytes: &mut Vec<u8>, slip: &Slip) {
    let len = bytes.len();
    let (Slip::Replace(at, _) | Slip::Insert(at, _) | Slip::Remove(at, _) | Slip::Double(at, _)) =
        slip;
    let at = at % len.max(1);
    match slip {
        Slip::Replace(_, byte) => {
            if let Some(there) = bytes.get_mut(at) {
                *there = *byte;
            }
        }
        Slip::Insert(_, text) => drop(bytes.splice(at..at, text.bytes())),
        Slip::Remove(_, length) => drop(bytes.drain(at..(at + length).min(len))),
        Slip::Double(_, length) => {
            let part = bytes[at..(at + length).min(len)].to_vec();
            drop(bytes.splice(at..at, part));
        }
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(400))]

    #[test]
    fn a_mangled_lab_never_makes_the_loader_panic(
        index in 0..5_usize,
        slips in prop::collection::vec(slip(), 1..6),
    ) {
        let (folder, name) = file(index);
        let mut lab = std::fs::read(folder.join(&name)).unwrap();
        for slip in &slips {
            mangle(&mut lab, slip);
        }
        let temporary = tempfile::tempdir().unwrap();
        for other in ["services.yml", "observability.yml"] {
            if let Ok(text) = std::fs::read(folder.join(other)) {
                std::fs::write(temporary.path().join(other), text).unwrap();
            }
        }
        std::fs::write(temporary.path().join(&name), lab).unwrap();

        match load(temporary.path(), &name, &Environment::new()) {
            Ok(loaded) => drop(refused(&loaded.model, &Host::with_cpus(2))),
            Err(findings) => prop_assert!(findings.iter().any(super::Finding::is_error)),
        }
    }
}
