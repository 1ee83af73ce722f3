//! Typed access to the keys of a YAML mapping, with a finding where a value
//! is of another type than Compose takes.

use super::reaches_otherwise;
use crate::compose::finding::{Finding, Place};
use crate::compose::interpolate::Environment;
use crate::compose::merge;
use crate::compose::node::{Data, Kind, Node};
use crate::compose::units;
use std::collections::{BTreeMap, BTreeSet};
use std::path::{Component, Path, PathBuf};

/// Reads one service.
pub(super) struct Reader<'a> {
    pub service: &'a str,
    folder: &'a Path,
    pub env: &'a Environment,
    pub findings: Vec<Finding>,
}

impl<'a> Reader<'a> {
    pub(super) fn new(service: &'a str, folder: &'a Path, env: &'a Environment) -> Self {
        Self {
            service,
            folder,
            env,
            findings: Vec::new(),
        }
    }

    pub(super) fn error(&mut self, node: &Node, message: String, hint: &str) {
        self.error_at(&node.place, message, hint);
    }

    pub(super) fn error_at(&mut self, place: &Place, message: String, hint: &str) {
        let finding = Finding::error(place, message, hint);
        self.findings.push(finding.of(self.service));
    }

    /// The value is not what the key takes.
    pub(super) fn refuse(&mut self, node: &Node, key: &str, wanted: &str, hint: &str) {
        let given = match &node.data {
            Data::Scalar(scalar) if scalar.kind == Kind::Text => format!("{:?}", scalar.written),
            Data::Scalar(scalar) if !scalar.written.is_empty() => scalar.written.clone(),
            _ => node.what().to_owned(),
        };
        self.error(node, format!("{key}: {given} is not {wanted}"), hint);
    }

    pub(super) fn text(&mut self, map: &Node, key: &str) -> Option<String> {
        let node = map.get(key)?;
        let text = self.as_text(node, key)?;
        // Compose takes blank for absent.
        (!text.is_empty()).then_some(text)
    }

    fn as_text(&mut self, node: &Node, key: &str) -> Option<String> {
        if let Some(text) = node.as_text() {
            return Some(text.to_owned());
        }
        let hint = match &node.data {
            Data::Scalar(scalar) => format!("put it in quotes: \"{}\"", scalar.written),
            _ => "write a single value".to_owned(),
        };
        self.refuse(node, key, "text", &hint);
        None
    }

    pub(super) fn texts(&mut self, map: &Node, key: &str) -> Vec<String> {
        match map.get(key) {
            Some(node) => self.as_texts(node, key),
            None => Vec::new(),
        }
    }

    pub(super) fn one_or_more_texts(&mut self, map: &Node, key: &str) -> Vec<String> {
        match map.get(key) {
            Some(node) => self.as_texts(&merge::values(node.clone()), key),
            None => Vec::new(),
        }
    }

    fn as_texts(&mut self, node: &Node, key: &str) -> Vec<String> {
        let Data::List(items) = &node.data else {
            self.refuse(node, key, "a list", "put it in [ ]");
            return Vec::new();
        };
        items
            .iter()
            .filter_map(|item| self.as_text(item, key))
            .collect()
    }

    /// Compose refuses the same text twice here, also when one is inherited.
    pub(super) fn texts_once_each(&mut self, map: &Node, key: &str) -> Vec<String> {
        let texts = self.texts(map, key);
        if let Some(Data::List(items)) = map.get(key).map(|node| &node.data) {
            let mut seen = BTreeSet::new();
            for item in items {
                if !item.as_text().is_none_or(|text| seen.insert(text)) {
                    self.refuse(
                        item,
                        key,
                        "given once only",
                        "remove it here: the service that is extended has it, or this list",
                    );
                }
            }
        }
        texts
    }

    /// A list of words, or a line that is split into them.
    pub(super) fn command(&mut self, map: &Node, key: &str) -> Option<Vec<String>> {
        let node = map.get(key)?;
        let Some(line) = node.as_text() else {
            return Some(self.as_texts(node, key));
        };
        let words = units::words(line);
        if words.is_none() {
            self.refuse(node, key, "a command", "close the quote, or write a list");
        }
        words
    }

    pub(super) fn boolean(&mut self, map: &Node, key: &str) -> Option<bool> {
        let node = map.get(key)?;
        let value = match &node.data {
            Data::Scalar(scalar) => match scalar.kind {
                Kind::Bool(value) => Some(value),
                Kind::Text => match scalar.written.to_ascii_lowercase().as_str() {
                    "true" | "yes" | "y" | "on" | "1" => Some(true),
                    "false" | "no" | "n" | "off" | "0" => Some(false),
                    _ => None,
                },
                _ => None,
            },
            _ => None,
        };
        if value.is_none() {
            self.refuse(node, key, "true or false", "write true or false");
        }
        value
    }

    /// A number, also as text: a variable always gives text.
    pub(super) fn number(&mut self, map: &Node, key: &str, hint: &str) -> Option<f64> {
        let node = map.get(key)?;
        let value = number_in(node);
        if value.is_none() {
            self.refuse(node, key, "a number", hint);
        }
        value
    }

    pub(super) fn integer(&mut self, map: &Node, key: &str) -> Option<i64> {
        let node = map.get(key)?;
        let value = match node.as_text() {
            Some(text) => text.parse().ok(),
            None => number_in(node)
                .filter(|value| value.fract() == 0.0 && value.abs() < 1e15)
                .map(|value| value as i64),
        };
        if value.is_none() {
            self.refuse(node, key, "a whole number", "write one such as 2");
        }
        value
    }

    /// Bytes; `as_number`: whether Compose takes a bare number too.
    pub(super) fn bytes(&mut self, map: &Node, key: &str, as_number: bool) -> Option<u64> {
        let node = map.get(key)?;
        let hint = "write a size such as 256M or 1.5G";
        let bytes = match &node.data {
            Data::Scalar(scalar) if scalar.kind == Kind::Text || as_number => {
                units::bytes(&scalar.written)
            }
            Data::Scalar(scalar) if matches!(scalar.kind, Kind::Int(_)) => {
                self.refuse(node, key, "text", "write a unit, such as 256M, or quotes");
                return None;
            }
            _ => None,
        };
        match bytes {
            None => self.refuse(node, key, "a size", hint),
            // Compose takes 0 for no limit at all, which nobody means.
            Some(0) => self.refuse(node, key, "a limit", hint),
            Some(_) => {}
        }
        bytes.filter(|bytes| *bytes > 0)
    }

    pub(super) fn duration(&mut self, map: &Node, key: &str) -> Option<String> {
        let text = self.text(map, key)?;
        let duration = units::go_duration(&text);
        if let (None, Some(node)) = (&duration, map.get(key)) {
            self.refuse(node, key, "a duration", "write one such as 5s or 1m30s");
        }
        duration
    }

    /// A mapping, or a list of `A=1`; values as the container sees them.
    pub(super) fn pairs(&mut self, map: &Node, key: &str) -> BTreeMap<String, Option<String>> {
        let Some(node) = map.get(key) else {
            return BTreeMap::new();
        };
        let node = merge::pairs(node.clone());
        let Data::Map(entries) = &node.data else {
            self.refuse(
                &node,
                key,
                "a mapping",
                "write NAME: value, or [NAME=value]",
            );
            return BTreeMap::new();
        };
        entries
            .iter()
            .map(|entry| (entry.key.clone(), self.pair_value(&entry.key, &entry.value)))
            .collect()
    }

    fn pair_value(&mut self, name: &str, node: &Node) -> Option<String> {
        let Data::Scalar(scalar) = &node.data else {
            self.refuse(node, name, "a single value", "write it as one text");
            return None;
        };
        match scalar.kind {
            Kind::Null => return None,
            Kind::Date => {
                self.refuse(node, name, "text", "put the date in quotes");
                return None;
            }
            Kind::Float(value) if !value.is_finite() => {
                self.refuse(node, name, "a finite number", "put it in quotes");
                return None;
            }
            _ => {}
        }
        if let Some(rendered) = reaches_otherwise(node) {
            let written = &scalar.written;
            let finding = Finding::warning(
                &node.place,
                format!("{name}: {written} reaches the container as {rendered}"),
                format!("put it in quotes: \"{written}\""),
            );
            self.findings.push(finding.of(self.service));
        }
        Some(scalar.rendered())
    }

    /// An absolute path from one that counts from the file that names it.
    pub(super) fn path(&mut self, node: &Node, key: &str) -> String {
        match self.as_text(node, key) {
            Some(path) => self.resolve(node, &path),
            None => String::new(),
        }
    }

    /// `path`, made absolute from the folder of the file where `node` stands.
    pub(super) fn resolve(&self, node: &Node, path: &str) -> String {
        let home = self.env.get("HOME").map_or("", String::as_str);
        let path = match path.strip_prefix('~') {
            Some(rest) if rest.is_empty() || rest.starts_with('/') => format!("{home}{rest}"),
            _ => path.to_owned(),
        };
        let file = self.folder.join(node.place.file.as_ref());
        let base = file.parent().unwrap_or(self.folder);
        tidy(&base.join(path)).to_string_lossy().into_owned()
    }
}

/// Without `.` and `..`, which is done on the text alone, as Compose does it.
fn tidy(path: &Path) -> PathBuf {
    let mut tidy = PathBuf::new();
    for part in path.components() {
        match part {
            Component::CurDir => {}
            Component::ParentDir => {
                tidy.pop();
            }
            part => tidy.push(part),
        }
    }
    tidy
}

fn number_in(node: &Node) -> Option<f64> {
    let Data::Scalar(scalar) = &node.data else {
        return None;
    };
    let value = match scalar.kind {
        Kind::Int(value) => value as f64,
        Kind::Float(value) => value,
        // Rust would read "inf" and "nan" too, which no file means.
        Kind::Text => scalar.written.parse().ok()?,
        _ => return None,
    };
    value.is_finite().then_some(value)
}
