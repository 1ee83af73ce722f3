//! `include`: another file of the folder, whose services come as they are.

use super::finding::{Finding, Place};
use super::node::{Data, Entry, Node};
use super::source::{Sources, beside};
use std::rc::Rc;

/// A file that has services of the lab.
pub(super) struct File {
    /// Its name, relative to the folder.
    pub name: String,
    pub root: Rc<Node>,
}

/// The lab's file, then those that it includes. What is wrong goes to the
/// findings.
pub(super) fn files(sources: &mut Sources<'_>, lab_file: &str, root: Rc<Node>) -> Vec<File> {
    let included = root.entry("include").cloned();
    let mut files = vec![File {
        name: lab_file.to_owned(),
        root,
    }];
    let names = included.map_or_else(Vec::new, |entry| names(sources, &entry));
    for (name, place) in names {
        let Some(root) = sources.file(&name, Some(&place)) else {
            continue;
        };
        if let Some(again) = root.entry("include") {
            let finding = Finding::error(
                &again.place,
                "an included file that includes others is not used in labs",
                "include them in the lab's file",
            );
            sources.findings.push(finding);
        } else if files.iter().any(|file| file.name == name) {
            let message = format!("{name} is included already");
            let finding = Finding::error(&place, message, "remove the line");
            sources.findings.push(finding);
        } else {
            files.push(File { name, root });
        }
    }
    files
}

/// The files that `include` of the lab's file names, and where.
fn names(sources: &mut Sources<'_>, include: &Entry) -> Vec<(String, Place)> {
    let hint = "write `include: [observability.yml]`";
    let Data::List(items) = &include.value.data else {
        let message = format!("include holds {}, not a list", include.value.what());
        let finding = Finding::error(&include.place, message, hint);
        sources.findings.push(finding);
        return Vec::new();
    };
    let mut names = Vec::new();
    for item in items {
        let name = item.as_text();
        match name.map(|name| beside(&include.place.file, name)) {
            Some(Some(name)) => names.push((name, item.place.clone())),
            Some(None) => sources.findings.push(Finding::error(
                &item.place,
                format!("{} is outside the Compose folder", name.unwrap_or_default()),
                "keep all files in one folder",
            )),
            None => sources.findings.push(Finding::error(
                &item.place,
                format!("include has {}, not a file's name", item.what()),
                hint,
            )),
        }
    }
    names
}

/// What Compose refuses: a service that two of the files have.
pub(super) fn redefined(files: &[(&File, &[Entry])]) -> Vec<Finding> {
    let mut findings = Vec::new();
    for (index, (file, entries)) in files.iter().enumerate().skip(1) {
        for entry in *entries {
            let mut before = files[..index].iter().flat_map(|(_, entries)| *entries);
            let Some(earlier) = before.find(|other| other.key == entry.key) else {
                continue;
            };
            let message = format!(
                "{} is included and has this service too, and Compose refuses to change it",
                file.name
            );
            let finding = Finding::error(&earlier.place, message, "choose another name");
            findings.push(finding.of(&entry.key));
        }
    }
    findings
}
