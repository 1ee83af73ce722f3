//! The pipeline, from a file or from options.

use crate::declaration::Declaration;
use crate::stages::{Work, transform::Cost};
use clap::Args;
use std::ops::RangeInclusive;
use std::path::PathBuf;
use std::time::Duration;

/// Which pipeline.
#[derive(Debug, Clone, Args)]
pub struct DeclarationArgs {
    /// A TOML file that declares it; then the options below say nothing
    #[arg(long, env = "PIPELINE_DECLARATION", value_name = "FILE")]
    pub declaration: Option<PathBuf>,

    /// Its name
    #[arg(long, env = "PIPELINE_NAME", default_value = "pipeline")]
    pub name: String,

    /// Its stages in order, source first and sink last
    #[arg(
        long,
        env = "PIPELINE_STAGES",
        default_value = "source,parse,transform,lookup,sink"
    )]
    pub stages: String,

    /// Items that each queue may hold; for single ones such as 1000,transform=10
    #[arg(long, env = "PIPELINE_CAPACITY", default_value = "1000")]
    pub capacity: String,

    /// CPU time that transform spends on an item, 0s to 60s; or how many steps of its loop, such as 2000000steps
    #[arg(long, env = "PIPELINE_TRANSFORM_COST", default_value = "1ms", value_parser = cost)]
    pub transform_cost: Cost,

    /// Time that lookup waits for an item, 0s to 60s
    #[arg(long, env = "PIPELINE_LOOKUP_WAIT", default_value = "1ms", value_parser = time)]
    pub lookup_wait: Duration,

    /// Items whose words count counts together, 1 to 1000
    #[arg(long, env = "PIPELINE_COUNT_WINDOW", default_value = "100", allow_negative_numbers = true, value_parser = window)]
    pub count_window: usize,
}

/// What a wait or a cost may be.
pub const TIMES: RangeInclusive<Duration> = Duration::ZERO..=Duration::from_mins(1);

/// The most steps of a transform: about a minute.
const MOST_STEPS: u64 = 100_000_000_000;

/// The most items of a window: a step in Redis takes them all at once.
pub const MOST_WINDOW: u64 = 1000;

impl DeclarationArgs {
    /// The pipeline, checked.
    ///
    /// # Errors
    /// Where it cannot be, and why.
    pub fn declaration(&self) -> Result<Declaration, String> {
        if let Some(file) = &self.declaration {
            let name = file.display().to_string();
            let text = std::fs::read_to_string(file)
                .map_err(|error| format!("{name} cannot be read: {error}"))?;
            let declaration = Declaration::from_toml(&text, &name);
            return declaration.map_err(|refused| refused.to_string());
        }
        let work = Work {
            transform: self.transform_cost,
            lookup: self.lookup_wait,
            window: self.count_window,
        };
        let place = |what: &str| format!("--{what} (or PIPELINE_{})", what.to_uppercase());
        Declaration::from_lists(&self.name, &self.stages, &self.capacity, work, place)
            .map_err(|refused| refused.to_string())
    }
}

/// Steps are the same work in each process that is told of them; a time is
/// measured anew in each.
fn cost(text: &str) -> Result<Cost, String> {
    match text.strip_suffix("steps") {
        Some(steps) => {
            service_kit::config::count_within(steps.trim(), 0..=MOST_STEPS).map(Cost::Steps)
        }
        None => time(text).map(|time| Cost::Micros(time.as_micros() as u64)),
    }
}

fn time(text: &str) -> Result<Duration, String> {
    service_kit::config::interval_within(text, &TIMES)
}

fn window(text: &str) -> Result<usize, String> {
    service_kit::config::count_within(text, 1..=MOST_WINDOW).map(|count| count as usize)
}
