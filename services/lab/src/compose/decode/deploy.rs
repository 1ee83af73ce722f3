//! Replicas and limits, under `deploy` and in the older keys beside it.

use super::reader::Reader;
use crate::compose::model::{Amounts, Deploy, Resources, Service};
use crate::compose::node::Node;
use cpu_budget::CpuSet;

/// 1 ms of a 100 ms period: the kernel takes no smaller quota
/// (Documentation/scheduler/sched-bwc.rst, "Management").
const MIN_CPUS: f64 = 0.01;
/// Far above any lab, and low enough that a slip (4000 for 4) does not bury
/// the daemon under containers.
const MAX_REPLICAS: i64 = 256;

pub(super) fn deploy(read: &mut Reader<'_>, service: &Node) -> Option<Deploy> {
    let deploy = mapping(read, service, "deploy")?;
    Some(Deploy {
        mode: read.text(deploy, "mode"),
        replicas: replicas(read, deploy, "replicas"),
        resources: match mapping(read, deploy, "resources") {
            Some(resources) => Resources {
                limits: amounts(read, resources, "limits"),
                reservations: amounts(read, resources, "reservations"),
            },
            None => Resources::default(),
        },
    })
}

/// The keys beside `deploy`, and whether the two contradict each other.
pub(super) fn limits_beside_deploy(read: &mut Reader<'_>, node: &Node, service: &mut Service) {
    service.cpuset = cpuset(read, node);
    service.cpus = cpus(read, node);
    service.cpu_shares = read
        .number(node, "cpu_shares", "write a weight such as 512")
        .map(|shares| shares as i64)
        .filter(|shares| *shares != 0);
    service.mem_limit = read.bytes(node, "mem_limit", true);
    service.pids_limit = pids(read, node, "pids_limit");
    service.scale = replicas(read, node, "scale");
    contradictions(read, node, service);
    if let (Some(name), 2..) = (node.entry("container_name"), service.replicas()) {
        read.error_at(
            &name.place,
            format!(
                "a container_name fits one container, and there are {} replicas",
                service.replicas()
            ),
            "remove container_name",
        );
    }
}

/// Compose refuses a value here that differs from the one under `deploy`, and
/// also one that is not repeated there when other limits are.
fn contradictions(read: &mut Reader<'_>, node: &Node, service: &Service) {
    let mut differ = Vec::new();
    if let Some(limits) = service.limits() {
        let (cpus, memory, pids) = (service.cpus, service.mem_limit, service.pids_limit);
        differ = vec![
            ("cpus", "limits.cpus", cpus.is_some() && cpus != limits.cpus),
            (
                "mem_limit",
                "limits.memory",
                memory.is_some() && memory != limits.memory,
            ),
            (
                "pids_limit",
                "limits.pids",
                pids.is_some() && pids != limits.pids,
            ),
        ];
    }
    let replicas = service.deploy.as_ref().and_then(|deploy| deploy.replicas);
    let scaled = service.scale.is_some() && replicas.is_some() && service.scale != replicas;
    differ.push(("scale", "replicas", scaled));
    for (key, other, _) in differ.into_iter().filter(|(_, _, differ)| *differ) {
        let Some(entry) = node.entry(key) else {
            continue;
        };
        let other = match other {
            "replicas" => "deploy.replicas".to_owned(),
            limit => format!("deploy.resources.{limit}"),
        };
        read.error_at(
            &entry.place,
            format!("{key} is not the same as {other}, so Compose refuses both"),
            &format!("remove {key} and set {other}"),
        );
    }
}

fn amounts(read: &mut Reader<'_>, resources: &Node, key: &str) -> Option<Amounts> {
    let amounts = mapping(read, resources, key)?;
    Some(Amounts {
        cpus: cpus(read, amounts),
        memory: read.bytes(amounts, "memory", false),
        pids: pids(read, amounts, "pids"),
    })
}

/// Compose takes 0 for no limit, and -1 too.
fn pids(read: &mut Reader<'_>, map: &Node, key: &str) -> Option<i64> {
    read.integer(map, key).filter(|pids| *pids != 0)
}

fn cpus(read: &mut Reader<'_>, map: &Node) -> Option<f64> {
    let hint = "write how many CPUs, such as 0.5 or 2";
    let cpus = read.number(map, "cpus", hint)?;
    let node = map.get("cpus")?;
    if cpus == 0.0 {
        read.error(
            node,
            "cpus 0 means no limit to Compose, not none".to_owned(),
            "write the share you mean, such as 0.5, or remove the line",
        );
    } else if cpus < 0.0 {
        read.refuse(node, "cpus", "a number above 0", hint);
    } else if cpus < MIN_CPUS {
        read.refuse(
            node,
            "cpus",
            "a quota the kernel takes",
            "write at least 0.01: 1 ms of every 100 ms",
        );
    } else {
        return Some(as_compose_keeps_it(cpus));
    }
    None
}

/// Compose keeps CPUs in single precision and prints the shortest digits.
fn as_compose_keeps_it(cpus: f64) -> f64 {
    (cpus as f32).to_string().parse().unwrap_or(cpus)
}

fn replicas(read: &mut Reader<'_>, map: &Node, key: &str) -> Option<u32> {
    let replicas = read.integer(map, key)?;
    if !(0..=MAX_REPLICAS).contains(&replicas) {
        let hint = format!("write a number from 1 to {MAX_REPLICAS}");
        read.refuse(map.get(key)?, key, "a number of replicas", &hint);
        return None;
    }
    u32::try_from(replicas).ok()
}

fn cpuset(read: &mut Reader<'_>, service: &Node) -> Option<String> {
    let list = read.text(service, "cpuset")?;
    // Docker takes no blanks in it.
    let blank = list.contains(char::is_whitespace);
    if blank || list.parse::<CpuSet>().is_err() {
        let node = service.get("cpuset")?;
        let hint = "write CPU numbers such as \"0\", \"0-1\" or \"0,2\"";
        read.refuse(node, "cpuset", "a list of CPUs", hint);
        return None;
    }
    Some(list)
}

fn mapping<'n>(read: &mut Reader<'_>, parent: &'n Node, key: &str) -> Option<&'n Node> {
    let entry = parent.entry(key)?;
    if entry.value.is_null() {
        return None;
    }
    if entry.value.as_map().is_none() {
        read.refuse(
            &entry.value,
            key,
            "a mapping",
            "indent its keys below it, or remove the line",
        );
        return None;
    }
    Some(&entry.value)
}
