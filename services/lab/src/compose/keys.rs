//! The keys that Compose knows, and what it says of others.

use super::finding::Finding;
use super::node::{Data, Node};
use service_kit::problem::nearest;

/// The keys of Compose 2.26.1's schema (and of 2.3x, where later ones were
/// added), section by section: those of which a lab uses something. Keys that
/// start with `x-` are allowed everywhere.
const TOP: &[&str] = &[
    "configs", "include", "name", "networks", "secrets", "services", "version", "volumes",
];
const SERVICE: &[&str] = &[
    "annotations",
    "attach",
    "blkio_config",
    "build",
    "cap_add",
    "cap_drop",
    "cgroup",
    "cgroup_parent",
    "command",
    "configs",
    "container_name",
    "cpu_count",
    "cpu_percent",
    "cpu_period",
    "cpu_quota",
    "cpu_rt_period",
    "cpu_rt_runtime",
    "cpu_shares",
    "cpus",
    "cpuset",
    "credential_spec",
    "depends_on",
    "deploy",
    "develop",
    "device_cgroup_rules",
    "devices",
    "dns",
    "dns_opt",
    "dns_search",
    "domainname",
    "entrypoint",
    "env_file",
    "environment",
    "expose",
    "extends",
    "external_links",
    "extra_hosts",
    "gpus",
    "group_add",
    "healthcheck",
    "hostname",
    "image",
    "init",
    "ipc",
    "isolation",
    "label_file",
    "labels",
    "links",
    "logging",
    "mac_address",
    "mem_limit",
    "mem_reservation",
    "mem_swappiness",
    "memswap_limit",
    "network_mode",
    "networks",
    "oom_kill_disable",
    "oom_score_adj",
    "pid",
    "pids_limit",
    "platform",
    "ports",
    "post_start",
    "pre_stop",
    "privileged",
    "profiles",
    "pull_policy",
    "read_only",
    "restart",
    "runtime",
    "scale",
    "secrets",
    "security_opt",
    "shm_size",
    "stdin_open",
    "stop_grace_period",
    "stop_signal",
    "storage_opt",
    "sysctls",
    "tmpfs",
    "tty",
    "ulimits",
    "user",
    "userns_mode",
    "uts",
    "volumes",
    "volumes_from",
    "working_dir",
];
const DEPLOY: &[&str] = &[
    "endpoint_mode",
    "labels",
    "mode",
    "placement",
    "replicas",
    "resources",
    "restart_policy",
    "rollback_config",
    "update_config",
];
const RESOURCES: &[&str] = &["limits", "reservations"];
const LIMITS: &[&str] = &["cpus", "memory", "pids"];
const RESERVATIONS: &[&str] = &["cpus", "devices", "generic_resources", "memory"];
const HEALTHCHECK: &[&str] = &[
    "disable",
    "interval",
    "retries",
    "start_interval",
    "start_period",
    "test",
    "timeout",
];
const BUILD: &[&str] = &[
    "additional_contexts",
    "args",
    "cache_from",
    "cache_to",
    "context",
    "dockerfile",
    "dockerfile_inline",
    "entitlements",
    "extra_hosts",
    "isolation",
    "labels",
    "network",
    "no_cache",
    "platforms",
    "privileged",
    "provenance",
    "pull",
    "sbom",
    "secrets",
    "shm_size",
    "ssh",
    "tags",
    "target",
    "ulimits",
];

/// A part of a service by path, and the keys that it may have.
pub(super) type Section = (&'static [&'static str], &'static [&'static str]);

/// The sections of a service whose keys are checked.
const SECTIONS: &[Section] = &[
    (&[], SERVICE),
    (&["build"], BUILD),
    (&["healthcheck"], HEALTHCHECK),
    (&["deploy"], DEPLOY),
    (&["deploy", "resources"], RESOURCES),
    (&["deploy", "resources", "limits"], LIMITS),
    (&["deploy", "resources", "reservations"], RESERVATIONS),
];

/// The keys at the top of a file that Compose does not know.
pub(super) fn unknown_at_top(root: &Node) -> Vec<Finding> {
    unknown(root, TOP, "a Compose file")
}

/// The keys of a service that Compose does not know.
pub(super) fn unknown_in_service(service: &Node) -> Vec<Finding> {
    sections(service)
        .flat_map(|((path, known), section)| {
            let name = match path {
                [] => "a service".to_owned(),
                path => path.join("."),
            };
            unknown(section, known, &name)
        })
        .collect()
}

/// The sections that this service has, each with its path and known keys.
pub(super) fn sections(service: &Node) -> impl Iterator<Item = (Section, &Node)> {
    SECTIONS.iter().filter_map(move |&(path, known)| {
        let section = path.iter().try_fold(service, |node, key| node.get(key))?;
        Some(((path, known), section))
    })
}

fn unknown(section: &Node, known: &[&str], name: &str) -> Vec<Finding> {
    let Data::Map(entries) = &section.data else {
        return Vec::new();
    };
    entries
        .iter()
        .filter(|entry| !entry.key.starts_with("x-") && !known.contains(&entry.key.as_str()))
        .map(|entry| {
            let key = &entry.key;
            let hint = misplaced(key, name)
                .or_else(|| {
                    nearest(key, known.iter().copied()).map(|near| format!("did you mean {near}?"))
                })
                .unwrap_or_else(|| match known.len() {
                    ..12 => format!("there are: {}", known.join(", ")),
                    _ => "remove it, or call it x-… to keep a note of your own".to_owned(),
                });
            let message = format!("{name} has no key {key:?}");
            Finding::error(&entry.place, message, hint)
        })
        .collect()
}

/// A right key in the wrong place, which is what a wrong indentation makes.
fn misplaced(key: &str, name: &str) -> Option<String> {
    let (path, _) = SECTIONS
        .iter()
        .find(|(path, known)| known.contains(&key) && path.join(".") != name)?;
    let home = match path {
        [] => "directly under the service".to_owned(),
        path => format!("under {}", path.join(".")),
    };
    Some(format!("it belongs {home}: check the indentation"))
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::{unknown_at_top, unknown_in_service};
    use crate::compose::yaml::parse;

    fn said(text: &str) -> Vec<String> {
        let root = parse(text, "lab.yml").unwrap();
        unknown_in_service(&root)
            .iter()
            .map(|finding| {
                format!(
                    "{}: {}; {}",
                    finding.place.line, finding.message, finding.hint
                )
            })
            .collect()
    }

    #[test]
    fn a_slip_is_answered_with_the_nearest_key() {
        assert_eq!(
            said("image: x\ncpu_set: '0'\n"),
            ["2: a service has no key \"cpu_set\"; did you mean cpuset?"]
        );
        assert_eq!(
            said("deploy:\n  replica: 2\n  resources:\n    limits:\n      cpu: 1\n"),
            [
                "2: deploy has no key \"replica\"; did you mean replicas?",
                "5: deploy.resources.limits has no key \"cpu\"; did you mean cpus?"
            ]
        );
    }

    #[test]
    fn a_key_in_the_wrong_section_is_told_where_it_belongs() {
        assert_eq!(
            said("deploy:\n  cpuset: '0'\n"),
            [
                "2: deploy has no key \"cpuset\"; it belongs directly under the service: \
              check the indentation"
            ]
        );
        assert!(said("replicas: 2\n")[0].contains("it belongs under deploy"));
    }

    #[test]
    fn own_notes_are_allowed_everywhere() {
        assert!(said("x-note: 1\ndeploy: {x-a: 1, resources: {limits: {x-b: 2}}}\n").is_empty());
    }

    #[test]
    fn the_top_of_a_file_is_checked_too() {
        let root = parse("service: {}\nx-parlab: {}\n", "lab.yml").unwrap();
        let findings = unknown_at_top(&root);
        assert_eq!(findings.len(), 1);
        assert_eq!(findings[0].hint, "did you mean services?");
    }
}
