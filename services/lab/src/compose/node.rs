//! A YAML tree in which every key and every value knows where it stands.

use super::finding::Place;

/// A value, where it stands, and how it behaves when it overrides another.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Node {
    pub place: Place,
    pub data: Data,
    pub tag: Tag,
}

/// What a node holds.
#[derive(Debug, Clone, PartialEq)]
pub(super) enum Data {
    Scalar(Scalar),
    List(Vec<Node>),
    Map(Vec<Entry>),
}

/// A scalar as written (for text: its content) and as what YAML reads it.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Scalar {
    pub written: String,
    pub kind: Kind,
}

/// What YAML takes a scalar for.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) enum Kind {
    Null,
    Bool(bool),
    Int(i128),
    Float(f64),
    /// An unquoted date, which Compose's parser turns into a time.
    Date,
    Text,
}

/// A key and its value. Keys are text: Compose refuses any other.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Entry {
    pub key: String,
    pub place: Place,
    pub value: Node,
}

/// Compose's own tags, which act where a file overrides what it extends.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Tag {
    None,
    /// `!reset`: the value that was there goes, and nothing replaces it.
    Reset,
    /// `!override`: replaces the value that was there instead of merging.
    Override,
}

impl Node {
    pub(super) fn new(place: Place, data: Data) -> Self {
        Self {
            place,
            data,
            tag: Tag::None,
        }
    }

    pub(super) fn text(place: Place, text: impl Into<String>) -> Self {
        let scalar = Scalar {
            written: text.into(),
            kind: Kind::Text,
        };
        Self::new(place, Data::Scalar(scalar))
    }

    pub(super) fn null(place: Place) -> Self {
        let scalar = Scalar {
            written: String::new(),
            kind: Kind::Null,
        };
        Self::new(place, Data::Scalar(scalar))
    }

    pub(super) fn is_null(&self) -> bool {
        matches!(&self.data, Data::Scalar(scalar) if scalar.kind == Kind::Null)
    }

    /// The content of a text; `None` for numbers and all else.
    pub(super) fn as_text(&self) -> Option<&str> {
        match &self.data {
            Data::Scalar(Scalar {
                written,
                kind: Kind::Text,
            }) => Some(written),
            _ => None,
        }
    }

    pub(super) fn as_map(&self) -> Option<&[Entry]> {
        match &self.data {
            Data::Map(entries) => Some(entries),
            _ => None,
        }
    }

    /// The entry of a map under this key.
    pub(super) fn entry(&self, key: &str) -> Option<&Entry> {
        self.as_map()?.iter().find(|entry| entry.key == key)
    }

    /// The value of a map under this key, where it is there and not null.
    pub(super) fn get(&self, key: &str) -> Option<&Node> {
        let value = &self.entry(key)?.value;
        (!value.is_null()).then_some(value)
    }

    /// What the node is, for messages.
    pub(super) fn what(&self) -> &'static str {
        match &self.data {
            Data::List(_) => "a list",
            Data::Map(_) => "a mapping",
            Data::Scalar(scalar) => match scalar.kind {
                Kind::Null => "nothing",
                Kind::Bool(_) => "a boolean",
                Kind::Int(_) | Kind::Float(_) => "a number",
                Kind::Date => "a date",
                Kind::Text => "text",
            },
        }
    }

    /// How many nodes the tree has, itself included.
    pub(super) fn size(&self) -> usize {
        1 + self.children().map(Node::size).sum::<usize>()
    }

    /// How many levels the tree has, itself included.
    pub(super) fn depth(&self) -> usize {
        1 + self.children().map(Node::depth).max().unwrap_or(0)
    }

    fn children(&self) -> Box<dyn Iterator<Item = &Node> + '_> {
        match &self.data {
            Data::Scalar(_) => Box::new(std::iter::empty()),
            Data::List(items) => Box::new(items.iter()),
            Data::Map(entries) => Box::new(entries.iter().map(|entry| &entry.value)),
        }
    }
}
