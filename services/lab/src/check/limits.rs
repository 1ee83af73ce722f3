//! Which of a lab's limits this host can grant. Pure: model and host in,
//! objections out.

use super::{Host, count};
use crate::compose::{LabModel, Service, Severity, show_bytes};
use cpu_budget::CpuSet;
use std::collections::BTreeMap;

/// Docker's least memory limit (`linuxMinMemory` in moby's daemon).
const MIN_MEMORY_BYTES: u64 = 6 << 20;

/// Why a service cannot run here as it is written (an error), or will not do
/// what its limits seem to say (a warning).
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Objection {
    /// The service.
    pub service: String,
    /// The key it is about, such as `deploy.resources.limits.cpus`.
    pub key: &'static str,
    /// Whether the service can run all the same.
    pub severity: Severity,
    /// What is wrong and why.
    pub message: String,
    /// What to do.
    pub hint: String,
}

/// All that is to be said of the limits of all services on this host.
pub fn objections(model: &LabModel, host: &Host) -> Vec<Objection> {
    with_others(model, host, Vec::new())
}

/// The same, with what else is in a service's way: it is in the way of those
/// that depend on it too.
pub fn with_others(model: &LabModel, host: &Host, others: Vec<Objection>) -> Vec<Objection> {
    let mut objections = others;
    for (name, service) in &model.services {
        let mut found = Found {
            service: name,
            objections: &mut objections,
        };
        quota(service, host, &mut found);
        cpuset(service, host, &mut found);
        memory(service, host, &mut found);
        replicas(service, &mut found);
    }
    dependents(model, &mut objections);
    objections
}

/// The services that cannot run on this host, each with the first reason.
pub fn refused(model: &LabModel, host: &Host) -> BTreeMap<String, String> {
    reasons(&objections(model, host))
}

/// The first reason of each service that cannot run.
pub fn reasons(objections: &[Objection]) -> BTreeMap<String, String> {
    let mut refused = BTreeMap::new();
    for objection in objections {
        if objection.severity == Severity::Error {
            let message = || objection.message.clone();
            refused
                .entry(objection.service.clone())
                .or_insert_with(message);
        }
    }
    refused
}

/// Gathers what is said of one service.
struct Found<'f> {
    service: &'f str,
    objections: &'f mut Vec<Objection>,
}

impl Found<'_> {
    fn say(&mut self, severity: Severity, key: &'static str, message: String, hint: String) {
        self.objections.push(Objection {
            service: self.service.to_owned(),
            key,
            severity,
            message,
            hint,
        });
    }

    fn error(&mut self, key: &'static str, message: String, hint: impl Into<String>) {
        self.say(Severity::Error, key, message, hint.into());
    }

    fn warning(&mut self, key: &'static str, message: String, hint: impl Into<String>) {
        self.say(Severity::Warning, key, message, hint.into());
    }
}

/// Where the quota is written: under `deploy`, or beside it.
fn quota_key(service: &Service) -> &'static str {
    match service.limits().and_then(|limits| limits.cpus) {
        Some(_) => "deploy.resources.limits.cpus",
        None => "cpus",
    }
}

fn quota(service: &Service, host: &Host, found: &mut Found<'_>) {
    if let Some(cpus) = service.quota_cpus()
        && cpus > host.cpus as f64
    {
        found.error(
            quota_key(service),
            format!("cpus {cpus} is above this host's {}", host.shown()),
            format!("write {} or less", host.cpus),
        );
    }
    if service
        .reservations()
        .is_some_and(|reserved| reserved.cpus.is_some())
    {
        found.warning(
            "deploy.resources.reservations.cpus",
            "Compose ignores CPU reservations outside Swarm".to_owned(),
            "remove the line, or limit the other services",
        );
    }
}

fn cpuset(service: &Service, host: &Host, found: &mut Found<'_>) {
    let Some(list) = &service.cpuset else {
        return;
    };
    let Ok(wanted) = list.parse::<CpuSet>() else {
        // The loader refuses it; a model from elsewhere may still hold it.
        let message = format!("cpuset {list:?} is not a list of CPUs");
        return found.error(
            "cpuset",
            message,
            "write CPU numbers such as \"0\" or \"0-1\"",
        );
    };
    if wanted.is_empty() {
        return;
    }
    let absent: CpuSet = wanted
        .iter()
        .filter(|cpu| !host.online.contains(*cpu))
        .collect();
    if absent.len() == wanted.len() {
        found.error(
            "cpuset",
            format!(
                "cpuset {list} leaves it no CPU: this host has {}",
                host.online
            ),
            format!("choose among {}", host.online),
        );
    } else if !absent.is_empty() {
        found.error(
            "cpuset",
            format!(
                "cpuset {list} names CPU {absent}, and this host has {}",
                host.online
            ),
            format!("choose among {}", host.online),
        );
    } else if let Some(cpus) = service.quota_cpus()
        && cpus > wanted.len() as f64
    {
        found.warning(
            quota_key(service),
            format!(
                "cpus {cpus} is more than its cpuset {list} holds: {} is what it gets",
                count(wanted.len() as f64, "CPU")
            ),
            "the smaller of the two always binds: widen the cpuset or lower cpus",
        );
    }
}

fn memory(service: &Service, host: &Host, found: &mut Found<'_>) {
    let Some(bytes) = service.memory_bytes() else {
        return;
    };
    let key = match service.limits().and_then(|limits| limits.memory) {
        Some(_) => "deploy.resources.limits.memory",
        None => "mem_limit",
    };
    let shown = show_bytes(bytes);
    if bytes < MIN_MEMORY_BYTES {
        found.error(
            key,
            format!("memory {shown} is below Docker's minimum of 6 MiB"),
            "write 64M or more: a service needs some 20 MiB",
        );
    } else if let Some(host_bytes) = host.memory_bytes
        && bytes > host_bytes
    {
        found.warning(
            key,
            format!(
                "memory {shown} is above this host's {}, so it limits nothing",
                show_bytes(host_bytes)
            ),
            "write less if a limit is meant",
        );
    }
}

fn replicas(service: &Service, found: &mut Found<'_>) {
    if service.replicas() == 0 {
        let key = match service.scale {
            Some(0) => "scale",
            _ => "deploy.replicas",
        };
        found.error(
            key,
            "replicas 0 runs no container".to_owned(),
            "write 1 or more, or remove the station",
        );
    }
}

/// Compose starts a service's dependencies with it, and fails with them.
fn dependents(model: &LabModel, objections: &mut Vec<Objection>) {
    loop {
        let refused = |name: &str| {
            objections
                .iter()
                .any(|objection| objection.service == name && objection.severity == Severity::Error)
        };
        let next = model.services.iter().find_map(|(name, service)| {
            let mut needed = service.depends_on.iter();
            let (other, _) = needed.find(|(other, how)| how.required && refused(other))?;
            (!refused(name)).then(|| (name.clone(), other.clone()))
        });
        let Some((service, other)) = next else {
            return;
        };
        objections.push(Objection {
            service,
            key: "depends_on",
            severity: Severity::Error,
            message: format!("it depends on {other}, which cannot run here"),
            hint: format!("correct {other} first"),
        });
    }
}

#[cfg(test)]
mod tests;
