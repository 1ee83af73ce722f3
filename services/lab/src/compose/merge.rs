//! What Compose makes of a service and the one it extends.

use super::finding::{Finding, Place};
use super::node::{Data, Entry, Node, Tag};

/// `over` on top of `base`, by Compose's rules: mappings are merged, scalars
/// replaced, lists appended, but for the keys that [`Rule`] names. `path` is
/// that of the node within its service.
pub(super) fn merge(base: Node, over: Node, path: &[&str]) -> Result<Node, Finding> {
    if over.tag != Tag::None {
        return Ok(over);
    }
    let rule = rule(path);
    if matches!(rule, Rule::Replace) {
        return Ok(over);
    }
    if over.is_null() || base.is_null() {
        return Ok(if over.is_null() { base } else { over });
    }
    let (base, over) = match rule {
        Rule::Pairs => (pairs(base), pairs(over)),
        Rule::Names => (names(base, path), names(over, path)),
        Rule::Values => (values(base), values(over)),
        Rule::Context => (context(base), context(over)),
        Rule::Plain | Rule::Replace => (base, over),
    };
    let place = over.place.clone();
    let data = match (base.data, over.data) {
        (Data::Map(base), Data::Map(over)) => Data::Map(merge_maps(base, over, path)?),
        (Data::List(mut base), Data::List(over)) => {
            base.extend(over);
            Data::List(base)
        }
        (Data::Scalar(_), over) => over,
        (base, over) => {
            let (was, is) = (
                Node::new(place.clone(), base),
                Node::new(place.clone(), over),
            );
            return Err(Finding::error(
                &place,
                format!(
                    "{} is {} here and {} in the service it extends",
                    path.join("."),
                    is.what(),
                    was.what()
                ),
                "write it in the same form in both",
            ));
        }
    };
    Ok(Node::new(place, data))
}

fn merge_maps(
    mut base: Vec<Entry>,
    over: Vec<Entry>,
    path: &[&str],
) -> Result<Vec<Entry>, Finding> {
    for entry in over {
        match base.iter_mut().find(|known| known.key == entry.key) {
            Some(known) if !entry.key.starts_with("x-") => {
                let place = known.value.place.clone();
                let was = std::mem::replace(&mut known.value, Node::null(place));
                let keeps = entry.value.is_null();
                known.value = merge(was, entry.value, &[path, &[&entry.key]].concat())?;
                if !keeps {
                    known.place = entry.place;
                }
            }
            Some(known) => *known = entry,
            None => base.push(entry),
        }
    }
    Ok(base)
}

/// How the value at a path is merged.
#[derive(Debug, Clone, Copy)]
enum Rule {
    /// Mapping into mapping, list after list, scalar over scalar.
    Plain,
    /// The new value, whatever it is.
    Replace,
    /// `A=1` lists and mappings alike are mappings.
    Pairs,
    /// A list of names is a mapping from them to what Compose takes as said.
    Names,
    /// A single value is a list of one.
    Values,
    /// A text is the `context` of a build.
    Context,
}

fn rule(path: &[&str]) -> Rule {
    match path {
        // A name that is passed on (`A:`) overrides a value, unlike any other null.
        ["command" | "entrypoint"]
        | ["healthcheck", "test"]
        | ["ulimits" | "environment" | "labels", _] => Rule::Replace,
        ["environment" | "labels" | "annotations" | "sysctls"]
        | ["build", "args" | "labels"]
        | ["deploy", "labels"] => Rule::Pairs,
        ["depends_on" | "networks"] => Rule::Names,
        ["dns" | "dns_search" | "tmpfs" | "env_file"] => Rule::Values,
        ["build"] => Rule::Context,
        _ => Rule::Plain,
    }
}

/// `[A=1, B]` as `{A: "1", B: }`; the last of two wins. Anything else is left
/// for the decoder to refuse.
pub(super) fn pairs(node: Node) -> Node {
    let Data::List(items) = &node.data else {
        return node;
    };
    let mut entries: Vec<Entry> = Vec::new();
    for item in items {
        let Some(text) = item.as_text() else {
            return node;
        };
        let place = item.place.clone();
        let (key, value) = match text.split_once('=') {
            Some((key, value)) => (key, Node::text(place.clone(), value)),
            None => (text, Node::null(place.clone())),
        };
        entries.retain(|entry| entry.key != key);
        entries.push(Entry {
            key: key.to_owned(),
            place,
            value,
        });
    }
    Node::new(node.place, Data::Map(entries))
}

/// `[a, b]` as a mapping: for `depends_on`, to what a bare name means there.
pub(super) fn names(node: Node, path: &[&str]) -> Node {
    let Data::List(items) = &node.data else {
        return node;
    };
    let entries: Option<Vec<Entry>> = items
        .iter()
        .map(|item| {
            let place = item.place.clone();
            let value = match path {
                ["depends_on"] => started(&place),
                _ => Node::null(place.clone()),
            };
            Some(Entry {
                key: item.as_text()?.to_owned(),
                place,
                value,
            })
        })
        .collect();
    match entries {
        Some(entries) => Node::new(node.place, Data::Map(entries)),
        None => node,
    }
}

/// `{condition: service_started}`.
fn started(place: &Place) -> Node {
    let condition = Entry {
        key: "condition".to_owned(),
        place: place.clone(),
        value: Node::text(place.clone(), "service_started"),
    };
    Node::new(place.clone(), Data::Map(vec![condition]))
}

/// `a` as `[a]`.
pub(super) fn values(node: Node) -> Node {
    match node.data {
        Data::Scalar(_) => Node::new(node.place.clone(), Data::List(vec![node])),
        _ => node,
    }
}

/// `..` as `{context: ..}`.
pub(super) fn context(node: Node) -> Node {
    match node.data {
        Data::Scalar(_) => {
            let place = node.place.clone();
            let entry = Entry {
                key: "context".to_owned(),
                place: place.clone(),
                value: node,
            };
            Node::new(place, Data::Map(vec![entry]))
        }
        _ => node,
    }
}

/// Drops what `!reset` takes away.
pub(super) fn without_resets(node: &mut Node) {
    match &mut node.data {
        Data::Map(entries) => {
            entries.retain(|entry| entry.value.tag != Tag::Reset);
            for entry in entries {
                without_resets(&mut entry.value);
            }
        }
        Data::List(items) => {
            items.retain(|item| item.tag != Tag::Reset);
            for item in items {
                without_resets(item);
            }
        }
        Data::Scalar(_) => {}
    }
}
