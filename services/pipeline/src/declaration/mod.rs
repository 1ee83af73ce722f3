//! A pipeline, declared once: its name, its stages in order, the capacity of each queue.

mod file;

use crate::stages::{Stage, Work};
use std::collections::BTreeMap;

/// The capacity of a queue of which nothing else is said.
pub const USUAL_CAPACITY: u64 = 1000;

/// The most items that a queue may hold.
pub const MOST_CAPACITY: u64 = 10_000_000;

/// The most characters of a name.
const LONGEST_NAME: usize = 64;

/// A pipeline that can be run.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Declaration {
    /// Its name; queues are told apart by it.
    pub name: String,
    /// Its stages in order, `source` first and `sink` last, none twice.
    pub stages: Vec<Stage>,
    /// The capacity of the queue before each stage but the source.
    pub capacities: BTreeMap<Stage, u64>,
    /// How much work the stages do.
    pub work: Work,
}

/// Why a declaration cannot be.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{place}: {reason}")]
pub struct Refused {
    /// Where: the file and line, or the variable, and the part of it.
    pub place: String,
    /// What is wrong there, and what may stand there.
    pub reason: String,
}

/// The parts of a declaration as they were written.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Written {
    pub(crate) name: Part<String>,
    pub(crate) stages: Vec<Part<String>>,
    /// Where the list of stages stands as a whole.
    pub(crate) list: String,
    /// Of all queues of which nothing else is said.
    pub(crate) capacity: Option<Part<u64>>,
    pub(crate) capacities: Vec<(Part<String>, u64)>,
    pub(crate) work: Work,
}

/// Something written, and where.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Part<T> {
    pub(crate) place: String,
    pub(crate) value: T,
}

impl Declaration {
    /// Reads a declaration from the text of a file.
    ///
    /// # Errors
    /// The first thing in it that cannot be, with its line.
    pub fn from_toml(text: &str, file: &str) -> Result<Self, Refused> {
        file::read(text, file)?.checked()
    }

    /// Reads one from the parts that the environment has: stages and
    /// capacities as lists with commas, such as `source,upper,sink` and
    /// `1000,sink=10`. `place` says where each stands.
    ///
    /// # Errors
    /// The first thing in it that cannot be.
    pub fn from_lists(
        name: &str,
        stages: &str,
        capacity: &str,
        work: Work,
        place: impl Fn(&str) -> String,
    ) -> Result<Self, Refused> {
        let list = place("stages");
        let stages = stages.split(',').enumerate().map(|(index, stage)| Part {
            place: format!("{list}, stage {}", index + 1),
            value: stage.trim().to_owned(),
        });
        let mut written = Written {
            name: Part {
                place: place("name"),
                value: name.to_owned(),
            },
            stages: stages.collect(),
            list,
            capacity: None,
            capacities: Vec::new(),
            work,
        };
        let at = place("capacity");
        for part in capacity.split(',').map(str::trim) {
            let (stage, number) = match part.split_once('=') {
                Some((stage, number)) => (Some(stage.trim()), number.trim()),
                None => (None, part),
            };
            let number = service_kit::config::count(number)
                .map_err(|reason| Refused::at(&at, format!("{part:?} {reason}")))?;
            match stage {
                Some(stage) => written.capacities.push((
                    Part {
                        place: at.clone(),
                        value: stage.to_owned(),
                    },
                    number,
                )),
                None if written.capacity.is_some() => {
                    return Err(Refused::at(
                        &at,
                        "gives the capacity of all queues twice; one number, and then stage=number",
                    ));
                }
                None => {
                    written.capacity = Some(Part {
                        place: at.clone(),
                        value: number,
                    });
                }
            }
        }
        written.checked()
    }

    /// The stages between the two ends.
    pub fn inner(&self) -> &[Stage] {
        &self.stages[1..self.stages.len() - 1]
    }

    /// The capacity of the queue before `stage`.
    pub fn capacity(&self, stage: Stage) -> u64 {
        self.capacities
            .get(&stage)
            .copied()
            .unwrap_or(USUAL_CAPACITY)
    }

    /// What each queue may hold, where all may hold as much.
    pub fn common_capacity(&self) -> Option<u64> {
        let mut all = self.capacities.values();
        let first = all.next()?;
        all.all(|capacity| capacity == first).then_some(*first)
    }

    /// The same with one capacity for all queues.
    #[must_use]
    pub fn with_capacity(mut self, capacity: u64) -> Self {
        for of_queue in self.capacities.values_mut() {
            *of_queue = capacity;
        }
        self
    }
}

impl Refused {
    pub(crate) fn at(place: impl Into<String>, reason: impl Into<String>) -> Self {
        Self {
            place: place.into(),
            reason: reason.into(),
        }
    }
}

impl Written {
    fn checked(&self) -> Result<Declaration, Refused> {
        let name = check_name(&self.name)?;
        let stages = self.checked_stages()?;
        let usual = match &self.capacity {
            Some(capacity) => checked_capacity(&capacity.place, capacity.value)?,
            None => USUAL_CAPACITY,
        };
        let mut capacities: BTreeMap<Stage, u64> =
            stages[1..].iter().map(|stage| (*stage, usual)).collect();
        for (stage, capacity) in &self.capacities {
            let known = known_stage(stage)?;
            let capacity = checked_capacity(&stage.place, *capacity)?;
            match capacities.get_mut(&known) {
                Some(of_queue) => *of_queue = capacity,
                None if known == Stage::Source => {
                    return Err(Refused::at(
                        &stage.place,
                        "source has no queue before it, so no capacity",
                    ));
                }
                None => {
                    return Err(Refused::at(
                        &stage.place,
                        format!("{} is no stage of this pipeline", known.name()),
                    ));
                }
            }
        }
        Ok(Declaration {
            name,
            stages,
            capacities,
            work: self.work,
        })
    }

    fn checked_stages(&self) -> Result<Vec<Stage>, Refused> {
        let mut stages: Vec<Stage> = Vec::with_capacity(self.stages.len());
        for part in &self.stages {
            if part.value.is_empty() {
                return Err(Refused::at(
                    &part.place,
                    "a gap: no stage is named here, so items would go nowhere",
                ));
            }
            let stage = known_stage(part)?;
            if let Some(first) = stages.iter().position(|earlier| *earlier == stage) {
                return Err(Refused::at(
                    &part.place,
                    format!(
                        "a cycle: {} is stage {} already, and its queue would get its own items back",
                        stage.name(),
                        first + 1
                    ),
                ));
            }
            stages.push(stage);
        }
        if stages.first() != Some(&Stage::Source) {
            return Err(Refused::at(
                &self.list,
                "a gap: it must begin with source, or no items would come",
            ));
        }
        if stages.last() != Some(&Stage::Sink) {
            return Err(Refused::at(
                &self.list,
                "a gap: it must end with sink, or items would pile up",
            ));
        }
        Ok(stages)
    }
}

fn known_stage(part: &Part<String>) -> Result<Stage, Refused> {
    Stage::named(&part.value).ok_or_else(|| {
        let names = <Stage as clap::ValueEnum>::value_variants()
            .iter()
            .map(|stage| stage.name());
        let names: Vec<&str> = names.collect();
        let nearest = service_kit::problem::nearest(&part.value, names.iter().copied());
        let hint = nearest.map_or(String::new(), |nearest| {
            format!("; did you mean {nearest}?")
        });
        Refused::at(
            &part.place,
            format!(
                "{:?} is no stage; there are {}{hint}",
                part.value,
                names.join(", ")
            ),
        )
    })
}

fn checked_capacity(place: &str, capacity: u64) -> Result<u64, Refused> {
    if capacity == 0 {
        return Err(Refused::at(
            place,
            "a capacity of 0: nothing could ever pass that queue; it must be at least 1",
        ));
    }
    if capacity > MOST_CAPACITY {
        return Err(Refused::at(
            place,
            format!("a capacity of {capacity}: it must be at most {MOST_CAPACITY}"),
        ));
    }
    Ok(capacity)
}

fn check_name(name: &Part<String>) -> Result<String, Refused> {
    let fits = |c: char| c.is_ascii_alphanumeric() || c == '-' || c == '_';
    if name.value.is_empty() || name.value.len() > LONGEST_NAME || !name.value.chars().all(fits) {
        return Err(Refused::at(
            &name.place,
            format!(
                "{:?} must be 1 to {LONGEST_NAME} letters, digits, - or _",
                name.value
            ),
        ));
    }
    Ok(name.value.clone())
}

#[cfg(test)]
mod tests;
