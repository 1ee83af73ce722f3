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

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;
    use proptest::prelude::*;

    fn functions() -> impl Strategy<Value = Function> {
        prop_oneof![
            Just(Function::Upper),
            Just(Function::Bracket),
            Just(Function::Parse),
            Just(Function::Transform(10)),
            Just(Function::Lookup(Duration::ZERO)),
            (1..9_usize).prop_map(Function::Count),
            Just(Function::Pass),
        ]
    }

    /// What becomes of items that go through a stage one window after the other.
    fn through(function: Function, items: &[Item]) -> Vec<Item> {
        let mut out = Vec::new();
        for window in items.chunks(function.window()) {
            function.apply(window, &mut out);
        }
        out
    }

    proptest! {
        #[test]
        fn any_stages_in_any_order_conserve_the_sums(
            payloads in proptest::collection::vec(proptest::collection::vec(any::<u8>(), 0..30), 1..30),
            stages in proptest::collection::vec(functions(), 0..6),
        ) {
            let given = payloads.into_iter().enumerate();
            let given: Vec<Item> = given
                .map(|(seq, payload)| Item::new(seq as u64, 7, payload))
                .collect();
            let sums = |items: &[Item]| {
                let mut tally = crate::tally::Tally::default();
                for item in items {
                    tally.add(item);
                }
                (tally.weight, tally.tags)
            };

            let come = stages.iter().fold(given.clone(), |items, stage| through(*stage, &items));

            prop_assert_eq!(sums(&come), sums(&given));
            prop_assert!(come.iter().all(|item| item.born == 7));
        }

        #[test]
        fn a_stage_does_the_same_to_an_item_whatever_is_beside_it(
            payload in proptest::collection::vec(any::<u8>(), 0..30),
            other in proptest::collection::vec(any::<u8>(), 0..30),
            function in functions(),
        ) {
            prop_assume!(function.window() == 1);
            let items = [Item::new(0, 0, payload), Item::new(1, 0, other)];

            let alone = through(function, &items[..1]);

            prop_assert_eq!(&through(function, &items)[..alone.len()], &alone[..]);
        }
    }

    #[test]
    fn a_stage_is_found_by_its_name() {
        for stage in Stage::value_variants() {
            assert_eq!(Stage::named(stage.name()), Some(*stage));
        }
        assert_eq!(Stage::named("Upper"), None);
    }
}
