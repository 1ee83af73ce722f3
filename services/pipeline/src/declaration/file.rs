//! A declaration as a TOML file.

use super::{Part, Refused, Written};
use crate::stages::{Work, transform::Cost};
use serde::Deserialize;
use std::collections::BTreeMap;
use std::time::Duration;
use toml::Spanned;

/// The file's shape.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct File {
    name: Spanned<String>,
    stages: Spanned<Vec<Spanned<String>>>,
    capacity: Option<Spanned<u64>>,
    #[serde(default)]
    capacities: BTreeMap<Spanned<String>, Spanned<u64>>,
    transform: Option<Transform>,
    lookup: Option<Lookup>,
    count: Option<Count>,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Transform {
    cost_micros: u64,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Lookup {
    wait_micros: u64,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Count {
    window: Spanned<usize>,
}

/// Reads the file's parts; they are not checked yet.
pub(super) fn read(text: &str, file: &str) -> Result<Written, Refused> {
    let parsed: File = toml::from_str(text).map_err(|error| {
        let line = error.span().map(|span| line_of(text, span.start));
        let place = line.map_or(file.to_owned(), |line| format!("{file}:{line}"));
        Refused::at(place, error.message().trim())
    })?;
    let place = |offset: usize| format!("{file}:{}", line_of(text, offset));
    let usual = Work::default();
    let window = match &parsed.count {
        Some(count) if *count.window.get_ref() == 0 => {
            return Err(Refused::at(
                place(count.window.span().start),
                "a window of 0 items would never be full; it must be at least 1",
            ));
        }
        Some(count) => *count.window.get_ref(),
        None => usual.window,
    };
    Ok(Written {
        list: place(parsed.stages.span().start),
        stages: parsed
            .stages
            .into_inner()
            .into_iter()
            .enumerate()
            .map(|(index, stage)| Part {
                place: format!("{}, stage {}", place(stage.span().start), index + 1),
                value: stage.into_inner(),
            })
            .collect(),
        name: part(parsed.name, place),
        capacity: parsed.capacity.map(|capacity| part(capacity, place)),
        capacities: parsed
            .capacities
            .into_iter()
            .map(|(stage, capacity)| (part(stage, place), capacity.into_inner()))
            .collect(),
        work: Work {
            transform: parsed
                .transform
                .map_or(usual.transform, |work| Cost::Micros(work.cost_micros)),
            lookup: parsed
                .lookup
                .map_or(usual.lookup, |work| Duration::from_micros(work.wait_micros)),
            window,
        },
    })
}

fn part<T>(spanned: Spanned<T>, place: impl Fn(usize) -> String) -> Part<T> {
    Part {
        place: place(spanned.span().start),
        value: spanned.into_inner(),
    }
}

fn line_of(text: &str, offset: usize) -> usize {
    // A span of the parser is within the text, and between characters.
    let before = text.get(..offset).unwrap_or(text);
    1 + before.matches('\n').count()
}
