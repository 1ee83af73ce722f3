//! Our own reader of Compose files, for what Compose itself cannot do: name
//! file, line and service of everything that is wrong, and resolve a lab where
//! there is no Docker. It gives what `docker compose config` gives; tests hold
//! the two together.
//!
//! text → [`yaml`] → [`interpolate`] → [`include`] → [`extends`] and [`merge`] → [`keys`] and
//! [`decode`] → [`LabModel`]. Nothing here knows the host.

mod decode;
mod extends;
mod finding;
mod include;
mod interpolate;
mod keys;
mod merge;
mod model;
mod node;
mod parlab;
mod references;
mod scalar;
mod source;
mod units;
mod yaml;

pub use finding::{Finding, Place, Severity};
pub use interpolate::Environment;
pub use model::{LabModel, Port, Service};
pub use parlab::Component;
pub(crate) use units::show_bytes;

use extends::Extends;
use node::{Entry, Node};
use source::Sources;
use std::collections::BTreeMap;
use std::path::Path;

/// No machine runs more, and what is done once per pair of them stays quick.
const MAX_SERVICES: usize = 500;
/// `deploy.resources.limits.cpus` is as deep as anyone asks.
const MAX_PLACE_DEPTH: usize = 4;

/// A lab that Compose would take, and where everything in it stands.
#[derive(Debug)]
pub struct Loaded {
    /// The resolved lab.
    pub model: LabModel,
    /// What does something else than it seems to say.
    pub warnings: Vec<Finding>,
    file: String,
    /// By service and path in it, such as `deploy.resources.limits.cpus`.
    places: BTreeMap<(String, String), Place>,
}

impl Loaded {
    /// Where a key of a service stands, such as
    /// `deploy.resources.limits.cpus`, or one of the file itself, of the
    /// service "": `x-parlab.needs`. Where it is not written, the nearest
    /// above it.
    pub fn place(&self, service: &str, path: &str) -> Place {
        let mut path = path;
        loop {
            let key = (service.to_owned(), path.to_owned());
            if let Some(place) = self.places.get(&key) {
                return place.clone();
            }
            path = match path.rsplit_once('.') {
                Some((above, _)) => above,
                None if path.is_empty() => return Place::whole(&self.file),
                None => "",
            };
        }
    }
}

/// Reads and resolves `lab_file` of `folder`, with these variables. Errors:
/// all that keeps Compose from running it, whatever the host; with them, the
/// warnings.
pub fn load(folder: &Path, lab_file: &str, env: &Environment) -> Result<Loaded, Vec<Finding>> {
    let mut sources = Sources::new(folder, env);
    if sources.folder.join(".env").exists() {
        sources.findings.push(Finding::warning(
            &Place::whole(".env"),
            "Compose reads this file, and the check does not",
            "set its variables where you call make",
        ));
    }
    let loaded = resolve(&mut sources, lab_file);
    let findings = finding::tidy(sources.findings);
    match loaded {
        Some(mut loaded) if !findings.iter().any(Finding::is_error) => {
            loaded.warnings = findings;
            Ok(loaded)
        }
        _ => Err(findings),
    }
}

fn resolve(sources: &mut Sources<'_>, lab_file: &str) -> Option<Loaded> {
    let root = sources.file(lab_file, None)?;
    let files = include::files(sources, lab_file, root.clone());
    let mut all = Vec::new();
    for file in &files {
        match services(&file.root, &file.name) {
            Ok(services) => all.push((file, services)),
            Err(finding) => {
                sources.findings.push(finding);
                return None;
            }
        }
        sources.findings.extend(top(&file.root));
    }
    sources.findings.extend(include::redefined(&all));
    let (parlab, findings) = parlab::parlab(&root);
    sources.findings.extend(findings);
    let mut loaded = Loaded {
        model: LabModel {
            services: BTreeMap::new(),
            parlab,
        },
        warnings: Vec::new(),
        file: lab_file.to_owned(),
        places: BTreeMap::new(),
    };
    if let Some(entry) = root.entry("x-parlab") {
        note_places(
            &mut loaded.places,
            "",
            "x-parlab",
            &entry.place,
            &entry.value,
        );
    }
    let mut extends = Extends::new(sources);
    let entries = || {
        let files = all.iter();
        files.flat_map(|(file, entries)| entries.iter().map(|entry| (*file, entry)))
    };
    for (file, entry) in entries() {
        extends.sources.findings.extend(bad_name(entry));
        let Ok(node) = extends.resolve(&file.name, entry) else {
            continue;
        };
        let unknown = keys::unknown_in_service(&node).into_iter();
        let sources = &mut *extends.sources;
        sources
            .findings
            .extend(unknown.map(|finding| finding.of(&entry.key)));
        let (service, findings) = decode::service(&entry.key, &node, &sources.folder, sources.env);
        sources.findings.extend(findings);
        let undeclared = references::undeclared(&files, &node, &service).into_iter();
        let undeclared = undeclared.map(|finding| finding.of(&entry.key));
        sources.findings.extend(undeclared);
        note_places(&mut loaded.places, &entry.key, "", &entry.place, &node);
        loaded.model.services.insert(entry.key.clone(), service);
    }
    let declared: Vec<&str> = entries().map(|(_, entry)| entry.key.as_str()).collect();
    let findings = references::dependencies(&loaded, &declared);
    sources.findings.extend(findings);
    Some(loaded)
}

fn services<'n>(root: &'n Node, lab_file: &str) -> Result<&'n [Entry], Finding> {
    let hint = "write `services:`, and each service indented below it";
    if root.as_map().is_none() {
        let message = format!("holds {}, not a mapping", root.what());
        return Err(Finding::error(&root.place, message, hint));
    }
    match root.entry("services") {
        None => {
            let place = Place::whole(lab_file);
            let near = keys::unknown_at_top(root).into_iter().next();
            Err(near.unwrap_or_else(|| Finding::error(&place, "has no services", hint)))
        }
        Some(entry) => match entry.value.as_map() {
            Some([]) | None => Err(Finding::error(
                &entry.place,
                format!("services holds {}, not services", entry.value.what()),
                "indent each service below it",
            )),
            Some(services) if services.len() > MAX_SERVICES => Err(Finding::error(
                &entry.place,
                format!("there are more than {MAX_SERVICES} services"),
                "split the lab",
            )),
            Some(services) => Ok(services),
        },
    }
}

/// What is wrong at the top of a file.
fn top(root: &Node) -> Vec<Finding> {
    let mut findings = keys::unknown_at_top(root);
    for key in ["configs", "networks", "secrets", "volumes"] {
        if let Some(entry) = root
            .entry(key)
            .filter(|entry| entry.value.as_map().is_none())
        {
            let message = format!("{key} holds {}, not a mapping", entry.value.what());
            findings.push(Finding::error(
                &entry.place,
                message,
                "write `name:` below it",
            ));
        }
    }
    if let Some(version) = root.entry("version") {
        findings.push(Finding::warning(
            &version.place,
            "version is obsolete, and Compose ignores it",
            "remove the line",
        ));
    }
    findings
}

fn bad_name(entry: &Entry) -> Option<Finding> {
    let good = |sign: char| sign.is_ascii_alphanumeric() || matches!(sign, '.' | '_' | '-');
    (entry.key.is_empty() || !entry.key.chars().all(good)).then(|| {
        Finding::error(
            &entry.place,
            format!("{:?} is no name for a service", entry.key),
            "use letters, digits, and . _ - only",
        )
    })
}

fn note_places(
    places: &mut BTreeMap<(String, String), Place>,
    service: &str,
    path: &str,
    place: &Place,
    node: &Node,
) {
    places.insert((service.to_owned(), path.to_owned()), place.clone());
    if !path.is_empty() && path.split('.').count() >= MAX_PLACE_DEPTH {
        return;
    }
    for entry in node.as_map().unwrap_or_default() {
        let below = match path {
            "" => entry.key.clone(),
            _ => format!("{path}.{}", entry.key),
        };
        note_places(places, service, &below, &entry.place, &entry.value);
    }
}

#[cfg(test)]
mod tests;
