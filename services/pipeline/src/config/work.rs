//! How stages work.

use crate::attempt::USUAL_TRIES;
use crate::stages::Stage;
use crate::streams::Settings;
use clap::Args;
use service_kit::config::count_within;
use std::collections::BTreeMap;
use std::str::FromStr;
use std::time::Duration;

/// How stages work.
#[derive(Debug, Clone, Args)]
pub struct WorkArgs {
    /// Threads of each stage but source and sink, 1 to 256; for single ones such as 1,transform=4
    #[arg(long, env = "PIPELINE_THREADS", default_value = "1")]
    pub threads: PerStage,

    /// How often an item is tried that makes a stage panic, 1 to 100
    #[arg(long, env = "PIPELINE_TRIES", default_value_t = USUAL_TRIES, value_parser = clap::value_parser!(u32).range(1..=100))]
    pub tries: u32,

    /// A fault to try things with: items that hold TEXT make STAGE panic
    #[arg(long, env = "PIPELINE_POISON", value_name = "STAGE=TEXT")]
    pub poison: Option<Poison>,

    /// The most items that a thread takes from Redis at once, 1 to 1024
    #[arg(long, env = "PIPELINE_BATCH", default_value = "512", allow_negative_numbers = true, value_parser = batch)]
    pub batch: usize,

    /// How long nothing may be heard of an item's consumer until another takes
    /// the item over, 100ms to 1h
    #[arg(long, env = "PIPELINE_CLAIM_AFTER", default_value = "5s", value_parser = claim_after)]
    pub claim_after: Duration,

    /// How often an item is given to a consumer before it goes to the dead letters, 1 to 1000
    #[arg(long, env = "PIPELINE_DELIVERIES", default_value_t = 5, value_parser = clap::value_parser!(u32).range(1..=1000))]
    pub deliveries: u32,
}

/// Threads by stage.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PerStage {
    usual: usize,
    of_stages: BTreeMap<Stage, usize>,
}

/// What makes an item poison.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Poison {
    /// For this stage.
    pub stage: Stage,
    /// An item that holds this.
    pub text: String,
}

impl PerStage {
    /// How many `stage` has.
    pub fn of(&self, stage: Stage) -> usize {
        self.of_stages.get(&stage).copied().unwrap_or(self.usual)
    }
}

impl FromStr for PerStage {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let mut threads = Self {
            usual: 1,
            of_stages: BTreeMap::new(),
        };
        for part in text.split(',').map(str::trim) {
            match part.split_once('=') {
                None => threads.usual = count_within(part, 1..=256)? as usize,
                Some((stage, count)) => {
                    let stage = stage.trim();
                    let stage =
                        Stage::named(stage).ok_or_else(|| format!("{stage:?} is no stage"))?;
                    let count = count_within(count.trim(), 1..=256)? as usize;
                    threads.of_stages.insert(stage, count);
                }
            }
        }
        Ok(threads)
    }
}

impl FromStr for Poison {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let (stage, text) = text
            .split_once('=')
            .ok_or("must be a stage and a text, such as upper=bad")?;
        let stage = Stage::named(stage).ok_or_else(|| format!("{stage:?} is no stage"))?;
        Ok(Self {
            stage,
            text: text.to_owned(),
        })
    }
}

impl WorkArgs {
    /// How `stage` works over Redis.
    pub fn settings(&self, stage: Stage) -> Settings {
        Settings {
            threads: self.threads.of(stage),
            batch: self.batch,
            claim_after: self.claim_after,
            deliveries: self.deliveries,
            tries: self.tries,
            poison: self.poison_of(stage),
        }
    }

    /// What makes an item poison for `stage`.
    pub fn poison_of(&self, stage: Stage) -> Option<Vec<u8>> {
        let poison = self
            .poison
            .as_ref()
            .filter(|poison| poison.stage == stage)?;
        Some(poison.text.clone().into_bytes())
    }
}

fn batch(text: &str) -> Result<usize, String> {
    count_within(text, 1..=1024).map(|count| count as usize)
}

fn claim_after(text: &str) -> Result<Duration, String> {
    let allowed = Duration::from_millis(100)..=Duration::from_hours(1);
    service_kit::config::interval_within(text, &allowed)
}
