//! `extends`: a service taken from elsewhere in the folder, and changed.

use super::finding::{Finding, Place};
use super::merge;
use super::node::{Data, Entry, Node};
use super::source::{Sources, beside};
use service_kit::problem::nearest;

/// A service extends one that extends one …: so many at most.
const MAX_CHAIN: usize = 32;
/// Values in all resolved services together: fifty times a large lab's.
const MAX_VALUES: usize = 100_000;

/// A service, and the file it stands in.
#[derive(Debug, Clone, PartialEq, Eq)]
struct Named {
    file: String,
    service: String,
}

/// Resolves services one after the other.
pub(super) struct Extends<'s, 'e> {
    pub sources: &'s mut Sources<'e>,
    values: usize,
}

/// It could not be resolved, which has been said among the findings.
pub(super) struct Unresolved;

impl<'s, 'e> Extends<'s, 'e> {
    pub(super) fn new(sources: &'s mut Sources<'e>) -> Self {
        Self { sources, values: 0 }
    }

    /// The service of this entry, with all that it extends merged in.
    pub(super) fn resolve(&mut self, file: &str, entry: &Entry) -> Result<Node, Unresolved> {
        let named = Named {
            file: file.to_owned(),
            service: entry.key.clone(),
        };
        let mut node = self
            .merged(&entry.value, named, &mut Vec::new())
            .map_err(|finding| {
                if let Some(finding) = finding {
                    self.sources.findings.push(finding.of(&entry.key));
                }
                Unresolved
            })?;
        merge::without_resets(&mut node);
        Ok(node)
    }

    /// Errors are `None` where they have been said already.
    fn merged(
        &mut self,
        node: &Node,
        named: Named,
        chain: &mut Vec<Named>,
    ) -> Result<Node, Option<Finding>> {
        self.values += node.size();
        if self.values > MAX_VALUES {
            return Err(Some(Finding::error(
                &node.place,
                format!("the services hold more than {MAX_VALUES} values together"),
                "no lab needs that: extend smaller services",
            )));
        }
        let Some(extends) = node.entry("extends") else {
            return Ok(node.clone());
        };
        let place = extends.place.clone();
        let target = target(&extends.value, &named.file)?;
        chain.push(named);
        if chain.contains(&target) || chain.len() > MAX_CHAIN {
            return Err(Some(circle(&place, chain, &target)));
        }
        let base = self.base(&target, &place)?;
        let base = self.merged(&base, target, chain)?;
        chain.pop();
        let mut over = node.clone();
        if let Data::Map(entries) = &mut over.data {
            entries.retain(|entry| entry.key != "extends");
        }
        Ok(merge::merge(base, over, &[])?)
    }

    /// The service that is extended, as its own file has it.
    fn base(&mut self, target: &Named, place: &Place) -> Result<Node, Option<Finding>> {
        let root = self.sources.file(&target.file, Some(place)).ok_or(None)?;
        let services = root.get("services");
        let entries = services.and_then(Node::as_map).unwrap_or_default();
        let found = entries.iter().find(|entry| entry.key == target.service);
        match found {
            Some(entry) if entry.value.as_map().is_some() => Ok(entry.value.clone()),
            Some(entry) => Err(Some(Finding::error(
                &entry.place,
                format!(
                    "{} is no service: it holds {}",
                    entry.key,
                    entry.value.what()
                ),
                "indent its keys below its name",
            ))),
            None => {
                let names: Vec<&str> = entries.iter().map(|entry| entry.key.as_str()).collect();
                let hint = match nearest(&target.service, names.iter().copied()) {
                    Some(near) => format!("did you mean {near}?"),
                    None if names.is_empty() => "it has no services".to_owned(),
                    None => format!("there are: {}", names.join(", ")),
                };
                Err(Some(Finding::error(
                    place,
                    format!(
                        "{} has no service {:?} to extend",
                        target.file, target.service
                    ),
                    hint,
                )))
            }
        }
    }
}

/// What `extends` names, from the file where it stands.
fn target(extends: &Node, file: &str) -> Result<Named, Finding> {
    let wrong = |place: &Place, message: String| {
        let hint = "write `extends: {file: services.yml, service: NAME}`";
        Finding::error(place, message, hint)
    };
    if let Some(service) = extends.as_text() {
        return Ok(Named {
            file: file.to_owned(),
            service: service.to_owned(),
        });
    }
    let entries = extends.as_map().ok_or_else(|| {
        let what = extends.what();
        wrong(
            &extends.place,
            format!("extends is {what}, not a service's name"),
        )
    })?;
    let known = ["file", "service"];
    if let Some(other) = entries
        .iter()
        .find(|entry| !known.contains(&entry.key.as_str()))
    {
        return Err(wrong(
            &other.place,
            format!("extends has no key {:?}", other.key),
        ));
    }
    let service = extends
        .get("service")
        .and_then(Node::as_text)
        .ok_or_else(|| wrong(&extends.place, "extends names no service".to_owned()))?;
    let file = match extends.get("file") {
        None => file.to_owned(),
        Some(node) => {
            let name = node
                .as_text()
                .ok_or_else(|| wrong(&node.place, "extends names no file".to_owned()))?;
            beside(file, name).ok_or_else(|| {
                Finding::error(
                    &node.place,
                    format!("{name} is outside the Compose folder"),
                    "keep all files in one folder",
                )
            })?
        }
    };
    Ok(Named {
        file,
        service: service.to_owned(),
    })
}

fn circle(place: &Place, chain: &[Named], target: &Named) -> Finding {
    if chain.len() > MAX_CHAIN {
        return Finding::error(
            place,
            format!("more than {MAX_CHAIN} services extend one another"),
            "extend the first of them directly",
        );
    }
    let start = chain.iter().position(|named| named == target).unwrap_or(0);
    let names: Vec<&str> = chain[start..]
        .iter()
        .chain([target])
        .map(|named| named.service.as_str())
        .collect();
    Finding::error(
        place,
        format!(
            "services extend one another in a circle: {}",
            names.join(" → ")
        ),
        "one of them must not extend",
    )
}
