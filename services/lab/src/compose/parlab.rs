//! `x-parlab`: what a lab's file says to Parlab itself. Compose passes over it.

use super::finding::{Finding, Place};
use super::node::{Data, Node};
use serde::{Deserialize, Serialize};
use service_kit::problem::nearest;

const KEYS: &[&str] = &["beside", "needs"];

/// What the lab says to Parlab itself.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Parlab {
    /// The components that the lab needs and that are no services of ours.
    #[serde(default)]
    pub needs: Vec<Component>,
    /// The services of ours that run beside the stations and are not measured.
    #[serde(default)]
    pub beside: Vec<String>,
}

/// A program of others that a lab may need.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Component {
    /// A Redis server.
    Redis,
    /// A PostgreSQL server.
    Postgres,
}

impl Component {
    /// All of them.
    const ALL: [Self; 2] = [Self::Redis, Self::Postgres];

    /// Its name in `needs`, which is also that of its image and of its Compose
    /// service.
    pub fn name(self) -> &'static str {
        match self {
            Self::Redis => "redis",
            Self::Postgres => "postgres",
        }
    }

    /// The port that its protocol has.
    pub fn port(self) -> u16 {
        match self {
            Self::Redis => 6379,
            Self::Postgres => 5432,
        }
    }
}

/// Reads `x-parlab` of a file's root, and says what is wrong with it.
pub(super) fn parlab(root: &Node) -> (Option<Parlab>, Vec<Finding>) {
    let Some(entry) = root.entry("x-parlab") else {
        return (None, Vec::new());
    };
    let mut findings = Vec::new();
    let Some(entries) = entry.value.as_map() else {
        let message = format!("x-parlab holds {}, not a mapping", entry.value.what());
        findings.push(refused(&entry.place, message));
        return (None, findings);
    };
    for entry in entries {
        if !KEYS.contains(&entry.key.as_str()) {
            let hint = nearest(&entry.key, KEYS.iter().copied())
                .map_or(format!("there are: {}", KEYS.join(", ")), |near| {
                    format!("did you mean {near}?")
                });
            let message = format!("x-parlab has no key {:?}", entry.key);
            findings.push(Finding::error(&entry.place, message, hint));
        }
    }
    let of = |key| root.get("x-parlab").and_then(|node| node.get(key));
    let needs = of("needs").map_or_else(Vec::new, |node| components(node, &mut findings));
    let beside = of("beside").map_or_else(Vec::new, |node| services(root, node, &mut findings));
    (Some(Parlab { needs, beside }), findings)
}

/// The services named, which the file itself has.
fn services(root: &Node, node: &Node, findings: &mut Vec<Finding>) -> Vec<String> {
    let Data::List(items) = &node.data else {
        let message = format!("x-parlab.beside is {}, not a list", node.what());
        findings.push(Finding::error(
            &node.place,
            message,
            "write `x-parlab: {beside: [origin]}`",
        ));
        return Vec::new();
    };
    let entries = root.get("services").and_then(Node::as_map);
    let known: Vec<&str> = entries
        .unwrap_or_default()
        .iter()
        .map(|entry| entry.key.as_str())
        .collect();
    let mut beside: Vec<String> = Vec::new();
    for item in items {
        let name = item.as_text().unwrap_or_else(|| item.what());
        if !known.contains(&name) {
            let hint = nearest(name, known.iter().copied())
                .map_or("name a service of this file".to_owned(), |near| {
                    format!("did you mean {near}?")
                });
            let message = format!("x-parlab.beside: there is no service {name:?}");
            findings.push(Finding::error(&item.place, message, hint));
        } else if !beside.iter().any(|other| other == name) {
            beside.push(name.to_owned());
        }
    }
    beside
}

fn components(node: &Node, findings: &mut Vec<Finding>) -> Vec<Component> {
    let Data::List(items) = &node.data else {
        let message = format!("x-parlab.needs is {}, not a list", node.what());
        findings.push(refused(&node.place, message));
        return Vec::new();
    };
    let mut needs = Vec::new();
    for item in items {
        let name = item.as_text().unwrap_or_else(|| item.what());
        let known = Component::ALL.map(Component::name);
        match Component::ALL.into_iter().find(|one| one.name() == name) {
            Some(component) if !needs.contains(&component) => needs.push(component),
            Some(_) => {}
            None => {
                let hint = nearest(name, known)
                    .map_or(format!("there are: {}", known.join(", ")), |near| {
                        format!("did you mean {near}?")
                    });
                let message = format!("x-parlab.needs: there is no component {name:?}");
                findings.push(Finding::error(&item.place, message, hint));
            }
        }
    }
    needs
}

fn refused(place: &Place, message: String) -> Finding {
    Finding::error(place, message, "write `x-parlab: {needs: [redis]}`")
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::{Component, Parlab, parlab};
    use crate::compose::yaml::parse;

    fn read(text: &str) -> (Option<Parlab>, Vec<String>) {
        let (parlab, findings) = parlab(&parse(text, "lab.yml").unwrap());
        let said = findings
            .iter()
            .map(|finding| finding.shown_in("compose").to_string())
            .collect();
        (parlab, said)
    }

    #[test]
    fn the_components_that_a_lab_needs_are_named() {
        let (parlab, said) = read("x-parlab: {needs: [redis, postgres, redis]}\n");

        assert!(said.is_empty(), "{said:?}");
        assert_eq!(
            parlab.unwrap().needs,
            [Component::Redis, Component::Postgres]
        );
        let (parlab, said) = read("x-parlab: {beside: [a, a]}\nservices:\n  a: {image: x}\n");
        assert!(said.is_empty(), "{said:?}");
        assert_eq!(parlab.unwrap().beside, ["a"]);
        assert_eq!(read("services: {}\n").0, None);
        assert_eq!(read("x-parlab: {}\n").0, Some(Parlab::default()));
    }

    #[test]
    fn what_it_does_not_know_is_refused_by_line() {
        for (text, expected) in [
            (
                "x-parlab:\n  need: [redis]\n",
                "compose/lab.yml:2: x-parlab has no key \"need\"; did you mean needs?",
            ),
            (
                "x-parlab:\n  beside: [origni]\nservices:\n  origin: {image: x}\n",
                "compose/lab.yml:2: x-parlab.beside: there is no service \"origni\"; \
                 did you mean origin?",
            ),
            (
                "x-parlab:\n  beside: origin\n",
                "compose/lab.yml:2: x-parlab.beside is text, not a list; \
                 write `x-parlab: {beside: [origin]}`",
            ),
            (
                "x-parlab:\n  needs: [redi]\n",
                "compose/lab.yml:2: x-parlab.needs: there is no component \"redi\"; \
                 did you mean redis?",
            ),
            (
                "x-parlab:\n  needs:\n  - kafka\n",
                "compose/lab.yml:3: x-parlab.needs: there is no component \"kafka\"; \
                 there are: redis, postgres",
            ),
            (
                "x-parlab:\n  needs: redis\n",
                "compose/lab.yml:2: x-parlab.needs is text, not a list; \
                 write `x-parlab: {needs: [redis]}`",
            ),
            (
                "x-parlab: [redis]\n",
                "compose/lab.yml:1: x-parlab holds a list, not a mapping; \
                 write `x-parlab: {needs: [redis]}`",
            ),
        ] {
            assert_eq!(read(text).1, [expected]);
        }
    }
}
