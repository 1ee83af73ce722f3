//! Names that a service uses and the lab must have: other services, volumes,
//! networks.

use super::Loaded;
use super::finding::Finding;
use super::include::File;
use super::merge;
use super::model::Service;
use super::node::Node;
use std::collections::BTreeSet;

/// The named volumes and networks of a service that none of the files declares.
pub(super) fn undeclared(files: &[File], node: &Node, service: &Service) -> Vec<Finding> {
    let mut findings = Vec::new();
    let mut missing = |user: &Node, name: &str, section: &str| {
        let declares = |file: &File| {
            let section = file.root.get(section);
            section.is_some_and(|section| section.entry(name).is_some())
        };
        if !files.iter().any(declares) {
            findings.push(Finding::error(
                &user.place,
                format!("it uses {name:?}, which {section} of this file does not declare"),
                format!("write `{section}: {{{name}: }}` there"),
            ));
        }
    };
    if let Some(volumes) = node.get("volumes") {
        for mount in service
            .volumes
            .iter()
            .filter(|mount| mount.kind == "volume")
        {
            if let Some(name) = &mount.source {
                missing(volumes, name, "volumes");
            }
        }
    }
    if let Some(networks) = node.get("networks") {
        let names = merge::names(networks.clone(), &["networks"]);
        for entry in names.as_map().unwrap_or_default() {
            if entry.key != "default" {
                missing(networks, &entry.key, "networks");
            }
        }
    }
    findings
}

/// Dependencies that are not there, and those that wait for one another.
pub(super) fn dependencies(loaded: &Loaded, names: &[&str]) -> Vec<Finding> {
    let services = &loaded.model.services;
    let mut findings = Vec::new();
    for (name, service) in services {
        for (other, dependency) in &service.depends_on {
            if dependency.required && !names.contains(&other.as_str()) {
                let place = loaded.place(name, &format!("depends_on.{other}"));
                let message = format!("it depends on {other}, which this lab does not have");
                let hint = format!("add {other} to the lab's services");
                findings.push(Finding::error(&place, message, hint).of(name));
            }
        }
    }
    // Whoever waits for nobody goes; who is left waits in a circle, or for one.
    let mut waiting: BTreeSet<&String> = services.keys().collect();
    loop {
        let before = waiting.len();
        let left = waiting.clone();
        waiting.retain(|name| {
            services[*name]
                .depends_on
                .keys()
                .any(|other| left.contains(other))
        });
        if waiting.len() == before {
            break;
        }
    }
    if let Some(name) = waiting.first() {
        let names: Vec<&str> = waiting.iter().map(|name| name.as_str()).collect();
        findings.push(Finding::error(
            &loaded.place(name, "depends_on"),
            format!("services wait for one another: {}", names.join(", ")),
            "one of them must not depend on the others",
        ));
    }
    findings
}
