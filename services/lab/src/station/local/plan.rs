//! From the resolved lab to what is started locally, and what of it cannot be.
//! Pure: which programs there are comes in as a question.

use super::addresses;
use super::limits::Limits;
use super::means::Means;
use crate::check::Objection;
use crate::compose::{LabModel, Port, Service, Severity};
use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

/// Where images of our own services stand.
const OUR_IMAGES: &str = "parlab/";

/// What to do about what only a container has.
const WITH_DOCKER: &str = "run the lab with Docker: DOCKER=1";

/// The options of every service that say where it listens. The runner gives
/// them: a port of the system's choosing cannot be taken already.
pub const ADDRESS_OPTIONS: [&str; 4] = ["--host", "--admin-host", "--port", "--admin-port"];

/// Where the API of a service listens that serves something else too: its
/// `--port` is that of what it serves.
pub const API_PORT_OPTION: &str = "--api-port";
/// The variable that stands for that option, of whatever service.
pub const API_PORT_VARIABLE: &str = "API_PORT";

/// The ports of the API and of the admin endpoints inside a container. Here the
/// system chooses them; any other port of a service is that of what it serves.
const UNPUBLISHED_PORTS: [u16; 2] = [8080, 9000];

/// A station as it is started locally.
#[derive(Debug, Clone, PartialEq)]
pub struct Planned {
    /// The Compose service's name.
    pub name: String,
    /// Its program.
    pub program: PathBuf,
    /// The program's arguments, from `serve` on.
    pub arguments: Vec<String>,
    /// Its environment as the file has it.
    pub environment: BTreeMap<String, String>,
    /// The limits of each replica.
    pub limits: Limits,
    /// Where on this machine what it serves is to be found, if it is free.
    pub published: Option<u16>,
    /// How many replicas.
    pub replicas: usize,
    /// Whether one that died is started again.
    pub restarts: bool,
    /// The services that its environment names: these start first.
    pub uses: Vec<String>,
    /// Whether it runs beside the stations and is none.
    pub beside: bool,
}

/// The program of a service: the name of its crate, its image and its binary.
fn program(service: &Service) -> Option<&str> {
    let image = service.image.as_deref()?;
    let name = image.strip_prefix(OUR_IMAGES)?;
    Some(name.split([':', '@']).next().unwrap_or(name))
}

/// The stations in an order in which each finds those that it names. Called for
/// services without an objection.
pub fn plan(model: &LabModel, programs: &Path, refused: &BTreeMap<String, String>) -> Vec<Planned> {
    let mut waiting: Vec<Planned> = ours(model)
        .filter(|(name, _)| !refused.contains_key(*name))
        .filter_map(|(name, service)| planned(model, name, service, programs))
        .collect();
    let mut ordered: Vec<Planned> = Vec::new();
    while !waiting.is_empty() {
        let is_ready = |one: &Planned| {
            let started = |name: &String| ordered.iter().any(|other| other.name == *name);
            one.uses.iter().all(started)
        };
        // `objections` refuses circles, so that one is always ready.
        let Some(next) = waiting.iter().position(is_ready) else {
            return ordered;
        };
        ordered.push(waiting.remove(next));
    }
    ordered
}

/// The stations, and the services of ours beside them.
fn ours(model: &LabModel) -> impl Iterator<Item = (&String, &Service)> {
    let services = model.services.iter();
    services.filter(|(name, service)| service.starts_by_itself() && !model.is_component(name))
}

fn planned(model: &LabModel, name: &str, service: &Service, programs: &Path) -> Option<Planned> {
    let serve = || vec!["serve".to_owned()];
    let environment = service.environment_set();
    Some(Planned {
        name: name.to_owned(),
        program: programs.join(program(service)?),
        arguments: service.command.clone().unwrap_or_else(serve),
        uses: uses(model, name, &environment),
        environment,
        limits: Limits::of(service),
        published: service.ports.first().and_then(published),
        replicas: service.replicas() as usize,
        beside: model.is_beside(name),
        restarts: service
            .restart
            .as_deref()
            .is_some_and(|policy| policy != "no"),
    })
}

/// The one port of this machine that a port is published at.
fn published(port: &Port) -> Option<u16> {
    port.published.as_ref()?.parse().ok()
}

/// Why a published port cannot be had here.
fn unpublished(service: &Service) -> Option<String> {
    let [first, rest @ ..] = service.ports.as_slice() else {
        return None;
    };
    let target = first.target;
    if UNPUBLISHED_PORTS.contains(&target) {
        let why = "a local station chooses its own ports, and cannot publish";
        return Some(format!("{why} {target}"));
    }
    if let Some(second) = rest.first() {
        let second = second.target;
        let why = "a local station has one port that can be published";
        return Some(format!("{why}, and these are {target} and {second}"));
    }
    let replicas = service.replicas();
    (replicas > 1).then(|| format!("{replicas} replicas cannot have one port of this machine"))
}

/// The other services of ours that an environment names.
fn uses(model: &LabModel, own: &str, environment: &BTreeMap<String, String>) -> Vec<String> {
    let others = model.services.keys();
    let others = others.filter(|name| *name != own && !model.is_component(name));
    let named = |name: &&String| {
        environment
            .values()
            .any(|text| addresses::names(text, name))
    };
    others.filter(named).cloned().collect()
}

/// All that local stations cannot give of what the lab uses. `has_program`:
/// whether a program is there.
pub fn objections(
    model: &LabModel,
    means: &Means,
    has_program: impl Fn(&str) -> bool,
) -> Vec<Objection> {
    let mut all = Vec::new();
    for (name, service) in ours(model) {
        let mut say = |key, message: String, hint: String| {
            all.push(Objection {
                service: name.clone(),
                key,
                severity: Severity::Error,
                message,
                hint,
            });
        };
        match program(service) {
            Some(program) if has_program(program) => {}
            Some(program) => say(
                "image",
                format!("its program {program} is not built"),
                format!("cargo build --release -p {program}"),
            ),
            None => {
                let image = service.image.as_deref().unwrap_or("its image");
                say(
                    "image",
                    format!("{image} is no program of this project, and only Docker can run it"),
                    WITH_DOCKER.to_owned(),
                );
            }
        }
        for (key, message) in uses_of_containers(service) {
            say(key, message, WITH_DOCKER.to_owned());
        }
        if let Some(why) = means.objection(&Limits::of(service)) {
            say(
                quota_key(service),
                why,
                "write a whole number of CPUs, or run as root".to_owned(),
            );
        }
        if let Some((message, hint)) = unreachable(model, name, service) {
            say("environment", message, hint);
        }
    }
    all
}

fn quota_key(service: &Service) -> &'static str {
    match service.limits().and_then(|limits| limits.cpus) {
        Some(_) => "deploy.resources.limits.cpus",
        None => "cpus",
    }
}

/// The keys whose meaning is a container's.
fn uses_of_containers(service: &Service) -> Vec<(&'static str, String)> {
    let mut uses = Vec::new();
    if let Some(mount) = service.volumes.first() {
        let target = &mount.target;
        uses.push((
            "volumes",
            format!("a local station has no disk of its own to mount {target} in"),
        ));
    }
    if let Some(folder) = service.tmpfs.first() {
        uses.push((
            "tmpfs",
            format!("a local station has no disk of its own to mount {folder} in"),
        ));
    }
    if service.entrypoint.is_some() {
        uses.push((
            "entrypoint",
            "a local station has no image whose program could be replaced".to_owned(),
        ));
    }
    if let Some(command) = &service.command
        && command.first().map(String::as_str) != Some("serve")
    {
        uses.push(("command", "a local station can only `serve`".to_owned()));
    }
    if let Some(option) = own_address(service) {
        uses.push((
            "command",
            format!("a local station is told where to listen by the runner, and takes no {option}"),
        ));
    }
    if service.privileged || !service.cap_add.is_empty() {
        let key = if service.privileged {
            "privileged"
        } else {
            "cap_add"
        };
        uses.push((key, "a local station gets no privilege".to_owned()));
    }
    if let Some(mode) = service
        .network_mode
        .as_deref()
        .filter(|mode| *mode != "host")
    {
        uses.push((
            "network_mode",
            format!("a local station is on this machine's network, not on {mode:?}"),
        ));
    }
    if let Some(why) = unpublished(service) {
        uses.push(("ports", why));
    }
    if service.cpu_shares.is_some() {
        uses.push((
            "cpu_shares",
            "a local station has no weight against others".to_owned(),
        ));
    }
    uses
}

/// The option of its command by which a service would choose where to listen.
fn own_address(service: &Service) -> Option<&'static str> {
    let arguments = service.command.as_deref().unwrap_or_default();
    let names = |argument: &String, option: &str| argument.split('=').next() == Some(option);
    let mut options = ADDRESS_OPTIONS.into_iter().chain([API_PORT_OPTION]);
    options.find(|option| arguments.iter().any(|argument| names(argument, option)))
}

/// Why what its environment names cannot become one address.
fn unreachable(model: &LabModel, name: &str, service: &Service) -> Option<(String, String)> {
    let own = service.environment_set();
    for other in uses(model, name, &own) {
        let target = &model.services[&other];
        if !target.starts_by_itself() {
            return Some((
                format!("it names {other}, which is no station"),
                "name a station".to_owned(),
            ));
        }
        if target.replicas() != 1 {
            return Some((
                format!(
                    "it names {other}, whose {} replicas share no address here",
                    target.replicas()
                ),
                WITH_DOCKER.to_owned(),
            ));
        }
        if reaches(model, &other, name, &mut Vec::new()) {
            return Some((
                format!("it and {other} name one another, and neither can be started first"),
                "one of them must not name the other".to_owned(),
            ));
        }
    }
    None
}

/// Whether `from` names `to`, itself or through others.
fn reaches(model: &LabModel, from: &str, to: &str, seen: &mut Vec<String>) -> bool {
    if seen.iter().any(|name| name == from) {
        return false;
    }
    seen.push(from.to_owned());
    let own = model.services[from].environment_set();
    let named = uses(model, from, &own);
    named
        .iter()
        .any(|name| name == to || reaches(model, name, to, seen))
}

#[cfg(test)]
mod tests;
