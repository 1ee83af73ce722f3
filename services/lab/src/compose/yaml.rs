//! Reads one YAML document into a [`Node`] tree: anchors and merge keys
//! resolved, duplicate keys refused, size and depth bounded.
//!
//! It is built from the parser's events, not from a ready-made tree, because
//! Compose's rules need what such trees drop: where each key stands, both
//! places of a duplicate, and whether a scalar was quoted.

use super::finding::{Finding, Place};
use super::node::{Data, Entry, Node, Scalar, Tag};
use super::scalar;
use saphyr_parser::{Event, Marker, Parser, ScalarStyle, Tag as YamlTag};
use std::borrow::Cow;
use std::collections::BTreeMap;
use std::sync::Arc;

/// No Compose file nests deeper; recursion over the tree stays shallow.
const MAX_DEPTH: usize = 64;
/// With aliases expanded: ten times a large Compose file, and still only
/// megabytes ("billion laughs" would be 10^9).
const MAX_NODES: usize = 20_000;
/// The first ones tell what is wrong; a mangled file could have thousands.
const MAX_DUPLICATES: usize = 20;

/// Reads the only document of `text`. Errors: the first place that is not
/// YAML, or every duplicate key.
pub(super) fn parse(text: &str, file: &str) -> Result<Node, Vec<Finding>> {
    let mut builder = Builder::new(file);
    let mut parser = Parser::new_from_str(text);
    while let Some(event) = parser.next_event() {
        let (event, span) = event.map_err(|error| {
            vec![Finding::error(
                &builder.place(*error.marker()),
                format!("not YAML: {}", error.info()),
                syntax_hint(text, error.marker().line()),
            )]
        })?;
        builder
            .take(event, span.start)
            .map_err(|error| vec![error])?;
    }
    if !builder.duplicates.is_empty() {
        return Err(builder.duplicates);
    }
    builder.root.ok_or_else(|| {
        vec![Finding::error(
            &Place::whole(file),
            "is empty",
            "write its services, or restore it: git checkout",
        )]
    })
}

/// What most often is behind a syntax error on this line.
fn syntax_hint(text: &str, line: usize) -> &'static str {
    let near = |number: usize| text.lines().nth(number.saturating_sub(1)).unwrap_or("");
    let (this, above) = (near(line), near(line.saturating_sub(1)));
    let indent = |line: &str| line[..line.len() - line.trim_start().len()].contains('\t');
    if indent(this) || indent(above) {
        "indent with spaces: YAML allows no tabs there"
    } else if [this, above].iter().any(|line| braces_in_braces(line)) {
        "inside { } put ${…} in quotes"
    } else {
        "look at this line and the one above: indentation, a missing colon, quote or bracket"
    }
}

/// Whether a line has both `{` and `${`.
fn braces_in_braces(line: &str) -> bool {
    line.contains("${") && line.replace("${", "").contains('{')
}

/// What has been opened and not yet closed.
struct Open {
    node: Node,
    anchor: usize,
    /// In a map: the key that waits for its value.
    key: Option<Key>,
    /// In a map: the values of `<<`.
    merges: Vec<Node>,
}

struct Key {
    name: String,
    place: Place,
    is_merge: bool,
}

struct Builder {
    file: Arc<str>,
    open: Vec<Open>,
    anchors: BTreeMap<usize, Node>,
    nodes: usize,
    duplicates: Vec<Finding>,
    root: Option<Node>,
}

impl Builder {
    fn new(file: &str) -> Self {
        Self {
            file: file.into(),
            open: Vec::new(),
            anchors: BTreeMap::new(),
            nodes: 0,
            duplicates: Vec::new(),
            root: None,
        }
    }

    fn place(&self, mark: Marker) -> Place {
        Place {
            file: self.file.clone(),
            line: mark.line(),
            column: mark.col() + 1,
        }
    }

    fn take(&mut self, event: Event<'_>, mark: Marker) -> Result<(), Finding> {
        let place = self.place(mark);
        match event {
            Event::Scalar(text, style, anchor, tag) => {
                let plain = style == ScalarStyle::Plain && tag.is_none();
                let node = scalar_node(place, &text, style, tag.as_ref())?;
                self.add(node, anchor, plain)
            }
            Event::SequenceStart(anchor, tag) => {
                self.start(place, Data::List(Vec::new()), anchor, tag.as_ref())
            }
            Event::MappingStart(anchor, tag) => {
                self.start(place, Data::Map(Vec::new()), anchor, tag.as_ref())
            }
            Event::SequenceEnd | Event::MappingEnd => self.end(),
            Event::Alias(anchor) => self.alias(&place, anchor),
            Event::DocumentStart(_) if self.root.is_some() => Err(Finding::error(
                &place,
                "a second YAML document starts here",
                "keep one document per file: remove the line `---`",
            )),
            Event::DocumentStart(_)
            | Event::DocumentEnd
            | Event::StreamStart
            | Event::StreamEnd
            | Event::Nothing => Ok(()),
        }
    }

    fn start(
        &mut self,
        place: Place,
        data: Data,
        anchor: usize,
        tag: Option<&Cow<'_, YamlTag>>,
    ) -> Result<(), Finding> {
        if self.open.len() >= MAX_DEPTH {
            return Err(too_deep(&place));
        }
        let mut node = Node::new(place, data);
        node.tag = compose_tag(tag);
        self.open.push(Open {
            node,
            anchor,
            key: None,
            merges: Vec::new(),
        });
        Ok(())
    }

    fn end(&mut self) -> Result<(), Finding> {
        let Some(mut closed) = self.open.pop() else {
            return Ok(());
        };
        merge_into(&mut closed.node, closed.merges)?;
        self.add(closed.node, closed.anchor, false)
    }

    fn alias(&mut self, place: &Place, anchor: usize) -> Result<(), Finding> {
        let Some(target) = self.anchors.get(&anchor) else {
            return Err(Finding::error(
                place,
                "this alias stands inside its own anchor",
                "give the anchor to something that does not contain the alias",
            ));
        };
        self.nodes += target.size();
        if self.nodes > MAX_NODES {
            return Err(too_large(place));
        }
        if self.open.len() + target.depth() > MAX_DEPTH {
            return Err(too_deep(place));
        }
        let node = target.clone();
        self.add(node, 0, false)
    }

    /// Adds a finished node to what is open; `plain`: it could be a `<<`.
    fn add(&mut self, node: Node, anchor: usize, plain: bool) -> Result<(), Finding> {
        self.nodes += 1;
        if self.nodes > MAX_NODES {
            return Err(too_large(&node.place));
        }
        if anchor > 0 {
            // A copy per anchor: nested anchors would cost depth × size.
            self.nodes += node.size();
            self.anchors.insert(anchor, node.clone());
        }
        let Some(parent) = self.open.last_mut() else {
            self.root = Some(node);
            return Ok(());
        };
        match (&mut parent.node.data, parent.key.take()) {
            (Data::List(items), _) => items.push(node),
            (_, None) => parent.key = Some(key(node, plain)?),
            (Data::Map(_), Some(key)) if key.is_merge && !parent.merges.is_empty() => {
                self.duplicate(&key, parent_line_of_merge(&self.open));
            }
            (Data::Map(_), Some(key)) if key.is_merge => parent.merges.push(node),
            (Data::Map(entries), Some(key)) => {
                match entries.iter().find(|entry| entry.key == key.name) {
                    Some(first) => {
                        let line = first.place.line;
                        self.duplicate(&key, line);
                    }
                    None => entries.push(Entry {
                        key: key.name,
                        place: key.place,
                        value: node,
                    }),
                }
            }
            (Data::Scalar(_), Some(_)) => {}
        }
        Ok(())
    }

    fn duplicate(&mut self, key: &Key, first_line: usize) {
        if self.duplicates.len() < MAX_DUPLICATES {
            self.duplicates.push(Finding::error(
                &key.place,
                format!("{} is already set on line {first_line}", key.name),
                "keep one of the two",
            ));
        }
    }
}

/// The line of the first value of `<<` in the innermost open map.
fn parent_line_of_merge(open: &[Open]) -> usize {
    open.last()
        .and_then(|map| map.merges.first())
        .map_or(0, |node| node.place.line)
}

fn key(node: Node, plain: bool) -> Result<Key, Finding> {
    match node.as_text() {
        Some(name) => Ok(Key {
            is_merge: plain && name == "<<",
            name: name.to_owned(),
            place: node.place,
        }),
        None => Err(Finding::error(
            &node.place,
            format!("a key must be text, not {}", node.what()),
            "put it in quotes",
        )),
    }
}

fn scalar_node(
    place: Place,
    text: &str,
    style: ScalarStyle,
    tag: Option<&Cow<'_, YamlTag>>,
) -> Result<Node, Finding> {
    let core = tag.filter(|tag| tag.is_yaml_core_schema());
    let scalar = match core {
        Some(tag) => scalar::tagged(text, &tag.suffix).ok_or_else(|| {
            let message = format!("{text:?} is not what its tag !!{} says", tag.suffix);
            Finding::error(&place, message, "remove the tag, or correct the value")
        })?,
        None if style == ScalarStyle::Plain => scalar::plain(text),
        None => Scalar {
            written: text.to_owned(),
            kind: super::node::Kind::Text,
        },
    };
    let mut node = Node::new(place, Data::Scalar(scalar));
    node.tag = compose_tag(tag);
    Ok(node)
}

fn compose_tag(tag: Option<&Cow<'_, YamlTag>>) -> Tag {
    match tag.map(|tag| (tag.handle.as_str(), tag.suffix.as_str())) {
        Some(("!", "reset")) => Tag::Reset,
        Some(("!", "override")) => Tag::Override,
        _ => Tag::None,
    }
}

/// Puts what `<<` names into the map: its own keys win, then the first named.
fn merge_into(map: &mut Node, named: Vec<Node>) -> Result<(), Finding> {
    let Data::Map(entries) = &mut map.data else {
        return Ok(());
    };
    let sources = named.into_iter().flat_map(|node| match node.data {
        Data::List(items) => items,
        _ => vec![node],
    });
    for source in sources {
        let place = source.place.clone();
        let Data::Map(more) = source.data else {
            return Err(Finding::error(
                &place,
                "<< needs a mapping, or a list of mappings",
                "write `<<: *name` for an anchor `&name` on a mapping",
            ));
        };
        for entry in more {
            if !entries.iter().any(|own| own.key == entry.key) {
                entries.push(entry);
            }
        }
    }
    Ok(())
}

fn too_deep(place: &Place) -> Finding {
    Finding::error(
        place,
        format!("nested deeper than {MAX_DEPTH} levels"),
        "no Compose file needs that: look for brackets left open above",
    )
}

fn too_large(place: &Place) -> Finding {
    Finding::error(
        place,
        format!("the file holds more than {MAX_NODES} values, aliases counted each time"),
        "no lab needs that: look for aliases of aliases",
    )
}

#[cfg(test)]
mod tests;
