//! A run, as it is recorded in Redis: what was asked for, and how far it is.
//!
//! The stages learn from it where items go next and how much work they are, so a
//! pipeline is declared once, at its source.

use super::link::Link;
use crate::declaration::Declaration;
use crate::stages::{Stage, Work, transform::Cost};
use crate::tally::{Exactness, Tally};
use redis::{Cmd, Value};
use redis_link::Trouble;
use redis_link::answer::{array, text};
use std::collections::{BTreeMap, HashMap};
use std::time::Duration;

/// Seconds after which a run that has ended is forgotten.
pub const FORGOTTEN_AFTER_SECONDS: u64 = 24 * 3600;

/// What a run is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Run {
    /// Its id.
    pub id: String,
    /// Its stages in order.
    pub stages: Vec<Stage>,
    /// The capacity of the queue before each stage but the source.
    pub capacities: BTreeMap<Stage, u64>,
    /// How much work the stages do.
    pub work: Work,
    /// The results of so many items, the first ones, are kept.
    pub keep: u64,
}

/// How far a run is.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct State {
    /// Items that the source has given.
    pub given: u64,
    /// Each stage's counts.
    pub stages: BTreeMap<Stage, StageState>,
    /// What the sink has got.
    pub sink: Tally,
    /// Items that came to the sink though they had been there.
    pub doubled: u64,
    /// When the mark passed each stage: nanoseconds of the monotonic clock.
    pub done: BTreeMap<Stage, u64>,
}

/// A stage's counts, all replicas together.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct StageState {
    /// Items it is done with.
    pub taken: u64,
    /// Items it gave on.
    pub given: u64,
    /// Items among the dead letters.
    pub dead: u64,
}

impl Run {
    /// A run of `declaration`. What `transform` does is set here, in steps, so
    /// that all replicas do the same work.
    pub fn new(id: String, declaration: &Declaration, keep: u64) -> Self {
        let work = Work {
            transform: Cost::Steps(declaration.work.transform.steps()),
            ..declaration.work
        };
        Self {
            id,
            stages: declaration.stages.clone(),
            capacities: declaration.capacities.clone(),
            work,
            keep,
        }
    }

    /// The stage after `stage`.
    pub fn after(&self, stage: Stage) -> Option<Stage> {
        let at = self.stages.iter().position(|known| *known == stage)?;
        self.stages.get(at + 1).copied()
    }

    /// The stage before `stage`.
    pub fn before(&self, stage: Stage) -> Option<Stage> {
        let at = self.stages.iter().position(|known| *known == stage)?;
        self.stages.get(at.checked_sub(1)?).copied()
    }

    /// The capacity of the queue before `stage`.
    pub fn capacity(&self, stage: Stage) -> u64 {
        self.capacities.get(&stage).copied().unwrap_or(1)
    }

    /// Down to how many items the queue before `stage` must be until those are
    /// woken that wait for room.
    pub fn low(&self, stage: Stage) -> u64 {
        self.capacity(stage) / 2
    }

    /// Records it, and makes its queues, unless it is there: then what stands
    /// there is the run.
    ///
    /// # Errors
    /// When Redis is away or will not have it.
    pub fn record(&self, link: &mut Link) -> Result<(), Trouble> {
        let key = link.server.keys.run(&self.id);
        if Self::read(link, &self.id)?.is_some() {
            return Ok(());
        }
        for stage in self.capacities.keys() {
            link.make_queue(*stage)?;
        }
        let mut set = redis::cmd("HSET");
        set.arg(key);
        for (field, value) in self.fields() {
            set.arg(field).arg(value);
        }
        link.ask_one(set).map(drop)
    }

    /// Reads a run's record; `None` where there is none.
    ///
    /// # Errors
    /// When Redis is away.
    pub fn read(link: &mut Link, id: &str) -> Result<Option<Self>, Trouble> {
        let fields = fields_of(link, id)?;
        Ok(Self::of_fields(id, &fields))
    }

    fn fields(&self) -> Vec<(&'static str, String)> {
        let names: Vec<&str> = self.stages.iter().map(|stage| stage.name()).collect();
        let capacities = self.capacities.iter();
        let capacities: Vec<String> = capacities
            .map(|(stage, capacity)| format!("{}={capacity}", stage.name()))
            .collect();
        vec![
            ("stages", names.join(",")),
            ("capacities", capacities.join(",")),
            ("transform.steps", self.work.transform.steps().to_string()),
            ("lookup.micros", self.work.lookup.as_micros().to_string()),
            ("count.window", self.work.window.to_string()),
            ("keep", self.keep.to_string()),
            ("source.out", "0".into()),
        ]
    }

    fn of_fields(id: &str, fields: &HashMap<String, String>) -> Option<Self> {
        let number = |name: &str| fields.get(name)?.parse::<u64>().ok();
        let stages = fields.get("stages")?.split(',').map(Stage::named);
        let capacities = fields.get("capacities")?.split(',').map(|pair| {
            let (stage, capacity) = pair.split_once('=')?;
            Some((Stage::named(stage)?, capacity.parse().ok()?))
        });
        Some(Self {
            id: id.to_owned(),
            stages: stages.collect::<Option<_>>()?,
            capacities: capacities.collect::<Option<_>>()?,
            work: Work {
                transform: Cost::Steps(number("transform.steps")?),
                lookup: Duration::from_micros(number("lookup.micros")?),
                window: number("count.window")? as usize,
            },
            keep: number("keep")?,
        })
    }
}

impl State {
    /// Reads how far the run is.
    ///
    /// # Errors
    /// When Redis is away.
    pub fn read(link: &mut Link, run: &Run) -> Result<Self, Trouble> {
        let fields = fields_of(link, &run.id)?;
        let number = |name: String| -> u64 {
            let value = fields.get(&name).and_then(|value| value.parse().ok());
            value.unwrap_or(0)
        };
        let both = |name: &str| {
            let high = number(format!("sink.{name}.high"));
            (high << 32).wrapping_add(number(format!("sink.{name}.low")))
        };
        let counts = |stage: &Stage| {
            let count = |what: &str| number(format!("{}.{what}", stage.name()));
            let state = StageState {
                taken: count("in"),
                given: count("out"),
                dead: count("dead"),
            };
            (*stage, state)
        };
        let done = run.stages.iter().filter_map(|stage| {
            let at = fields.get(&format!("{}.done", stage.name()))?;
            Some((*stage, at.parse().ok()?))
        });
        Ok(Self {
            given: number("source.out".into()),
            stages: run.stages.iter().map(counts).collect(),
            sink: Tally {
                items: number("sink.in".into()),
                weight: number("sink.weight".into()),
                tags: both("tag"),
                content: both("content"),
                bytes: number("sink.bytes".into()),
            },
            doubled: number("sink.doubled".into()),
            done: done.collect(),
        })
    }

    /// Whether the mark has come to the end.
    pub fn has_ended(&self) -> bool {
        self.done.contains_key(&Stage::Sink)
    }

    /// Whether each item came to an end exactly once; `dead` are the run's dead letters.
    pub fn exactness(&self, dead: &Tally) -> Exactness {
        Exactness::of(self.given, &self.sink, dead)
    }
}

fn fields_of(link: &mut Link, id: &str) -> Result<HashMap<String, String>, Trouble> {
    let mut get = Cmd::new();
    get.arg("HGETALL").arg(link.server.keys.run(id));
    let answer = match link.ask_one(get)? {
        Value::Map(pairs) => pairs.into_iter().flat_map(|(k, v)| [k, v]).collect(),
        answer => array(answer),
    };
    let mut words = answer
        .into_iter()
        .map(|value| text(value).unwrap_or_default());
    let mut fields = HashMap::new();
    while let (Some(name), Some(value)) = (words.next(), words.next()) {
        fields.insert(name, value);
    }
    Ok(fields)
}
