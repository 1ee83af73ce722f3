//! Keys without a value, and the shape of keys that the model leaves out.

use super::reader::Reader;
use crate::compose::keys;
use crate::compose::node::{Data, Node};

/// Everywhere else Compose refuses a key without a value.
const NULLABLE: &[&str] = &["command", "deploy", "develop", "entrypoint"];

/// Keys that Compose takes and this model does not hold, by what they must be.
const LISTS: &[&str] = &[
    "configs",
    "device_cgroup_rules",
    "devices",
    "dns_opt",
    "expose",
    "external_links",
    "group_add",
    "links",
    "secrets",
    "volumes_from",
];
const MAPPINGS: &[&str] = &[
    "blkio_config",
    "credential_spec",
    "develop",
    "logging",
    "storage_opt",
    "ulimits",
];

/// Those that are a list or a mapping.
const EITHER: &[&str] = &["annotations", "extra_hosts", "networks", "sysctls"];

pub(super) fn shape(read: &mut Reader<'_>, service: &Node) {
    for (_, section) in keys::sections(service) {
        for entry in section.as_map().unwrap_or_default() {
            let (key, value) = (entry.key.as_str(), &entry.value);
            if value.is_null() && !NULLABLE.contains(&key) && !key.starts_with("x-") {
                read.error_at(
                    &entry.place,
                    format!("{key} has no value"),
                    "write one, or remove the line",
                );
            }
        }
    }
    for entry in service.as_map().unwrap_or_default() {
        let (key, value) = (entry.key.as_str(), &entry.value);
        let is_list = matches!(value.data, Data::List(_));
        if LISTS.contains(&key) && !value.is_null() && !is_list {
            read.refuse(value, key, "a list", "put it in [ ]");
        }
        let is_either = is_list || value.as_map().is_some();
        if EITHER.contains(&key) && !value.is_null() && !is_either {
            read.refuse(value, key, "a list or a mapping", "put it in [ ]");
        }
        if MAPPINGS.contains(&key) && !value.is_null() && value.as_map().is_none() {
            read.refuse(value, key, "a mapping", "write KEY: value below it");
        }
    }
}
