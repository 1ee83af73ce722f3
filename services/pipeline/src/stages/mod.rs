//! The stages: pure functions of items, a module each.

pub mod bracket;
pub mod count;
pub mod lookup;
pub mod parse;
pub mod transform;
pub mod upper;

use crate::item::Item;
use clap::ValueEnum;
use serde::{Deserialize, Serialize};
use std::time::Duration;
use utoipa::ToSchema;

/// A stage by its name.
#[derive(
    Debug,
    Clone,
    Copy,
    PartialEq,
    Eq,
    Hash,
    PartialOrd,
    Ord,
    ValueEnum,
    Serialize,
    Deserialize,
    ToSchema,
)]
#[serde(rename_all = "kebab-case")]
pub enum Stage {
    /// Makes or reads the items.
    Source,
    /// In upper case.
    Upper,
    /// Between brackets.
    Bracket,
    /// Records of an item, their words a space apart.
    Parse,
    /// A set amount of CPU work per item.
    Transform,
    /// A set wait per item.
    Lookup,
    /// The words of a window of items, counted.
    Count,
    /// As it is: the price of a hop alone.
    Pass,
    /// Stores results and checks that each item came once.
    Sink,
}

impl Stage {
    /// Its name, as in a declaration.
    pub fn name(self) -> &'static str {
        match self {
            Self::Source => "source",
            Self::Upper => "upper",
            Self::Bracket => "bracket",
            Self::Parse => "parse",
            Self::Transform => "transform",
            Self::Lookup => "lookup",
            Self::Count => "count",
            Self::Pass => "pass",
            Self::Sink => "sink",
        }
    }

    /// The stage of that name.
    pub fn named(name: &str) -> Option<Self> {
        Self::value_variants()
            .iter()
            .find(|stage| stage.name() == name)
            .copied()
    }
}

/// How much work the stages do, where that can be set.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Work {
    /// What `transform` does to each item.
    pub transform: transform::Cost,
    /// How long `lookup` waits for each item.
    pub lookup: Duration,
    /// How many items make a window of `count`.
    pub window: usize,
}

impl Default for Work {
    fn default() -> Self {
        Self {
            transform: transform::Cost::Micros(1000),
            lookup: Duration::from_millis(1),
            window: 100,
        }
    }
}

/// What a stage does.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Function {
    /// `upper`.
    Upper,
    /// `bracket`.
    Bracket,
    /// `parse`.
    Parse,
    /// `transform`, with so many steps of its loop per item.
    Transform(u64),
    /// `lookup`, with so long a wait per item.
    Lookup(Duration),
    /// `count`, with so many items to a window.
    Count(usize),
    /// `pass`.
    Pass,
}

impl Function {
    /// What `stage` does; `None` for the two ends of a pipeline.
    pub fn of(stage: Stage, work: &Work) -> Option<Self> {
        match stage {
            Stage::Upper => Some(Self::Upper),
            Stage::Bracket => Some(Self::Bracket),
            Stage::Parse => Some(Self::Parse),
            Stage::Transform => Some(Self::Transform(work.transform.steps())),
            Stage::Lookup => Some(Self::Lookup(work.lookup)),
            Stage::Count => Some(Self::Count(work.window.max(1))),
            Stage::Pass => Some(Self::Pass),
            Stage::Source | Stage::Sink => None,
        }
    }

    /// How many items it takes at once: fewer only where no more come.
    pub fn window(&self) -> usize {
        match self {
            Self::Count(window) => *window,
            _ => 1,
        }
    }

    /// Whether each item waits for something else than a CPU.
    pub fn waits(&self) -> bool {
        matches!(self, Self::Lookup(_))
    }

    /// Appends to `out` what becomes of one window of items.
    pub fn apply(&self, window: &[Item], out: &mut Vec<Item>) {
        if let Self::Count(_) = self {
            let payloads = window.iter().map(|item| item.payload.as_slice());
            out.extend(Item::join(window, count::count(payloads)));
            return;
        }
        for item in window {
            match self {
                Self::Upper => out.push(item.with(upper::upper(&item.payload))),
                Self::Bracket => out.push(item.with(bracket::bracket(&item.payload))),
                Self::Parse => item.split(parse::records(&item.payload), out),
                Self::Transform(steps) => {
                    transform::work(&item.payload, *steps);
                    out.push(item.clone());
                }
                Self::Lookup(wait) => {
                    lookup::wait(*wait);
                    out.push(item.clone());
                }
                Self::Pass | Self::Count(_) => out.push(item.clone()),
            }
        }
    }
}
