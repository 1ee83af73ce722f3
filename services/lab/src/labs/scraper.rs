//! `lab-scraper`: a thousand pages, three ways of waiting.

mod answers;
mod comparisons;
mod crossing;
mod figures;
mod groups;
mod latency;
mod part;
mod plan;

use super::invariants::{limits_applied, limits_stayed, nothing_lost, sequences_unbroken};
use super::rows::largest;
use super::{Abilities, Counted, Lab, Options, Part, PlannedRow, Witness};
use crate::compose::Component;
use crate::station::Around;
use measure::report::{RunReport, Station};
use serde_json::{Value, json};
use std::collections::BTreeMap;
use std::ops::RangeInclusive;

/// The course's job.
const PAGES: u64 = 1000;

/// What the scraper takes at most, and its names: here too, so that a slip is
/// refused before a station is built. A run asks the station itself.
const MOST_PAGES: u64 = 1_000_000;
const KERNELS: [&str; 3] = ["none", "light", "heavy"];
const STRATEGIES: [&str; 3] = ["sequential", "threads", "async"];

/// How the pages are parsed where nothing else is asked for.
const LIGHT: &str = "light";
const HEAVY: &str = "heavy";

/// The service that serves the pages and counts who asks for them.
const ORIGIN: &str = "origin";

/// Its settings for answers that the scraper gives up: shares of the pages.
const LINGERING: [&str; 3] = [
    "ORIGIN_SLOW_BODY",
    "ORIGIN_ENDLESS_BODY",
    "ORIGIN_ALL_FAULTS",
];

/// The lab.
pub struct Scraper;

impl Lab for Scraper {
    fn name(&self) -> &'static str {
        "lab-scraper"
    }

    fn sizes(&self) -> RangeInclusive<u64> {
        1..=MOST_PAGES
    }

    fn abilities(&self) -> Abilities {
        Abilities {
            kernels: KERNELS.map(str::to_owned).to_vec(),
            strategies: STRATEGIES.map(str::to_owned).to_vec(),
        }
    }

    fn rows(&self, stations: &[Station], options: &Options) -> Result<Vec<PlannedRow>, String> {
        if let Some(several) = stations.iter().find(|s| s.replicas > 1) {
            return Err(format!(
                "{} has {} replicas, and each would fetch all pages: write one",
                several.name, several.replicas
            ));
        }
        let Some(largest) = largest(stations) else {
            return Err("no station can run on this host, so there is nothing to measure".into());
        };
        Ok(plan::rows(stations, largest, options))
    }

    fn objection(&self, options: &Options, around: &Around) -> Option<String> {
        let Some(origin) = around.beside(ORIGIN) else {
            return Some(format!(
                "the lab's Compose file names no {ORIGIN} to run beside the stations: write \
                 `x-parlab: {{needs: [postgres], beside: [{ORIGIN}]}}`"
            ));
        };
        let there_are: u64 = origin.environment.get("ORIGIN_PAGES")?.parse().ok()?;
        let asked = pages(options);
        (asked > there_are).then(|| {
            format!(
                "LIMIT={asked}: {ORIGIN} has {there_are} pages; write another ORIGIN_PAGES in the \
                 lab's Compose file"
            )
        })
    }

    fn request(&self, row: &PlannedRow, part: Part, options: &Options, around: &Around) -> Value {
        json!({
            "origin": around.beside(ORIGIN).map(|origin| &origin.url),
            "pages": part::sampled_pages(row, pages(options), latency_of(around)),
            "strategy": row.strategy,
            "workers": row.workers,
            "kernel": row.kernel,
            "store": store(around),
            "repeats": part.repeats,
            "start_at_seconds": part.start_at_seconds,
        })
    }

    fn share(&self, row: &PlannedRow, options: &Options, around: &Around) -> f64 {
        part::sampled_pages(row, pages(options), latency_of(around)) as f64 / pages(options) as f64
    }

    /// The whole job takes 1.6 s, 64 pages at once: once is enough.
    fn sample_seconds(&self) -> (f64, f64) {
        (1.5, 1.0)
    }

    fn witness(&self) -> Option<Witness> {
        Some(Witness {
            service: ORIGIN,
            forget: "/stats",
            account: "/stats?paths=false",
        })
    }

    fn figures(
        &self,
        row: &PlannedRow,
        counted: Counted,
        options: &Options,
        around: &Around,
    ) -> BTreeMap<String, f64> {
        let job = figures::Job {
            pages: pages(options),
            sampled_pages: part::sampled_pages(row, pages(options), latency_of(around)),
            at_once: row.workers,
            latency_seconds: latency_of(around),
            lingers: lingers(around),
        };
        figures::raw_figures(&job, counted)
    }

    fn parameters(&self, options: &Options, around: &Around) -> Vec<(&'static str, Value)> {
        let latency = around
            .beside(ORIGIN)
            .and_then(|origin| origin.environment.get("ORIGIN_LATENCY"));
        vec![
            ("pages", json!(pages(options))),
            ("latency", json!(latency)),
            ("store", json!(store(around))),
            ("kernel", json!(options.kernel.as_deref().unwrap_or(LIGHT))),
        ]
    }

    fn compare(&self, report: &mut RunReport) {
        report.comparisons = comparisons::named(report);
    }

    fn conclude(&self, report: &mut RunReport) {
        report.invariants = vec![
            answers::stored(report),
            answers::counted_alike(report),
            answers::within_bounds(report),
            limits_applied(report),
            sequences_unbroken(report),
            nothing_lost(report),
        ];
        report.invariants.extend(limits_stayed(report));
        report.groups = groups::groups(report);
    }
}

fn pages(options: &Options) -> u64 {
    options.limit.unwrap_or(PAGES)
}

/// Where the outcomes go: where a database runs, there.
fn store(around: &Around) -> &'static str {
    if around.has(Component::Postgres) {
        "postgres"
    } else {
        "ndjson"
    }
}

/// Whether the origin is set to bodies that outlast the scraper's time-outs or
/// its cap.
fn lingers(around: &Around) -> bool {
    let share = |name: &&str| -> Option<f64> {
        let origin = around.beside(ORIGIN)?;
        origin.environment.get(*name)?.trim().parse().ok()
    };
    LINGERING.iter().filter_map(share).any(|share| share > 0.0)
}

/// How long the origin takes for a page, on average; `None` where its Compose
/// file does not tell.
fn latency_of(around: &Around) -> Option<f64> {
    let origin = around.beside(ORIGIN)?;
    latency::mean_seconds(origin.environment.get("ORIGIN_LATENCY")?)
}

#[cfg(test)]
mod tests;
