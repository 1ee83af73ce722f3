//! Makes a [`Service`] of a merged YAML tree, and says what Compose or Docker
//! would refuse in it, whatever the host.

mod deploy;
mod mounts;
mod ports;
mod reader;
mod shape;

use super::finding::Finding;
use super::interpolate::Environment;
use super::merge;
use super::model::{Build, Dependency, Healthcheck, Service};
use super::node::{Data, Kind, Node};
use reader::Reader;
use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;

/// The service in `node`, and what is wrong with it. `folder` is the Compose
/// folder, from which relative paths count.
pub(super) fn service(
    name: &str,
    node: &Node,
    folder: &Path,
    env: &Environment,
) -> (Service, Vec<Finding>) {
    let mut read = Reader::new(name, folder, env);
    if node.as_map().is_none() {
        read.refuse(
            node,
            "the service",
            "a mapping",
            "indent its keys below its name",
        );
        return (Service::default(), read.findings);
    }
    let mut service = Service {
        environment: environment(&mut read, node),
        labels: labels(&mut read, node),
        build: build(&mut read, node),
        deploy: deploy::deploy(&mut read, node),
        depends_on: depends_on(&mut read, node),
        healthcheck: healthcheck(&mut read, node),
        ports: ports::ports(&mut read, node),
        volumes: mounts::mounts(&mut read, node),
        ..plain_values(&mut read, node)
    };
    deploy::limits_beside_deploy(&mut read, node, &mut service);
    restart_policy(&mut read, node);
    unsupported(&mut read, node);
    shape::shape(&mut read, node);
    if service.image.is_none() && node.get("build").is_none() {
        read.error(
            node,
            "neither an image nor a build".to_owned(),
            "extend a service of services.yml, or write `image:`",
        );
    }
    (service, read.findings)
}

/// The keys that hold a text, a list of texts or a boolean.
fn plain_values(read: &mut Reader<'_>, node: &Node) -> Service {
    Service {
        image: read.text(node, "image"),
        command: read.command(node, "command"),
        entrypoint: read.command(node, "entrypoint"),
        profiles: unique(read.texts(node, "profiles")),
        user: read.text(node, "user"),
        working_dir: read.text(node, "working_dir"),
        hostname: read.text(node, "hostname"),
        container_name: read.text(node, "container_name"),
        network_mode: read.text(node, "network_mode"),
        restart: read.text(node, "restart"),
        stop_signal: read.text(node, "stop_signal"),
        stop_grace_period: read.duration(node, "stop_grace_period"),
        init: read.boolean(node, "init"),
        read_only: read.boolean(node, "read_only").unwrap_or(false),
        privileged: read.boolean(node, "privileged").unwrap_or(false),
        cap_add: unique(read.texts(node, "cap_add")),
        cap_drop: unique(read.texts(node, "cap_drop")),
        security_opt: read.texts_once_each(node, "security_opt"),
        tmpfs: unique(read.one_or_more_texts(node, "tmpfs")),
        ..Service::default()
    }
}

fn unique(mut texts: Vec<String>) -> Vec<String> {
    let mut seen = BTreeSet::new();
    texts.retain(|text| seen.insert(text.clone()));
    texts
}

fn environment(read: &mut Reader<'_>, node: &Node) -> BTreeMap<String, Option<String>> {
    let pairs = read.pairs(node, "environment");
    let passed_on = |name: &str| read.env.get(name).cloned();
    pairs
        .into_iter()
        .map(|(name, value)| {
            let value = value.or_else(|| passed_on(&name));
            (name, value)
        })
        .collect()
}

fn labels(read: &mut Reader<'_>, node: &Node) -> BTreeMap<String, String> {
    let pairs = read.pairs(node, "labels").into_iter();
    pairs
        .map(|(name, value)| (name, value.unwrap_or_default()))
        .collect()
}

fn build(read: &mut Reader<'_>, node: &Node) -> Option<Build> {
    let build = merge::context(node.get("build")?.clone());
    if build.as_map().is_none() {
        read.refuse(
            &build,
            "build",
            "a mapping or a path",
            "write `context: ..`",
        );
        return None;
    }
    let context = match build.get("context") {
        Some(context) => read.path(context, "build.context"),
        None => read.resolve(&build, "."),
    };
    // Compose leaves out an argument that is passed on but not set.
    let mut args = read.pairs(&build, "args");
    args.retain(|name, value| {
        if value.is_none() {
            *value = read.env.get(name).cloned();
        }
        value.is_some()
    });
    Some(Build {
        context,
        dockerfile: read
            .text(&build, "dockerfile")
            .unwrap_or_else(|| "Dockerfile".to_owned()),
        target: read.text(&build, "target"),
        args,
    })
}

fn depends_on(read: &mut Reader<'_>, node: &Node) -> BTreeMap<String, Dependency> {
    let Some(given) = node.get("depends_on") else {
        return BTreeMap::new();
    };
    let given = merge::names(given.clone(), &["depends_on"]);
    let Data::Map(entries) = &given.data else {
        read.refuse(
            &given,
            "depends_on",
            "a list of services",
            "write [name, other]",
        );
        return BTreeMap::new();
    };
    entries
        .iter()
        .map(|entry| {
            let condition = read.text(&entry.value, "condition").unwrap_or_else(|| {
                read.error(
                    &entry.value,
                    format!("depends_on.{} says no condition", entry.key),
                    "write `condition: service_started`",
                );
                String::new()
            });
            let dependency = Dependency {
                condition,
                required: read.boolean(&entry.value, "required").unwrap_or(true),
                restart: read.boolean(&entry.value, "restart").unwrap_or(false),
            };
            (entry.key.clone(), dependency)
        })
        .collect()
}

fn healthcheck(read: &mut Reader<'_>, node: &Node) -> Option<Healthcheck> {
    let given = node.get("healthcheck")?;
    if given.as_map().is_none() {
        read.refuse(given, "healthcheck", "a mapping", "write `test:` below it");
        return None;
    }
    if let Some(interval) = given.entry("start_interval") {
        read.findings.push(
            Finding::warning(
                &interval.place,
                "healthcheck.start_interval needs Docker Engine 25 or later",
                "leave it out",
            )
            .of(read.service),
        );
    }
    let test = match given.get("test") {
        Some(test) if test.as_text().is_some() => {
            let line = test.as_text().unwrap_or_default();
            vec!["CMD-SHELL".to_owned(), line.to_owned()]
        }
        _ => read.texts(given, "test"),
    };
    Some(Healthcheck {
        test,
        interval: read.duration(given, "interval"),
        timeout: read.duration(given, "timeout"),
        start_period: read.duration(given, "start_period"),
        retries: read
            .integer(given, "retries")
            .and_then(|retries| u64::try_from(retries).ok()),
        disable: read.boolean(given, "disable").unwrap_or(false),
    })
}

/// Docker refuses others only when the container is made.
fn restart_policy(read: &mut Reader<'_>, node: &Node) {
    let Some(given) = node.get("restart") else {
        return;
    };
    let known = match given.as_text() {
        Some("no" | "always" | "unless-stopped" | "on-failure") | None => true,
        Some(other) => other
            .strip_prefix("on-failure:")
            .is_some_and(|times| times.parse::<u32>().is_ok()),
    };
    if !known {
        read.refuse(
            given,
            "restart",
            "a restart policy",
            "write \"no\", always, unless-stopped or on-failure:3",
        );
    }
}

/// What Compose knows and this loader does not resolve: read over, it would
/// give a station another environment than it seems to have.
fn unsupported(read: &mut Reader<'_>, node: &Node) {
    if let Some(file) = node.get("env_file") {
        let empty = matches!(&file.data, Data::List(items) if items.is_empty());
        if !empty {
            read.error(
                file,
                "env_file is not used in labs".to_owned(),
                "write the variables under `environment`, where a reader sees them",
            );
        }
    }
}

/// Whether a number reaches the container as something else than is written.
fn reaches_otherwise(node: &Node) -> Option<String> {
    match &node.data {
        Data::Scalar(scalar) if matches!(scalar.kind, Kind::Int(_) | Kind::Float(_)) => {
            let rendered = scalar.rendered();
            (rendered != scalar.written).then_some(rendered)
        }
        _ => None,
    }
}
