//! `lab-pipeline`: stages over Redis Streams, and the one that sets the pace.

mod comparisons;
mod groups;
mod invariants;
mod plan;
#[cfg(test)]
mod tests;

use super::invariants::{limits_applied, limits_stayed, nothing_lost};
use super::rows::names_known;
use super::staged::{Member, Staged, StagedDeed, StagedDrill};
use super::{Abilities, Lab, Options, Part, PlannedRow};
use crate::compose::Component;
use crate::station::Around;
use measure::report::{RunReport, Station, WorkersAre};
use plan::Way;
use serde_json::{Value, json};
use std::ops::RangeInclusive;

/// Items of one job: two seconds at what the file declares.
const ITEMS: u64 = 1000;

/// The same of a quick run.
const QUICK_ITEMS: u64 = 500;

/// The most items of a job that the service takes and a person waits for.
const MOST_ITEMS: u64 = 10_000_000;

/// There is one thing that its stages compute.
const KERNEL: &str = "pipeline";

/// The stations, by what they are.
const SOURCE: &str = "source";
const TRANSFORM: &str = "transform";
const ONE_CPU: &str = "transform-one";
const SINK: &str = "sink";
const IN_PROCESS: &str = "in-process";

/// The stages over Redis in order, `transform` among them.
const STAGES: [&str; 5] = [SOURCE, "parse", TRANSFORM, "lookup", SINK];

/// How long Redis stands still in its drill.
const PAUSE_SECONDS: f64 = 3.0;

/// The lab.
pub struct Pipeline;

impl Lab for Pipeline {
    fn name(&self) -> &'static str {
        "lab-pipeline"
    }

    fn sizes(&self) -> RangeInclusive<u64> {
        1..=MOST_ITEMS
    }

    fn abilities(&self) -> Abilities {
        Abilities {
            kernels: vec![KERNEL.to_owned()],
            strategies: Way::all().iter().map(Way::name).collect(),
        }
    }

    fn check(
        &self,
        options: &Options,
        stations: &[String],
        abilities: &Abilities,
    ) -> Result<(), String> {
        names_known(options, stations, abilities)?;
        if options.workers.is_empty() {
            return Ok(());
        }
        Err(
            "WORKERS: this lab has replicas instead: write TRANSFORM=4, or `replicas:` in its \
             Compose file"
                .to_owned(),
        )
    }

    fn rows(&self, stations: &[Station], options: &Options) -> Result<Vec<PlannedRow>, String> {
        let is_there = |name: &&&str| stations.iter().any(|station| station.name == **name);
        if let Some(missing) = STAGES.iter().find(|name| !is_there(name)) {
            return Err(format!(
                "the lab's Compose file has no station {missing}: the pipeline is {}",
                STAGES.join(", ")
            ));
        }
        Ok(plan::rows(stations, options))
    }

    fn objection(&self, _options: &Options, around: &Around) -> Option<String> {
        (!around.has(Component::Redis)).then(|| {
            "the lab's Compose file names no redis between the stages: write `x-parlab: {needs: \
             [redis]}`"
                .to_owned()
        })
    }

    fn request(&self, row: &PlannedRow, part: Part, options: &Options, _around: &Around) -> Value {
        let capacity = Way::of(row).and_then(Way::capacity);
        let mut body = json!({
            "items": self.job_items(options),
            "repeats": part.repeats,
            "start_at_seconds": part.start_at_seconds,
        });
        if let Some(capacity) = capacity {
            body["capacity"] = capacity.into();
        }
        body
    }

    /// Fifteen periods of the quota.
    fn sample_seconds(&self) -> (f64, f64) {
        (1.5, 1.5)
    }

    fn workers_are(&self) -> WorkersAre {
        WorkersAre::Threads
    }

    fn staged(&self) -> Option<&dyn Staged> {
        Some(self)
    }

    fn parameters(&self, options: &Options, _around: &Around) -> Vec<(&'static str, Value)> {
        vec![("items", json!(self.job_items(options)))]
    }

    fn compare(&self, report: &mut RunReport) {
        report.comparisons = comparisons::named(report);
    }

    fn conclude(&self, report: &mut RunReport) {
        report.invariants = vec![
            invariants::exactly_once(report),
            invariants::through_every_stage(report),
            invariants::survived(report),
            limits_applied(report),
            invariants::nothing_else_ran(report),
            nothing_lost(report),
        ];
        report.invariants.extend(limits_stayed(report));
        report.groups = groups::groups(report);
    }
}

impl Staged for Pipeline {
    fn members(&self, row: &PlannedRow, stations: &[Station]) -> Vec<Member> {
        if row.station == IN_PROCESS {
            return vec![Member {
                station: IN_PROCESS.to_owned(),
                replicas: 1,
            }];
        }
        let declared = |name: &str| {
            let station = stations.iter().find(|station| station.name == name);
            station.map_or(1, |station| station.replicas.max(1))
        };
        let way = Way::of(row);
        let members = STAGES.iter().map(|&stage| match stage {
            TRANSFORM => Member {
                station: row.station.clone(),
                replicas: way
                    .and_then(Way::replicas)
                    .unwrap_or_else(|| declared(&row.station)),
            },
            _ => Member {
                station: stage.to_owned(),
                replicas: declared(stage),
            },
        });
        members.collect()
    }

    fn absent(&self, row: &PlannedRow) -> Vec<&'static str> {
        match row.station.as_str() {
            TRANSFORM => vec![ONE_CPU],
            ONE_CPU => vec![TRANSFORM],
            // Whoever is up waits for items that do not come.
            _ => Vec::new(),
        }
    }

    fn at_rest(&self, stations: &[Station]) -> Vec<Member> {
        let transform = stations.iter().filter(|station| station.name == TRANSFORM);
        let member = |station: &Station| Member {
            station: station.name.clone(),
            replicas: station.replicas,
        };
        transform.map(member).collect()
    }

    fn job_items(&self, options: &Options) -> u64 {
        let usual = if options.quick { QUICK_ITEMS } else { ITEMS };
        options.limit.unwrap_or(usual)
    }

    fn drills(&self, options: &Options) -> Vec<StagedDrill> {
        if !options.strategies.is_empty() || !options.stations.is_empty() {
            return Vec::new();
        }
        let drill = |name, deed| StagedDrill {
            name,
            row: plan::row(TRANSFORM, Way::Replicas(2)),
            deed,
            at_seconds: 0.4,
            items: 2 * self.job_items(options),
        };
        vec![
            drill(
                "a replica of transform crashes",
                StagedDeed::Crash(TRANSFORM),
            ),
            drill("the sink crashes", StagedDeed::Crash(SINK)),
            drill(
                "Redis stands still for 3 s",
                StagedDeed::Pause(Component::Redis, PAUSE_SECONDS),
            ),
        ]
    }
}
