//! Mounts, in the short notation and the long.

use super::reader::Reader;
use crate::compose::model::Mount;
use crate::compose::node::{Data, Node};

pub(super) fn mounts(read: &mut Reader<'_>, service: &Node) -> Vec<Mount> {
    let Some(node) = service.get("volumes") else {
        return Vec::new();
    };
    let Data::List(items) = &node.data else {
        read.refuse(node, "volumes", "a list", "write [\"./folder:/inside:ro\"]");
        return Vec::new();
    };
    let mut mounts: Vec<Mount> = Vec::new();
    for item in items {
        let mount = match &item.data {
            Data::Map(_) => long(read, item),
            _ => item.as_text().and_then(|text| short(read, item, text)),
        };
        let Some(mount) = mount else {
            let hint = "write \"./folder:/inside:ro\", or a mapping with type and target";
            read.refuse(item, "volumes", "a mount", hint);
            continue;
        };
        // One mount per place inside; the later one wins where the earlier stood.
        match mounts.iter_mut().find(|known| known.target == mount.target) {
            Some(known) => *known = mount,
            None => mounts.push(mount),
        }
    }
    mounts
}

fn long(read: &mut Reader<'_>, item: &Node) -> Option<Mount> {
    let kind = read.text(item, "type")?;
    let source = match item.get("source") {
        Some(source) if kind == "bind" => Some(read.path(source, "source")),
        Some(_) => read.text(item, "source"),
        None => None,
    };
    Some(Mount {
        kind,
        source,
        target: read.text(item, "target")?,
        read_only: read.boolean(item, "read_only").unwrap_or(false),
    })
}

/// `[source:]target[:options]`.
fn short(read: &Reader<'_>, item: &Node, text: &str) -> Option<Mount> {
    let parts: Vec<&str> = text.split(':').collect();
    let (source, target, options) = match parts[..] {
        [target] => (None, target, ""),
        [source, target] => (Some(source), target, ""),
        [source, target, options] => (Some(source), target, options),
        _ => return None,
    };
    if target.is_empty() || source == Some("") {
        return None;
    }
    let read_only = options.split(',').any(|option| option == "ro");
    let is_path = |source: &str| source.starts_with(['.', '/', '~']);
    let (kind, source) = match source {
        Some(path) if is_path(path) => ("bind", Some(read.resolve(item, path))),
        Some(name) => ("volume", Some(name.to_owned())),
        None => ("volume", None),
    };
    Some(Mount {
        kind: kind.to_owned(),
        source,
        target: target.to_owned(),
        read_only,
    })
}
